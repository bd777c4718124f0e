"""Variational autoencoders for learning what they are: one network for every beta, proper
likelihoods, numbers in nats."""

from vae import hub, images
from vae.elbo import Elbo, elbo, importance_weighted_bound, point_distortion
from vae.hub import WeightsError, load
from vae.images.errors import ImageError
from vae.likelihood import Bernoulli, DiscretizedLogistic, binarize
from vae.model import VAE, DiagonalGaussian, VAEConfig

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
