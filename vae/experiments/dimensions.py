"""Latent traversal: one dimension of z is moved and the others are kept."""

from dataclasses import dataclass

import numpy as np
import torch

from vae.experiments.arrays import tensor
from vae.experiments.playground import Reconstruction
from vae.latent import traversal
from vae.model import VAE

# in standard deviations of the prior
VALUES = tuple(float(value) for value in np.linspace(-3, 3, 11))


@dataclass(frozen=True)
class Traversal:
    """One dimension moved around a picture.

    images, differences: (V, C, H, W), E[x|z] and how it differs from the one at the picture's own
    z. own_value: of this dimension in that z. changes: (V,), light that came or went, in whole
    pixels: one that turns from black to white is 1.
    """

    dimension: int
    values: tuple[float, ...]
    own_value: float
    images: np.ndarray
    differences: np.ndarray
    changes: np.ndarray

    @property
    def largest_change(self) -> float:
        return float(self.changes.max())

    @property
    def largest_share(self) -> float:
        """The largest change as a share of all pixels, 0 to 1."""
        return self.largest_change / (self.images.shape[2] * self.images.shape[3])


@torch.no_grad()
def traverse(
    model: VAE,
    seen: Reconstruction,
    beta: float,
    dimension: int,
    values: tuple[float, ...] = VALUES,
) -> Traversal:
    """Decode seen.z with one dimension set to each value in turn.

    Raises IndexError for a dimension that the model has not.
    """
    latents = traversal(tensor(seen.z), dimension, torch.tensor(values))
    images = model.decode(latents, beta).mean.numpy()
    differences = images - seen.mean
    return Traversal(
        dimension,
        values,
        float(seen.z[dimension]),
        images,
        differences,
        np.abs(differences).mean(1).sum((1, 2)),
    )
