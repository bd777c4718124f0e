"""Pages of the documentation site that lie elsewhere: model cards and the notebook (mkdocs.yml)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # mkdocs is installed where the site is built, and nowhere else
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "first_steps"
_BADGE = re.compile(r"\[!\[([^]]*)]\([^)]*\)]")  # a picture of another host's that is a link


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the model cards and their figures, which lie beside the weights, and the notebook."""
    from mkdocs.structure.files import File

    for path in sorted((ROOT / "weights").rglob("*")):
        if path.suffix in (".md", ".png"):
            name = path.relative_to(ROOT).as_posix()
            files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    notebook = (ROOT / "docs" / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8")
    files.append(File.generated(config, f"{NOTEBOOK}.md", content=notebook_page(notebook)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead links that are right in the repository to the pages of the site."""
    markdown = markdown.replace("](../weights/", "](weights/")
    return markdown.replace(f"]({NOTEBOOK}.ipynb)", f"]({NOTEBOOK}.md)")


def notebook_page(notebook: str) -> str:
    """A notebook without results as Markdown; a badge becomes a link in words."""
    parts = []
    for cell in json.loads(notebook)["cells"]:
        text = "".join(cell["source"])
        is_code = cell["cell_type"] == "code"
        parts.append(f"```python\n{text}\n```" if is_code else _BADGE.sub(r"[\1]", text))
    return "\n\n".join(parts) + "\n"
