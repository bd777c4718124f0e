"""Cached results of step 5: the importance-weighted bound, both sides of log p(x)."""

import numpy as np

from ui.service.cache import shared_cache, slow_lock
from vae.experiments.lesson import evidence
from vae.experiments.lesson.evidence import Balance, LogEvidence
from vae.hub.sources import Resolved


@shared_cache(256)
def evidence_bound(model: Resolved, observed: np.ndarray, seed: int) -> LogEvidence:
    """The importance-weighted bound on log p(x) of a binary picture (1, H, W), at beta = 1."""
    with slow_lock:
        return evidence.evidence_bound(model.network, observed, 1.0, seed=seed)


@shared_cache(1024, ignore=("known",))
def balance(
    model: Resolved,
    observed: np.ndarray,
    known: LogEvidence,
    seed: int,
    shift: float,
    widening: float,
) -> Balance:
    """Both sides of log p(x) = ELBO + KL for a picture (1, H, W), at beta = 1.

    shift, widening: how q differs from the encoder's.
    """
    return evidence.balance(
        model.network,
        observed,
        1.0,
        known,
        seed=seed,
        shift=shift,
        widening=widening,
    )
