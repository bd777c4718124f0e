"""Back and Forward of the browser, as a student presses them."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.app import answered, open_page, settle
from ui.text import Text

pytestmark = pytest.mark.browser


def test_back_goes_to_the_page_before_however_often_its_controls_were_moved(browser, address):
    page = open_page(browser, f"{address}/?lang=en")
    entries = page.evaluate("history.length")
    for _ in range(3):
        with answered(page):
            page.locator(".st-key-new_seed button").first.click()
    page.wait_for_url(re.compile("seed=10"))
    assert page.evaluate("history.length") == entries
    page.get_by_text("Lab", exact=True).click()
    page.get_by_role("menuitem", name=Text("en")("pages.map"), exact=True).click()
    page.wait_for_url(re.compile("/map"))
    settle(page)
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    page.wait_for_url(re.compile(r"/\?.*seed=10"))
    settle(page)
    expect(page.locator(".st-key-seed input")).to_have_value("10")
    page.go_forward()
    page.wait_for_url(re.compile("/map"))
    page.close()
