"""Cached results of step 3: estimates of log p(x) from draws of the prior."""

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np

from ui.service.cache import shared_cache, slow_lock
from vae.experiments.lesson import (
    inference,
)
from vae.experiments.lesson.inference import PriorDraws
from vae.hub.sources import Resolved

SLOW_DRAWS = 1000  # latents for one estimate; from here on one visitor's at a time


@shared_cache(64, ignore=("progress",))
def prior_draws(
    model: Resolved,
    observed: np.ndarray,
    beta: float,
    count: int,
    seed: int,
    progress: Callable[[float], object],
) -> PriorDraws:
    """Estimates of log p(x) of a picture (1, H, W) from draws of the prior; at most 0.1 MB."""
    with slow_lock if count >= SLOW_DRAWS else nullcontext():
        return inference.prior_draws(
            model.network,
            observed,
            beta,
            count=count,
            seed=seed,
            progress=progress,
        )
