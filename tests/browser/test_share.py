"""Sharing a view: its link and QR code open the same view elsewhere."""

import re

import cv2
import pytest
from playwright.sync_api import expect

from tests.browser import film
from tests.browser.app import answered, open_page, settle
from tests.pictures import digit_png
from ui.text import Text

pytestmark = pytest.mark.browser
EN = Text("en")


def test_the_link_and_its_code_open_the_view_that_is_on_the_page(browser, address):
    page = open_page(browser, address)
    with answered(page):
        page.locator(".st-key-new_seed button").first.click()
    film.move_beta(page, to="10")
    page.get_by_role("button", name=EN("share.button")).press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(EN("share.local"))).to_be_visible()  # a test runs on localhost
    link = dialog.locator("code").inner_text()
    assert link == page.url
    code = film.array(dialog.get_by_alt_text(EN("share.qr")))
    assert cv2.QRCodeDetector().detectAndDecode(code)[0] == link
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    there = open_page(browser, link)
    film.shows_beta(there, "10")
    assert film.described(there, "reconstruction") == film.described(page, "reconstruction")
    there.close()
    page.close()


def test_a_picture_of_ones_own_is_in_no_link_which_is_said(browser, address, tmp_path):
    page = open_page(browser, f"{address}/?lang=en&source=upload")
    digit = tmp_path / "seven.png"
    digit.write_bytes(digit_png())
    page.locator(".st-key-upload input[type=file]").set_input_files(digit)
    expect(film.picture(page, "file")).to_have_attribute("alt", re.compile("300 × 400"))
    settle(page)
    page.get_by_role("button", name=EN("share.button")).click()
    expect(page.get_by_role("dialog").get_by_text(EN("share.own_picture"))).to_be_visible()
    page.close()


def test_a_students_answers_are_not_shared(browser, address):
    page = open_page(browser, f"{address}/step3?lang=en&beta=10&answers=a_student.a&seen=step3")
    page.get_by_role("button", name=EN("share.button")).click()
    link = page.get_by_role("dialog").locator("code").inner_text()
    assert "lang=en" in link
    assert not re.search("answers|seen", link)
    page.close()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_on_a_phone_every_page_is_in_the_menu_and_no_word_is_the_librarys(
    browser, address, language
):
    text = Text(language)
    page = open_page(browser, f"{address}/?lang={language}", width=390, height=844)
    menu = page.get_by_test_id("stSidebarNav")
    if not menu.is_visible():  # the browser remembers an open one
        page.get_by_test_id("stExpandSidebarButton").click()
    for name in ("playground", "path", "step7", "misconceptions", "teacher"):
        expect(menu.get_by_role("link", name=text(f"pages.{name}"))).to_be_visible()
    assert "View" not in menu.inner_text()
    page.close()
