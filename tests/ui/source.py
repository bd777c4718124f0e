"""Source text of the front ends, and the questions that their pages ask."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


SOURCES = [ROOT / "app.py", ROOT / "gradio_app.py", *(ROOT / "ui").rglob("*.py")]


CODE = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)


QUESTIONS = dict(
    re.findall(r"""frame\.check\(\s*text,\s*"([a-z0-9_]+)",\s*right="([a-d])\"""", CODE)
    + re.findall(
        r"""frame\.reveal\(\s*text,\s*"[a-z0-9]+",\s*"([a-z0-9_]+)",\s*right="([a-d])\"""", CODE
    )
)


PREDICTED = re.findall(r"""frame\.predict\(\s*text,\s*"([a-z0-9_]+)\"""", CODE)
