"""The reparameterisation trick in one dimension: z = mu + sigma * eps, its spread, gradients.

The gradient is estimated with the trick and without it.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.elbo import DECODING_BATCH, log_likelihoods
from vae.experiments.arrays import tensor
from vae.experiments.lesson.gaussian import Curve
from vae.experiments.playground import Reconstruction
from vae.model import VAE, DiagonalGaussian
from vae.noise import seeded, standard_normal
from vae.quadrature import gauss_hermite

# by which eps is multiplied; only the first gives the claimed spread
FACTORS = ("deviation", "variance", "log_variance")
PARAMETERS = ("mean", "log_deviation")
DRAWS = 5_000  # of z, whose spread is measured
SAMPLES = 1_000  # of the gradient
REFERENCE_DRAWS = 2_000  # through the noise, of a code for which quadrature has too many dimensions
BINS = 81
REACH = 4.0  # standard deviations that curves and histogram cover to each side
PLACES = np.linspace(-REACH, REACH, BINS)
CHANCE = 5.0  # standard errors: a claim that is true is called wrong once in two million times
# the share of a Gaussian within two standard deviations of its mean
WITHIN = math.erf(math.sqrt(2))


@dataclass(frozen=True)
class OneDraw:
    """One dimension of one z, step by step: eps, scaled = sigma * eps, z = mu + sigma * eps.

    log_variance: log sigma^2, what the encoder puts out. dimension counts from 0. steps: the
    distribution of each of the three, with its peak at 1: N(0, 1), N(0, sigma^2), N(mu, sigma^2).
    """

    dimension: int
    mean: float
    log_variance: float
    eps: float
    scaled: float
    z: float
    steps: tuple[Curve, Curve, Curve]

    @property
    def deviation(self) -> float:
        """sigma = exp(log sigma^2 / 2)."""
        return math.exp(0.5 * self.log_variance)


@dataclass(frozen=True)
class Spread:
    """mu + factor * eps, many times, beside the N(mu, sigma^2) that the encoder claims.

    factor: its name; value: the number; claimed: sigma; measured: standard deviation of the draws.
    histogram: (BINS,) middles of the bins and how high each stands where the draws' own density has
    its peak at 1; curve: the claimed density, with its peak at 1 too, so that both are seen however
    unlike they are. within: the share of draws less than 2 sigma from mu, 0 to 1; 95.4 % of the
    claimed distribution lie there.
    """

    factor: str
    value: float
    mean: float
    claimed: float
    measured: float
    draws: int
    within: float
    histogram: Curve
    curve: Curve

    @property
    def chance(self) -> float:
        """Standard error of the measured standard deviation, if the claimed one is true."""
        return self.claimed / math.sqrt(2 * (self.draws - 1))

    @property
    def ratio(self) -> float:
        """The measured standard deviation divided by the claimed one."""
        return self.measured / self.claimed

    @property
    def fits(self) -> bool:
        """Whether chance explains the difference of the two deviations."""
        return abs(self.measured - self.claimed) <= CHANCE * self.chance

    @property
    def right(self) -> bool:
        """Whether the factor is sigma.

        Another may fit by coincidence: sigma^2 near sigma = 1, |log sigma^2| near 0.70.
        """
        return self.factor == "deviation"


@dataclass(frozen=True)
class Estimate:
    """Single-draw estimates of a gradient, (S,) float64, nats per unit of the parameter."""

    samples: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.samples.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation of one draw."""
        return float(self.samples.std(ddof=1))

    @property
    def standard_error(self) -> float:
        """Standard error of the mean."""
        return self.deviation / math.sqrt(len(self.samples))


@dataclass(frozen=True)
class GradientDraws:
    """S draws of one picture's z in D dimensions, from which gradients are estimated.

    deviation: (D,), sigma of q. eps: (S, D). losses: (S,), f(z) = -log p(x|z) in nats. slopes: (S,
    D), df/dz. reference, reference_error: (2, D), the gradients with respect to mu and log sigma
    and their standard errors: by Gauss–Hermite quadrature where D <= 2 (error 0, reference_draws
    0), else the mean of `reference_draws` others through the noise.
    """

    deviation: np.ndarray
    eps: np.ndarray
    losses: np.ndarray
    slopes: np.ndarray
    reference: np.ndarray
    reference_error: np.ndarray
    reference_draws: int


@dataclass(frozen=True)
class Gradients:
    """The distortion's gradient with respect to mu or log sigma of one dimension, in nats.

    The distortion is E_q[-log p(x|z)]. pathwise: through the noise. score: by the score function;
    score_baseline: with the mean of the other draws' -log p(x|z) subtracted. All three of the same
    draws, all three right on average. reference: as in GradientDraws.
    """

    parameter: str
    dimension: int
    reference: float
    reference_error: float
    reference_draws: int
    pathwise: Estimate
    score: Estimate
    score_baseline: Estimate

    @property
    def variance_ratio(self) -> float:
        """Variance of the score function's estimate divided by that of the pathwise one.

        That is how many times as many draws it needs.
        """
        return (self.score.deviation / self.pathwise.deviation) ** 2

    @property
    def variance_ratio_baseline(self) -> float:
        """Ratio of variances of the score function with a baseline to the pathwise gradient."""
        return (self.score_baseline.deviation / self.pathwise.deviation) ** 2


def follow(seen: Reconstruction, dimension: int) -> OneDraw:
    """One dimension of a picture's z. Raises IndexError for one that the model has not."""
    if not 0 <= dimension < len(seen.z):
        raise IndexError(f"there are dimensions 0 to {len(seen.z) - 1}, not {dimension}")
    mean, deviation, eps = (
        float(values[dimension])
        for values in (seen.posterior_mean, seen.posterior_deviation, seen.eps)
    )
    standard, scaled, moved = (
        Curve(centre + width * PLACES, np.exp(-0.5 * PLACES**2))
        for centre, width in ((0.0, 1.0), (0.0, deviation), (mean, deviation))
    )
    return OneDraw(
        dimension,
        mean,
        2 * math.log(deviation),
        eps,
        deviation * eps,
        mean + deviation * eps,
        (standard, scaled, moved),
    )


