"""What the lesson computes once for everybody, as in ui/remembered.py: bounded, and whoever comes meanwhile waits."""

import hashlib
from threading import Condition, Lock

import torch
from cachetools import LRUCache, cached

from vae.experiments import holes, reparameterisation, worksheet
from vae.experiments.holes import Plane
from vae.experiments.reparameterisation import GradientDraws
from vae.experiments.worksheet import Solutions
from vae.hub import Resolved


@cached(LRUCache(64), key=lambda plane, lab, example, seed: (plane.model, lab.model, example, seed), condition=Condition())
def solutions(plane: Resolved, lab: Resolved, example: str, seed: int) -> Solutions:
    """The worksheet's answers for an example of `plane`."""
    return worksheet.solve(plane.model, plane.examples.picture(example), lab.metrics, seed=seed)


@cached(
    LRUCache(32), condition=Condition(),
    key=lambda model, observed, beta, seed: (model.model, hashlib.sha256(observed.numpy().tobytes()).digest(), beta, seed),
)
def gradient_draws(model: Resolved, observed: torch.Tensor, beta: float, seed: int) -> GradientDraws:
    """Draws of what the model sees, (1, H, W), and their derivatives; about 0.3 MB."""
    with _one_at_a_time:
        return reparameterisation.draw_gradients(model.model, observed, beta, seed=seed)


@cached(LRUCache(64), key=lambda model, beta: (model.model, beta), condition=Condition())
def plane(model: Resolved, beta: float) -> Plane:
    """The reference pictures' codes at one beta, and the holes between them; about 0.05 MB."""
    return holes.plane(model.model, model.reference.images, beta)
