"""Variational autoencoders for learning what they are: one network for every beta, proper likelihoods, numbers in nats."""

from vae import hub
from vae.elbo import Elbo, elbo, importance_weighted_bound
from vae.hub import load
from vae.likelihood import Bernoulli, DiscretizedLogistic, binarize
from vae.model import VAE, DiagonalGaussian, VAEConfig
from vae.weights import WeightsError

__all__ = [
    "VAE", "Bernoulli", "DiagonalGaussian", "DiscretizedLogistic", "Elbo", "VAEConfig", "WeightsError", "binarize", "elbo",
    "hub", "importance_weighted_bound", "load",
]
