"""The documentation site's hooks (mkdocs.yml): the model cards are pages of it too."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the model cards and their figures, which lie beside the weights and not in docs/."""
    for path in sorted((ROOT / "weights").rglob("*")):
        if path.suffix in (".md", ".png"):
            name = path.relative_to(ROOT).as_posix()
            files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Lead links to the cards, written as they are right in the repository, to their pages."""
    return markdown.replace("](../weights/", "](weights/")
