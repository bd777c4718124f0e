"""`pip install .` gives a package that works without the repository, its models included."""

import json
import re
import shutil
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
import yaml

import vae
from tests.processes import completed
from vae.hub import sources
from vae.hub.folder import CARD, LOADED, OPTIONAL

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOAD = """
import json, pathlib, sys
import vae

folder = pathlib.Path(vae.__file__).parent
loaded = {name: vae.hub.resolve(name).examples.names for name in vae.hub.names()}
model = vae.load("mnist")
checkout = pathlib.Path(sys.argv[1])
foreign = [
    name for name, module in sys.modules.items()
    if checkout in pathlib.Path(getattr(module, "__file__", None) or "/").parents
]
print(json.dumps({
    "folder": str(folder), "version": vae.__version__, "foreign": foreign,
    "latent_dim": model.config.latent_dim, "models": sorted(loaded),
    "installed": sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()),
}))
"""


@pytest.mark.slow
def test_the_installed_package_loads_its_models_elsewhere(tmp_path):
    """A wheel, in an environment of its own that has the dependencies of this one and no more."""
    source, venv = tmp_path / "source", tmp_path / "venv"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source)
    for name in ("vae", "weights"):
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
        )
    pip = [sys.executable, "-m", "pip", "-q"]
    completed(
        [*pip, "wheel", "--no-deps", "-w", str(tmp_path), str(source)], check=True, cwd=tmp_path
    )
    (wheel,) = tmp_path.glob("vae_lab-*.whl")
    completed([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / ("Scripts" if sys.platform == "win32" else "bin") / Path(sys.executable).name
    completed([*pip, "--python", str(python), "install", "--no-deps", str(wheel)], check=True)
    # What a .pth names is searched, but the .pth files in there are not read: an editable
    # installation of the checkout stays out.
    site = Path(
        completed(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True
        ).stdout.strip()
    )
    dependencies = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site / "dependencies.pth").write_text("\n".join(dependencies) + "\n", encoding="utf-8")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = completed([python, "-I", "-c", LOAD, str(ROOT)], cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["folder"]).resolve() == (site / "vae").resolve()
    assert not found["foreign"]
    assert found["version"] == vae.__version__
    assert found["latent_dim"] == 34
    assert found["models"] == list(sources.names())
    installed = set(found["installed"])
    needed = {"py.typed", "weights/sources.toml"} | {
        f"weights/{name}/{file}"
        for name in sources.bundled()
        for file in (*LOADED, CARD)
        if file not in OPTIONAL or (ROOT / "weights" / name / file).exists()
    }
    assert needed <= installed
    assert {path.relative_to(ROOT / "vae").as_posix() for path in (ROOT / "vae").rglob("*.py")} == {
        name for name in installed if name.endswith(".py")
    }


def test_the_workflow_installs_the_package_with_what_it_declares_wherever_it_is_tested():
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(workflow)["jobs"]
    assert jobs["package"]["strategy"] == jobs["test"]["strategy"]
    *_, install, load = jobs["package"]["steps"]
    assert install["run"].startswith("python -m pip install ")
    assert install["run"].endswith(" .")
    assert "-r" not in install["run"].split()
    assert "vae.load('mnist')" in load["run"]
    assert load["working-directory"] == "${{ runner.temp }}"  # where no vae/ lies


def test_every_folder_of_the_package_is_named():
    folders = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "vae").rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == {*folders, "vae.weights"}


def test_the_version_is_said_once_and_repeated_right():
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "vae.__version__"}
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == vae.__version__
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", changes, re.M)
    assert versions[0] == vae.__version__
