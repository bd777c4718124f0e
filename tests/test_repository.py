"""What a visitor of the repository sees is there."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import vae
from ui.view import figures

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PURE = {
    "figures.py",
    "inside_figures.py",
    "pictures.py",
    "given.py",
    "sentences.py",
    "inside_sentences.py",
    "endpoints.py",
    "arguments.py",
    "chosen.py",
    "remembered.py",
    "atlas.py",
    "contents.py",
}
STREAMLIT_SIDE = {"frame.py", "progress.py"}  # of ui/lesson; what else lies there is pure


def imported(path: Path) -> set[str]:
    """The first parts of the modules that a file names in its imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module.split(".")[0])
    return names


def test_the_arrows_between_the_parts_hold():
    for path in ROOT.rglob("*.py"):
        place = path.relative_to(ROOT)
        top, names = place.parts[0], imported(path)
        if top == "vae":
            assert not names & {"ui", "training", "deploy", "streamlit", "gradio", "plotly"}, place
        if top in ("ui", "app.py", "gradio_app.py", "asgi.py"):
            assert not names & {"training", "benchmarks", "deploy", "tests"}, place
        gradio_side = place.parts[:2] == ("ui", "blocks") or place.name in (
            "gradio_app.py",
            "asgi.py",
        )
        assert top in ("tests", "deploy") or "gradio" not in names or gradio_side, place
        if gradio_side and place.name != "asgi.py":
            assert "streamlit" not in names, place
        lesson = place.parts[:2] == ("ui", "lesson") and place.name not in STREAMLIT_SIDE
        if (place.name in PURE and place.parts[:2] != ("ui", "pages") and top == "ui") or lesson:
            assert not names & {"streamlit", "gradio"}, place


def test_every_picture_and_link_of_the_readme_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert "://" in target or (ROOT / target).exists(), target


def test_the_readme_stays_a_front_page():
    """At most one screen and a half; what is longer is a page of docs/."""
    assert len(README.splitlines()) <= 120
    assert "\npython -m pip install -r requirements.txt && streamlit run app.py\n" in README


def test_the_address_of_the_repository_is_that_of_the_package():
    """One constant, in pyproject.toml, and what repeats it: a clone, Colab, an installation."""
    address = PROJECT["project"]["urls"]["Repository"].removeprefix("https://")
    colab = f"colab.research.google.com/{address.replace('.com', '', 1)}/blob/main/"
    notebook = "docs/first_steps.ipynb"
    repeated = {
        path: (ROOT / path).read_text(encoding="utf-8")
        for path in ("README.md", notebook, "docs/hosting/own-machine.md", "CONTRIBUTING.md")
    }
    for path, text in repeated.items():
        found = re.findall(r"https://(github\.com/[\w-]+/[\w-]+)", text)
        found += [
            f"github.com/{name}" for name in re.findall(r"google\.com/github/([\w-]+/[\w-]+)", text)
        ]
        assert found, path
        assert set(found) == {address}, path
    assert all(f"https://{colab}{notebook}" in repeated[path] for path in ("README.md", notebook))


def test_the_page_of_figures_and_the_cards_state_the_measured_numbers():
    from vae.hub.metrics import read_metrics

    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8").replace(",", "")
    for folder in filter(Path.is_dir, (ROOT / "weights").iterdir()):
        metrics = read_metrics(folder / "metrics.json")
        numbers = [f"{metrics.at(1.0).distortion:.2f}"]
        if bound := metrics.importance_weighted:
            numbers = [
                f"{metrics.at(1.0).negative_elbo:.2f}",
                f"{bound.nats:.2f} ± {bound.standard_error:.2f}",
            ]
        card = (folder / "README.md").read_text(encoding="utf-8").replace(",", "")
        assert all(number in page and number in card for number in numbers), folder.name


def test_every_promise_of_the_security_page_names_a_test_that_is_there():
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    promises = re.findall(r"^\* .+?(?=^\* |^$)", page, re.M | re.S) + re.findall(
        r"^\| (?!limit).+", page, re.M
    )
    assert len(promises) > 20
    for promise in promises:
        assert "::test_" in promise, promise
    for file, name in re.findall(r"(tests/[\w/]+\.py)::(test_\w+)", page):
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), name


def test_requirements_are_pinned_and_torch_is_plain():
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-docs.txt"):
        lines = (ROOT / name).read_text().splitlines()
        for line in lines:
            assert re.fullmatch(
                r"#.*|-r requirements\.txt|[a-z-]+==[\d.]+(; sys_platform != \"win32\")?", line
            ), line
    assert "torch==2.13.0" in (ROOT / "requirements.txt").read_text()


def test_the_package_depends_on_what_it_imports_and_no_front_end():
    declared = PROJECT["project"]["dependencies"]
    declared = {re.split(r"[>=]", line)[0].replace("-", "_") for line in declared}
    declared = {
        {"pillow": "PIL", "opencv_python_headless": "cv2"}.get(name, name) for name in declared
    }
    names = set().union(*map(imported, (ROOT / "vae").rglob("*.py")))
    assert names - sys.stdlib_module_names - {"vae"} == declared


def test_settings_that_stand_in_two_files_agree():
    streamlit = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert streamlit["server"]["maxUploadSize"] == vae.images.MAX_BYTES >> 20
    assert streamlit["theme"]["blueColor"] == figures.DISTORTION
    assert streamlit["theme"]["orangeColor"] == figures.RATE
    icon = (ROOT / "ui" / "icon.svg").read_text()
    assert set(re.findall("#[0-9A-F]{6}", icon)) == {figures.DISTORTION, figures.RATE}


def is_source(path: Path) -> bool:
    """Whether a file is the project's own: no virtual environment, no run, no build."""
    folders = set(path.relative_to(ROOT).parts[:-1])
    return not any(f in {"runs", "build"} or f.startswith(".") for f in folders - {".ci"})


def docstrings(path: Path) -> dict[str, str]:
    """The docstrings of a file, by the name of what they describe and its line."""
    found = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                name = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
                found[f"{name} {getattr(node, 'name', '')}"] = text
    return found


def test_the_first_line_of_a_docstring_stands_alone():
    openings = ("Of", "Likewise", "The same", "As", "Or", "Like")
    wrong = []
    for path in filter(is_source, ROOT.rglob("*.py")):
        for name, text in docstrings(path).items():
            first, *rest = text.split("\n")
            words = first.rstrip(".:?,").split()
            borrowed = any(words[: len(o.split())] == o.split() for o in openings)
            spills = not first.endswith((".", ":", "?")) or any(line.strip() for line in rest[:1])
            if borrowed or spills:
                wrong.append(f"{name}: {first}")
    assert not wrong, "\n".join(wrong)


def test_files_stay_readable():
    for path in ROOT.rglob("*.py"):
        if not any(
            part.startswith(".") or part in {"runs", "build"}
            for part in path.relative_to(ROOT).parts
        ):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 350, path
