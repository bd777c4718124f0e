"""Beta under the hand, in a real Chromium: the page moves with it and the server hears of the end.

The tests go on one after another on one page, as a student would.
"""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import SharedPage, answered, exceptions, open_page, settle
from tests.browser.film import (
    PIXELS,
    Sent,
    array,
    bar,
    described,
    drag,
    linked_beta,
    move_beta,
    numbers,
    picture,
    pixels,
    query,
    shows_beta,
)
from ui.service import cache
from ui.text import Text
from ui.view import pictures, sentences
from vae import experiments
from vae.hub.sources import resolve

pytestmark = pytest.mark.browser

GALLERY = ".film-gallery canvas"
MARK = ".film-plane path.current.own"
KEPT = "[...vaeLabFilm.galleries.values()].at(-1)"  # the gallery that is shown


@pytest.fixture(scope="module")
def sent():
    return Sent()


@pytest.fixture(scope="module")
def shared(browser, address, sent):
    shared = SharedPage(
        lambda: open_page(browser, f"{address}/?lang=en&example=5", listen=sent.listen), exceptions
    )
    yield shared
    shared.close()


@pytest.fixture
def page(request, shared):
    with shared.test(request.session) as page:
        yield page


def views(page: Page) -> list[str]:
    """What four views show: the reconstruction, the loss, the plane's mark, the gallery."""
    return [
        pixels(page, "reconstruction"),
        numbers(page),
        page.locator(MARK).get_attribute("transform"),
        page.locator(GALLERY).evaluate(PIXELS),
    ]


def figures(text: str) -> list[str]:
    return re.findall(r"\d[\d,]*\.?\d*", text)


def shows_the_servers_answer(page: Page, beta: str, example: str = "5") -> None:
    """The frame shown is the one that the network gives for this beta, and so are its numbers."""
    model = resolve("mnist")
    image = model.examples.picture(example).numpy()
    entry = next(entry for entry in model.metrics.betas if f"{entry.beta:g}" == beta)
    answer = experiments.reconstruct(model.network, image, entry.beta, seed=7)
    drawn = array(picture(page, "reconstruction")).astype(int)
    wanted = pictures.to_uint8(answer.mean).astype(int)
    assert np.abs(drawn[..., 0] - wanted).max() <= 1
    assert (drawn == drawn[..., :1]).all()
    loss = experiments.breakdown(cache.trade_off(model, image, 7), entry)
    said = page.locator(".film-flow .says .sum").inner_text()
    assert figures(said) == figures(sentences.loss(Text("en"), loss))


def test_beta_moves_all_views_while_the_server_hears_nothing_and_then_one_message(page, sent):
    before, seen = sent.count(page), [views(page)]
    rests = drag(page, 1.0, lambda: seen.append(views(page)))
    assert sent.count(page) - before <= rests
    for view in zip(*seen, strict=True):
        assert len(set(view)) >= len(seen) - 1  # the hand may come by a stop again
    last = f"{resolve('mnist').metrics.betas[int(bar(page).input_value())].beta:g}"
    page.mouse.up()
    shows_beta(page, last)
    linked_beta(page, last)
    settle(page)
    page.wait_for_timeout(700)
    assert 1 <= sent.count(page) - before <= rests + 1
    shows_the_servers_answer(page, last)


def test_the_ends_of_the_slider_are_the_servers_answers_and_a_reload_shows_them_again(page):
    for key, beta in (("Home", "0.01"), ("End", "50")):
        bar(page).focus()
        with answered(page):
            page.keyboard.press(key)
            shows_beta(page, beta)
            linked_beta(page, beta)
        shows_the_servers_answer(page, beta)
        expect(bar(page)).to_have_attribute("aria-valuetext", re.compile(rf"\b{beta}\b"))
    view = [*views(page), *(described(page, name) for name in ("reconstruction", "difference"))]
    page.reload()
    settle(page)
    shows_beta(page, "50")
    assert view == [
        *views(page),
        *(described(page, name) for name in ("reconstruction", "difference")),
    ]


