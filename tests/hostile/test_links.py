"""Links that somebody has written by hand, or worse: each page opens, and shows no error."""

import random
from unittest.mock import patch

from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.hostile.calls import value
from tests.processes import HANGING
from tests.ui.driver import ROOT, installed_components
from ui.service.navigation import SECTIONS

PATH_EVERY = 4  # rounds: it computes for each link anew, ten times as long as the others
KEYS = [
    "lang",
    "model",
    "beta",
    "seed",
    "eps",
    "noise",
    "source",
    "example",
    "example2",
    "source2",
    "count",
    "pixels",
    "temperature",
    "pin",
    "pin2",
    "pinq",
    "pinbest",
    "hide",
    "only",
    "answers",
    "seen",
    "own",
    "dimension",
    "zdim",
    "posterior",
    "window",
    "kind",
    "steps",
    "k",
    "qshift",
    "factor",
    "gradof",
    "law",
    "sheets",
    "filler",
    "code",
    "logsigma1",
    "to_page",
    "to_beta",
    "nonsense",
]
WORDS = [
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1",
    "0",
    "1",
    "7",
    "0x10",
    "१२",
    "1,2",
    "nan,nan",
    ",",
    "mnist",
    "faces",
    "mnist-2d-autoencoder",
    "upload",
    "draw",
    "camera",
    "beta,seed",
    "lesson",
    "step1,step2",
    "a-b,c-d",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "%00",
    "𝔘",
    "ko",
    "en",
    "None",
    "True",
    "{}",
    "[]",
    "'",
    '"',
    "$(id)",
]
WORDS += ["", "\x00", " ", "1" * 400]


def link(dice: random.Random) -> dict[str, str]:
    """A query of some known and unknown keys with values that fit or do not."""
    return {
        dice.choice(KEYS): dice.choice(WORDS) if dice.random() < 0.8 else str(value(dice))
        for _ in range(dice.randrange(1, 9))
    }


def opened(page: str, query: dict[str, str]) -> AppTest:
    """A page of a new session, opened by a link with this query and nothing else."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=HANGING)
    app._page_hash = calc_hash(page)
    for key, said in query.items():
        app.query_params[key] = said.encode(errors="replace").decode()  # as from a browser
    with patch.object(manifest_scanner, "scan_component_manifests", installed_components):
        return app.run()


def test_whatever_a_link_says_the_page_opens(dice, attempts):
    """Every page in turn."""
    names = [name for section in SECTIONS.values() for name in section]
    for number in range(max(attempts, len(names))):
        name, query = names[number % len(names)], link(dice)
        if name == "path" and number // len(names) % PATH_EVERY:
            name = "playground"
        app = opened(name, query)
        assert not app.exception, (name, query, app.exception)
        assert len(app.main.children) > 0, (name, query)
        shown = app.session_state["page"]
        is_hidden = query.get("only") == "lesson" and name not in SECTIONS["lesson"]
        assert is_hidden or shown == ("" if name == names[0] else name), (name, query)
