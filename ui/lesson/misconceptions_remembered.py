"""What the page of misconceptions computes once for everybody, like ui/remembered.py: bounded, who
comes meanwhile waits."""

import hashlib
from threading import Condition

import numpy as np
import torch
from cachetools import LRUCache, cached

from vae import experiments
from vae.experiments import Codes, decoders, misconceptions
from vae.experiments.decoders import BlankPage, Nudged
from vae.experiments.misconceptions import LogVariances, Mixture, WhichKL
from vae.hub import Resolved

BETA = 1.0
LOG_BETAS = (0.001, 0.01, 0.1, 1.0, 10.0, 50.0)
NUDGED = 200  # reference pictures
BLANK = 100


def _digest(pixels: np.ndarray) -> bytes:
    return hashlib.sha256(pixels.tobytes()).digest()


@cached(
    LRUCache(256),
    key=lambda model, observed: (model.model, _digest(observed)),
    condition=Condition(),
)
def which_kl(model: Resolved, observed: np.ndarray) -> WhichKL:
    """ELBO, log p(x) and the divergences of what the model sees, (1, H, W); only numbers are kept."""
    return misconceptions.which_kl(model.model, torch.from_numpy(observed), BETA)


@cached(LRUCache(4), key=lambda model: model.model, condition=Condition())
def log_variances(model: Resolved) -> LogVariances:
    """Of the reference pictures."""
    return misconceptions.log_variances(model.model, model.reference.images, LOG_BETAS)


@cached(LRUCache(64), key=lambda model, beta: (model.model, beta), condition=Condition())
def codes(model: Resolved, beta: float) -> Codes:
    """The reference pictures' posteriors; 32 kB."""
    return experiments.codes(model.model, model.reference.images, beta)


@cached(LRUCache(64), key=lambda model, seed: (model.model, seed), condition=Condition())
def mixture(model: Resolved, seed: int) -> Mixture:
    """All of them together."""
    return misconceptions.mixture(codes(model, BETA), seed=seed)


@cached(
    LRUCache(64),
    key=lambda model, plain, seed: (model.model, plain.model, seed),
    condition=Condition(),
)
def nudged(model: Resolved, plain: Resolved, seed: int) -> Nudged:
    """Moved codes of the first reference pictures; 0.1 MB."""
    return decoders.nudged(
        model.model, plain.model, model.reference.images[:NUDGED], BETA, seed=seed
    )


@cached(LRUCache(64), key=lambda model, seed: (model.model, seed), condition=Condition())
def blank_page(model: Resolved, seed: int) -> BlankPage:
    """A blank page beside the first reference pictures."""
    return decoders.blank_page(model.model, model.reference.images[:BLANK], BETA, seed=seed)
