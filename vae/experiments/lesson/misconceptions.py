"""Misconceptions about the code: which KL, sigma or sigma^2, aggregate posterior, collapse, axes.

Numbers of the real models, in nats and sums. What concerns the decoder's pictures is in
decoders.py, the names of beta in beta_conventions.py.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch

from vae.elbo import exact_elbo
from vae.experiments.arrays import reference_observations, tensor
from vae.experiments.dimensions import Traversal, traverse
from vae.experiments.map import Codes
from vae.experiments.playground import Reconstruction, observe, reconstruct
from vae.hub.metrics import Metrics
from vae.model import VAE
from vae.noise import seeded, standard_normal
from vae.posterior import grid_posterior

SPREAD_DRAWS = 5_000
MIXTURE_DRAWS = 5  # of each posterior
SINGLE = 12  # posteriors that are shown one by one
CURVE_POINTS = 641  # half a typical sigma apart
CURVE_REACH = 4.0  # standard deviations of the prior
TURNED = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)  # values of a dimension that is moved


@dataclass(frozen=True)
class WhichKL:
    """One picture's ELBO, log p(x) and three divergences at one beta, nats.

    elbo: by Gauss–Hermite quadrature; log_evidence: log p(x) by adaptive quadrature. to_prior:
    KL(q(z|x) || p(z)), the rate. to_posterior: KL(q(z|x) || p(z|x)) = log_evidence - elbo.
    from_posterior: KL(p(z|x) || q(z|x)), the other way round, on the squares of the quadrature.
    """

    elbo: float
    log_evidence: float
    to_prior: float
    to_posterior: float
    from_posterior: float

    @property
    def with_prior(self) -> float:
        """ELBO + KL(q || p(z)): E_q[log p(x|z)], where the rate cancels. It is not log p(x)."""
        return self.elbo + self.to_prior

    @property
    def with_reverse(self) -> float:
        """ELBO + KL(p(z|x) || q), which is not log p(x) either."""
        return self.elbo + self.from_posterior


@dataclass(frozen=True)
class Spreads:
    """How widely `draws` of each dimension spread, (D,) each, beside claimed, the sigma of q(z|x).

    by_sigma, by_variance: standard deviation of mu + sigma * eps, and of mu + sigma^2 * eps.
    """

    claimed: np.ndarray
    by_sigma: np.ndarray
    by_variance: np.ndarray
    draws: int

    @property
    def dimension(self) -> int:
        """The one with the smallest sigma."""
        return int(self.claimed.argmin())


@dataclass(frozen=True)
class LogVariances:
    """log sigma^2 of q(z|x) over pictures and dimensions at each beta.

    lowest, median, highest: (B,).
    """

    betas: tuple[float, ...]
    lowest: np.ndarray
    median: np.ndarray
    highest: np.ndarray
    count: int

    @property
    def smallest_sigma(self) -> float:
        """The smallest sigma over all betas."""
        return float(np.exp(self.lowest.min() / 2))

    @property
    def largest_sigma(self) -> float:
        """The largest sigma over all betas."""
        return float(np.exp(self.highest.max() / 2))

    @property
    def ratio(self) -> float:
        """The largest sigma divided by the smallest."""
        return self.largest_sigma / self.smallest_sigma


@dataclass(frozen=True)
class Mixture:
    """The aggregate posterior along the first dimension of the code.

    places (P,): points on the axis; density (P,): of the mixture of all q in equal parts; prior
    (P,): N(0, 1). means, deviations: (2,) of the mixture. typical_sigma: median sigma of a single
    q, over pictures and dimensions. single_rate: mean over pictures of KL(q(z|x_n) || p(z));
    mixture_rate: KL(mixture || p(z)), from `draws` z; nats. single_mean, single_sigma: (S,), of a
    few single q in the first dimension. count: of pictures.
    """

    places: np.ndarray
    density: np.ndarray
    prior: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    typical_sigma: float
    single_rate: float
    mixture_rate: float
    single_mean: np.ndarray
    single_sigma: np.ndarray
    count: int
    draws: int


@dataclass(frozen=True)
class Collapse:
    """The test set's loss at some betas, (B,) nats, and reconstructions of a few pictures there.

    images: (B, N, C, H, W), E[x|z] at z = mu. unlike: (B,), mean absolute difference of two of
    these pictures, 0 to 1 a pixel.
    """

    betas: tuple[float, ...]
    rate: np.ndarray
    distortion: np.ndarray
    images: np.ndarray
    unlike: np.ndarray

    @property
    def negative_elbo(self) -> np.ndarray:
        """distortion + rate, (B,) nats."""
        return self.rate + self.distortion

    @property
    def best(self) -> int:
        """Index of the beta with the smallest negative ELBO."""
        return int(self.negative_elbo.argmin())


@dataclass(frozen=True)
class Axes:
    """Active units at each beta, and traversals of the dimension with the largest rate.

    betas, active: active units of the test set at each measured beta. moved: the dimension of most
    rate at two betas.
    """

    betas: tuple[float, ...]
    active: tuple[int, ...]
    dimensions: int
    moved_at: tuple[float, float]
    moved: tuple[Traversal, Traversal]

    @property
    def active_at_moved(self) -> tuple[int, ...]:
        """Active units at these two betas."""
        return tuple(self.active[self.betas.index(beta)] for beta in self.moved_at)


@torch.no_grad()
def which_kl(model: VAE, observed: np.ndarray, beta: float) -> WhichKL:
    """The ELBO, log p(x) and three divergences of a picture (C, H, W).

    Raises as grid_posterior does.
    """
    picture = tensor(observed)
    grid, terms = grid_posterior(model, picture, beta), exact_elbo(model, picture, beta)
    elbo, rate = -float(terms.negative_elbo[0]), float(terms.rate[0])
    q = model.encode(picture[None], beta)
    away = (grid.centres - q.mean.double().numpy()) / q.standard_deviation.double().numpy()
    log_q = -0.5 * (away**2 + q.log_variance.double().numpy()).sum(1) - math.log(2 * math.pi)
    held = grid.mass > 0
    reverse = float(grid.mass[held] @ (grid.log_density - log_q)[held])
    return WhichKL(elbo, grid.log_evidence, rate, grid.log_evidence - elbo, reverse)


def spreads(seen: Reconstruction, *, seed: int) -> Spreads:
    """Draw z of a picture's posterior with sigma and, wrongly, with sigma^2, by the same eps."""
    shape = (SPREAD_DRAWS, len(seen.posterior_mean))
    eps = standard_normal(shape, seeded(seed, "spread"), torch.device("cpu")).double().numpy()
    sigma = seen.posterior_deviation.astype(np.float64)
    deviation, variance = (
        (seen.posterior_mean + factor * eps).std(0) for factor in (sigma, sigma**2)
    )
    return Spreads(sigma, deviation, variance, SPREAD_DRAWS)


