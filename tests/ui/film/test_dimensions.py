"""The dimensions' film: each frame is what the server answers at that beta."""

import dataclasses
import functools

import numpy as np
import pytest

from benchmarks.film import opened
from tests.ui.film.strips import coloured, frames
from ui.film import dimensions
from ui.film.frames import stops
from ui.service import cache
from ui.service.cache import MovedDimension
from ui.text import LANGUAGES, Text
from ui.view import latent_sentences, pictures
from ui.view.markup import marked
from vae import experiments
from vae.hub import sources

MOVED = MovedDimension(dimension=3, seed=7, draw=1, use_mean=False, language="en")
# Kilobytes for a phone's network.
MOST = {"mnist": 400, "mnist-2d": 400, "fashion-mnist": 400, "faces": 1500}


@functools.cache
def model_of(name: str) -> sources.Resolved:
    """A model with few stops: enough for two sheets of a grey strip."""
    model = sources.resolve(name)
    chosen = {model.metrics.at(beta) for beta in (0.01, 0.1, 1.0, 10.0)}
    betas = tuple(entry for entry in model.metrics.betas if entry in chosen)
    return dataclasses.replace(model, metrics=dataclasses.replace(model.metrics, betas=betas))


def picture_of(model: sources.Resolved) -> np.ndarray:
    return model.examples.picture(model.examples.names[0]).numpy()


def answers(name: str):
    """At each stop: its metrics, the reconstruction and the moved dimension of the package."""
    model = model_of(name)
    for entry in model.metrics.betas:
        seen = experiments.reconstruct(
            model.network, picture_of(model), entry.beta, seed=MOVED.seed, draw=MOVED.draw
        )
        moved = experiments.traverse(model.network, seen, entry.beta, MOVED.dimension)
        yield entry, seen, moved


@functools.cache
def film_of(name: str, language: str = "en") -> dict:
    model = model_of(name)
    moved = dataclasses.replace(MOVED, language=language)
    return opened(cache.dimension_film(picture_of(model), model, moved).content)["page"]


@pytest.mark.parametrize("name", ["mnist", "faces"])
def test_each_stop_has_the_pictures_of_its_beta(name):
    strips = film_of(name)["strips"]
    traversal, changes = frames(strips["traversal"]), frames(strips["changes"])
    for stop, (_, _, moved) in enumerate(answers(name)):
        shown = traversal[strips["traversal"]["stops"][stop]].astype(int)
        away = np.abs(shown - pictures.grid(moved.images, len(moved.images), gap=0))
        if name == "faces":  # what the hand passes by is compressed
            assert away.mean() < 3
        else:
            assert away.max() <= 1
        wanted = np.concatenate([pictures.difference(one) for one in moved.differences], axis=1)
        assert np.abs(coloured(changes[strips["changes"]["stops"][stop]]) - wanted).max() <= 1


def test_a_frame_of_faces_at_rest_is_exact():
    model = model_of("faces")
    for stop, (_, _, moved) in enumerate(answers("faces")):
        one = cache.dimension_frame(picture_of(model), model, MOVED, stop)
        page = opened(one.content)["page"]
        assert page["known"] == [stop]
        (shown,) = frames(page["strips"]["traversal"])
        wanted = pictures.grid(moved.images, len(moved.images), gap=0).astype(int)
        assert np.abs(shown - wanted).max() <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_stop_has_the_numbers_and_words_of_its_beta(language):
    text, model, page = Text(language), model_of("mnist"), film_of("mnist", language)
    own = np.frombuffer(page["own"]["values"], "<f4").reshape(len(stops(model)), -1)
    for stop, (entry, seen, moved) in enumerate(answers("mnist")):
        rates = own[page["own"]["stops"][stop]]
        assert rates == pytest.approx(seen.rate_per_dimension, abs=1e-5)
        assert page["alts"]["bars"][stop] == latent_sentences.rates_alt(
            text, entry, seen, MOVED.dimension
        )
        said = {name: found[stop] for name, found in page["says"].items()}
        assert said["activity"] == marked(latent_sentences.activity(text, entry, seen))
        assert said["change"] == marked(latent_sentences.change(text, model, entry, moved))
        assert f"{moved.own_value:.2f}".replace("-", "−") in said["value"]
        assert f"{moved.own_value:.2f}".replace("-", "−") in said["difference"]
        for name, numbers, alt in (
            ("traversal", moved.values, latent_sentences.traversal_alt(text, moved)),
            ("changes", moved.changes, latent_sentences.changes_alt(text, model, moved)),
        ):
            strip = page["strips"][name]
            assert strip["numbers"][stop] == [f"{number:.1f}" for number in numbers]
            assert strip["alts"][stop] == alt


def test_the_rates_of_the_test_set_are_the_measured_ones():
    model = sources.resolve("mnist")
    rates = opened(dimensions.rates(Text("en"), model).content)["page"]["rates"]
    means = np.frombuffer(rates["means"], "<f4").reshape(len(stops(model)), -1)
    for entry, shown, active in zip(model.metrics.betas, means, rates["active"], strict=True):
        assert shown == pytest.approx(entry.rate_per_dimension, abs=1e-5)
        assert active == entry.active_units
        # The browser sorts the bars by these numbers.
        assert np.argsort(-shown, kind="stable").tolist() == list(entry.dimensions_by_rate)
    assert rates["order"] == list(model.metrics.dimensions_by_use)


@pytest.mark.parametrize("name", MOST)
def test_a_film_is_small_enough_for_a_phone(name):
    """By its share of the stops, four of them far apart, which shrink less than neighbours do."""
    model = model_of(name)
    whole = len(sources.resolve(name).metrics.betas)
    first = model.metrics.at(1.0).dimensions_by_rate[0]
    moved = dataclasses.replace(MOVED, dimension=first)
    film = cache.dimension_film(picture_of(model), model, moved)
    assert len(film.content) * whole / len(stops(model)) < 1.35 * 1000 * MOST[name]