def test_an_explanation_opens_and_closes_by_keyboard_and_its_numbers_follow_beta(page):
    move_beta(page, "1")
    panel = page.locator(".film-flow .explanation")
    texts = set()
    for part in ("encoder", "code", "sampling", "decoder", "distortion", "rate"):
        button = page.locator(f".film-flow button[data-part={part}]")
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_attribute("aria-expanded", "true")
        expect(panel).to_be_visible()
        expect(page.locator(".film-flow button[aria-expanded=true]")).to_have_count(1)
        assert panel.locator("math").count()
        texts.add(panel.inner_text())
    assert len(texts) == 6
    text = panel.locator(".body").inner_text()
    move_beta(page, "10")
    expect(panel.locator(".body")).not_to_have_text(text)
    loss = experiments.breakdown(
        cache.trade_off(resolve("mnist"), resolve("mnist").examples.picture("5").numpy(), 7),
        next(entry for entry in resolve("mnist").metrics.betas if entry.beta == 10),
    )
    expect(panel.locator(".body")).to_contain_text(f"{loss.rate:.1f}")
    page.locator(".film-flow button[data-part=rate]").focus()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    assert not page.locator(".film-flow button[aria-expanded=true]").count()


def test_a_pulse_shows_the_datas_way_only_where_motion_is_welcome(page):
    page.evaluate("""() => {
        const animate = Element.prototype.animate;
        window.pulses = 0;
        Element.prototype.animate = function (...how) {
            if (this.closest('.film-flow')) window.pulses += 1;
            return animate.apply(this, how);
        };
    }""")
    for motion, pulses in (("reduce", 0), ("no-preference", 5)):
        page.emulate_media(reduced_motion=motion)
        before = pixels(page, "reconstruction")
        with answered(page):
            page.locator(".st-key-new_eps button").first.click()
        assert pixels(page, "reconstruction") != before
        assert page.evaluate("window.pulses") == pulses


def test_on_a_phone_beta_is_fixed_at_the_bottom_edge_and_hides_nothing(page):
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    place = page.locator(".film-bar .place")
    for scroll in (0, 1e6):
        page.locator(".stMain").evaluate("(main, top) => main.scrollTo(0, top)", scroll)
        box = place.bounding_box()
        assert box["y"] + box["height"] == pytest.approx(844, abs=1)
        assert (box["x"], box["width"]) == (0, 390)
        assert bar(page).bounding_box()["height"] >= 44
    # At the end of the page its last element lies above the bar.
    bottom = page.locator(".stMain .stElementContainer:not([class*=st-key-beta_bar])").evaluate_all(
        "all => Math.max(...all.map(part => part.getBoundingClientRect().bottom))"
    )
    assert bottom <= box["y"]
    # With a finger, or here the keyboard, it moves as the wide one does.
    beta = "2"
    move_beta(page, beta)
    assert place.locator(".phone-value").inner_text() == f"β = {beta}"
    page.set_viewport_size({"width": 1440, "height": 900})
    settle(page)


def test_faces_at_rest_are_exact(page):
    """Those that the hand passes by are compressed."""
    with answered(page):
        page.locator(".st-key-model input").click()
        page.get_by_role("option", name="Faces, in colour", exact=True).click()
    at = int(bar(page).input_value()) + 3
    model = resolve("faces")
    entry = model.metrics.betas[at]
    assert page.evaluate(f"{KEPT}.exactly[{at}]") is False
    move_beta(page, f"{entry.beta:g}", "faces")
    settle(page)
    assert page.evaluate(f"{KEPT}.exactly[{at}]") is True
    seed = int(query(page).get("seed", ["7"])[0])
    (tiles,) = experiments.galleries(model.network, (entry.beta,), count=32, seed=seed)
    wanted = pictures.grid(tiles, 8).astype(int)
    assert np.abs(array(page.locator(GALLERY)) - wanted).max() <= 1
