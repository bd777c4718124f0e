"""Beta under the hand in step 7 and on the page of the dimensions, in a real Chromium."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.app import answered, exceptions, open_page, settle
from tests.browser.film import PIXELS, Sent, array, bar, drag, linked_beta
from ui.text import Text
from ui.view import latent_sentences, pictures
from vae import experiments
from vae.experiments.lesson import holes
from vae.hub.sources import resolve

pytestmark = pytest.mark.browser

TEXT = Text("en")
STEP7 = {
    "strip": ".st-key-row_prior canvas",
    "sentence": ".st-key-says_numbers p:first-child",
    "marker": ".film-curve .mark",
}
DIMENSIONS = {
    "strip": ".st-key-row_traversal canvas",
    "changes": ".st-key-row_changes canvas",
    "sentence": ".st-key-says_activity p",
    "bars": ".film-bars .overlay .own >> nth=0",
    "marker": ".film-heat .now",
}


def shown(page: Page, views: dict[str, str]) -> list[str]:
    """What each view shows: pixels, words, or where its mark is."""
    return [
        page.locator(place).evaluate(
            PIXELS
            if place.endswith("canvas")
            else "part => part.textContent || part.getAttribute('transform') "
            "|| part.getAttribute('height')"
        )
        for place in views.values()
    ]


def opened(browser, address: str, path: str, views: dict[str, str], sent: Sent) -> Page:
    """A page whose film has come as far as these views need it."""
    page = open_page(browser, f"{address}/{path}", listen=sent.listen)
    strip = next(iter(views.values()))
    before = page.locator(strip).evaluate(PIXELS)
    bar(page).focus()
    # One step: until the film has come the view is dimmed, or the server answers at rest.
    with answered(page):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".film-strip.dimmed")).to_have_count(0)
    assert page.locator(strip).evaluate(PIXELS) != before
    return page


def stops(model: str) -> tuple[float, ...]:
    return tuple(entry.beta for entry in resolve(model).metrics.betas)


def drag_and_rest(page: Page, views: dict[str, str], model: str, sent: Sent) -> float:
    """Drag beta to and fro; returns where it rests."""
    before, seen = sent.count(page), [shown(page, views)]
    rests = drag(page, 1.0, lambda: seen.append(shown(page, views)))
    assert sent.count(page) - before <= rests
    for name, values in zip(views, zip(*seen, strict=True), strict=True):
        assert len(set(values)) >= len(seen) - 1, name  # the hand may come by a stop again
    beta = stops(model)[int(bar(page).input_value())]
    page.mouse.up()
    linked_beta(page, f"{beta:g}")
    settle(page)
    page.wait_for_timeout(700)
    assert 1 <= sent.count(page) - before <= rests + 1
    assert exceptions(page) == []
    return beta


def test_in_step_7_the_draws_the_rate_and_its_mark_follow_beta_without_the_server(browser, address):
    sent, model = Sent(), resolve("mnist-2d")
    page = opened(browser, address, "step7?lang=en&beta=0.8", STEP7, sent)
    # Once for all visitors: the pictures' codes at every beta.
    expect(page.locator(".film-awaited")).to_have_text("", timeout=300_000)
    settle(page)
    views = STEP7 | {
        "walk": ".st-key-row_walk_vae canvas",
        "holes": ".st-key-says_numbers p:last-child",
    }
    beta = drag_and_rest(page, views, "mnist-2d", sent)
    decoded = holes.prior_pictures(model.network, beta, seed=7)
    row = pictures.grid(decoded.images, len(decoded.images)).astype(int)
    assert np.abs(array(page.locator(STEP7["strip"]))[..., 0] - row).max() <= 1
    entry = model.metrics.at(beta)
    expect(page.locator(STEP7["sentence"])).to_contain_text(f"At beta = {beta:g}")
    expect(page.locator(STEP7["sentence"])).to_contain_text(f"{entry.rate:.2f} nats")
    expect(page.locator(".film-curve .value")).to_have_text(f"{entry.rate:.2f}")
    expect(page.locator(".film-curve .plot")).to_have_attribute(
        "aria-label", re.compile(rf"current beta {beta:g} it is {entry.rate:.2f}")
    )
    page.close()


def test_the_dimensions_follow_beta_without_the_server(browser, address):
    sent, model = Sent(), resolve("mnist")
    page = opened(browser, address, "dimensions?lang=en&example=5", DIMENSIONS, sent)
    beta = drag_and_rest(page, DIMENSIONS, "mnist", sent)
    entry = model.metrics.at(beta)
    image = model.examples.picture("5").numpy()
    seen = experiments.reconstruct(model.network, image, beta, seed=7)
    dimension = model.metrics.at(1.0).dimensions_by_rate[0]
    moved = experiments.traverse(model.network, seen, beta, dimension)
    row = pictures.grid(moved.images, len(moved.images)).astype(int)
    assert np.abs(array(page.locator(DIMENSIONS["strip"]))[..., 0] - row).max() <= 1
    tiles = [pictures.difference(one) for one in moved.differences]
    row = pictures.grid(np.stack(tiles).transpose(0, 3, 1, 2) / 255, len(tiles)).astype(int)
    assert np.abs(array(page.locator(DIMENSIONS["changes"])) - row).max() <= 1
    expect(page.locator(DIMENSIONS["sentence"])).to_have_text(
        latent_sentences.activity(TEXT, entry, seen).replace("*", "")
    )
    expect(page.locator(".film-bars .plot")).to_have_attribute(
        "aria-label", latent_sentences.rates_alt(TEXT, entry, seen, dimension)
    )
    expect(page.locator(".film-heat .beta")).to_have_text(f"{beta:g}")
    # Spoken once, at rest, and gone then: it stands on the page already.
    spoken = page.locator(".st-key-says_activity .spoken")
    expect(spoken).to_have_text("")
    bar(page).focus()
    with answered(page):
        page.keyboard.press("ArrowLeft" if beta > 0.1 else "ArrowRight")
        expect(spoken).to_contain_text("dimensions are active")
    assert spoken.inner_text() in ("", page.locator(DIMENSIONS["sentence"]).inner_text())
    expect(spoken).to_have_text("")
    page.close()


def test_a_bar_of_the_first_dimension_can_be_chosen_and_its_film_comes(browser, address):
    page = open_page(browser, f"{address}/dimensions?lang=en&model=mnist-2d&dimension=1")
    settle(page)
    before = page.locator(DIMENSIONS["strip"]).evaluate(PIXELS)
    order = resolve("mnist-2d").metrics.at(1.0).dimensions_by_rate
    column = page.locator(".film-bars .overlay .mean").nth(order.index(0)).bounding_box()
    with answered(page):
        page.mouse.click(column["x"] + column["width"] / 2, column["y"] + column["height"] / 2)
    expect(page.locator(".st-key-dimension input")).to_have_value("dimension 1")
    expect(page.locator(".film-strip.dimmed")).to_have_count(0)
    assert page.locator(DIMENSIONS["strip"]).evaluate(PIXELS) != before
    expect(page.locator(".film-awaited")).to_have_text("")
    page.close()


@pytest.mark.parametrize("path", ["step7", "dimensions"])
def test_where_a_link_hides_beta_all_stands_still(browser, address, path):
    sent = Sent()
    page = open_page(browser, f"{address}/{path}?lang=en&beta=4&hide=beta", listen=sent.listen)
    assert not page.locator(".film-bar").count()
    before = sent.count(page)
    page.wait_for_timeout(1500)
    assert sent.count(page) == before  # nothing is asked for that nobody could see
    assert "4" in page.locator(".stSidebar").inner_text()
    page.close()


def test_faces_at_rest_are_exact_on_the_page_of_the_dimensions(browser, address):
    """Those that the hand passes by are compressed."""
    sent, model = Sent(), resolve("faces")
    page = opened(browser, address, "dimensions?lang=en&model=faces&noise=mean", DIMENSIONS, sent)
    beta = stops("faces")[int(bar(page).input_value())]
    image = model.examples.picture(model.examples.names[0]).numpy()
    seen = experiments.reconstruct(model.network, image, beta, seed=7, use_mean=True)
    dimension = model.metrics.at(1.0).dimensions_by_rate[0]
    moved = experiments.traverse(model.network, seen, beta, dimension)
    row = pictures.grid(moved.images, len(moved.images)).astype(int)
    assert np.abs(array(page.locator(DIMENSIONS["strip"])) - row).max() <= 1
    page.close()
