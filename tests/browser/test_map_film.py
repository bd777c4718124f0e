"""The map under the hand, in a real Chromium: it moves with beta, and the server hears of the end.

The tests go on one after another on one page, as a student would.
"""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import Journal, SharedPage, answered, exceptions, open_page, runs, settle
from tests.browser.film import PIXELS, REST, Sent, array, bar, drag, linked_beta
from ui.film import frames, map_frames
from ui.text import Text
from ui.view import pictures
from vae import experiments
from vae.experiments import WHOLE_PLANE
from vae.hub.sources import WithReference, resolve

pytestmark = pytest.mark.browser

PIN = (1.3, -0.9)
NUMBERS = ".map-numbers"
CODES = "[...vaeLabFilm.pages.values()].find(page => page.labels)"

# Writes down what a status region says, but for when it falls silent.
HEARD = """region => {
    window.heard = [];
    new MutationObserver(() => {
        if (region.textContent) window.heard.push(region.textContent);
    }).observe(region, {childList: true, characterData: true, subtree: true});
}"""


@pytest.fixture(scope="module")
def sent():
    return Sent()


@pytest.fixture(scope="module")
def shared(browser, address, sent):
    link = f"{address}/map?lang=en&example=5&posteriors=100&pin={PIN[0]},{PIN[1]}"
    journal = Journal()

    def listen(page: Page) -> None:
        sent.listen(page)
        journal.listen(page)

    def failures(page: Page) -> list[str]:
        return exceptions(page) + journal.problems

    shared = SharedPage(lambda: open_page(browser, link, listen=listen), failures)
    yield shared
    shared.close()


@pytest.fixture
def page(request, shared):
    with shared.test(request.session) as page:
        page.mouse.move(0, 0)
        yield page


def own(page: Page) -> str:
    """The sentence with one's own posterior."""
    return page.locator(f"{NUMBERS} .own").inner_text()


def views(page: Page) -> list[str]:
    """What is shown: the map, one's own numbers, the reconstruction, the pinned picture."""
    return [
        page.locator(".plane .drawing").evaluate(PIXELS),
        own(page),
        page.locator(f"{NUMBERS} .reconstruction :is(img, canvas):visible").evaluate(PIXELS),
        page.locator(".pinned :is(img, canvas):visible").evaluate(PIXELS),
        page.locator(f"{NUMBERS} .aggregate").inner_text(),
    ]


def stops() -> tuple[float, ...]:
    return frames.stops(resolve("mnist-2d"))


def shows_the_servers_answer(page: Page, beta: float) -> None:
    """What is said, and the reconstruction, are the network's at this beta."""
    model = WithReference(**vars(resolve("mnist-2d")))
    image = model.examples.picture("5").numpy()
    seen = experiments.reconstruct(model.network, image, beta, seed=7, use_mean=True)
    codes = experiments.codes(model.network, model.reference.images, beta)
    says = map_frames.numbers(Text("en"), model, beta, seen, codes, None, WHOLE_PLANE, films=None)[
        "says"
    ]
    for name in ("own", "aggregate", "outside"):
        expect(page.locator(f"{NUMBERS} .{name}")).to_have_text(re.sub("<[^>]+>", "", says[name]))
    shown = array(page.locator(f"{NUMBERS} .reconstruction :is(img, canvas):visible"))
    side = len(shown) // 28
    wanted = pictures.to_uint8(seen.mean).astype(int)
    assert np.abs(shown[::side, ::side, 0].astype(int) - wanted).max() <= 1


def test_the_map_moves_while_the_server_hears_nothing_and_then_one_message(page, sent):
    before, seen = sent.count(page), [views(page)]
    rests = drag(page, 1.0, lambda: seen.append(views(page)))
    assert sent.count(page) - before <= rests
    for view in zip(*seen, strict=True):
        assert len(set(view)) >= len(seen) - 2  # the hand may come by a stop again
    beta = stops()[int(bar(page).input_value())]
    page.mouse.up()
    linked_beta(page, f"{beta:g}")
    settle(page)
    page.wait_for_timeout(REST)
    assert 1 <= sent.count(page) - before <= rests + 1
    shows_the_servers_answer(page, beta)


