"""Points of the latent space that no picture chose: draws from the prior."""

import torch
from torch import Tensor

from vae.noise import standard_normal


def prior_sample(count: int, latent_dim: int, *, temperature: float = 1.0, generator: torch.Generator) -> Tensor:
    """z ~ N(0, temperature^2 I), (count, latent_dim) float32. Only temperature 1 is the prior; 0 is its mean.

    The first latents of a larger draw are those of a smaller one with the same seed. Raises ValueError for a negative
    temperature or count.
    """
    if count < 0 or temperature < 0:
        raise ValueError("count and temperature must not be negative")
    # One draw a latent: a single large one would be filled in another order for another count.
    draws = [standard_normal((latent_dim,), generator, torch.device("cpu")) for _ in range(count)]
    return temperature * torch.stack(draws) if draws else torch.zeros(0, latent_dim)
