"""Assemble the folder that a Space on the Hugging Face Hub holds.

    python -m deploy.assemble docker|zerogpu FOLDER

It is pushed to the Space as it is.
"""

import argparse
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMON = ("gradio_app.py", "LICENSE", "CITATION.cff", "vae", "ui", "weights")
KINDS = {  # what else lies at the root, and a folder whose files go to the root
    "docker": (
        (
            "README.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
            "requirements.txt",
            "Dockerfile",
            ".dockerignore",
            ".streamlit",
            "app.py",
            "asgi.py",
            "docs",
        ),
        None,
    ),
    "zerogpu": ((), "deploy/zerogpu"),
}
GENERATED = shutil.ignore_patterns("__pycache__", "*.pyc")


def assemble(kind: str, folder: Path, root: Path = ROOT) -> list[str]:
    """Write the Space of this kind into a new folder; the relative names of its files.

    Raises FileExistsError where there is one.
    """
    names, own = KINDS[kind]
    folder.mkdir(parents=True)
    for name in (*COMMON, *names):
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / name, ignore=GENERATED)
        else:
            shutil.copy2(root / name, folder / name)
    if own:
        shutil.copytree(root / own, folder, ignore=GENERATED, dirs_exist_ok=True)
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def main(arguments: list[str] | None = None) -> None:
    """The command line: python -m deploy.assemble."""
    parser = argparse.ArgumentParser(
        description="Put together the folder that a Space holds; upload it with hf upload."
    )
    parser.add_argument(
        "kind", choices=KINDS, help="docker: page, Gradio and API; zerogpu: Gradio and API, free"
    )
    parser.add_argument("folder", type=Path, help="a new folder")
    options = parser.parse_args(arguments)
    try:
        files = assemble(options.kind, options.folder)
    except FileExistsError:
        sys.exit(f"{options.folder} is there already; name a new folder, or remove that one")
    print(
        f"{len(files)} files in {options.folder}; upload them with:\n"
        f'hf upload spaces/USER/NAME {options.folder} . --delete "*"'
    )


if __name__ == "__main__":
    main()