@torch.no_grad()
def log_variances(model: VAE, images: np.ndarray, betas: tuple[float, ...]) -> LogVariances:
    """Encode pictures (N, 1, H, W) uint8 at each beta.

    One binarisation of each, the same as in `codes`.
    """
    pictures = reference_observations(model, images)
    values = np.stack([model.encode(pictures, beta).log_variance.numpy().ravel() for beta in betas])
    return LogVariances(betas, values.min(1), np.median(values, axis=1), values.max(1), len(images))


def mixture(codes: Codes, *, seed: int) -> Mixture:
    """The aggregate posterior of pictures with two-dimensional codes beside the prior.

    Its KL is E[log q(z) - log p(z)]. With finitely many pictures the mixture is more uneven than
    that of the whole data set, so that its KL is too large rather than too small (Hoffman & Johnson
    2016 split the mean rate into this KL and what z says about which picture it was).
    """
    mean, deviation = codes.mean.astype(np.float64), codes.deviation.astype(np.float64)
    places = np.linspace(-CURVE_REACH, CURVE_REACH, CURVE_POINTS)
    density = _normal(places[:, None], mean[:, 0], deviation[:, 0]).mean(1)
    eps = (
        standard_normal((MIXTURE_DRAWS, *mean.shape), seeded(seed, "mixture"), torch.device("cpu"))
        .double()
        .numpy()
    )
    z = (mean + deviation * eps).reshape(-1, 2)
    log_ratio = _log_mixture(z, mean, deviation) + 0.5 * (z**2).sum(1) + math.log(2 * math.pi)
    rates = 0.5 * (mean**2 + deviation**2 - 2 * np.log(deviation) - 1).sum(1)
    return Mixture(
        places=places,
        density=density,
        prior=_normal(places, 0.0, 1.0),
        means=codes.aggregate_mean,
        deviations=codes.aggregate_deviation,
        typical_sigma=float(np.median(deviation)),
        single_rate=float(rates.mean()),
        mixture_rate=float(log_ratio.mean()),
        single_mean=mean[:SINGLE, 0],
        single_sigma=deviation[:SINGLE, 0],
        count=len(mean),
        draws=len(z),
    )


@torch.no_grad()
def collapse(
    model: VAE, metrics: Metrics, pictures: np.ndarray, betas: tuple[float, ...], *, seed: int
) -> Collapse:
    """The loss of the test set and reconstructions of pictures (N, C, H, W) as beta grows.

    betas: measured ones.
    """
    entries = [metrics.at(beta) for beta in betas]
    observed = observe(model, tensor(pictures), seed=seed)
    images = np.stack(
        [model.decode(model.encode(observed, beta).mean, beta).mean.numpy() for beta in betas]
    )
    pairs = np.abs(images[:, :, None] - images[:, None]).mean((3, 4, 5))
    count = len(pictures)
    return Collapse(
        tuple(entry.beta for entry in entries),
        np.array([entry.rate for entry in entries]),
        np.array([entry.distortion for entry in entries]),
        images,
        pairs.sum((1, 2)) / (count * (count - 1)),
    )


def axes(
    model: VAE, metrics: Metrics, picture: np.ndarray, at: tuple[float, float], *, seed: int
) -> Axes:
    """How many dimensions are active at each beta, and what the largest one does at two of them."""

    def largest_moved(beta: float) -> Traversal:
        seen = reconstruct(model, picture, beta, seed=seed, use_mean=True)
        return traverse(model, seen, beta, metrics.at(beta).dimensions_by_rate[0], TURNED)

    first, second = at
    betas = metrics.betas
    return Axes(
        tuple(entry.beta for entry in betas),
        tuple(entry.active_units for entry in betas),
        model.config.latent_dim,
        at,
        (largest_moved(first), largest_moved(second)),
    )


def _normal(x: np.ndarray, mean: np.ndarray | float, deviation: np.ndarray | float) -> np.ndarray:
    return np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))


def _log_mixture(z: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Log density of a mixture of Gaussians in equal parts, (M,).

    Computed for a part of the z at a time to bound the memory.
    """
    log_scale = -np.log(deviation).sum(1) - math.log(2 * math.pi)
    parts = []
    for part in np.array_split(z, math.ceil(len(z) / 1000)):
        away = sum(
            ((part[:, None, axis] - mean[:, axis]) / deviation[:, axis]) ** 2
            for axis in range(z.shape[1])
        )
        parts.append(np.logaddexp.reduce(log_scale - 0.5 * away, axis=1) - math.log(len(mean)))
    return np.concatenate(parts)
