"""Reproducible randomness: every draw takes a generator, every generator a seed of named parts."""

import hashlib
import json

import torch
from torch import Tensor


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
