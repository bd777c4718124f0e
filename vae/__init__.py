"""Variational autoencoders to learn from: one network for every beta, all numbers in nats.

The likelihoods are proper probabilities of a picture, so that the ELBO is a bound on log p(x).
"""

from vae import hub, images
from vae.elbo import Elbo, elbo, importance_weighted_bound, point_distortion
from vae.hub import WeightsError, load
from vae.images.errors import ImageError
from vae.likelihood import Bernoulli, DiscretizedLogistic, binarize
from vae.model import VAE, DiagonalGaussian, VAEConfig

__version__ = "0.2.0"  # the only place; pyproject.toml reads it from here

__all__ = [
    "VAE",
    "Bernoulli",
    "DiagonalGaussian",
    "DiscretizedLogistic",
    "Elbo",
    "ImageError",
    "VAEConfig",
    "WeightsError",
    "binarize",
    "elbo",
    "hub",
    "images",
    "importance_weighted_bound",
    "load",
    "point_distortion",
]
