"""Cached results of step 4: ELBOs of Gaussians, and the amortisation gap."""

from collections.abc import Callable

import numpy as np

from ui.service.cache import shared_cache, slow_lock
from vae.experiments import PosteriorMap
from vae.experiments.lesson import variational
from vae.experiments.lesson.variational import Amortisation, Gaussian
from vae.hub.sources import Resolved


@shared_cache(2048)
def gaussian(
    model: Resolved,
    observed: np.ndarray,
    beta: float,
    mean: tuple[float, float],
    log_deviation: tuple[float, float],
) -> Gaussian:
    """A Gaussian q with its ELBO for a picture (1, H, W)."""
    return variational.gaussian(model.network, observed, beta, mean, log_deviation)


def gradient_ascent(
    model: Resolved,
    observed: np.ndarray,
    beta: float,
    start: Gaussian,
    steps: int,
    progress: Callable[[float], object],
) -> tuple[Gaussian, ...]:
    """Gradient steps up the ELBO of a picture (1, H, W)."""
    return variational.gradient_ascent(
        model.network,
        observed,
        beta,
        start,
        steps=steps,
        progress=progress,
        measure=lambda mean, log_deviation: gaussian(model, observed, beta, mean, log_deviation),
    )


@shared_cache(256, ignore=("posterior", "progress"))
def amortisation(
    model: Resolved,
    observed: np.ndarray,
    beta: float,
    posterior: PosteriorMap,
    progress: Callable[[float], object],
) -> Amortisation:
    """The encoder's Gaussian for a picture (1, H, W), and the best one.

    posterior: the true one of the same picture.
    """
    with slow_lock:
        return variational.amortisation(model.network, observed, beta, posterior, progress=progress)
