"""Latents that no picture was encoded to: prior samples, traversals, paths, the typical radius."""

import math

import torch
from scipy.special import gammaincinv
from torch import Tensor

from vae.noise import standard_normal

PARALLEL_ANGLE = (
    1e-4  # radians from 0 or pi: on such an arc the plane of rotation is rounding noise
)


def prior_sample(
    count: int, latent_dim: int, *, temperature: float = 1.0, generator: torch.Generator
) -> Tensor:
    """Draws z ~ N(0, temperature^2 I), (count, latent_dim) float32.

    Only temperature 1 is the prior; 0 gives its mean. The first latents of a larger draw are those
    of a smaller one with the same seed. Raises ValueError for a negative temperature or count.
    """
    if count < 0 or temperature < 0:
        raise ValueError("count and temperature must not be negative")
    # One draw a latent: a single large one would be filled in another order for another count.
    draws = [standard_normal((latent_dim,), generator, torch.device("cpu")) for _ in range(count)]
    return temperature * torch.stack(draws) if draws else torch.zeros(0, latent_dim)


def traversal(z: Tensor, dimension: int, values: Tensor) -> Tensor:
    """z (D,) with one dimension set to each of the values (V,) in turn, the others kept: (V, D).

    Raises IndexError for a dimension that is not one of 0 … D - 1.
    """
    if not 0 <= dimension < len(z):
        raise IndexError(f"there are dimensions 0 to {len(z) - 1}, not {dimension}")
    latents = z.repeat(len(values), 1)
    latents[:, dimension] = values
    return latents


def interpolate(start: Tensor, end: Tensor, steps: int, *, spherical: bool = False) -> Tensor:
    """`steps` latents from start to end, both (D,), ends included: (steps, D).

    Linear: the straight line. Spherical: the direction turns at a steady rate along the great
    circle (Shoemake 1985; White 2016, arXiv 1609.04468, for latents), the length goes linearly from
    one to the other, so no step comes nearer to the origin than the nearer end. Between directions
    that are the same or opposite, or from the origin, no great circle is singled out: there the
    spherical path is the straight line. Raises ValueError for fewer than 2 steps.
    """
    if steps < 2:
        raise ValueError("a path needs at least its two ends")
    share = torch.linspace(0, 1, steps, dtype=torch.float64)[:, None]
    first, last = start.double(), end.double()
    straight = (1 - share) * first + share * last
    lengths = first.norm(), last.norm()
    if not spherical or min(lengths) == 0:
        return straight.float()
    directions = first / lengths[0], last / lengths[1]
    # atan2 of sum and difference: acos of the cosine loses all small angles.
    angle = 2 * torch.atan2(
        (directions[0] - directions[1]).norm(), (directions[0] + directions[1]).norm()
    )
    if angle < PARALLEL_ANGLE or angle > math.pi - PARALLEL_ANGLE:
        return straight.float()
    direction = (
        ((1 - share) * angle).sin() * directions[0] + (share * angle).sin() * directions[1]
    ) / angle.sin()
    return (((1 - share) * lengths[0] + share * lengths[1]) * direction).float()


def typical_radius(latent_dim: int, share: float) -> float:
    """The radius within which a share of the prior N(0, I) lies, 0 < share < 1.

    It is a quantile of the chi distribution. In many dimensions nearly all the mass lies in a thin
    shell about sqrt(latent_dim - 1/2), and next to none near the origin, though the density is
    largest there.
    """
    return math.sqrt(2 * gammaincinv(latent_dim / 2, share))
