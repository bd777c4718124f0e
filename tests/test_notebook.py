"""docs/first_steps.ipynb does what it says, from its first cell to its last."""

import json
import re
import sys
from pathlib import Path

import vae
from tests.processes import completed

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "docs" / "first_steps.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
# One namespace and one cell after another, as a kernel runs them, in an interpreter of its own. The
# last expression of a cell is shown: as a picture, HTML or text, whichever it has.
RUN = """
import ast, json, sys

for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        tree = ast.parse("".join(cell["source"]))
        shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), globals())
        if shown:
            value = eval(compile(ast.Expression(shown.value), cell["id"], "eval"), globals())
            if value is not None:
                shape = [name for name in ("_repr_png_", "_repr_html_") if hasattr(value, name)]
                assert not shape or getattr(value, shape[0])(), cell["id"]
                print("shown:", cell["id"], type(value).__name__)
"""


def test_every_cell_runs():
    done = completed([sys.executable, "-c", RUN, str(NOTEBOOK)], cwd=ROOT)
    assert done.returncode == 0, done.stderr
    shown = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("shown:")]
    assert shown == [
        ["picture", "Image"],
        ["decode", "Image"],
        ["sample", "Image"],
        ["plot", "Figure"],
    ]
    losses = [
        line.split() for line in done.stdout.splitlines() if line.lstrip()[:2] in ("7 ", "1 ")
    ]
    assert len(losses) == 2
    for _, distortion, rate, negative_elbo, bound in losses:
        assert abs(float(distortion) + float(rate) - float(negative_elbo)) < 0.02
        assert float(bound) < float(negative_elbo)


def test_its_words_say_how_many_dimensions_the_code_of_digits_has():
    words = "".join(line for cell in CELLS for line in cell["source"])
    assert set(re.findall(r"(\d+) dimensions", words)) == {str(vae.load("mnist").config.latent_dim)}


def test_no_result_is_stored():
    for cell in CELLS:
        assert not cell.get("outputs"), cell["id"]
        assert cell.get("execution_count") is None, cell["id"]
