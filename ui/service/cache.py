"""Bounded caches that all visitors share, and the results that several pages need.

What is kept are numbers, pictures that no visitor gave, and digests of those that a visitor did:
theirs end with their session. Of a class that opens one link the first computes, the others wait.
"""

import hashlib
import inspect
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from threading import Condition, Lock
from typing import ParamSpec, TypeVar

import numpy as np
import torch
from cachetools import LRUCache, cached

from ui.view import map_tiles
from ui.view.map_tiles import Atlas
from vae import experiments
from vae.experiments import PosteriorMap, TradeOff, Window
from vae.hub.sources import Resolved

P = ParamSpec("P")
T = TypeVar("T")
one_at_a_time = Lock()
"""Held by what takes seconds: it leaves a processor to what takes milliseconds."""


def digest(array: np.ndarray | torch.Tensor) -> bytes:
    """SHA-256 of an array's bytes, which stands for it in the key of a cache."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).digest()


def shared(
    size: int, *, ignore: tuple[str, ...] = ()
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Cache of the `size` results that were used last, for a pure function of hashable values,
    arrays, tensors, resolved models and data classes of these.

    ignore: parameters that do not change the result, such as a progress bar. Arrays are known by
    their digests and models by their networks. Whoever asks for what is being computed waits.
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


def _part(value: object) -> Hashable:
    if isinstance(value, Resolved):
        return value.model
    if isinstance(value, np.ndarray | torch.Tensor):
        return digest(value)
    if isinstance(value, tuple | list):
        return tuple(map(_part, value))
    if is_dataclass(value):
        return (type(value), *(_part(getattr(value, field.name)) for field in fields(value)))
    return value


@shared(512)
def trade_off(model: Resolved, pixels: torch.Tensor, seed: int) -> TradeOff:
    """The rate and distortion of what the model sees, (C, H, W), at every measured beta."""
    return experiments.trade_off(
        model.model, pixels, tuple(entry.beta for entry in model.metrics.betas), seed=seed
    )


@shared(64)
def map_atlas(model: Resolved, beta: float, window: Window) -> Atlas:
    """The tiles of a part of the plane at one beta, and the reference pictures' codes; about 0.2
    MB."""
    return map_tiles.draw(model, beta, window)


@shared(256)
def posterior_map(model: Resolved, observed: np.ndarray, beta: float, temper: bool) -> PosteriorMap:
    """The true or the tempered posterior of what the model sees, (1, H, W) of zeros and ones; about
    0.1 MB."""
    with one_at_a_time:
        return experiments.posterior_map(
            model.model, torch.from_numpy(observed), beta, temper=temper
        )
