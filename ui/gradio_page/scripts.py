"""JavaScript of the page: each script lies in a file beside this one."""

import json
from collections.abc import Mapping
from pathlib import Path

_FOLDER = Path(__file__).parent
_PLACEHOLDER = "/* settings */ {}"


def script(name: str, settings: Mapping[str, object] | None = None) -> str:
    """The text of a script, also safe inside HTML. settings: an object for its placeholder."""
    text = (_FOLDER / f"{name}.js").read_text(encoding="utf-8")
    if settings is None:
        return text
    values = json.dumps(settings, ensure_ascii=False).replace("<", "\\u003c")
    return text.replace(_PLACEHOLDER, values)
