"""The reparameterisation trick: one dimension of z = mu + sigma * eps, its spread, and the gradient with it and without."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.elbo import gauss_hermite
from vae.experiments.gaussian import Curve, normal_density
from vae.experiments.playground import Reconstruction
from vae.model import VAE, DiagonalGaussian
from vae.noise import seeded, standard_normal

FACTORS = ("deviation", "variance", "log_variance")  # by which eps is multiplied; only the first gives the claimed spread
PARAMETERS = ("mean", "log_deviation")
ESTIMATORS = ("pathwise", "score", "score_baseline")
DRAWS = 5_000  # of z, whose spread is measured
SAMPLES = 1_000  # of the gradient
BINS = 81
REACH = 4.0  # standard deviations that the histogram covers to each side
CHANCE = 4.0  # standard errors: a claim that is true is called wrong once in 16,000 times


@dataclass(frozen=True)
class OneDraw:
    """One dimension of one z, step by step: eps, scaled = sigma * eps, z = mu + sigma * eps.

    log_variance: log sigma^2, what the encoder puts out. dimension counts from 0.
    """

    dimension: int
    mean: float
    log_variance: float
    eps: float
    scaled: float
    z: float

    @property
    def deviation(self) -> float:
        """sigma = exp(log sigma^2 / 2)."""
        return math.exp(0.5 * self.log_variance)


@dataclass(frozen=True)
class Spread:
    """mu + factor * eps, many times, beside the N(mu, sigma^2) that the encoder claims.

    factor: its name; value: the number; claimed: sigma; measured: standard deviation of the draws. histogram: (BINS,) middles
    of the bins and how high each stands where the draws' own density has its peak at 1; curve: the claimed density, with its
    peak at 1 too, so that both are seen however unlike they are. within: the share of draws less than 2 sigma from mu, 0 to 1;
    95.4 % of the claimed distribution lie there.
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
        """Standard error: by how much the standard deviation of as many draws scatters where the claim is true."""
        return self.claimed / math.sqrt(2 * (self.draws - 1))

    @property
    def ratio(self) -> float:
        """How many times as wide as claimed."""
        return self.measured / self.claimed

    @property
    def fits(self) -> bool:
        """Whether chance explains the difference of the two deviations."""
        return abs(self.measured - self.claimed) <= CHANCE * self.chance

    @property
    def right(self) -> bool:
        """Whether the factor is sigma. Another may fit by coincidence: sigma^2 near sigma = 1, |log sigma^2| near 0.70."""
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
        """Of one draw."""
        return float(self.samples.std(ddof=1))

    @property
    def standard_error(self) -> float:
        """Of the mean."""
        return self.deviation / math.sqrt(len(self.samples))


@dataclass(frozen=True)
class Gradients:
    """The gradient of the distortion E_q[-log p(x|z)] with respect to mu or log sigma of one dimension, in nats.

    exact: by Gauss–Hermite quadrature. pathwise: through the noise. score: by the score function; score_baseline: with the
    mean of the other draws' -log p(x|z) subtracted. All three of the same draws, all three right on average.
    """

    parameter: str
    dimension: int
    exact: float
    pathwise: Estimate
    score: Estimate
    score_baseline: Estimate

    @property
    def times(self) -> float:
        """The variance of the score function's estimate in those of the pathwise one: how many times as many draws it needs."""
        return (self.score.deviation / self.pathwise.deviation) ** 2

    @property
    def times_baseline(self) -> float:
        """Likewise with the baseline."""
        return (self.score_baseline.deviation / self.pathwise.deviation) ** 2


def follow(seen: Reconstruction, dimension: int) -> OneDraw:
    """One dimension of a picture's z. Raises IndexError for one that the model has not."""
    if not 0 <= dimension < len(seen.z):
        raise IndexError(f"there are dimensions 0 to {len(seen.z) - 1}, not {dimension}")
    mean, deviation, eps = (float(values[dimension]) for values in (seen.posterior_mean, seen.posterior_deviation, seen.eps))
    return OneDraw(dimension, mean, 2 * math.log(deviation), eps, deviation * eps, mean + deviation * eps)


