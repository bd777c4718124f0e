"""The true posterior of a model with two latent dimensions, by adding up squares: no approximation but their size.

    p(z|x) = p(z) p(x|z) / p(x),      p(x) = integral of p(z) p(x|z) dz

Trained at beta, the best q is not this one but the tempered posterior, proportional to p(z) p(x|z)^(1/beta)
(from distortion + beta * rate = beta * KL(q || tempered) + constant). The two agree at beta = 1.

A peak far narrower than the plane is found by refinement: a coarse grid over prior and encoder's posterior, then every
square that can hold a share of the mass is split into four, until halving the squares no longer changes the sum.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.model import VAE, DiagonalGaussian

COARSE = 64  # squares a side, to begin with
REACH = 6.0  # standard deviations of prior and of q that the coarse grid covers
NEGLIGIBLE = 15.0  # nats below the highest square: e^-15 of its mass
ENOUGH_SQUARES = 60  # that hold the mass; two sums over fewer may agree by chance
TOLERANCE = 5e-4  # nats: refinement ends when halving the squares changes log p(x) by less
MOST_SPLIT = 4096  # squares at once
MOST_HALVINGS = 10
DECODED = 4096  # latents at once, which bounds the memory


@dataclass(frozen=True)
class GridPosterior:
    """A density over the latent plane, as squares that may differ in size.

    centres: (M, 2) float64; sides: (M,); mass: (M,), sums to 1. log_evidence: log of the integral that normalises it,
    nats: log p(x) for the true posterior. error: by how much the last halving of the squares changed it, nats.
    """

    centres: np.ndarray
    sides: np.ndarray
    mass: np.ndarray
    log_evidence: float
    error: float

    @property
    def log_density(self) -> np.ndarray:
        """Logarithm of the density in each square, (M,) nats per unit of area; -inf where the mass is nothing."""
        with np.errstate(divide="ignore"):
            return np.log(self.mass) - 2 * np.log(self.sides)

    @property
    def mean(self) -> np.ndarray:
        """(2,)."""
        return self.mass @ self.centres

    @property
    def covariance(self) -> np.ndarray:
        """(2, 2)."""
        away = self.centres - self.mean
        return (self.mass[:, None] * away).T @ away

    def level(self, share: float) -> float:
        """The log density above which the densest squares hold this share of the mass: the edge of a highest-density region."""
        order = np.argsort(-self.log_density, kind="stable")
        inside = int(np.searchsorted(np.cumsum(self.mass[order]), share))
        return float(self.log_density[order[min(inside, len(order) - 1)]])

    def box(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper corner, (2,) each, of the rectangle around the densest squares that hold this share of the mass."""
        inside = self.log_density >= self.level(share)
        half = self.sides[inside, None] / 2
        return (self.centres[inside] - half).min(0), (self.centres[inside] + half).max(0)


@torch.no_grad()
def log_joint(model: VAE, observed: Tensor, z: Tensor, beta: float, *, temper: bool = False) -> Tensor:
    """log p(z) + log p(x|z), nats, (M,) float64, at latents z (M, D); where `temper`, the second term is divided by beta.

    observed: (C, H, W), as the likelihood asks for. The decoder is the one at this beta.
    """
    terms = []
    for part in z.split(DECODED):
        fits = model.decode(part.to(torch.float32), beta).log_prob(observed.expand(len(part), *observed.shape)).double()
        terms.append(fits / beta if temper else fits)
    log_prior = -0.5 * z.double().square().sum(1) - z.shape[1] / 2 * math.log(2 * math.pi)
    return log_prior + torch.cat(terms)


