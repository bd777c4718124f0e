"""The frame of the lesson's pages: predict, do, reveal, why.

Nothing blocks the way, nothing is lost.
"""

import re
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.driver import (
    alternative_texts,
    good,
    look_anew,
    open_page,
    said,
    shown_formulas,
    shown_maps,
)
from tests.ui.source import PREDICTED, QUESTIONS, question_of
from ui.service import navigation
from ui.text import Text, strings
from vae.hub import sources

pytestmark = pytest.mark.usefixtures("small_networks")


NONSENSE = [
    ("step1", {"law": "x", "sheets": "0,-1,b,9"}),
    ("step2", {"directions": "x", "pin": "nan,1", "pin2": "1"}),
    ("step2", {"pin": "9,9", "pin2": ""}),
    ("step3", {"k": "7", "pin": "x", "pinbest": "nan,nan"}),
    ("step4", {"pinq": "a", "logsigma1": "9", "logsigma2": "nan", "part": "-"}),
    ("step5", {"code": "x", "filler": "7", "qshift": "nan", "qwide": "x"}),
    ("step6", {"zdim": "99", "factor": "x", "gradof": "", "eps": "-1"}),
    ("step7", {"hole": "x", "klmu": "9", "kllogvar": "nan"}),
    ("misconceptions", {"topic": "x"}),
    (
        "misconceptions",
        {"topic": "sum", "loss": "x", "weight": "nan", "values": "0", "width": "-1"},
    ),
    ("misconceptions", {"topic": "bce", "grey": "1"}),
    ("misconceptions", {"topic": "blur", "blur": "-1"}),
]


def shown(app: AppTest) -> tuple[object, ...]:
    """Everything that a page says and draws."""
    # a point that lies off the map counts as pinned and is not drawn
    maps = [view | {"pinned": None} for view in shown_maps(app)]
    return said(app), alternative_texts(app), shown_formulas(app), maps


def explanation(step: str, language: str) -> str:
    """The longest part without a number of a step's explanation."""
    return max(re.split(r"{.*?}", strings(language)[f"{step}.why"]), key=len)


def feedback(app: AppTest) -> str:
    return " ".join(entry.value for entry in (*app.success, *app.info))


@pytest.mark.parametrize("step", navigation.STEPS)
def test_every_step_predicts_reveals_and_says_something_of_each_answer_in_both_languages(step):
    question = question_of(step)
    assert question in PREDICTED
    app = open_page(step, lang="en")
    assert not app.error
    assert explanation(step, "en") not in said(app)
    letters = app.radio(key=f"ask_{question}").options
    assert len(letters) >= 2
    assert not any(entry.label == question for entry in app.toggle)
    before = feedback(app)
    good(app.toggle(key=f"reveal_{step}").set_value(True).run())
    assert app.query_params["seen"] == step
    assert explanation(step, "en") in said(app)
    right = "abcd".index(QUESTIONS[question])
    assert letters[right] in said(app)  # without a prediction the answer is named
    said_of = set()
    for number in range(len(letters)):
        good(app.radio(key=f"ask_{question}").set_value("abcd"[number]).run())
        assert app.query_params["answers"].split(",")[0] == f"{question}-{'abcd'[number]}"
        assert bool(app.success) == (number == right)
        said_of.add(feedback(app).replace(before, ""))
    assert len(said_of) == len(letters)
    good(app.button_group(key="language").set_value("ko").run())
    assert not app.error
    assert explanation(step, "ko") in said(app)
    assert app.radio(key=f"ask_{question}").value == "abcd"[len(letters) - 1]
    assert app.toggle(key=f"reveal_{step}").value
    assert re.search("[가-힣]", feedback(app))
    assert app.latex, "the formula comes after the picture"


def test_answers_and_revealed_steps_go_along_in_the_address_and_come_back():
    first, second = question_of("step1"), question_of("step6")
    app = open_page("step1")
    good(app.radio(key=f"ask_{first}").set_value("a").run())
    good(app.toggle(key="reveal_step1").set_value(True).run())
    good(app.switch_page(navigation.file("step6")).run())
    good(app.radio(key=f"ask_{second}").set_value("b").run())
    assert app.query_params["answers"] == f"{first}-a,{second}-b"
    assert app.query_params["seen"] == "step1"
    again = open_page(
        "step1", **{name: app.query_params[name] for name in ("answers", "seen", "lang")}
    )
    assert again.radio(key=f"ask_{first}").value == "a"
    assert again.toggle(key="reveal_step1").value
    assert Text("en")("lesson.progress", done=1, steps=len(navigation.STEPS)) in said(again)
    good(again.toggle(key="reveal_step1").set_value(False).run())
    assert "seen" not in again.query_params


@pytest.mark.parametrize(("page", "nonsense"), NONSENSE)
def test_a_link_with_nonsense_opens_the_page_as_if_it_were_not_there(page, nonsense):
    """Also the part that waits for the reveal."""
    usual = {"topic": nonsense["topic"]} if nonsense.get("topic", "x") != "x" else {}
    assert shown(open_page(page, seen=page, **nonsense)) == shown(
        open_page(page, seen=page, **usual)
    )


def test_an_edited_address_with_unknown_answers_opens_all_the_same():
    app = open_page("step1", answers="nonsense,,-,x-y,million-z", seen="step9,,step1")
    assert app.radio(key=f"ask_{question_of('step1')}").value is None
    assert app.toggle(key="reveal_step1").value


@pytest.mark.parametrize(
    ("gone", "pages"),
    [
        ("mnist", ["step1"]),
        ("mnist-2d", ["step2", "step3", "step4", "step7"]),
        ("mnist-2d-autoencoder", ["step7"]),
    ],
)
def test_without_its_reference_pictures_a_page_is_a_sentence_that_names_the_file(
    tmp_path, monkeypatch, gone, pages
):
    for name in ("mnist", "mnist-2d", "mnist-2d-autoencoder"):
        shutil.copytree(sources.BUNDLE / name, tmp_path / name)
    (tmp_path / gone / "reference.npz").unlink()
    monkeypatch.setattr(sources, "BUNDLE", tmp_path)
    look_anew(monkeypatch)
    complaints = [open_page(page).error[0].value for page in pages]
    assert all(
        f"weights/{gone}/reference.npz: it is missing" in complaint for complaint in complaints
    ), complaints
