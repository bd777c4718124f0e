"""log p(x) of one picture as the ELBO of a Gaussian q plus the gap that q leaves.

    log p(x) = E_q[log p(x|z)] - KL(q || p(z)) + KL(q || p(z|x)) = -(distortion + rate) + gap

This holds for every q: log p(x) does not depend on q, so what the ELBO loses by a worse q, the gap
gains. The gap is measured from the true posterior, not from the prior (Kingma & Welling 2014, eq.
1). With two latent dimensions all of it is exact to far less than a thousandth of a nat; with more,
log p(x) is only bounded from below, and with it the gap.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.elbo import kl_to_standard_normal, log_likelihoods, weighted_bound
from vae.experiments.arrays import tensor
from vae.experiments.map import PosteriorMap
from vae.experiments.playground import Breakdown
from vae.hub.metrics import BetaMetrics
from vae.likelihood import bernoulli
from vae.model import VAE, DiagonalGaussian
from vae.noise import seeded, standard_normal
from vae.posterior import log_joint
from vae.quadrature import gauss_hermite

SAMPLES = 5_000  # K of the importance-weighted bound
DRAWS = 1_000  # of z ~ q, where there is no quadrature (more than two dimensions)
# squares a side, and standard deviations of q that they cover, for KL(q || p(z|x))
SIDE, REACH = (36, 5.5)
FARTHEST = 3.0  # standard deviations of q by which its mean may be moved
WIDENINGS = (0.5, 1.0, 2.0, 3.0)  # times its standard deviation


@dataclass(frozen=True)
class LogEvidence:
    """log p(x) of one picture, nats, or a lower bound on it.

    By quadrature (samples = 0): error is by how much the last halving of the grid changed it. As
    importance-weighted bound of `samples` z from the encoder's q: error is its standard error;
    effective_samples, between 1 and samples, says how many equal weights would scatter as much.
    Where it is small, error itself is too small.
    """

    nats: float
    error: float
    samples: int = 0
    effective_samples: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether log p(x) is exact, and no bound."""
        return not self.samples


@dataclass(frozen=True)
class Balance:
    """The two sides of log p(x) = ELBO + gap, for one picture and one q.

    Nats, sums over pixels and dimensions. mean, deviation: (D,) of q. rate_per_dimension: (D,),
    KL(q || p(z)) of each. distortion: -E_q[log p(x|z)]; distortion_error: its standard error, 0 by
    quadrature. divergence: KL(q || p(z|x)), by quadrature under q without using the ELBO; where log
    p(x) is only bounded it cannot be computed, and this is the difference to the bound.
    """

    mean: np.ndarray
    deviation: np.ndarray
    rate_per_dimension: np.ndarray
    distortion: float
    distortion_error: float
    divergence: float
    evidence: LogEvidence

    @property
    def rate(self) -> float:
        """KL(q || p(z))."""
        return float(self.rate_per_dimension.sum())

    @property
    def negative_elbo(self) -> float:
        """distortion + rate: reconstruction error + regularisation error, the loss."""
        return self.distortion + self.rate

    @property
    def gap(self) -> float:
        """log p(x) - ELBO, or the difference of the bound to the ELBO.

        The latter is at most the former (up to the errors of both).
        """
        return self.evidence.nats + self.negative_elbo

    @property
    def gap_error(self) -> float:
        """Standard error of the gap, 0 by quadrature.

        From those of its two terms, as if they were independent.
        """
        return (
            0.0 if self.evidence.exact else math.hypot(self.evidence.error, self.distortion_error)
        )

    @property
    def prior_excess(self) -> float:
        """-log p(x) + KL(q || p(z)) - (distortion + rate): by how much that equation misses.

        Positive where it overshoots.
        """
        return self.rate - self.gap

    @property
    def distortion_share(self) -> float:
        """The distortion's share of the loss, 0 to 1."""
        return self.distortion / self.negative_elbo


@dataclass(frozen=True)
class PixelTerms:
    """What q makes of the picture, (C, H, W) each.

    reconstruction: E_q[E[x|z]]. pixel_distortion: -E_q[log p(x_i|z)], nats, whose sum is the
    distortion.
    """

    reconstruction: np.ndarray
    pixel_distortion: np.ndarray

    @property
    def largest_pixel_distortion(self) -> float:
        """The largest distortion of a single pixel, nats."""
        return float(self.pixel_distortion.max())


def quadrature(posterior: PosteriorMap) -> LogEvidence:
    """log p(x) from the true posterior's map.

    Raises ValueError for a tempered posterior, whose integral is another number.
    """
    if posterior.tempered:
        raise ValueError("the tempered posterior is normalised by another number than p(x)")
    return LogEvidence(posterior.log_evidence, posterior.error)


@torch.no_grad()
def evidence_bound(
    model: VAE, observed: np.ndarray, beta: float, *, seed: int, samples: int = SAMPLES
) -> LogEvidence:
    """The importance-weighted lower bound on log p(x) of one picture (C, H, W).

    For any number of latent dimensions.
    """
    found = weighted_bound(
        model, tensor(observed)[None], beta, samples=samples, generator=seeded(seed, "evidence")
    )
    return LogEvidence(
        float(found.nats[0]),
        float(found.standard_error[0]),
        samples,
        float(found.effective_samples[0]),
    )