@torch.no_grad()
def grid_posterior(model: VAE, observed: Tensor, beta: float, *, temper: bool = False) -> GridPosterior:
    """p(z|x) of the decoder at this beta, or the tempered posterior that training at this beta aims at.

    observed: (C, H, W), binarised for a Bernoulli model. Raises ValueError for a model that has not two latent dimensions,
    or for a plain autoencoder, which has no prior.
    """
    if model.config.latent_dim != 2 or model.config.autoencoder:
        raise ValueError("the posterior is added up on a plane: it needs a variational autoencoder with two latent dimensions")
    q = model.encode(observed[None], beta)
    centres, side = _coarse(q)
    values = log_joint(model, observed, centres, beta, temper=temper).numpy()
    centres = centres.double().numpy()
    steepness = _grid_steepness(values)
    settled = _Squares.none()
    total, error = _log_sum(values, side), math.inf
    for _ in range(MOST_HALVINGS):
        split = _worth_splitting(values, steepness, settled.highest())
        settled = settled.with_more(centres[~split], values[~split], side)
        centres, side = _quarters(centres[split], side), side / 2
        values = log_joint(model, observed, torch.from_numpy(centres), beta, temper=temper).numpy()
        steepness = _family_steepness(values)
        before, total = total, np.logaddexp(settled.log_sum(), _log_sum(values, side))
        error = abs(total - before)
        if error < TOLERANCE and _effective_count(values) >= ENOUGH_SQUARES:
            break
    everything = settled.with_more(centres, values, side)
    log_mass = everything.values + 2 * np.log(everything.sides) - total
    return GridPosterior(everything.centres, everything.sides, np.exp(log_mass), float(total), float(error))


@dataclass(frozen=True)
class _Squares:
    """Squares that are small enough for what they hold."""

    centres: np.ndarray
    values: np.ndarray
    sides: np.ndarray

    @classmethod
    def none(cls) -> "_Squares":
        return cls(np.zeros((0, 2)), np.zeros(0), np.zeros(0))

    def with_more(self, centres: np.ndarray, values: np.ndarray, side: float) -> "_Squares":
        return _Squares(np.concatenate([self.centres, centres]), np.concatenate([self.values, values]),
                        np.concatenate([self.sides, np.full(len(values), side)]))

    def log_sum(self) -> float:
        return float(np.logaddexp.reduce(self.values + 2 * np.log(self.sides), initial=-np.inf))

    def highest(self) -> float:
        return float(self.values.max(initial=-np.inf))


def _coarse(q: DiagonalGaussian) -> tuple[Tensor, float]:
    """Centres (COARSE^2, 2) and side of equal squares over the prior and over q."""
    mean, deviation = q.mean[0].double(), q.standard_deviation[0].double()
    reach = max(REACH, float((mean.abs() + REACH * deviation).max()))
    side = 2 * reach / COARSE
    places = (torch.arange(COARSE, dtype=torch.float64) + 0.5) * side - reach
    return torch.cartesian_prod(places, places), side


def _grid_steepness(values: np.ndarray) -> np.ndarray:
    """How much the value may rise within each square of the coarse grid, from the differences to its neighbours."""
    grid = values.reshape(COARSE, COARSE)
    return (sum(np.abs(part) for part in np.gradient(grid)) / 2).ravel()


def _family_steepness(values: np.ndarray) -> np.ndarray:
    """The same for quarters of split squares, four in a row, from the differences among them."""
    a, b, c, d = values.reshape(-1, 4).T
    rise = (np.maximum(abs(a - b), abs(c - d)) + np.maximum(abs(a - c), abs(b - d))) / 2
    return np.repeat(rise, 4)


def _worth_splitting(values: np.ndarray, steepness: np.ndarray, highest: float) -> np.ndarray:
    """Squares whose value, or what it may rise to inside, is not negligible beside the highest; at most MOST_SPLIT."""
    reachable = values + steepness
    split = reachable > max(values.max(), highest) - NEGLIGIBLE
    if split.sum() > MOST_SPLIT:
        split &= reachable >= np.partition(reachable, -MOST_SPLIT)[-MOST_SPLIT]
    return split


def _quarters(centres: np.ndarray, side: float) -> np.ndarray:
    """(M, 2) -> (4 M, 2): the centres of each square's quarters, four in a row."""
    offsets = np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) * side / 4
    return (centres[:, None] + offsets).reshape(-1, 2)


def _log_sum(values: np.ndarray, side: float) -> float:
    return float(np.logaddexp.reduce(values) + 2 * math.log(side))


def _effective_count(values: np.ndarray) -> float:
    """Over how many equal squares the mass is spread: 1 / sum of squared shares."""
    shares = np.exp(values - np.logaddexp.reduce(values))
    return float(1 / np.square(shares).sum())