def spread(draw: OneDraw, factor: str, *, seed: int, draws: int = DRAWS) -> Spread:
    """Multiply eps by sigma, sigma^2 or log sigma^2, and measure the spread of what comes out.

    The same eps for each factor. Raises KeyError for another factor.
    """
    value = dict(zip(FACTORS, (draw.deviation, draw.deviation**2, draw.log_variance), strict=True))[
        factor
    ]
    eps = standard_normal((draws,), seeded(seed, "spread"), torch.device("cpu")).double().numpy()
    z = draw.mean + value * eps
    reach = REACH * max(draw.deviation, abs(value))
    counts, edges = np.histogram(z, BINS, (draw.mean - reach, draw.mean + reach))
    peak = draws * np.diff(edges) / (max(abs(value), 1e-9) * math.sqrt(2 * math.pi))
    middles = (edges[1:] + edges[:-1]) / 2
    places = np.unique(np.concatenate([middles, draw.mean + draw.deviation * PLACES]))
    claimed = np.exp(-0.5 * ((places - draw.mean) / draw.deviation) ** 2)
    return Spread(
        factor,
        value,
        draw.mean,
        draw.deviation,
        float(z.std(ddof=1)),
        draws,
        float((np.abs(z - draw.mean) < 2 * draw.deviation).mean()),
        Curve(middles, counts / peak),
        Curve(places, claimed),
    )


def draw_gradients(
    model: VAE, observed: np.ndarray, beta: float, *, seed: int, samples: int = SAMPLES
) -> GradientDraws:
    """Draw z from a picture's (C, H, W) q and differentiate -log p(x|z).

    Raises ValueError for a plain autoencoder.
    """
    picture, dimensions = tensor(observed), model.config.latent_dim
    if model.config.autoencoder:
        raise ValueError("a plain autoencoder draws no z: there is nothing to estimate")
    with torch.no_grad():
        q = model.encode(picture[None], beta)
    deviation = q.standard_deviation[0].double().numpy()

    def drawn(count: int, name: str) -> Tensor:
        return standard_normal((count, dimensions), seeded(seed, name), picture.device)

    def reference(eps: Tensor) -> np.ndarray:
        """Pathwise estimates with respect to mu and log sigma, (2, S, D)."""
        _, slopes = _losses_and_slopes(model, picture, beta, q, eps.float())
        return np.stack([slopes, slopes * deviation * eps.double().numpy()])

    if dimensions <= 2:
        nodes, weights = gauss_hermite(dimensions)
        exact = np.einsum("s,psd->pd", weights.numpy(), reference(nodes))
        centre, error, draws = exact, np.zeros_like(exact), 0
    else:
        more, draws = reference(drawn(REFERENCE_DRAWS, "gradient reference")), REFERENCE_DRAWS
        centre, error = more.mean(1), more.std(1, ddof=1) / math.sqrt(draws)
    eps = drawn(samples, "gradient")
    losses, slopes = _losses_and_slopes(model, picture, beta, q, eps)
    return GradientDraws(
        deviation, eps.numpy(), losses, slopes.astype(np.float32), centre, error, draws
    )


def gradients(drawn: GradientDraws, dimension: int, parameter: str) -> Gradients:
    """The gradient with respect to one dimension's mu or log sigma, estimated from each draw.

    With f = -log p(x|z):

                        with respect to mu      with respect to log sigma
        pathwise        df/dz                   df/dz * sigma * eps
        score function  f(z) * eps / sigma      f(z) * (eps^2 - 1)

    Pathwise: Kingma & Welling 2014, section 2.4. Score function: Williams 1992 (REINFORCE). Raises
    ValueError for a parameter that is not one of PARAMETERS, IndexError for a dimension that is not
    there.
    """
    if not 0 <= dimension < len(drawn.deviation):
        raise IndexError(f"there are dimensions 0 to {len(drawn.deviation) - 1}, not {dimension}")
    place = PARAMETERS.index(parameter)
    deviation, losses = float(drawn.deviation[dimension]), drawn.losses
    eps, slopes = (values[:, dimension].astype(np.float64) for values in (drawn.eps, drawn.slopes))
    of_mean = parameter == "mean"
    pathwise = slopes if of_mean else slopes * deviation * eps
    score = eps / deviation if of_mean else eps**2 - 1
    # without its own draw, or the estimate would be biased
    others = (losses.sum() - losses) / (len(losses) - 1)
    return Gradients(
        parameter,
        dimension,
        float(drawn.reference[place, dimension]),
        float(drawn.reference_error[place, dimension]),
        drawn.reference_draws,
        Estimate(pathwise),
        Estimate(losses * score),
        Estimate((losses - others) * score),
    )


def _losses_and_slopes(
    model: VAE, observed: Tensor, beta: float, q: DiagonalGaussian, eps: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """-log p(x|z), (S,), and its derivatives with respect to z, (S, D), float64.

    At z = mu + sigma * eps.
    """
    losses, slopes = [], []
    for z in (
        q.at(eps).detach().split(DECODING_BATCH)
    ):  # what gradients need of all at once is 300 MB
        with torch.enable_grad():
            z.requires_grad_(True)
            losses.append(-log_likelihoods(model, observed, z, beta))
            slopes += torch.autograd.grad(losses[-1].sum(), z)
    return torch.cat(losses).detach().numpy(), torch.cat(slopes).double().numpy()