@torch.no_grad()
def shifted_posterior(
    model: VAE, observed: np.ndarray, beta: float, *, shift: float = 0.0, widening: float = 1.0
) -> DiagonalGaussian:
    """The encoder's q of a picture (C, H, W), moved and widened.

    The mean is moved by `shift` of its standard deviations in every dimension, and these are
    multiplied by `widening`. mean, log_variance: (1, D).
    """
    q = model.encode(tensor(observed)[None], beta)
    return DiagonalGaussian(
        q.mean + shift * q.standard_deviation, q.log_variance + 2 * math.log(widening)
    )


@torch.no_grad()
def balance(
    model: VAE,
    observed: np.ndarray,
    beta: float,
    evidence: LogEvidence,
    *,
    seed: int,
    shift: float = 0.0,
    widening: float = 1.0,
) -> Balance:
    """The two sides for the encoder's q, or for one that was moved and widened from it.

    observed: (C, H, W), in the form that the likelihood is defined for. evidence: what is known of
    log p(x); exact for two latent dimensions. The mean over q is Gauss–Hermite quadrature there, in
    more dimensions a mean over DRAWS of z, whose noise is the same for every q. Raises ValueError
    for a plain autoencoder.
    """
    if model.config.autoencoder:
        raise ValueError("a plain autoencoder has no ELBO")
    q = shifted_posterior(model, observed, beta, shift=shift, widening=widening)
    eps, weights = _places(model, seed)
    fits = log_likelihoods(model, tensor(observed), q.at(eps), beta)
    distortion, rates = -float(weights @ fits), kl_to_standard_normal(q)[0].double().numpy()
    return Balance(
        mean=q.mean[0].numpy(),
        deviation=q.standard_deviation[0].numpy(),
        rate_per_dimension=rates,
        distortion=distortion,
        distortion_error=0.0 if evidence.exact else float(fits.std() / math.sqrt(len(fits))),
        divergence=_divergence(model, tensor(observed), q, beta, evidence)
        if evidence.exact
        else evidence.nats + distortion + float(rates.sum()),
        evidence=evidence,
    )


@torch.no_grad()
def pixel_terms(
    model: VAE,
    observed: np.ndarray,
    beta: float,
    *,
    seed: int,
    shift: float = 0.0,
    widening: float = 1.0,
) -> PixelTerms:
    """The mean reconstruction of a picture (C, H, W) under the same q, and what each pixel costs.

    Raises ValueError for a likelihood that is not Bernoulli.
    """
    if not model.config.binarised:
        raise ValueError("the share of each pixel is told of a Bernoulli likelihood only")
    q = shifted_posterior(model, observed, beta, shift=shift, widening=widening)
    eps, weights = _places(model, seed)
    pixels = bernoulli(model.decode(q.at(eps), beta))
    # -log p(x_i|z), x_i being 0 or 1
    costs = torch.nn.functional.softplus(pixels.logits * (1 - 2 * tensor(observed)))
    return PixelTerms(
        *(
            torch.einsum("mchw,m->chw", each, weights.float()).numpy()
            for each in (pixels.mean, costs)
        )
    )


def beside_average(sides: Balance, average: BetaMetrics, pixel_values: int) -> Breakdown:
    """The loss of this picture beside the test set's at beta = 1.

    pixel_values: pixels times channels.
    """
    return Breakdown(
        beta=1.0,
        distortion=sides.distortion,
        rate=sides.rate,
        average_distortion=average.distortion,
        average_rate=average.rate,
        easier_than=average.share_above(sides.negative_elbo),
        pixel_values=pixel_values,
    )


def _places(model: VAE, seed: int) -> tuple[Tensor, Tensor]:
    """The nodes at which q is evaluated: eps (M, D) float32, weights (M,) float64 that sum to 1."""
    dimensions = model.config.latent_dim
    if dimensions <= 2:
        places, weights = gauss_hermite(dimensions)
        return places.float(), weights
    eps = standard_normal((DRAWS, dimensions), seeded(seed, "balance"), torch.device("cpu"))
    return eps, torch.full((DRAWS,), 1 / DRAWS, dtype=torch.float64)


def _divergence(
    model: VAE, observed: Tensor, q: DiagonalGaussian, beta: float, evidence: LogEvidence
) -> float:
    """KL(q || p(z|x)) on a plane, by the midpoint rule on equal squares.

    Under a Gaussian it converges faster than any power of the squares' side.
    """
    steps = ((torch.arange(SIDE, dtype=torch.float64) + 0.5) / SIDE * 2 - 1) * REACH
    eps = torch.cartesian_prod(steps, steps)
    deviation = q.standard_deviation[0].double()
    log_q = -0.5 * eps.square().sum(1) - math.log(2 * math.pi) - deviation.log().sum()
    mass = log_q.exp() * (2 * REACH / SIDE) ** 2 * deviation.prod()
    log_true = (
        log_joint(model, observed, q.mean[0].double() + deviation * eps, beta) - evidence.nats
    )
    return float(mass @ (log_q - log_true))
