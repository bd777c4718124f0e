"""The film of step 7: each frame is what the package gives at that beta."""

import dataclasses

import numpy as np
import pytest

from benchmarks import film
from benchmarks.film import opened
from tests.ui.driver import components, open_page, said, tell
from tests.ui.film.strips import frames
from ui.film.frames import stops
from ui.lesson.step7_holes import cache, view
from ui.text import LANGUAGES, Text
from ui.view import pictures
from ui.view.markup import marked
from vae.experiments.lesson import holes
from vae.hub import sources
from vae.hub.sources import WithReference

BETAS = (0.001, 0.1, 1.0, 50.0)


@pytest.fixture(scope="module")
def digits() -> WithReference:
    """The VAE with few stops."""
    model = WithReference(**vars(sources.resolve("mnist-2d")))
    betas = tuple(model.metrics.at(beta) for beta in BETAS)
    return dataclasses.replace(model, metrics=dataclasses.replace(model.metrics, betas=betas))


@pytest.fixture(scope="module")
def plain() -> WithReference:
    return WithReference(**vars(sources.resolve("mnist-2d-autoencoder")))


def strip_frames(page: dict, name: str) -> list[np.ndarray]:
    """The frame of each stop."""
    strip = page["strips"][name]
    return [frames(strip)[place] for place in strip["stops"]]


def row(images: np.ndarray) -> np.ndarray:
    return pictures.grid(images, len(images), gap=0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_draws_rate_and_numbers_are_those_of_each_beta(digits, language):
    text = Text(language)
    page = opened(cache.prior_film(digits, 7, language).content)["page"]
    shown = strip_frames(page, "prior")
    for stop, entry in enumerate(digits.metrics.betas):
        decoded = holes.prior_pictures(digits.network, entry.beta, seed=7)
        assert np.abs(shown[stop].astype(int) - row(decoded.images)).max() <= 1
        assert page["strips"]["prior"]["alts"][stop] == view.prior_alt(text, entry, decoded)
        assert page["says"]["numbers"][stop] == marked(view.beta_numbers(text, entry, decoded))
        curve = page["curves"]["rate"]
        assert (curve["betas"][stop], curve["values"][stop]) == (entry.beta, entry.rate)
        assert curve["labels"][stop] == f"{entry.rate:.2f}"
        assert curve["alts"][stop] == view.rate_alt(text, digits.metrics, entry)
    assert page["curves"]["rate"]["region"] == 3  # where no dimension is active


@pytest.mark.parametrize("kind", ["plain", "beta"])
def test_the_walks_are_those_of_each_beta(digits, plain, kind):
    text = Text("en")
    page = opened(cache.walks_film(digits, plain, kind, "en").content)["page"]
    of_plain, labels = cache.latent_plane(plain, 0.0), digits.reference.labels
    for stop, beta in enumerate(stops(digits)):
        found = cache.latent_plane(digits, beta)
        pair = (of_plain if kind == "plain" else found).pair
        ways = {
            "plain": holes.walk(plain.network, of_plain.codes, labels, pair, 0.0),
            "vae": holes.walk(digits.network, found.codes, labels, pair, beta),
        }
        for name, way in ways.items():
            shown = strip_frames(page, name)[stop].astype(int)
            assert np.abs(shown - row(way.images)).max() <= 1
            strip = page["strips"][name]
            assert strip["numbers"][stop] == [f"{distance:.2f}" for distance in way.distances]
            assert strip["alts"][stop] == view.walk_alt(text, way)
            assert page["says"][f"{name}_title"][stop] == marked(view.walk_title(text, way))
            assert page["says"][f"{name}_numbers"][stop] == marked(view.walk_numbers(text, way))
        ends = digits.reference.images[list(pair)] / 255
        assert np.array_equal(strip_frames(page, "ends")[stop], row(ends))
        note = text("step7.walk_collapsed") if found.collapsed else ""
        assert page["says"]["collapsed"][stop] == marked(note)


def test_planes_come_in_parts_those_near_the_hand_first(digits, monkeypatch):
    cache.latent_plane.cache_clear()
    monkeypatch.setattr(cache, "SECONDS", -1.0)  # one at a time
    text = Text("en")
    for missing in (2, 3, 1, 0):
        assert missing not in cache.known(digits)
        cache.measure(digits, wanted=2 if missing != 3 else 3)
        assert missing in cache.known(digits)
        named = cache.planes_name(digits, "en")
        page = opened(cache.planes(digits, "en", cache.known(digits), named).content)["page"]
        assert page["known"] == list(cache.known(digits))
        for stop, beta in enumerate(stops(digits)):
            if stop in cache.known(digits):
                found = cache.latent_plane(digits, beta).holes
                assert page["says"]["plane"][stop] == marked(view.plane_numbers(text, found))
            else:
                assert page["says"]["plane"][stop] is None


@pytest.mark.usefixtures("small_networks")
def test_the_page_opens_with_the_present_stop_and_gets_the_others_when_it_asks(monkeypatch):
    monkeypatch.setattr(cache, "SECONDS", 1000.0)  # all at once
    app = open_page("step7", beta="10")
    count = len(stops(sources.resolve("mnist-2d")))

    def known() -> list[int]:
        carried = components(app, film.CARRIER)
        return [len(opened(one.bytes)["page"]["known"]) for one in carried]

    assert max(known()) < count
    assert "At beta = 10" in said(app)
    tell(app, film.AWAITED, "wanted", 0)
    assert min(known()) == count


@pytest.mark.usefixtures("small_networks")
def test_a_link_that_hides_beta_has_no_slider_and_waits_for_nothing():
    app = open_page("step7", hide="beta", beta="10")
    assert not components(app, film.BETA_BAR)
    assert not components(app, film.AWAITED)
    assert "At beta = 10" in said(app)
