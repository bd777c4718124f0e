"""The answers to the worksheet's questions, computed from the models.

So they stay true when weights change.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from vae.elbo import exact_elbo, kl_to_standard_normal
from vae.experiments.arrays import tensor
from vae.experiments.lesson.beta_conventions import to_beta
from vae.experiments.map import posterior_map
from vae.experiments.playground import observation, reconstruct
from vae.hub.metrics import BetaMetrics, Metrics
from vae.model import VAE, DiagonalGaussian

BETA = 1.0  # where q aims at p(z|x)
SETTINGS = (0.1, 1.0, 10.0)  # betas whose test-set averages are asked for
# "Generative Deep Learning", 2nd edition: BETA times the mean over the pixels
FOSTER_BETA, FOSTER_PIXELS = (500, 32 * 32)
# (mu, log sigma^2), whose KL to N(0, 1) is asked for
ONE_DIMENSION = ((0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (0.0, -2.0))


@dataclass(frozen=True)
class Solutions:
    """What the worksheet asks, in its order, in nats.

    For one example at beta = 1 and one seed. pixels: of a picture; digits: of the number of
    black-and-white pictures, so there are about 10^digits of them; uniform: log p(x) of each where
    all are as probable. place: the mean of q for the example; fit: log p(x|z) there. log_evidence:
    log p(x) by quadrature. distortion, rate: of q, by Gauss–Hermite. gap: KL(q || p(z|x)). mean,
    log_variance: of q in its first dimension; eps: the first draw of this seed there. divergences:
    KL(N(mu, sigma^2) || N(0, 1)) at ONE_DIMENSION. averages: of the test set at SETTINGS. foster:
    the beta of this app for which training is the same as at David Foster's BETA.
    """

    pixels: int
    digits: float
    uniform: float
    place: tuple[float, float]
    fit: float
    log_evidence: float
    distortion: float
    rate: float
    gap: float
    mean: float
    log_variance: float
    eps: float
    divergences: tuple[float, ...]
    averages: tuple[BetaMetrics, ...]
    foster: float

    @property
    def negative_elbo(self) -> float:
        """distortion + rate."""
        return self.distortion + self.rate

    @property
    def best_average(self) -> BetaMetrics:
        """Averages over the test set at the beta with the smallest negative ELBO."""
        return min(self.averages, key=lambda now: now.negative_elbo)

    @property
    def deviation(self) -> float:
        """sigma = exp(log sigma^2 / 2)."""
        return math.exp(self.log_variance / 2)

    @property
    def variance(self) -> float:
        """sigma^2."""
        return math.exp(self.log_variance)

    @property
    def z(self) -> float:
        """mu + sigma * eps."""
        return self.mean + self.deviation * self.eps

    @property
    def wrong_z(self) -> float:
        """mu + sigma^2 * eps, which has too small or too large a spread."""
        return self.mean + self.variance * self.eps


@torch.no_grad()
def solve(plane: VAE, picture: np.ndarray, metrics: Metrics, *, seed: int) -> Solutions:
    """The worksheet's answers for one example.

    plane: the model with two latent dimensions, for the example `picture` (1, H, W). metrics: of
    the playground's model. Takes seconds, by quadrature over the plane. Raises ValueError as
    grid_posterior does.
    """
    observed = observation(plane, picture, seed=seed)
    seen = reconstruct(plane, picture, BETA, seed=seed)
    batch = tensor(observed)[None]
    q = plane.encode(batch, BETA)
    terms, posterior = exact_elbo(plane, batch[0], BETA), posterior_map(plane, observed, BETA)
    pixels = observed.size
    means, log_variances = torch.tensor(ONE_DIMENSION).T
    return Solutions(
        pixels=pixels,
        digits=pixels * math.log10(2),
        uniform=-pixels * math.log(2),
        place=tuple(q.mean[0].tolist()),
        fit=float(plane.decode(q.mean, BETA).log_prob(batch)),
        log_evidence=posterior.log_evidence,
        distortion=float(terms.distortion),
        rate=float(terms.rate),
        gap=posterior.gap,
        mean=float(q.mean[0, 0]),
        log_variance=float(q.log_variance[0, 0]),
        eps=float(seen.eps[0]),
        divergences=tuple(kl_to_standard_normal(DiagonalGaussian(means, log_variances)).tolist()),
        averages=tuple(metrics.at(beta) for beta in SETTINGS),
        foster=to_beta("reconstruction", FOSTER_BETA, pixels=FOSTER_PIXELS, dimensions=1),
    )
