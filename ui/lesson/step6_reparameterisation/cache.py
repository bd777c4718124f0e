"""Cached results of step 6: draws and their derivatives."""

import numpy as np

from ui.service.cache import shared_cache, slow_lock
from vae.experiments.lesson import reparameterisation
from vae.experiments.lesson.reparameterisation import GradientDraws
from vae.hub.sources import Resolved


@shared_cache(32)
def gradient_draws(model: Resolved, observed: np.ndarray, beta: float, seed: int) -> GradientDraws:
    """Draws for a picture (1, H, W), and their derivatives; about 0.3 MB."""
    with slow_lock:
        return reparameterisation.draw_gradients(model.network, observed, beta, seed=seed)
