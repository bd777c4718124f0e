"""The border of the experiments: NumPy arrays outside, tensors on the CPU inside."""

import numpy as np
import torch
from torch import Tensor

from vae.likelihood import observe
from vae.model import VAE
from vae.noise import seeded


def tensor(array: np.ndarray) -> Tensor:
    """An array as a tensor of the same shape and type, without a copy."""
    return torch.as_tensor(array)


def unit_interval(images: np.ndarray) -> Tensor:
    """Pictures (N, C, H, W) uint8 as float32 in [0, 1]."""
    return tensor(images).float() / 255


def reference_observations(model: VAE, images: np.ndarray) -> Tensor:
    """One observation of each picture (N, C, H, W) uint8, in the form of the likelihood: float32.

    Every experiment with reference pictures binarises them alike, at every beta.
    """
    return observe(unit_interval(images), model.config.likelihood, generator=seeded(0, "reference"))
