"""Every control of every page of the lesson answers; pages in both languages, in turn."""

import itertools
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import ButtonGroup, Radio, Selectbox, SelectSlider

from tests.ui.driver import good, open_page
from tests.ui.small_models import small_models
from ui.lesson.misconceptions import cache
from ui.service import navigation
from ui.text import LANGUAGES, strings
from vae import quadrature
from vae.experiments.lesson import pixels, reparameterisation, variational

TOPICS = [
    key.removeprefix("wrong.topic_") for key in strings("en") if key.startswith("wrong.topic_")
]
PAGES = [
    *((step, {"seen": step}) for step in navigation.STEPS),
    *(("misconceptions", {"topic": topic}) for topic in TOPICS),
    ("teacher", {}),
]
SLOW = {"k"}  # up to 10,000 draws of the prior: tests/ui/lesson/test_step3_posterior.py
ELSEWHERE = {"language", "topic", *SLOW}
# Controls that are there while another control has its first option.
NEEDS = {
    "example": ("button_group", "source"),
    "to_model": ("button_group", "to_only"),
    "to_beta": ("selectbox", "to_model"),
}


@pytest.fixture(scope="module", autouse=True)
def coarse_numbers(tmp_path_factory):
    """Fewer draws, steps and squares: whether a control answers does not depend on their number.

    With networks of this module's own, so that no cache holds such numbers for other tests.
    """
    with small_models(tmp_path_factory.mktemp("small") / "weights") as patch:
        patch.setattr(quadrature, "COARSE_GRID", 32)
        patch.setattr(pixels, "FIT_STEPS", 10)
        patch.setattr(variational, "MOST_STEPS", 5)
        patch.setattr(reparameterisation, "REFERENCE_DRAWS", 300)
        patch.setattr(cache, "BLANK_PICTURES", 20)
        yield


@pytest.fixture(autouse=True)
def chosen_by_their_labels(monkeypatch):
    """Let the driver choose an option by its label, as a person and the browser do.

    By itself it wants an option's value, which only the page knows.
    """
    for kind in (ButtonGroup, Radio, Selectbox, SelectSlider):
        format_func = kind.format_func.fget

        def as_shown(widget, format_func=format_func):
            return lambda value: value if value in widget.options else format_func(widget)(value)

        monkeypatch.setattr(kind, "format_func", property(as_shown))


def moves(app: AppTest) -> Iterator[tuple[str, str, object]]:
    """Kind, key and new setting of each control.

    A slider goes to the end of its scale, a choice to a few of its options, by number. After a new
    seed was drawn the old one is entered again, and a choice ends at its first option: for both the
    page's numbers are known, and what is moved next need not wait for others.
    """
    for widget in app.number_input:
        if widget.key == "seed":
            yield "button", "new_seed", None
            yield "number_input", "seed", widget.value
    for kind in ("button_group", "radio", "selectbox", "select_slider"):
        for widget in getattr(app, kind):
            if widget.key not in ELSEWHERE:
                last = len(widget.options) - 1
                yield from (
                    (kind, widget.key, number)
                    for number in (range(last, -1, -1) if last < 4 else [last])
                )
    for kind in ("slider", "number_input"):
        for widget in getattr(app, kind):
            if widget.key != "seed":
                yield kind, widget.key, widget.max
    for widget in app.toggle:
        yield from (("toggle", widget.key, value) for value in (False, True))
    for widget in app.button:
        if widget.key != "new_seed":
            yield "button", widget.key, None


def moved(app: AppTest, kind: str, key: str, to: object) -> None:
    widget = next(widget for widget in getattr(app, kind) if widget.key == key)
    if kind == "button":
        widget.click()
    elif kind in ("slider", "number_input", "toggle"):
        widget.set_value(to)
    else:  # an option's label may have changed with the picture
        several = kind == "button_group" and not widget._is_single_select
        widget.set_value([widget.options[to]] if several else widget.options[to])
    good(app.run())


@pytest.mark.parametrize(
    ("page", "query", "language"),
    [(*page, language) for page, language in zip(PAGES, itertools.cycle(LANGUAGES), strict=False)],
)
def test_every_control_answers(page, query, language):
    app = open_page(page, lang=language, **query)
    todo = list(moves(app))
    assert todo
    for kind, key, to in todo:
        if key in NEEDS:
            moved(app, *NEEDS[key], 0)
        moved(app, kind, key, to)
        assert not app.error, (key, to)
