"""The Gradio app: python gradio_app.py [--share].

In a notebook: from gradio_app import demo; demo.launch()
"""

import argparse
import importlib.util
import logging
import os
import sys
import traceback
from typing import Any

import gradio as gr
from gradio.blocks import BlockFunction
from gradio.routes import App

from ui.gradio_page import film, guard, sessions
from ui.gradio_page.api import add_endpoints
from ui.gradio_page.language import language, translations
from ui.gradio_page.page import CSS, Page
from ui.server import connections, process
from ui.server.quotas import Quotas
from ui.text import DEFAULT, Text

process.configure()
connections.install_limits()
# Computations of pages; the API has as many of its own, so that it never delays a page.
AT_ONCE = max(2, os.cpu_count() or 2)
QUEUE = 300  # waiting calls; a class of thirty in which everybody moves a slider has fewer
_LOG = logging.getLogger("vae_lab")
TRANSLATIONS = translations()
QUOTAS = Quotas(lambda: guard.queued_bytes(demo))
# Options of both launch() and mount_gradio_app(). run_history would keep a visitor's runs in the
# browser.
OPTIONS: dict[str, Any] = {
    "i18n": TRANSLATIONS,
    "css": CSS,
    "head": film.HEAD,
    "run_history": False,
    "show_error": False,
    "ssr_mode": False,
    "footer_links": ["api"],
    "app_kwargs": {"middleware": guard.middleware(lambda: demo, QUOTAS)},
    "theme": gr.themes.Default(
        primary_hue="blue",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ),
}


class Lab(gr.Blocks):
    """Gradio Blocks with the app's own strings and limits, also when a notebook launches them.

    Nothing that a visitor sends is logged.
    """

    def validate_inputs(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Refuse a call with too few arguments.

        Gradio's own check would print the values, also a picture, into the log.
        """
        if len(inputs) < len(block_fn.inputs):
            sentence = Text(DEFAULT)(
                "api.few", name=block_fn.api_name, needed=len(block_fn.inputs), count=len(inputs)
            )
            raise gr.Error(sentence, print_exception=False)

    async def process_api(self, *arguments: Any, **named: Any) -> dict[str, Any]:
        """Answer a call, or refuse it in one sentence.

        Gradio itself would answer {"error": null}, and log the call's arguments.
        """
        try:
            return await super().process_api(*arguments, **named)
        except gr.Error as error:  # ours, or one of Gradio's that repeats what came
            raise gr.Error(error.message[: guard.MESSAGE_LENGTH], print_exception=False) from None
        except Exception as error:
            _LOG.warning("a call failed: %s in %s", type(error).__name__, _place(error))
            request = named.get("request")
            text = Text(
                language(request)
                if isinstance(request, gr.Request) and request.request
                else DEFAULT
            )
            raise gr.Error(text("api.unusable"), print_exception=False) from None
        finally:
            _forget(named)

    def launch(self, *arguments: Any, **options: Any) -> tuple[App, str, str]:
        limits: dict[str, Any] = {
            "state_session_capacity": sessions.MOST_SESSIONS,
            "max_threads": 2 * AT_ONCE,
        }
        return super().launch(*arguments, **(OPTIONS | limits | options))


def _forget(call: dict[str, Any]) -> None:
    """Drop the arguments of an answered call: Gradio's queue keeps the last call until the next."""
    inputs, request, event = call.get("inputs"), call.get("request"), call.get("event_data")
    if isinstance(inputs, list):
        inputs.clear()
    if isinstance(request, gr.Request) and request.request:
        request.request._body, request.request._json = b"", None
    if event is not None:
        event._data = None


def _place(error: BaseException) -> str:
    """File and line where an error was raised; its message may hold a visitor's data."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{os.path.basename(frame.filename)}:{frame.lineno}"


def build() -> Lab:
    """Build the page and the API."""
    with Lab(title="VAE Lab", analytics_enabled=False, fill_width=True) as blocks:
        Page(blocks, TRANSLATIONS)
        add_endpoints(blocks)
    blocks.state_session_capacity = sessions.MOST_SESSIONS
    blocks.has_launched = True  # or Gradio would not check paths where it is mounted in another app
    return blocks.queue(max_size=QUEUE, default_concurrency_limit=AT_ONCE, api_open=False)


demo: Lab = build()


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="The playground and its API in Gradio.")
    parser.add_argument(
        "--share",
        action="store_true",
        help="a public link for the length of a lesson, at most a week",
    )
    parser.add_argument(
        "--mcp", action="store_true", help="the API as tools for language models (MCP)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="0.0.0.0 lets other machines in (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, help="default: the first free one from 7860")
    options = parser.parse_args(arguments)
    if options.mcp and importlib.util.find_spec("mcp") is None:
        sys.exit(
            f'--mcp needs one more package: python -m pip install "gradio[mcp]=={gr.__version__}"'
        )
    demo.launch(
        share=options.share,
        mcp_server=options.mcp,
        server_name=options.host,
        server_port=options.port,
    )


if __name__ == "__main__":
    main()
