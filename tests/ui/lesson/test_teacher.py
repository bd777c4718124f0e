"""The teacher's page: its link, and the models' numbers in plan, worksheet and answers."""

import io
import re
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from benchmarks import film
from tests.ui.driver import beta_of, components, good, open_app, open_page, said
from ui.lesson.teacher import sheets
from ui.lesson.teacher.class_link import ClassLink
from ui.service import navigation
from ui.text import LANGUAGES, Text
from ui.view.qr_code import qr_code, svg_file
from ui.widgets import link
from vae.experiments.lesson import worksheet
from vae.hub import sources

pytestmark = pytest.mark.usefixtures("small_networks")

plane, digits = sources.resolve("mnist-2d"), sources.resolve("mnist")


@pytest.fixture(scope="module")
def solved():
    return worksheet.solve(
        plane.network, plane.examples.picture("4").numpy(), digits.metrics, seed=7
    )


def link_on(app: AppTest) -> str:
    return app.code[0].value


def opened(address: str) -> AppTest:
    """The app as a student sees it who follows the link."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    app = open_app(**query)
    name = parts.path.strip("/")
    return good(app.switch_page(navigation.file(name)).run()) if name else app


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_opens_in_each_language_with_a_link_a_plan_and_a_worksheet(language):
    app = open_page("teacher", lang=language)
    text = Text(language)
    assert {entry.value for entry in app.subheader} == {
        text("teacher.heading"),
        text("teacher.plan_heading"),
        text("teacher.sheet_heading"),
    }
    assert sum(sheets.MINUTES.values()) == 45
    assert f"lang={language}" in link_on(app)


def test_a_link_opens_exactly_what_it_promised():
    app = open_page("teacher", lang="en")
    good(app.selectbox(key="to_page").set_value("dimensions").run())
    good(app.selectbox(key="to_model").set_value("fashion-mnist").run())
    good(app.select_slider(key="to_beta").set_value(4.0).run())
    good(app.number_input(key="to_seed").set_value(23).run())
    good(app.selectbox(key="to_example").set_value("Sandal").run())
    good(app.button_group(key="to_language").set_value("ko").run())
    good(app.button_group(key="to_hide").set_value(["seed", "source"]).run())
    student = opened(link_on(app))
    assert student.selectbox(key="model").value == "fashion-mnist"
    assert beta_of(student) == 4.0
    assert student.button_group(key="example").value == "Sandal"
    assert any(entry.value == Text("ko")("dimensions.heading") for entry in student.subheader)
    assert not [box for box in student.number_input if box.key == "seed"]
    assert not [group for group in student.button_group if group.key == "source"]
    assert not [button for button in student.button if button.key == "new_seed"]
    assert f"{Text('ko')('sidebar.seed')} 23" in said(student)


def test_hidden_controls_stay_hidden_and_keep_their_values_on_the_other_pages():
    student = open_app(hide="beta,example,noise,language", beta="4", example="3", noise="mean")
    for page in ("map", "dimensions", "playground"):
        good(student.switch_page(navigation.file(page)).run())
        assert not {"example", "noise", "language"} & {
            group.key for group in student.button_group
        }, page
        assert not [slider for slider in student.select_slider if slider.key == "beta"], page
        assert "Beta 4" in said(student), page
        assert student.query_params["hide"] == "beta,example,noise,language"
        assert student.query_params["beta"] == "4"


def test_every_control_that_can_be_hidden_is_hidden():
    shown = open_app()
    hidden = open_app(hide=",".join(link.CONTROLS))

    def keys(app):
        kinds = (app.button_group, app.selectbox, app.number_input)
        bar = {"beta"} if components(app, film.BETA_BAR) else set()
        return bar | {widget.key for kind in kinds for widget in kind}

    assert keys(shown) - keys(hidden) == set(link.CONTROLS)


def test_a_link_for_the_lesson_only_has_no_page_of_the_lab():
    app = open_page("teacher")
    good(app.button_group(key="to_only").set_value("lesson").run())
    assert "model" not in dict(parse_qsl(urlsplit(link_on(app)).query))
    assert not set(app.selectbox(key="to_page").options) & {
        Text("en")(f"pages.{name}") for name in navigation.LAB
    }
    assert navigation.sections("lesson") == {"lesson": navigation.LESSON}
    assert set(navigation.sections(None)) == {"lab", "lesson", "teacher"}


def test_the_link_is_short_where_nothing_was_changed_and_stands_beside_the_teachers_page():
    link = ClassLink("step3", 1.0, 7, "en", "0", hide=("seed", "beta"))
    assert link.address("https://example.org/lab/teacher?lang=ko") == (
        "https://example.org/lab/step3?example=0&lang=en&hide=seed,beta"
    )
    assert ClassLink("step1", 1.0, 7, "ko", "0", lesson_only=True).address(
        "http://localhost:8501/teacher"
    ) == ("http://localhost:8501/?example=0&lang=ko&only=lesson")
    assert (
        ClassLink("playground", 0.1, 7, "ko", "0")
        .address("http://localhost:8501/teacher")
        .startswith("http://localhost:8501/?beta=0.1&")
    )


def test_a_camera_reads_the_link_from_the_qr_code():
    address = ClassLink(
        "step4", 0.315, 1234, "ko", "T-shirt", "fashion-mnist", ("beta", "seed")
    ).address("https://a.example/teacher")
    buffer = io.BytesIO()
    qr_code(address).save(buffer, kind="png", scale=6, border=4)
    pixels = np.asarray(Image.open(buffer).convert("L"))
    assert cv2.QRCodeDetector().detectAndDecode(pixels)[0] == address


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_worksheet_asks_and_only_the_key_answers(solved, language):
    text = Text(language)
    values = {"example": "4", "seed": 7, "address": "https://a.example/?x=1&y=2"}
    sheet, key = (sheets.page(text, solved, answers=answers, **values) for answers in (False, True))
    for number in (
        f"{solved.gap:,.2f}",
        f"−{-solved.log_evidence:,.2f}",
        f"{solved.rate:,.2f}",
        f"{solved.z:.5f}".lstrip("-"),
    ):
        assert number in key
        assert number not in sheet
    assert sheet.count('class="room"') == key.count('class="answer"') == len(sheets.TASKS)
    assert "10²³⁶" in key
    assert "^" not in key
    assert "https://a.example/?x=1&amp;y=2" in sheet
    assert not re.search(r"\{\w+\}", sheet + key)


def test_a_class_without_the_lab_gets_no_task_from_its_pages(solved):
    text = Text("en")
    whole, lesson = (sheets.tasks(text, solved, lab=lab) for lab in (True, False))
    assert [task for task in whole if task[0] not in navigation.LAB] == lesson
    assert len(lesson) < len(whole)
    values = {"example": "4", "seed": 7, "address": "https://a.example/", "answers": True}
    assert text("pages.playground") not in sheets.page(text, solved, lab=False, **values)


def test_the_qr_code_as_a_file_is_a_picture_of_its_own():
    file = ElementTree.fromstring(svg_file(qr_code("https://a.example/step1")))
    # Without the namespace no program takes it for a picture.
    assert file.tag == "{http://www.w3.org/2000/svg}svg"


def test_the_solutions_agree_with_each_other_and_with_closed_forms(solved):
    assert solved.negative_elbo + solved.log_evidence == pytest.approx(solved.gap, abs=1e-3)
    assert solved.uniform == pytest.approx(-543.427, abs=1e-3)
    assert round(solved.digits) == 236
    assert solved.z == pytest.approx(solved.mean + solved.deviation * solved.eps)
    assert abs(solved.wrong_z - solved.mean) < abs(solved.z - solved.mean)  # sigma < 1
    standard = worksheet.torch.distributions.Normal(0.0, 1.0)
    for (mean, log_variance), nats in zip(worksheet.ONE_DIMENSION, solved.divergences, strict=True):
        q = worksheet.torch.distributions.Normal(mean, worksheet.math.exp(log_variance / 2))
        assert nats == pytest.approx(
            float(worksheet.torch.distributions.kl_divergence(q, standard)), abs=1e-6
        )
    assert [now.beta for now in solved.averages] == list(worksheet.SETTINGS)
    assert solved.best_average.beta == 1.0
    assert solved.best_average.negative_elbo == min(now.negative_elbo for now in solved.averages)
    assert solved.foster == pytest.approx(2.048)
