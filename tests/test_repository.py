"""What a visitor of the repository sees is there."""

import ast
import functools
import re
import sys
import tomllib
from pathlib import Path

import vae
from tests.processes import completed
from ui.view import figures

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = {"vae", "ui", "training", "benchmarks", "deploy", "tests"}
ENTRIES = {"app.py", "asgi.py", "gradio_app.py"}
# The parts of ui that each part may import: arrows go from the pages down to the strings.
BELOW = {"text": set(), "view": {"text"}, "server": set()}
BELOW["film"] = {"text", "view"}
BELOW["service"] = {"text", "view", "film"}
BELOW["widgets"] = BELOW["gradio_page"] = {"text", "view", "film", "service", "server"}
BELOW["lab"] = BELOW["lesson"] = {"text", "view", "film", "service", "widgets"}
# Files of ui/lesson that draw; what else lies in it computes, says and remembers.
DRAWING = {"page.py", "frame.py", "progress.py"}


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every part of a Python file's syntax."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@functools.cache
def imported(path: Path) -> set[str]:
    """The first parts of the modules that a file names in its imports."""
    names = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@functools.cache
def sources() -> list[Path]:
    """The project's own Python files."""
    return [path for path in ROOT.rglob("*.py") if is_source(path)]


def modules(path: Path) -> set[str]:
    """The modules that a file names in its imports, and what it takes from them, dotted."""
    names = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def annotated(node: ast.FunctionDef | ast.ClassDef) -> set[str]:
    """The names in the annotations of a function, or of a class's fields and methods."""
    parts = node.body if isinstance(node, ast.ClassDef) else [node]
    annotations: list[ast.AST | None] = []
    for part in parts:
        if isinstance(part, ast.AnnAssign):
            annotations.append(part.annotation)
        elif isinstance(part, ast.FunctionDef):
            arguments = (*part.args.args, *part.args.kwonlyargs)
            annotations += [part.returns, *(argument.annotation for argument in arguments)]
    names = (name for part in annotations if part is not None for name in ast.walk(part))
    return {name.id for name in names if isinstance(name, ast.Name)}


def test_the_arrows_between_the_packages_hold():
    forbidden = {
        "vae": {"ui", "training", "benchmarks", "deploy", "tests", "streamlit", "gradio", "plotly"},
        "ui": {"training", "benchmarks", "deploy", "tests"},
        "training": {"ui", "benchmarks", "deploy", "tests", "streamlit", "gradio"},
    }
    forbidden |= dict.fromkeys(ENTRIES, forbidden["ui"])
    for path in sources():
        place = path.relative_to(ROOT)
        assert not imported(path) & forbidden.get(place.parts[0], set()), place


def test_in_ui_the_folder_says_what_a_file_may_import():
    for path in (ROOT / "ui").rglob("*.py"):
        place = path.relative_to(ROOT)
        if len(place.parts) == 2:  # ui/__init__.py
            continue
        part, names = place.parts[1], imported(path)
        draws = part in ("widgets", "lab") or (part == "lesson" and path.name in DRAWING)
        assert draws or "streamlit" not in names, place
        assert part == "gradio_page" or "gradio" not in names, place
        allowed = BELOW[part] | {part}
        if part == "lesson" and not draws:
            allowed -= {"widgets"}
            drawing = [name for name in modules(path) if f"{name.split('.')[-1]}.py" in DRAWING]
            assert not drawing, place
        parts = {name.split(".")[1] for name in modules(path) if name.startswith("ui.")}
        assert parts <= allowed, f"{place} imports {parts - allowed}"
    assert "gradio" not in imported(ROOT / "app.py")
    assert "streamlit" not in imported(ROOT / "gradio_app.py")


def test_pages_and_experiments_exchange_numpy_arrays():
    """In ui only the process's settings know torch; experiments name no tensor in a signature.

    `observe` is the one for callers that go on computing with tensors.
    """
    for path in (ROOT / "ui").rglob("*.py"):
        assert "torch" not in imported(path) or path.name == "process.py", path
    for path in (ROOT / "vae" / "experiments").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"
            if public and path.name != "arrays.py" and node.name != "observe":
                assert "Tensor" not in annotated(node), f"{path}: {node.name}"


def test_what_tests_share_lies_in_no_tests_module():
    for path in sources():
        borrowed = [name for name in modules(path) if ".test_" in name]
        assert not borrowed, f"{path.relative_to(ROOT)} imports {borrowed}"


def test_only_the_process_module_sets_what_torch_keeps_for_the_whole_process():
    for path in (ROOT / "ui").rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and node.attr.startswith("set_"):
                of_torch = isinstance(node.value, ast.Name) and node.value.id == "torch"
                assert not of_torch or path.name == "process.py", path


def test_nothing_of_the_project_is_renamed_on_import():
    """A name that a caller must change is the wrong name."""
    renamed = []
    for path in sources():
        for node in nodes(path):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    module = getattr(node, "module", None) or alias.name
                    if alias.asname and module.split(".")[0] in PACKAGES | {"app", "gradio_app"}:
                        renamed.append(f"{path.relative_to(ROOT)}:{node.lineno} {alias.asname}")
    assert not renamed, "\n".join(renamed)


def test_importing_a_module_changes_no_setting_of_the_process():
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in ("vae", "ui")
        for path in sorted((ROOT / package).rglob("*.py"))
    ]
    assert len(names) > 100
    done = completed([sys.executable, "-m", "tests.imports", *names], cwd=ROOT)
    assert done.returncode == 0, done.stderr[-2000:]


def test_importing_a_module_of_ui_runs_nothing():
    """It defines names and no more; Streamlit runs a page's file under the name of a program."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    defining = functions | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign
    running = []
    for path in sorted((ROOT / "ui").rglob("*.py")):
        for statement in nodes(path)[0].body:
            is_program = ast.unparse(statement) == "if __name__ == '__main__':\n    main()"
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if not (is_program or is_text or isinstance(statement, defining)):
                running.append(f"{path.relative_to(ROOT)}:{statement.lineno}")
    assert not running, "\n".join(running)


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
    for node in nodes(path):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text is not None:
                name = f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"
                found[f"{name} {getattr(node, 'name', '')}"] = text
    return found


def test_the_first_line_of_a_docstring_stands_alone():
    openings = ("Of", "Likewise", "The same", "As", "Or", "Like")
    wrong = []
    for path in sources():
        for name, text in docstrings(path).items():
            first, *rest = text.split("\n")
            words = first.rstrip(".:?,").split()
            borrowed = any(words[: len(o.split())] == o.split() for o in openings)
            spills = not first.endswith((".", ":", "?")) or any(line.strip() for line in rest[:1])
            if borrowed or spills:
                wrong.append(f"{name}: {first}")
    assert not wrong, "\n".join(wrong)
