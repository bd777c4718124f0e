"""What the lesson computes once for everybody, as in ui/remembered.py: bounded, and whoever comes
meanwhile waits."""

import hashlib
from collections.abc import Callable
from contextlib import nullcontext
from threading import Condition, Lock

import numpy as np
import torch
from cachetools import LRUCache, cached

from ui.lesson import holes as hole_maps
from vae.experiments import (
    evidence,
    holes,
    inference,
    pixels,
    reparameterisation,
    variational,
    worksheet,
)
from vae.experiments import plane as pixel_space
from vae.experiments.evidence import Balance, LogEvidence
from vae.experiments.holes import Plane
from vae.experiments.inference import PriorDraws
from vae.experiments.pixels import Sheet, Verdict
from vae.experiments.plane import Crowd, PixelPlane
from vae.experiments.reparameterisation import GradientDraws
from vae.experiments.variational import Amortisation, Gaussian
from vae.experiments.worksheet import Solutions
from vae.hub import Resolved

_one_at_a_time = Lock()  # what takes seconds leaves a processor to what takes milliseconds


@cached(
    LRUCache(64),
    key=lambda plane, lab, example, seed: (plane.model, lab.model, example, seed),
    condition=Condition(),
)
def solutions(plane: Resolved, lab: Resolved, example: str, seed: int) -> Solutions:
    """The worksheet's answers for an example of `plane`."""
    return worksheet.solve(plane.model, plane.examples.picture(example), lab.metrics, seed=seed)


@cached(
    LRUCache(32),
    condition=Condition(),
    key=lambda model, observed, beta, seed: (
        model.model,
        hashlib.sha256(observed.numpy().tobytes()).digest(),
        beta,
        seed,
    ),
)
def gradient_draws(
    model: Resolved, observed: torch.Tensor, beta: float, seed: int
) -> GradientDraws:
    """Draws of what the model sees, (1, H, W), and their derivatives; about 0.3 MB."""
    with _one_at_a_time:
        return reparameterisation.draw_gradients(model.model, observed, beta, seed=seed)


@cached(LRUCache(64), key=lambda model, beta: (model.model, beta), condition=Condition())
def latent_plane(model: Resolved, beta: float) -> Plane:
    """The reference pictures' codes at one beta, and the holes between them; about 0.05 MB."""
    return holes.plane(model.model, model.reference.images, beta)


@cached(LRUCache(64), key=lambda model, beta: (model.model, beta), condition=Condition())
def hole_map(model: Resolved, beta: float) -> str:
    """A map of them, as a data: address; about 0.06 MB."""
    return hole_maps.map_picture(latent_plane(model, beta).holes, model.reference.labels)


# Steps 1 and 2

ON_A_SHEET = 32  # pictures


@cached(
    LRUCache(64),
    key=lambda model, law, beta, seed, number: (model.model, law, beta, seed, number),
    condition=Condition(),
)
def sheet(model: Resolved, law: str, beta: float, seed: int, number: int) -> Sheet:
    """The number-th sheet of pictures from a law, counted from 1; about 0.1 MB."""
    reference = model.reference
    return pixels.sheet(
        model.model,
        reference.mean_training_pixel,
        reference.images,
        law,
        beta,
        count=ON_A_SHEET,
        seed=seed,
        number=number - 1,
    )


@cached(LRUCache(8), key=lambda model: model.model, condition=Condition())
def reference_distance(model: Resolved) -> float:
    """In how many pixels a reference picture differs from the nearest of the others."""
    return pixels.reference_distance(model.reference.images)


def verdicts(model: Resolved, observed: torch.Tensor, beta: float, seed: int) -> dict[str, Verdict]:
    """log p(x) of noise, of a picture from pixel frequencies, of what the model sees (1, H, W) and
    of a blank page."""
    frequencies = model.reference.mean_training_pixel
    drawn = {
        name: pixels.subject(model.model, frequencies, name, seed=seed)
        for name in pixels.SUBJECTS
        if name != pixels.PICTURE
    } | {pixels.PICTURE: observed}
    return {name: _verdict(model, drawn[name], beta, name) for name in pixels.SUBJECTS}


@cached(
    LRUCache(512),
    key=lambda model, observed, beta, name: (model.model, _digest(observed.numpy()), beta, name),
    condition=Condition(),
)
def _verdict(model: Resolved, observed: torch.Tensor, beta: float, name: str) -> Verdict:
    return pixels.verdict(
        model.model, model.reference.mean_training_pixel, observed, beta, name=name
    )


@cached(LRUCache(8), key=lambda model: model.model, condition=Condition())
def typical_distance(model: Resolved) -> float:
    """Between two of its reference pictures."""
    return pixel_space.typical_distance(model.reference.images)


