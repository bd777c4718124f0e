"""The lesson in a real Chromium: no page fails or overflows, an own picture goes through steps 4 and 5, links keep their word."""

import itertools
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.app import answered, open_page, settle
from tests.ui.test_playground import digit_png
from ui import contents
from ui.text import LANGUAGES, Text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", (*contents.LESSON, "teacher"))
def test_no_errors_in_the_console_and_nothing_wider_than_the_screen(browser, address, name, language):
    seen = f"&seen={name}" if name in contents.STEPS else ""
    shown = open_page(browser, f"{address}/map?lang={language}")
    problems, received = [], []
    shown.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(len(frame))))
    shown.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    shown.on("pageerror", lambda error: problems.append(str(error)))
    shown.goto(f"{address}/{name}?lang={language}{seen}")
    for dark, width in itertools.product((True, False), (1440, 390)):
        shown.emulate_media(color_scheme="dark" if dark else "light")
        shown.set_viewport_size({"width": width, "height": 844})
        settle(shown)
        assert shown.evaluate("document.querySelector('.stMain').scrollWidth") <= width
    assert not shown.query_selector("[data-testid=stException]")
    assert not [problem for problem in problems if "404" not in problem]
    assert all(shown.evaluate("[...document.images].map(image => image.alt)"))
    assert max(received) < 200_000
    shown.context.close()


def test_the_lesson_is_walked_from_its_first_page_to_its_last_and_answers_go_along(browser, address):
    page = open_page(browser, f"{address}/step1?lang=en")
    with answered(page):
        page.locator(".st-key-predict label").nth(2).click()
    for name in contents.LESSON[1:]:
        page.locator(".st-key-lesson_foot a").last.click()
        page.wait_for_url(f"**/{name}?**")
        settle(page)
        assert page.locator("h2").first.inner_text() == Text("en")(f"pages.{name}")
        assert "answers" in parse_qs(urlsplit(page.url).query), name
    page.context.close()
