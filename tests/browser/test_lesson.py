"""The lesson in a real Chromium: its layout, an own picture in steps 4 and 5, its links."""

import itertools
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.app import (
    Journal,
    SharedPage,
    answered,
    exceptions,
    look_around,
    open_page,
    runs,
    settle,
)
from tests.pictures import digit_png
from ui.service import navigation
from ui.text import LANGUAGES, Text


def test_the_lesson_is_walked_from_its_first_page_to_its_last_and_answers_go_along(
    browser, address
):
    """Every page is looked at, in one language each; tests/ui/lesson opens them in both."""
    journal = Journal()
    page = open_page(
        browser,
        f"{address}/step1?lang=en&seen={','.join(navigation.LESSON)}",
        listen=journal.listen,
    )
    with answered(page):
        page.locator(".st-key-predict label").nth(2).click()
    look_around(page, journal)
    for name, language in zip(navigation.LESSON[1:], itertools.cycle(("ko", "en")), strict=False):
        page.locator(".st-key-lesson_foot a").last.click()
        page.wait_for_url(f"**/{name}?**")
        settle(page)
        with answered(page):
            page.locator(".st-key-language button", has_text=LANGUAGES[language]).click()
        assert page.locator("h2").first.inner_text() == Text(language)(f"pages.{name}")
        assert "answers" in parse_qs(urlsplit(page.url).query), name
        look_around(page, journal)
    page.close()


def nats(page, pattern: str) -> float:
    """A number in the page's text, after the words of the pattern."""
    found = re.search(pattern + r"\s*([−-]?[\d,]+\.\d+)", page.locator(".stMain").inner_text())
    assert found, pattern
    return float(found.group(1).replace(",", "").replace("−", "-"))


def give_picture(page, tmp_path) -> None:
    """Upload a seven, as a student does."""
    file = tmp_path / "seven.png"
    file.write_bytes(digit_png())
    with answered(page):
        page.locator(".st-key-source button", has_text="Upload").click()
    with answered(page):
        page.locator(".st-key-upload input[type=file]").set_input_files(file)
        expect(page.locator(".st-key-upload")).to_contain_text("seven.png")


def test_step_4_an_own_picture_is_explained_by_hand_then_by_the_gradient_then_by_the_encoder(
    browser, address, tmp_path
):
    page = open_page(browser, f"{address}/step4?lang=en")
    example = nats(page, r"log p\(x\) =")
    give_picture(page, tmp_path)
    evidence, at_first = nats(page, r"log p\(x\) ="), nats(page, "ELBO =")
    assert evidence != example
    assert at_first < evidence
    with answered(page):  # towards the sevens
        box = page.locator(".plane").first.bounding_box()
        page.mouse.click(
            box["x"] + box["width"] * (4 - 1.2) / 8, box["y"] + box["height"] * (4 + 0.6) / 8
        )
    page.wait_for_function("location.search.includes('pinq=')")
    by_hand = nats(page, "ELBO =")
    assert at_first < by_hand < evidence
    with answered(page):
        page.locator(".st-key-many_steps button").click()
    climbed = nats(page, "ELBO =")
    assert by_hand < climbed < evidence
    assert nats(page, r"log p\(x\) =") == evidence
    assert nats(page, r"KL\(q ‖ p\(z\|x\)\) =") == pytest.approx(evidence - climbed, abs=0.02)
    with answered(page):
        page.locator(".st-key-reveal_step4 label").last.click()
        expect(page.locator(".st-key-encoder_map .plane")).to_be_visible()
    assert parse_qs(urlsplit(page.url).query)["seen"] == ["step4"]
    page.close()


@pytest.fixture(scope="module")
def shared(browser, address):
    shared = SharedPage(
        lambda: open_page(browser, f"{address}/step5?lang=en&seen=step5"), exceptions
    )
    yield shared
    shared.close()


@pytest.fixture
def page_of_step_5(request, shared):
    with shared.test(request.session) as page:
        yield page


def test_step_5_an_own_picture_closes_the_gap_with_one_of_the_two_divergences(
    page_of_step_5, tmp_path
):
    page = page_of_step_5
    give_picture(page, tmp_path)
    filled = page.locator(".st-key-filled_bars")
    ends = {}
    for name in ("KL(q ‖ p(z))", "KL(q ‖ p(z|x))"):
        with answered(page):
            page.locator(".st-key-filler").get_by_role("radio", name=name, exact=True).click()
        ends[name] = filled.locator(".bars .segment").last.evaluate(
            "piece => piece.getBoundingClientRect().right"
        )
    goal = (
        filled.locator(".bars .segment")
        .nth(1)
        .evaluate("piece => piece.getBoundingClientRect().right")
    )
    assert ends["KL(q ‖ p(z|x))"] == pytest.approx(goal, abs=1.5)
    assert ends["KL(q ‖ p(z))"] > goal + 20


def test_step_5_pointing_and_the_keyboard_light_up_a_term_its_bar_and_its_picture(page_of_step_5):
    page = page_of_step_5
    formula = page.locator(".st-key-whole_formula")
    before = runs(page)
    panels = set()
    for term in ("evidence", "distortion", "rate", "gap"):
        formula.locator(f"button.{term}").hover()
        panels.add(formula.locator(".panel").inner_text())
    formula.locator("button.rate").focus()
    page.keyboard.press("Enter")
    expect(formula.locator("button.rate")).to_have_attribute("aria-pressed", "true")
    assert len(panels) == 4
    assert runs(page) == before  # all in the browser


def test_a_link_from_the_teachers_page_opens_exactly_what_it_promised(browser, address):
    journal = Journal()
    teacher = open_page(
        browser,
        f"{address}/teacher?lang=en&to_page=dimensions&to_model=fashion-mnist&to_beta=4&to_seed=23"
        "&to_example=Sandal&to_language=ko&to_hide=seed,source",
        listen=journal.listen,
    )
    look_around(teacher, journal)
    link = teacher.locator(".stCode code").inner_text().replace("\n", "")
    teacher.close()
    student = open_page(browser, link)
    text = Text("ko")
    assert urlsplit(student.url).path == "/dimensions"
    assert student.get_by_text(text("dimensions.heading"), exact=True).is_visible()
    assert student.locator(".st-key-model input").input_value() == text("models.fashion-mnist")
    assert re.search(r"\b4\b", student.locator(".film-bar input").get_attribute("aria-valuetext"))
    assert student.locator(".st-key-example [aria-checked=true]").inner_text() == text(
        "examples.Sandal"
    )
    assert f"{text('sidebar.seed')} 23" in student.locator(".stSidebar").inner_text()
    for hidden in ("seed", "source", "new_seed"):
        assert student.locator(f".st-key-{hidden}").count() == 0
    student.close()


def test_a_link_for_the_lesson_only_opens_its_first_page_and_has_no_lab(browser, address):
    page = open_page(browser, f"{address}/?only=lesson&lang=en&hide=source,seed")
    assert page.locator("h2").first.inner_text() == Text("en")("pages.step1")
    assert not page.get_by_text(Text("en")("sections.lab"), exact=True).count()
    page.locator(".st-key-lesson_foot a").last.click()
    page.wait_for_url("**/step2?**")
    settle(page)
    assert "only=lesson" in page.url
    assert page.locator(".st-key-source").count() == 0
    page.close()