@cached(
    LRUCache(16),
    key=lambda model, planes, beta, seed: (model.model, *map(_plane_digest, planes), beta, seed),
    condition=Condition(),
)
def crowds(
    model: Resolved, planes: tuple[PixelPlane, ...], beta: float, seed: int
) -> dict[str, Crowd]:
    """Test pictures, pictures of the code and of pixel planes, with their mean log p(x); about 0.6
    MB."""
    with _one_at_a_time:
        found = pixel_space.crowds(model.model, planes, model.reference.images, beta, seed=seed)
    return {crowd.kind: crowd for crowd in found}


def _digest(pixels_of: np.ndarray) -> bytes:
    return hashlib.sha256(pixels_of.tobytes()).digest()


def _plane_digest(of: PixelPlane) -> tuple[bytes, ...]:
    return tuple(_digest(part) for part in (of.base, of.across, of.up))


# Steps 3 and 4

SLOW_DRAWS = 1000  # latents for one estimate: of so many, one visitor's at a time


@cached(
    LRUCache(64),
    condition=Condition(),
    key=lambda model, observed, beta, count, seed, progress: (
        model.model,
        _digest(observed),
        beta,
        count,
        seed,
    ),
)
def prior_draws(
    model: Resolved,
    observed: np.ndarray,
    beta: float,
    count: int,
    seed: int,
    progress: Callable[[float], None],
) -> PriorDraws:
    """Estimates of log p(x) of what the model sees, (1, H, W), from draws of the prior; at most 0.1
    MB."""
    with _one_at_a_time if count >= SLOW_DRAWS else nullcontext():
        return inference.prior_draws(
            model.model, torch.from_numpy(observed), beta, count=count, seed=seed, progress=progress
        )


@cached(
    LRUCache(2048),
    condition=Condition(),
    key=lambda model, observed, beta, mean, log_deviation: (
        model.model,
        _digest(observed),
        beta,
        mean,
        log_deviation,
    ),
)
def gaussian(
    model: Resolved,
    observed: np.ndarray,
    beta: float,
    mean: tuple[float, float],
    log_deviation: tuple[float, float],
) -> Gaussian:
    """The ELBO of a Gaussian for what the model sees, (1, H, W)."""
    return variational.gaussian(model.model, torch.from_numpy(observed), beta, mean, log_deviation)


def climb(
    model: Resolved,
    observed: np.ndarray,
    beta: float,
    start: Gaussian,
    steps: int,
    progress: Callable[[float], None],
) -> tuple[Gaussian, ...]:
    """Steps up the ELBO of what the model sees, (1, H, W)."""
    return variational.climb(
        model.model,
        torch.from_numpy(observed),
        beta,
        start,
        steps=steps,
        progress=progress,
        measure=lambda mean, log_deviation: gaussian(model, observed, beta, mean, log_deviation),
    )


@cached(
    LRUCache(256),
    condition=Condition(),
    key=lambda model, observed, beta, progress: (model.model, _digest(observed), beta),
)
def amortisation(
    model: Resolved, observed: np.ndarray, beta: float, progress: Callable[[float], None]
) -> Amortisation:
    """The encoder's Gaussian of what the model sees, (1, H, W), beside the best one."""
    with _one_at_a_time:
        return variational.amortisation(
            model.model, torch.from_numpy(observed), beta, progress=progress
        )


# Step 5


@cached(
    LRUCache(256),
    key=lambda model, observed, seed: (model.model, _digest(observed), seed),
    condition=Condition(),
)
def evidence_bound(model: Resolved, observed: np.ndarray, seed: int) -> LogEvidence:
    """The importance-weighted bound on log p(x) of what the model sees, (1, H, W) of zeros and
    ones, at beta = 1."""
    with _one_at_a_time:
        return evidence.evidence_bound(model.model, torch.from_numpy(observed), 1.0, seed=seed)


@cached(
    LRUCache(1024),
    condition=Condition(),
    key=lambda model, observed, known, seed, shift, widening: (
        model.model,
        _digest(observed),
        seed,
        shift,
        widening,
    ),
)
def balance(
    model: Resolved,
    observed: np.ndarray,
    known: LogEvidence,
    seed: int,
    shift: float,
    widening: float,
) -> Balance:
    """Both sides of log p(x) = ELBO + KL for the encoder's q of what the model sees, or one moved
    from it, at beta = 1."""
    return evidence.balance(
        model.model,
        torch.from_numpy(observed),
        1.0,
        known,
        seed=seed,
        shift=shift,
        widening=widening,
    )
