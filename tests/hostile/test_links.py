"""Links that somebody has written by hand, or worse: each page opens, and shows no error."""

import math
import random
from collections.abc import Callable
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.hostile.calls import value
from tests.processes import HANGING
from tests.ui.driver import ROOT, installed_components
from ui.service import navigation
from ui.service.navigation import SECTIONS
from ui.text import LANGUAGES
from ui.widgets import link

NAMES = [name for section in SECTIONS.values() for name in section]
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


def query(dice: random.Random) -> dict[str, str]:
    """A query of some known and unknown keys with values that fit or do not."""
    return {
        dice.choice(KEYS): dice.choice(WORDS) if dice.random() < 0.8 else str(value(dice))
        for _ in range(dice.randrange(1, 9))
    }


def in_a_browser(said: dict[str, str]) -> dict[str, str]:
    """The query as a browser sends it."""
    return {key: word.encode(errors="replace").decode() for key, word in said.items()}


def opened(page: str, said: dict[str, str]) -> AppTest:
    """A page of a new session, opened by a link with this query and nothing else."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=HANGING)
    app._page_hash = calc_hash(page)
    for key, word in in_a_browser(said).items():
        app.query_params[key] = word
    with patch.object(manifest_scanner, "scan_component_manifests", installed_components):
        return app.run()


def test_whatever_a_link_says_the_page_opens(dice, attempts):
    """Every page in turn; a quarter of the attempts."""
    for number in range(max(attempts // 4, len(NAMES))):
        name, said = NAMES[number % len(NAMES)], query(dice)
        app = opened(name, said)
        assert not app.exception, (name, said, app.exception)
        assert len(app.main.children) > 0, (name, said)
        is_hidden = said.get("only") == "lesson" and name not in SECTIONS["lesson"]
        shown = "" if name == NAMES[0] else name
        assert is_hidden or app.session_state["run"].page == shown, (name, said)


@pytest.fixture(scope="module")
def controls() -> list[tuple[str, object, Callable]]:
    """Key, default and parser of every control that a link sets, as the pages draw them."""
    found: list[tuple[str, object, Callable]] = []
    value_of = link.value_of

    def noted(key: str, default: object, accept: Callable) -> object:
        found.append((key, default, accept))
        return value_of(key, default, accept)

    with patch.object(link, "value_of", noted):
        for page in NAMES:
            assert not opened(page, {}).exception
    return found


def test_whatever_a_link_says_each_control_has_a_value_of_its_own(
    controls, dice, attempts, monkeypatch
):
    """What the parsers of all pages make of a link, without drawing a page."""
    assert len({key for key, *_ in controls} & set(KEYS)) > 15
    for _ in range(attempts):
        said = query(dice)
        there = SimpleNamespace(to_dict=lambda said=said: in_a_browser(said))
        context = SimpleNamespace(locale="en")
        monkeypatch.setattr(
            link, "st", SimpleNamespace(session_state={}, query_params=there, context=context)
        )
        for key, default, accept in controls:
            found = link.value_of(key, default, accept)
            assert found == default or accept(found) == found, (key, found, said)
            assert not isinstance(found, float) or math.isfinite(found), (key, found, said)
        assert link.current_text() is not None
        assert link.st.session_state["language"] in LANGUAGES, said
        assert 0 <= link.eps_number() <= link.LARGEST_SEED, said
        assert navigation.sections(link.in_link("only")), said
        for slot in ("", "2", "q", "best"):
            point = link.pin(slot)
            assert point is None or max(map(abs, point)) <= link.FARTHEST_PIN, (slot, said)
            assert link.expects_own_picture(slot) in (True, False), said
        for key in KEYS:
            assert all(link.words(key)), (key, said)
            assert link.is_hidden(key) in (True, False), said
