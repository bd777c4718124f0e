"""A plane of pixel space beside the plane of the code: two controls that move pixels or z.

On both, coordinates drawn from N(0, I) lie as far apart as two pictures of the data do, in the
measure of their space: codes from the prior by construction, pictures of the pixel plane because
its unit is chosen so.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from vae.elbo import DECODING_BATCH
from vae.experiments.arrays import tensor, unit_interval
from vae.experiments.map import Window
from vae.latent import prior_sample
from vae.likelihood import bernoulli, binarize
from vae.model import VAE
from vae.noise import seeded, standard_normal

RANDOM, OTHERS = DIRECTIONS = ("random", "others")
CODES, TEST = "codes", "test"
FULL = 2.0  # the coordinate at which another picture stands: half-way to it is 1
COUNT = 200  # pictures of each kind
# over which p(x|z) p(z) is added up; one in 70,000 of the prior lies beyond
GRID = Window(0.0, 0.0, 4.5)
SIDE = 96  # squares a side


@dataclass(frozen=True)
class PixelPlane:
    """The pictures base + x across + y up, pixels clipped to [0, 1], each (C, H, W) float32.

    directions: of DIRECTIONS.
    """

    directions: str
    base: np.ndarray
    across: np.ndarray
    up: np.ndarray

    @property
    def units(self) -> tuple[float, float]:
        """Euclidean length of a step of 1 in each direction, over pixels."""
        return float(np.linalg.norm(self.across)), float(np.linalg.norm(self.up))

    def at(self, points: np.ndarray) -> np.ndarray:
        """The pictures of points (N, 2), in [0, 1]: (N, C, H, W) float32."""
        x, y = (points[:, axis, None, None, None].astype(np.float32) for axis in (0, 1))
        return (self.base + x * self.across + y * self.up).clip(0, 1)

    def at_point(self, point: tuple[float, float]) -> np.ndarray:
        """The picture of one point, (C, H, W)."""
        return self.at(np.array([point]))[0]


@dataclass(frozen=True)
class Crowd:
    """Binary pictures of one kind, each pixel drawn from its probability of ink.

    observed: (N, C, H, W) uint8, only 0 and 1. kind: CODES, decoded from z ~ N(0, I); one of
    DIRECTIONS, from as many points of a pixel plane, at the same coordinates; or TEST.
    log_evidence: (N,) float64, log p(x) of each, nats.
    """

    kind: str
    observed: np.ndarray
    log_evidence: np.ndarray

    @property
    def mean(self) -> float:
        """Mean log p(x), nats."""
        return float(self.log_evidence.mean())


def typical_distance(reference: np.ndarray) -> float:
    """Root mean square distance between two reference pictures (M, C, H, W) uint8.

    Pixels in [0, 1].
    """
    pixels = reference.reshape(len(reference), -1) / np.float32(255)
    return math.sqrt(2 * float(pixels.var(0, ddof=1).sum()))


def pixel_plane(
    picture: np.ndarray,
    directions: str,
    *,
    typical: float,
    others: tuple[np.ndarray, np.ndarray],
    seed: int,
) -> PixelPlane:
    """The plane through a picture (C, H, W) in two random directions or towards two others.

    The others stand at FULL. typical: distance of two pictures of the data. A unit of a random
    direction is half of it: two points from N(0, I) differ by it in the mean square, as two codes
    from the prior differ by 2. Raises ValueError for other directions.
    """
    if directions == OTHERS:
        across, up = ((other - picture) / FULL for other in others)
    elif directions == RANDOM:
        drawn = standard_normal(
            (2, *picture.shape), seeded(seed, "directions"), torch.device("cpu")
        )
        lengths = drawn.flatten(1).norm(dim=1)[:, None, None, None]
        across, up = (drawn / lengths * (typical / 2)).numpy()
    else:
        raise ValueError(f"a plane has one of the directions {DIRECTIONS}, not {directions!r}")
    return PixelPlane(directions, picture, across, up)


@torch.no_grad()
def crowds(
    model: VAE,
    planes: tuple[PixelPlane, ...],
    reference: np.ndarray,
    beta: float,
    *,
    seed: int,
    count: int = COUNT,
) -> tuple[Crowd, ...]:
    """`count` pictures of each kind: test pictures, decoded ones, and points of each pixel plane.

    The decoded z ~ N(0, I) are the coordinates in the pixel planes too. log p(x) is computed on the
    squares of GRID, for all pictures at once. For a single picture whose posterior is narrower than
    a square it may be several nats off, for the mean over a crowd about one. Raises ValueError for
    a model that has not two latent dimensions, or for a plain autoencoder.
    """
    points = prior_sample(count, 2, generator=seeded(seed, "points"))
    pictures = {
        TEST: unit_interval(reference[:count]),
        CODES: model.decode(points, beta).mean,
    }
    pictures |= {plane.directions: tensor(plane.at(points.numpy())) for plane in planes}
    observed = {
        kind: binarize(means, generator=seeded(seed, "crowd", kind))
        for kind, means in pictures.items()
    }
    every = torch.cat(list(observed.values())).numpy()
    ends = np.cumsum([len(part) for part in observed.values()])
    evidence = np.split(grid_evidence(model, every, beta), ends[:-1])
    return tuple(
        Crowd(kind, part.to(torch.uint8).numpy(), nats)
        for (kind, part), nats in zip(observed.items(), evidence, strict=True)
    )


@torch.no_grad()
def grid_evidence(model: VAE, observed: np.ndarray, beta: float, *, side: int = SIDE) -> np.ndarray:
    """log p(x) of binary pictures (N, C, H, W) by the midpoint rule: (N,) float64 nats.

    On side × side squares of GRID. log p(x|z) = x · logits - sum softplus(logits) is one matrix
    product for all pictures and all z. For single pictures vae.posterior refines the grid instead.
    Raises ValueError as `crowds`.
    """
    if model.config.latent_dim != 2 or model.config.autoencoder or not model.config.binarised:
        raise ValueError(
            "p(x) is added up on a plane: it needs a Bernoulli model with two latent dimensions "
            "and a prior"
        )
    pixels, area = tensor(observed).flatten(1), (2 * GRID.half / side) ** 2
    total = torch.full((len(pixels),), -math.inf, dtype=torch.float64)
    for z in tensor(GRID.centres(side)).split(2 * DECODING_BATCH):
        logits = bernoulli(model.decode(z, beta)).logits.flatten(1)
        log_prior = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
        joint = pixels @ logits.T - torch.nn.functional.softplus(logits).sum(1) + log_prior
        total = torch.logaddexp(total, joint.double().logsumexp(1))
    return (total + math.log(area)).numpy()