def spread(draw: OneDraw, factor: str, *, seed: int, draws: int = DRAWS) -> Spread:
    """Multiply eps by sigma, by sigma^2 = exp(log sigma^2), or by log sigma^2 itself, and measure what comes out.

    The same eps for each factor. Raises KeyError for another factor.
    """
    value = dict(zip(FACTORS, (draw.deviation, draw.deviation**2, draw.log_variance), strict=True))[factor]
    eps = standard_normal((draws,), seeded(seed, "spread"), torch.device("cpu")).double().numpy()
    z = draw.mean + value * eps
    reach = REACH * max(draw.deviation, abs(value))
    counts, edges = np.histogram(z, BINS, (draw.mean - reach, draw.mean + reach))
    peak = draws * np.diff(edges) / (max(abs(value), 1e-9) * math.sqrt(2 * math.pi))
    middles = (edges[1:] + edges[:-1]) / 2
    places = np.unique(np.concatenate([middles, draw.mean + draw.deviation * np.linspace(-REACH, REACH, BINS)]))
    claimed = normal_density(places, draw.mean, draw.deviation) / normal_density(draw.mean, draw.mean, draw.deviation)
    return Spread(
        factor, value, draw.mean, draw.deviation, float(z.std(ddof=1)), draws,
        float((np.abs(z - draw.mean) < 2 * draw.deviation).mean()), Curve(middles, counts / peak), Curve(places, claimed),
    )


def gradients(
    model: VAE, observed: Tensor, beta: float, dimension: int, parameter: str, *, seed: int, samples: int = SAMPLES
) -> Gradients:
    """The gradient of a picture's (1, H, W) distortion at the encoder's q, in three ways and exactly.

    With f(z) = -log p(x|z):
        pathwise        df/dz  and  df/dz * sigma * eps                          (Kingma & Welling 2014, section 2.4)
        score function  f(z) * eps / sigma  and  f(z) * (eps^2 - 1)              (Williams 1992, REINFORCE)
    with respect to mu and to log sigma. Raises ValueError for a model of more than two dimensions or without a posterior,
    IndexError for a dimension, ValueError for a parameter that is not there.
    """
    if model.config.latent_dim > 2 or model.config.autoencoder:
        raise ValueError("the exact gradient is added up on a plane: it needs a variational autoencoder of two dimensions")
    if parameter not in PARAMETERS:
        raise ValueError(f"parameter must be one of {PARAMETERS}, not {parameter!r}")
    if not 0 <= dimension < model.config.latent_dim:
        raise IndexError(f"there are dimensions 0 to {model.config.latent_dim - 1}, not {dimension}")
    with torch.no_grad():
        q = model.encode(observed[None], beta)
    nodes, weights = gauss_hermite(model.config.latent_dim)
    eps = standard_normal((samples, model.config.latent_dim), seeded(seed, "gradient"), observed.device)
    _, exact_slopes = _loss_and_slopes(model, observed, beta, q, nodes.float())
    losses, slopes = _loss_and_slopes(model, observed, beta, q, eps)
    deviation = float(q.standard_deviation[0, dimension])
    noise = eps[:, dimension].double().numpy()

    def through_noise(slope: np.ndarray, own: np.ndarray) -> np.ndarray:
        return slope if parameter == "mean" else slope * deviation * own

    score = noise / deviation if parameter == "mean" else noise**2 - 1
    others = (losses.sum() - losses) / (samples - 1)  # without its own draw, or the estimate would be biased
    exact = weights.numpy() @ through_noise(exact_slopes[:, dimension], nodes[:, dimension].numpy())
    return Gradients(
        parameter, dimension, float(exact), Estimate(through_noise(slopes[:, dimension], noise)), Estimate(losses * score),
        Estimate((losses - others) * score),
    )


def _loss_and_slopes(
    model: VAE, observed: Tensor, beta: float, q: DiagonalGaussian, eps: Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """-log p(x|z), (S,), and its derivatives with respect to z, (S, D), at z = mu + sigma * eps; float64."""
    with torch.enable_grad():
        z = q.at(eps).detach().requires_grad_(True)
        losses = -model.decode(z, beta).log_prob(observed.expand(len(z), *observed.shape))
        slopes, = torch.autograd.grad(losses.sum(), z)
    return losses.detach().double().numpy(), slopes.double().numpy()