def test_a_frame_of_the_film_is_drawn_as_the_servers_answer_is(page):
    """Its codes are rounded to a step: a few pixels at the edges of digits differ a little."""
    with answered(page):
        bar(page).focus()
        page.keyboard.press("ArrowLeft")
        expect(page.locator(".pinned.away")).to_be_visible()
        beta = stops()[int(bar(page).input_value())]
        shows_the_servers_answer(page, beta)
        drawing, pinned = (
            array(page.locator(at)).astype(int) for at in (".plane .drawing", ".pinned canvas")
        )
        page.wait_for_timeout(REST)
    expect(page.locator(".pinned:not(.away)")).to_be_visible()
    answer = array(page.locator(".plane .drawing")).astype(int)
    assert np.abs(drawing - answer).mean() < 0.2
    image = experiments.decode_point(resolve("mnist-2d").network, PIN, beta)
    assert np.abs(pinned[..., 0] - pictures.to_uint8(image).astype(int)).max() <= 1


def test_a_screen_reader_hears_the_numbers_once_when_the_hand_rests(page):
    page.locator(f"{NUMBERS} .spoken").evaluate(HEARD)
    with answered(page):
        bar(page).focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("window.heard.length > 0")
    assert page.evaluate("window.heard") == [own(page)]


def test_while_beta_moves_no_tile_and_no_posterior_of_another_beta_is_shown(page):
    with answered(page):
        page.locator(".st-key-posterior").get_by_text("tempered", exact=True).click()
    expect(page.locator(f"{NUMBERS} .posterior")).to_contain_text("KL(q ‖")
    with answered(page):
        bar(page).focus()
        page.keyboard.press("ArrowRight")
        box = page.locator(".plane").bounding_box()
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 3)
        expect(page.locator(".live canvas.empty")).to_be_visible()
        expect(page.locator(f"{NUMBERS} .posterior")).to_have_text(Text("en")("map.later"))
    expect(page.locator(f"{NUMBERS} .posterior")).to_contain_text("KL(q ‖")
    expect(page.locator(".live canvas:not(.empty)")).to_be_visible()
    with answered(page):
        page.locator(".st-key-posterior").get_by_text("nothing", exact=True).click()


def test_around_ones_own_picture_the_window_stays_until_the_hand_rests(page):
    with answered(page):
        page.locator(".st-key-window").get_by_text("around my picture").click()
    before = own(page)
    label = page.locator(".plane").get_attribute("aria-label")
    seen = []
    rests = drag(page, 0.5, lambda: seen.append(page.locator(".plane .drawing").evaluate(PIXELS)))
    assert rests or own(page) != before
    with answered(page):
        page.mouse.up()
    assert len(set(seen)) > 2
    assert page.locator(".plane").get_attribute("aria-label") != label
    with answered(page):
        page.locator(".st-key-window").get_by_text("the plane", exact=True).click()


def test_the_codes_that_everybody_has_are_sent_once(page, sent):
    page.evaluate(f"window.codes = {CODES}")
    bar(page).focus()
    with answered(page):
        page.keyboard.press("Home")
        linked_beta(page, "0.001")
    with answered(page):
        page.locator(".st-key-example").get_by_text("8", exact=True).click()
    assert page.evaluate(f"window.codes === {CODES}")
    settle(page)
    expect(page.locator(f"{NUMBERS}[aria-busy=false]")).to_be_visible()


def test_where_a_link_hides_beta_the_map_stands_still(browser, address):
    page = open_page(browser, f"{address}/map?lang=en&hide=beta&beta=0.1&example=5")
    assert not page.locator(".film-bar").count()
    assert not page.evaluate("globalThis.vaeLabFilm")
    shows_the_servers_answer(page, 0.1)
    before = runs(page)
    page.wait_for_timeout(REST)
    assert runs(page) == before
    page.close()
