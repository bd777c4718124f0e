"""Interpolation from one picture to another, through the latent space and through pixel space."""

from dataclasses import dataclass

import numpy as np
import torch

from vae.elbo import elbo_with_noise
from vae.experiments.arrays import tensor
from vae.experiments.playground import Reconstruction, draws_for, observe
from vae.latent import interpolate, typical_radius
from vae.model import VAE
from vae.noise import seeded, standard_normal

SHELL = 0.95  # of the prior's mass, the same share left out inside and outside


@dataclass(frozen=True)
class Path:
    """S steps from one picture to another, ends included.

    latents: (S, D). images: (S, C, H, W), E[x|z] of each. cross_fade: (S, C, H, W), the weighted
    mean of the two pictures' pixels. radii: (S,), distance of each latent from the origin; shell:
    between which distances 95 % of the prior lie. negative_elbo: (S,), nats, of one draw from
    p(x|z) at each step; cross_fade_negative_elbo: of what the model sees of each mixture: one
    binarisation, or its 8-bit colours. The same uniform numbers at every step; draws: of z for
    each.
    """

    latents: np.ndarray
    images: np.ndarray
    cross_fade: np.ndarray
    radii: np.ndarray
    shell: tuple[float, float]
    negative_elbo: np.ndarray
    cross_fade_negative_elbo: np.ndarray
    draws: int

    @property
    def outside(self) -> int:
        """How many steps lie outside the shell."""
        low, high = self.shell
        return int(((self.radii < low) | (self.radii > high)).sum())


@torch.no_grad()
def path(
    model: VAE,
    pictures: tuple[np.ndarray, np.ndarray],
    ends: tuple[Reconstruction, Reconstruction],
    beta: float,
    *,
    seed: int,
    steps: int,
    spherical: bool = False,
) -> Path:
    """Interpolate from ends[0].z to ends[1].z, beside the cross-fade of the pictures (C, H, W).

    Raises ValueError for fewer than 2 steps, or for a plain autoencoder, which has neither prior
    nor ELBO.
    """
    if model.config.autoencoder:
        raise ValueError(
            "a plain autoencoder has neither a prior nor an ELBO to compare the steps of a path by"
        )
    first, last = (tensor(end.z) for end in ends)
    latents = interpolate(first, last, steps, spherical=spherical)
    decoded = model.decode(latents, beta)
    share = torch.linspace(0, 1, steps)[:, None, None, None]
    mixed = (1 - share) * tensor(pictures[0]) + share * tensor(pictures[1])
    # Each step gets the same uniform numbers: so only the picture changes along the path.
    drawn = torch.stack(
        [model.decode(z[None], beta).sample(seeded(seed, "path pixels"))[0] for z in latents]
    )
    observed = torch.stack([observe(model, mixture, seed=seed) for mixture in mixed])
    draws = draws_for(pictures[0])
    eps = standard_normal((draws, 1, model.config.latent_dim), seeded(seed, "path"), latents.device)
    negative_elbo = elbo_with_noise(
        model, torch.cat([drawn, observed]), beta, eps
    ).negative_elbo.numpy()
    outside = (1 - SHELL) / 2
    dimensions = model.config.latent_dim
    return Path(
        latents=latents.numpy(),
        images=decoded.mean.numpy(),
        cross_fade=mixed.numpy(),
        radii=latents.norm(dim=1).numpy(),
        shell=(typical_radius(dimensions, outside), typical_radius(dimensions, 1 - outside)),
        negative_elbo=negative_elbo[:steps],
        cross_fade_negative_elbo=negative_elbo[steps:],
        draws=draws,
    )
