"""Reproducible randomness: every draw takes a generator, every generator a seed of named parts."""

import hashlib
import json

import torch
from torch import Tensor
from torch.quasirandom import SobolEngine


def seeded(*parts: int | str) -> torch.Generator:
    """A CPU generator seeded by all parts, e.g. seeded(7, "eps", 0).

    Other parts give another, independent stream of noise.
    """
    digest = hashlib.blake2b(json.dumps(parts).encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little", signed=True))


def uniform(
    shape: tuple[int, ...] | torch.Size, generator: torch.Generator, device: torch.device
) -> Tensor:
    """Uniform draws in [0, 1), float32.

    They are made on the generator's own device, so that a seed gives the same noise on all devices.
    """
    return torch.rand(shape, generator=generator, device=generator.device).to(device)


def standard_normal(
    shape: tuple[int, ...] | torch.Size, generator: torch.Generator, device: torch.device
) -> Tensor:
    """eps ~ N(0, I), float32, made on the generator's own device."""
    return torch.randn(shape, generator=generator, device=generator.device).to(device)


def quasi_normal(count: int, dimensions: int, generator: torch.Generator) -> Tensor:
    """Quasi-random draws from N(0, I), (count, dimensions) float32: scrambled Sobol' points.

    They fill space more evenly than independent draws, so a mean of a smooth function over 16 of
    them has about the standard error of one over 64; each point by itself is a draw from N(0, I).
    The generator gives the scrambling alone. (Owen 1998, "Scrambling Sobol' and Niederreiter–Xing
    points".)
    """
    seed = int(torch.randint(2**62, (), generator=generator))
    points = SobolEngine(dimensions, scramble=True, seed=seed).draw(count, dtype=torch.float64)
    least = torch.finfo(torch.float32).eps  # the normal quantile of 0 is infinite
    return torch.special.ndtri(points.clamp(least, 1 - least)).float()
