"""The pages of docs/ and their site say what is there."""

import json
import re
from pathlib import Path

import yaml

from deploy import documentation

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").rglob("*.md"))


def test_the_page_of_the_layout_names_every_folder_and_nothing_else():
    page = (ROOT / "docs" / "layout.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*/)`", page)) - {"en/", "ko/", "hosting/"}
    for folder in named:
        assert (ROOT / folder).is_dir(), folder
    steps = {f"ui/lesson/{path.name}/" for path in (ROOT / "ui" / "lesson").glob("step?_*")}
    assert {min(steps), max(steps)} <= named  # "…" stands for those between them
    for top in ("vae", "ui"):
        for path in (ROOT / top).rglob("__init__.py"):
            folder = f"{path.parent.relative_to(ROOT).as_posix()}/"
            assert folder in named | steps, folder


def test_every_link_and_module_in_the_documents_exists():
    for page in DOCS:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
        for module in re.findall(r"python -m ([a-z_.]+)", text):
            path = ROOT / module.replace(".", "/")
            assert module in {"venv", "pip"} or path.with_suffix(".py").exists(), (
                f"{page.name}: {module}"
            )
        for path in re.findall(r"`((?:deploy|ui|vae|tests|\.github)/[\w./-]*\w)`", text):
            assert (ROOT / path).exists(), f"{page.name}: {path}"


def test_the_notebook_is_a_page_of_the_site():
    """Each cell as it is, but the badge, for which a reader's browser would ask another host."""
    text = (ROOT / "docs" / "first_steps.ipynb").read_text(encoding="utf-8")
    page = documentation.notebook_page(text)
    button, *cells = json.loads(text)["cells"]
    assert "![" in "".join(button["source"])
    assert "![" not in page
    assert "[Open in Colab](https://colab.research.google.com/github/" in page
    for cell in cells:
        source = "".join(cell["source"])
        assert (f"```python\n{source}\n```" if cell["cell_type"] == "code" else source) in page
    sections = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    assert any(
        {"First steps in a notebook": "first_steps.md"} in section.get("Call", [])
        for section in sections
        if isinstance(section, dict)
    )
    link = documentation.on_page_markdown("[first steps](first_steps.ipynb)")
    assert link == "[first steps](first_steps.md)"
