"""Links that somebody has written by hand, or worse: each page opens, and shows no error."""

import random
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.hostile.calls import value
from tests.processes import HANGING
from ui.service import navigation
from ui.service.navigation import SECTIONS

APP = Path(__file__).parents[2] / "app.py"
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


def test_whatever_a_link_says_the_page_opens(dice, attempts):
    """Every page in turn; an eighth of the attempts, for each runs two pages."""
    names = [name for section in SECTIONS.values() for name in section]
    for number in range(max(attempts // 8, len(names))):
        name, query = names[number % len(names)], link(dice)
        app = AppTest.from_file(str(APP), default_timeout=HANGING)
        for key, said in query.items():
            app.query_params[key] = said.encode(errors="replace").decode()  # as from a browser
        app.run()
        is_hidden = query.get("only") == "lesson" and name not in SECTIONS["lesson"]
        if name != names[0] and not is_hidden:
            app.switch_page(navigation.file(name)).run()
        assert not app.exception, (name, query, app.exception)
        assert len(app.main.children) > 0, (name, query)
