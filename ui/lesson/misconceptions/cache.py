"""Cached results of "What people get wrong"."""

import numpy as np

from ui.service.cache import shared_cache
from vae import experiments
from vae.experiments import Codes
from vae.experiments.lesson import decoders, misconceptions
from vae.experiments.lesson.decoders import BlankPage, CodeNoise
from vae.experiments.lesson.misconceptions import LogVariances, Mixture, WhichKL
from vae.hub.sources import Resolved, WithReference

BETA = 1.0
LOG_BETAS = (0.001, 0.01, 0.1, 1.0, 10.0, 50.0)
CODE_NOISE_PICTURES = 200  # reference pictures
BLANK_PICTURES = 100


@shared_cache(256)
def which_kl(model: Resolved, observed: np.ndarray) -> WhichKL:
    """ELBO, log p(x) and divergences of a picture (1, H, W); only numbers are kept."""
    return misconceptions.which_kl(model.network, observed, BETA)


@shared_cache(4)
def log_variances(model: WithReference) -> LogVariances:
    """Log-variances of the reference pictures' posteriors."""
    return misconceptions.log_variances(model.network, model.reference.images, LOG_BETAS)


@shared_cache(64)
def codes(model: WithReference, beta: float) -> Codes:
    """The reference pictures' posteriors; 32 kB."""
    return experiments.codes(model.network, model.reference.images, beta)


@shared_cache(64)
def mixture(model: WithReference, seed: int) -> Mixture:
    """The mixture of the reference pictures' posteriors."""
    return misconceptions.mixture(codes(model, BETA), seed=seed)


@shared_cache(64)
def code_noise(model: WithReference, plain: Resolved, seed: int) -> CodeNoise:
    """Errors of moved codes of the first reference pictures; 0.1 MB."""
    return decoders.code_noise(
        model.network, plain.network, model.reference.images[:CODE_NOISE_PICTURES], BETA, seed=seed
    )


@shared_cache(64)
def blank_page(model: WithReference, seed: int) -> BlankPage:
    """log p(x) of a blank page and of the first reference pictures."""
    return decoders.blank_page(
        model.network, model.reference.images[:BLANK_PICTURES], BETA, seed=seed
    )
