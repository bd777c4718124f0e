"""Shared caches: what everybody has is computed once, what a visitor gave is in none of them."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import film
from tests.pictures import digit_png
from tests.ui.driver import alternative_texts, move_beta, open_app, open_page, tell, upload
from ui.film import dimensions, frames
from ui.service import cache
from vae.hub import sources

pytestmark = pytest.mark.usefixtures("small_networks")


@pytest.fixture
def drawn(monkeypatch) -> list[frames.Film]:
    """Films that are computed meanwhile, the app's caches empty at first."""
    made: list[frames.Film] = []
    picture = frames.picture

    def noted(*arguments) -> frames.Film:
        made.append(picture(*arguments))
        return made[-1]

    monkeypatch.setattr(frames, "picture", noted)
    for shared in shared_caches():
        shared.cache_clear()
    return made


def shared_caches() -> list:
    """The module's functions with a cache that all sessions share."""
    return [value for value in vars(cache).values() if hasattr(value, "cache_key")]


def kept() -> list:
    """All that the shared caches hold."""
    return [value for shared in shared_caches() for value in shared.cache.values()]


def test_what_is_kept_is_known_without_being_computed():
    calls = []

    @cache.shared_cache(2)
    def doubled(array: np.ndarray, factor: int = 2) -> np.ndarray:
        calls.append(factor)
        return factor * array

    one = np.ones(3)
    assert not cache.is_kept(doubled, one)
    assert not calls
    doubled(one)
    assert cache.is_kept(doubled, one, factor=2)
    assert cache.is_kept(doubled, np.ones(3))
    assert not cache.is_kept(doubled, one, 3)
    doubled(one, 3)
    doubled(one, 4)
    assert not cache.is_kept(doubled, one)  # the oldest of three
    assert calls == [2, 3, 4]


def test_a_model_with_other_stops_of_beta_is_another():
    @cache.shared_cache(4)
    def count(model: sources.Resolved) -> int:
        return len(frames.stops(model))

    model = sources.resolve("mnist-2d")
    few = replace(model, metrics=replace(model.metrics, betas=model.metrics.betas[:3]))
    assert (count(few), count(model)) == (3, len(model.metrics.betas))


def test_the_film_of_an_example_is_drawn_once_for_all_sessions_and_every_beta(drawn):
    first, second = open_app(seed="4711"), open_app(seed="4711", beta="10")
    assert len(drawn) == 1
    assert drawn[0] in kept()
    move_beta(first, 10.0)
    assert len(drawn) == 1
    assert alternative_texts(first) == alternative_texts(second)
    open_app(seed="4712")
    assert len(drawn) == 2


def test_the_film_of_a_visitors_picture_is_drawn_once_in_the_session_and_kept_nowhere_else(drawn):
    app = open_app(source="upload", seed="4711")
    examples = len(drawn)
    upload(app, digit_png())
    move_beta(app, 10.0)
    app.run()
    assert len(drawn) == examples + 1
    assert app.session_state["own_film"][1] == drawn[-1]
    films = [value for value in kept() if isinstance(value, frames.Film)]
    assert len(films) > 1  # the example's and the gallery's
    assert drawn[-1] not in films
    upload(app, digit_png("1"))
    assert len(drawn) == examples + 2
    assert app.session_state["own_film"][1] == drawn[-1] != drawn[-2]


def test_a_visitors_picture_is_filmed_once_on_the_map_in_the_session_and_kept_nowhere_else():
    app = open_page("map", source="upload", seed="4711")
    examples = kept()
    upload(app, digit_png())
    shown = app.session_state["own_map_film"]
    move_beta(app, 10.0)
    app.run()
    assert app.session_state["own_map_film"] is shown
    films = [value for value in kept() if isinstance(value, frames.Film)]
    assert cache.map_codes_film.cache  # what everybody has
    assert shown not in films
    assert all(any(film is one for one in examples) for film in films)
    upload(app, digit_png("1"))
    assert app.session_state["own_map_film"] != shown


def test_the_dimensions_of_a_visitors_picture_are_kept_in_the_session_alone(drawn, monkeypatch):
    made: list[frames.Film] = []
    picture = dimensions.picture
    monkeypatch.setattr(
        dimensions,
        "picture",
        lambda *given, **more: made.append(picture(*given, **more)) or made[-1],
    )
    app = open_page("dimensions", source="upload", seed="4711")
    upload(app, digit_png())
    tell(app, film.AWAITED, "wanted", 0)
    whole = app.session_state["own_dimension"][1]
    assert whole == made[-1]
    assert whole not in kept()
    count = len(made)
    move_beta(app, 10.0)
    assert len(made) == count
    upload(app, digit_png("1"))
    assert app.session_state["own_dimension"][1] != whole
    example = open_page("dimensions", seed="4711")
    tell(example, film.AWAITED, "wanted", 0)
    assert made[-1] in kept()
