"""What is computed once, however many look at it and however often beta moves. Bounded; shared by
all sessions.

Remembered are numbers, pictures that no visitor gave, and digests of those that a visitor did:
theirs end with their session. A class that opens one link computes a thing once: who comes while it
is computed waits for it.
"""

import hashlib
from threading import Condition, Lock

import numpy as np
import torch
from cachetools import LRUCache, cached

from ui import atlas
from ui.atlas import Atlas
from vae import experiments
from vae.experiments import PosteriorMap, TradeOff, Window
from vae.hub import Resolved

_one_at_a_time = Lock()  # what takes seconds leaves a processor to what takes milliseconds


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.sha256(pixels.tobytes()).digest()


@cached(
    LRUCache(512),
    key=lambda model, pixels, seed: (model.model, _digest(pixels.numpy()), seed),
    condition=Condition(),
)
def trade_off(model: Resolved, pixels: torch.Tensor, seed: int) -> TradeOff:
    """The rate and distortion of what the model sees, (C, H, W), at every measured beta."""
    return experiments.trade_off(
        model.model, pixels, tuple(entry.beta for entry in model.metrics.betas), seed=seed
    )


@cached(
    LRUCache(64), key=lambda model, beta, window: (model.model, beta, window), condition=Condition()
)
def map_atlas(model: Resolved, beta: float, window: Window) -> Atlas:
    """The tiles of a part of the plane at one beta, and the reference pictures' codes; about 0.2
    MB."""
    return atlas.draw(model, beta, window)


@cached(
    LRUCache(256),
    key=lambda model, observed, beta, temper: (model.model, _digest(observed), beta, temper),
    condition=Condition(),
)
def posterior_map(model: Resolved, observed: np.ndarray, beta: float, temper: bool) -> PosteriorMap:
    """The true or the tempered posterior of what the model sees, (1, H, W) of zeros and ones; about
    0.1 MB."""
    with _one_at_a_time:
        return experiments.posterior_map(
            model.model, torch.from_numpy(observed), beta, temper=temper
        )
