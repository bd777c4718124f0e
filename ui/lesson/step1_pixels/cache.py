"""Cached results of step 1: sheets of drawn pictures, log p(x) of four pictures."""

import numpy as np

from ui.service.cache import shared_cache
from vae.experiments.lesson import pixels
from vae.experiments.lesson.pixels import Sheet, Verdict
from vae.hub.sources import WithReference

ON_A_SHEET = 32  # pictures


@shared_cache(64)
def sheet(model: WithReference, law: str, beta: float, seed: int, number: int) -> Sheet:
    """The number-th sheet of pictures from a law, counted from 1; about 0.1 MB."""
    reference = model.reference
    return pixels.sheet(
        model.network,
        reference.mean_training_pixel,
        reference.images,
        law,
        beta,
        count=ON_A_SHEET,
        seed=seed,
        number=number - 1,
    )


@shared_cache(8)
def reference_distance(model: WithReference) -> float:
    """Mean number of pixels in which a reference picture differs from the nearest other one."""
    return pixels.reference_distance(model.reference.images)


def verdicts(
    model: WithReference, observed: np.ndarray, beta: float, seed: int
) -> dict[str, Verdict]:
    """log p(x) of four pictures: noise, pixel frequencies, the model's input, a blank page.

    observed: the student's picture, (1, H, W) of zeros and ones.
    """
    frequencies = model.reference.mean_training_pixel
    drawn = {
        name: pixels.subject(model.network, frequencies, name, seed=seed)
        for name in pixels.SUBJECTS
        if name != pixels.PICTURE
    } | {pixels.PICTURE: observed}
    return {name: _verdict(model, drawn[name], beta, name) for name in pixels.SUBJECTS}


@shared_cache(512)
def _verdict(model: WithReference, observed: np.ndarray, beta: float, name: str) -> Verdict:
    return pixels.verdict(
        model.network, model.reference.mean_training_pixel, observed, beta, name=name
    )
