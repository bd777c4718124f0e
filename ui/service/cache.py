"""Bounded caches that all visitors share, and the results that several pages need.

They keep numbers, pictures that no visitor gave, and digests of visitors' pictures; the pictures
themselves end with their session. When a class opens one link, the first visitor's session computes
and the others wait for its result.
"""

import inspect
from collections.abc import Callable, Hashable, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass
from threading import Condition, Lock
from typing import ParamSpec, TypeVar

import numpy as np
from cachetools import LRUCache, cached

from ui.film import dimensions, frames, map_frames, parts
from ui.film.frames import Film, GallerySettings
from ui.text import Text
from ui.view import map_tiles
from ui.view.digest import digest
from ui.view.map_tiles import AtlasOfCodes
from vae import experiments
from vae.experiments import Codes, PosteriorMap, TradeOff, Window
from vae.hub.sources import Resolved, WithReference

P = ParamSpec("P")
T = TypeVar("T")
slow_lock = Lock()
"""Lock of computations that take seconds: one at a time leaves a processor to the short ones."""


def shared_cache(
    size: int, *, ignore: tuple[str, ...] = ()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorator: cache the `size` most recently used results of a pure function.

    Arguments may be hashable values, arrays, resolved models, and tuples or data classes of these.
    Arrays are known by their digests, models by their networks and stops of beta. ignore:
    parameters that do not change the result, such as a progress bar. A call whose result is being
    computed waits for it.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        signature = inspect.signature(function)

        def key(*arguments: P.args, **named: P.kwargs) -> tuple[Hashable, ...]:
            bound = signature.bind(*arguments, **named)
            bound.apply_defaults()
            return tuple(
                _part(bound.arguments[name]) for name in signature.parameters if name not in ignore
            )

        return cached(LRUCache(size), key=key, condition=Condition())(function)

    return decorate


def is_kept(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> bool:
    """Whether a function with a shared cache has this result already."""
    with function.cache_condition:  # type: ignore[attr-defined]  # of cachetools.cached
        return function.cache_key(*arguments, **named) in function.cache  # type: ignore[attr-defined]


def _part(value: object) -> Hashable:
    if isinstance(value, Resolved):
        return value.network, frames.stops(value)
    if isinstance(value, np.ndarray):
        return digest(value)
    if isinstance(value, tuple | list):
        return tuple(map(_part, value))
    if is_dataclass(value):
        return (type(value), *(_part(getattr(value, field.name)) for field in fields(value)))
    return value


@shared_cache(512)
def trade_off(model: Resolved, image: np.ndarray, seed: int) -> TradeOff:
    """Rate and distortion of an image (C, H, W) at every measured beta."""
    return experiments.trade_off(
        model.network, image, tuple(entry.beta for entry in model.metrics.betas), seed=seed
    )


@shared_cache(64)
def map_atlas(model: WithReference, beta: float, window: Window) -> AtlasOfCodes:
    """Map tiles of a window at one beta, and the reference pictures' codes; about 0.2 MB."""
    return map_tiles.draw(model, beta, window, codes_at(model, beta))


def codes_at(model: WithReference, beta: float) -> Codes:
    """The reference pictures' codes at one beta: alone, where those of all stops are not there."""
    stops = frames.stops(model)
    if beta in stops and is_kept(reference_codes, model):
        return reference_codes(model)[stops.index(beta)]
    return experiments.codes(model.network, model.reference.images, beta)


@shared_cache(2)
def reference_codes(model: WithReference) -> tuple[Codes, ...]:
    """The reference pictures' codes at every stop of beta; 1.5 MB, seconds of a processor."""
    with slow_lock:
        return experiments.codes_at(model.network, model.reference.images, frames.stops(model))


@shared_cache(256)
def posterior_map(model: Resolved, observed: np.ndarray, beta: float, temper: bool) -> PosteriorMap:
    """The true or tempered posterior of a picture (1, H, W) of zeros and ones; about 0.1 MB."""
    with slow_lock:
        return experiments.posterior_map(model.network, observed, beta, temper=temper)


def film(
    image: np.ndarray, model: Resolved, seed: int, draw: int, use_mean: bool, language: str
) -> Film:
    """The film of an image (C, H, W), in a language; 0.04 to 0.08 MB, of a colour picture 0.4."""
    network, stops = model.network, frames.stops(model)
    reconstructions = experiments.reconstructions(
        network, image, stops, seed=seed, draw=draw, use_mean=use_mean
    )
    own = trade_off(model, image, seed)
    return frames.picture(Text(language), model, reconstructions, own)


example_film = shared_cache(64)(film)
"""The film of a picture that everybody has; a visitor's own stays in the session."""


@shared_cache(2)
def map_codes_film(model: WithReference) -> Film:
    """The reference pictures' codes on the map; 0.3 MB."""
    return map_frames.codes(model, reference_codes(model))


def map_film(
    image: np.ndarray, model: WithReference, seed: int, window: Window, count: int, language: str
) -> Film:
    """The film of an image (C, H, W) on the map, in a language; 0.02 MB."""
    stops = frames.stops(model)
    shown = experiments.reconstructions(model.network, image, stops, seed=seed, use_mean=True)
    codes = reference_codes(model)
    return map_frames.picture(Text(language), model, shown, codes, window, count)


example_map_film = shared_cache(64)(map_film)
"""The film of a picture that everybody has; a visitor's own stays in the session."""


@shared_cache(64)
def pin_film(model: Resolved, pin: tuple[float, float], language: str) -> Film:
    """What a point of the plane decodes to at every stop of beta; 0.02 MB."""
    images = experiments.decode_point_at(model.network, pin, frames.stops(model))
    return map_frames.pin(Text(language), model, pin, images)


@shared_cache(32)
def gallery_film(model: Resolved, settings: GallerySettings, language: str) -> Film:
    """A gallery at every stop of beta; 0.2 to 0.7 MB."""
    with slow_lock:
        return _gallery(model, settings, language, frames.stops(model))


@shared_cache(64)
def gallery_frame(model: Resolved, settings: GallerySettings, language: str, index: int) -> Film:
    """A gallery at one stop of beta, exactly; 0.01 to 0.4 MB. index: number of the stop."""
    stop = frames.stops(model)[index : index + 1]
    return _gallery(model, settings, language, stop, first=index)


def _gallery(
    model: Resolved,
    settings: GallerySettings,
    language: str,
    stops: tuple[float, ...],
    first: int = 0,
) -> Film:
    pages = experiments.galleries(model.network, stops, **asdict(settings))
    return frames.gallery(Text(language), model, pages, settings, first=first)


@dataclass(frozen=True)
class MovedDimension:
    """What the dimensions' film of a picture depends on, besides the picture and its model."""

    dimension: int
    seed: int
    draw: int
    use_mean: bool
    language: str


def dimension_name(image: np.ndarray, model: Resolved, moved: MovedDimension) -> str:
    """By what the browser knows the film of a picture with one dimension moved."""
    stops = frames.stops(model)
    return parts.name("dimension", digest(image), model.name, model.source, stops, moved)


def dimension_film(image: np.ndarray, model: Resolved, moved: MovedDimension) -> Film:
    """One dimension of an image (C, H, W) moved, at every stop; 0.2 MB, in colour 0.8."""
    stops = range(len(frames.stops(model)))
    named = dimension_name(image, model, moved)
    with slow_lock:
        return _dimension(image, model, moved, stops, named, exactly=False)


example_dimension_film = shared_cache(48)(dimension_film)
"""The film of a picture that everybody has; a visitor's own stays in the session."""


def dimension_frame(image: np.ndarray, model: Resolved, moved: MovedDimension, stop: int) -> Film:
    """One dimension moved at one stop, exactly; 0.01 MB, in colour 0.06. stop: its number."""
    named = parts.present(dimension_name(image, model, moved))
    return _dimension(image, model, moved, (stop,), named, exactly=True)


def _dimension(
    image: np.ndarray,
    model: Resolved,
    moved: MovedDimension,
    stops: Sequence[int],
    named: str,
    *,
    exactly: bool,
) -> Film:
    network, betas = model.network, frames.stops(model)
    chosen = tuple(betas[stop] for stop in stops)
    seen = experiments.reconstructions(
        network, image, chosen, seed=moved.seed, draw=moved.draw, use_mean=moved.use_mean
    )
    found = {
        stop: (one, experiments.traverse(network, one, beta, moved.dimension))
        for stop, beta, one in zip(stops, chosen, seen, strict=True)
    }
    return dimensions.picture(Text(moved.language), model, named, found, exactly=exactly)
