"""Import modules one after another, and fail where one changes a setting of the process.

    python -m tests.imports vae ui.view …

Inside a page of Streamlit, since its components can be declared in no other place.
"""

import sys

from streamlit.testing.v1 import AppTest


def import_all(names: list[str]) -> None:
    """Import the modules. Raises RuntimeError, naming the first that changes a setting and which.

    Streamlit runs the text of this function, so that it holds all that it needs.
    """
    import gc
    import importlib

    import gradio  # noqa: F401  # with all that it changes itself
    import torch
    from huggingface_hub import constants
    from huggingface_hub.utils import _http
    from starlette.formparsers import MultiPartParser

    def open_files() -> tuple[int, int] | None:
        try:
            import resource
        except ImportError:  # Windows has no such limit
            return None
        return resource.getrlimit(resource.RLIMIT_NOFILE)

    def settings() -> dict[str, object]:
        return {
            "torch.get_num_threads": torch.get_num_threads(),
            "gc": (gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()),
            "MultiPartParser.spool_max_size": MultiPartParser.spool_max_size,
            "the Hub's client": _http._GLOBAL_CLIENT_FACTORY,
            "open files": open_files(),
            **{name: value for name, value in vars(constants).items() if name.isupper()},
        }

    before = settings()
    for name in names:
        importlib.import_module(name)
        changed = sorted(key for key, value in settings().items() if value != before[key])
        if changed:
            raise RuntimeError(f"importing {name} changes {', '.join(changed)}")


if __name__ == "__main__":
    app = AppTest.from_function(import_all, default_timeout=600, args=(sys.argv[1:],)).run()
    sys.exit("\n".join(f"{error.message}\n{error.stack_trace}" for error in app.exception) or 0)
