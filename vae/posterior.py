"""The true posterior of a model with two latent dimensions, by adaptive quadrature on a grid.

    p(z|x) = p(z) p(x|z) / p(x),      p(x) = integral of p(z) p(x|z) dz

The only approximation is the size of the grid's squares. Trained at beta, the best q is not this
posterior but the tempered one, proportional to p(z) p(x|z)^(1/beta) (from distortion + beta * rate
= beta * KL(q || tempered) + constant). The two agree at beta = 1.

A peak far narrower than the plane is found by refinement. A coarse grid covers prior and q. Squares
that hold a share of the mass, or may hold one between their centres, are split into four, and so
are the neighbours of those that do hold one, until halving the squares no longer changes the sum.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.model import VAE, DiagonalGaussian

COARSE = 64  # squares a side, to begin with
REACH = 6.0  # standard deviations of prior and of q that the coarse grid covers
NEGLIGIBLE = 10.0  # nats below the highest square: e^-10 of its density
ENOUGH_SQUARES = 30  # that hold the mass; two sums over fewer may agree by chance
TOLERANCE = 5e-4  # nats: refinement ends when halving the squares changes log p(x) by less
MOST_HALVINGS = 10
# latents at once: their features fit into a processor's cache, which is up to 1.5 times as fast as
# 4,096
DECODED = 128


@dataclass(frozen=True)
class GridPosterior:
    """A density over the latent plane, as squares that may differ in size.

    centres: (M, 2) float64; sides: (M,); mass: (M,), sums to 1. log_evidence: log of the integral
    that normalises it, nats: log p(x) for the true posterior. error: by how much the last halving
    of the squares changed it, nats. A peak that lies wholly between the centres of the coarse
    squares, and that the values there do not rise towards, is missed by both.
    """

    centres: np.ndarray
    sides: np.ndarray
    mass: np.ndarray
    log_evidence: float
    error: float

    @property
    def log_density(self) -> np.ndarray:
        """Log density in each square, (M,) nats per unit of area; -inf where there is no mass."""
        with np.errstate(divide="ignore"):
            return np.log(self.mass) - 2 * np.log(self.sides)

    @property
    def mean(self) -> np.ndarray:
        """Mean of the density, (2,)."""
        return self.mass @ self.centres

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the density, (2, 2)."""
        away = self.centres - self.mean
        return (self.mass[:, None] * away).T @ away

    def level(self, share: float) -> float:
        """The log density at the edge of the highest-density region with this share of the mass."""
        order = np.argsort(-self.log_density, kind="stable")
        inside = int(np.searchsorted(np.cumsum(self.mass[order]), share))
        return float(self.log_density[order[min(inside, len(order) - 1)]])

    def prior_mass(self, share: float) -> float:
        """The prior's mass, 0 to 1, in the highest-density region of this share."""
        inside = self.log_density >= self.level(share)
        log_prior = -0.5 * np.square(self.centres[inside]).sum(1) - math.log(2 * math.pi)
        return float((np.exp(log_prior) * np.square(self.sides[inside])).sum())

    def box(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """The bounding box of the highest-density region of this share: its two corners, (2,) each.

        The lower corner comes first.
        """
        inside = self.log_density >= self.level(share)
        half = self.sides[inside, None] / 2
        return (self.centres[inside] - half).min(0), (self.centres[inside] + half).max(0)


@torch.no_grad()
def log_joint(
    model: VAE, observed: Tensor, z: Tensor, beta: float, *, temper: bool = False
) -> Tensor:
    """log p(z) + log p(x|z), (M,) float64 nats, at latents z (M, D).

    temper: divide the second term by beta. observed: (C, H, W), in the form that the likelihood is
    defined for. The decoder is the one at this beta.
    """
    log_likelihood = log_likelihoods(model, observed, z, beta)
    log_prior = -0.5 * z.double().square().sum(1) - z.shape[1] / 2 * math.log(2 * math.pi)
    return log_prior + (log_likelihood / beta if temper else log_likelihood)


def log_likelihoods(model: VAE, observed: Tensor, z: Tensor, beta: float) -> Tensor:
    """log p(x|z) of one picture (C, H, W) at each of the latents z (M, D): (M,) float64 nats.

    Differentiable in z.
    """
    return torch.cat(
        [
            model.decode(part.to(torch.float32), beta)
            .log_prob(observed.expand(len(part), *observed.shape))
            .double()
            for part in z.split(DECODED)
        ]
    )


@torch.no_grad()
def grid_posterior(
    model: VAE, observed: Tensor, beta: float, *, temper: bool = False
) -> GridPosterior:
    """The true posterior p(z|x) of the decoder at this beta, or the tempered one, as a grid.

    temper: the posterior that training at this beta aims at. observed: (C, H, W), binarised for a
    Bernoulli model. Raises ValueError for a model that has not two latent dimensions, or for a
    plain autoencoder, which has no prior.
    """
    if model.config.latent_dim != 2 or model.config.autoencoder:
        raise ValueError(
            "the posterior is added up on a plane: it needs a variational autoencoder with two "
            "latent dimensions"
        )

    def evaluate(centres: np.ndarray) -> np.ndarray:
        return log_joint(model, observed, torch.from_numpy(centres), beta, temper=temper).numpy()

    levels = [_coarse(model.encode(observed[None], beta), evaluate)]
    rise, total, error = _rise(levels[0].values), levels[0].log_sum(), math.inf
    for halving in range(MOST_HALVINGS):
        finest = levels[-1]
        reachable = finest.values + rise[tuple(finest.squares.T >> halving)] / 2**halving
        levels.append(finest.halved())
        levels[-1].add(
            _quarters(finest.squares[reachable > finest.values.max() - NEGLIGIBLE]), evaluate
        )
        _surround(levels, evaluate)
        leaves = _leaves(levels)
        before, total = total, float(np.logaddexp.reduce(leaves.log_mass))
        error = abs(total - before)
        if error < TOLERANCE and levels[-1].effective_count() >= ENOUGH_SQUARES:
            break
    return GridPosterior(
        leaves.centres, leaves.sides, np.exp(leaves.log_mass - total), total, error
    )


class _Level:
    """Squares of one size, with the log joint at their centres.

    squares: (M, 2) int64, column and row of each. values: (M,).
    """

    def __init__(self, corner: float, side: float) -> None:
        self.corner, self.side = corner, side
        self.squares, self.values = np.zeros((0, 2), np.int64), np.zeros(0)

    def halved(self) -> "_Level":
        """The next finer level, still empty."""
        return _Level(self.corner, self.side / 2)

    def centres(self) -> np.ndarray:
        return self.corner + (self.squares + 0.5) * self.side

    def lacks(self, squares: np.ndarray) -> np.ndarray:
        """Those of the squares that are not in this level, without duplicates."""
        squares = np.unique(squares, axis=0)
        return squares[~np.isin(_names(squares), _names(self.squares))]

    def add(self, squares: np.ndarray, evaluate: Callable[[np.ndarray], np.ndarray]) -> None:
        values = evaluate(self.corner + (squares + 0.5) * self.side)
        self.squares, self.values = (
            np.concatenate([self.squares, squares]),
            np.concatenate([self.values, values]),
        )

    def log_sum(self) -> float:
        return float(np.logaddexp.reduce(self.values) + 2 * math.log(self.side))

    def effective_count(self) -> float:
        """The effective number of squares that hold the mass: 1 / sum of squared shares."""
        shares = np.exp(self.values - np.logaddexp.reduce(self.values))
        return float(1 / np.square(shares).sum())


@dataclass(frozen=True)
class _Leaves:
    """The squares of all levels that were not split.

    centres: (M, 2). sides: (M,). log_mass: (M,), log of joint times area.
    """

    centres: np.ndarray
    sides: np.ndarray
    log_mass: np.ndarray


def _coarse(q: DiagonalGaussian, evaluate: Callable[[np.ndarray], np.ndarray]) -> _Level:
    """COARSE x COARSE squares over the prior and over q."""
    mean, deviation = q.mean[0].double(), q.standard_deviation[0].double()
    reach = max(REACH, float((mean.abs() + REACH * deviation).max()))
    level = _Level(-reach, 2 * reach / COARSE)
    level.add(np.stack(np.divmod(np.arange(COARSE**2), COARSE), axis=1), evaluate)
    return level


def _rise(values: np.ndarray) -> np.ndarray:
    """How much more than at its centre the value may be in each coarse square, (COARSE, COARSE).

    Estimated from the differences to the neighbours; in a square of half the side it is half as
    much.
    """
    steps = np.pad(values.reshape(COARSE, COARSE), 1, mode="edge")
    across, down = np.abs(np.diff(steps[:, 1:-1], axis=0)), np.abs(np.diff(steps[1:-1], axis=1))
    return np.maximum(across[1:], across[:-1]) / 2 + np.maximum(down[:, 1:], down[:, :-1]) / 2


def _surround(levels: list[_Level], evaluate: Callable[[np.ndarray], np.ndarray]) -> None:
    """Split the neighbours of squares that hold mass too, however coarse they are.

    Otherwise a peak at a square's edge would be cut off.
    """
    finest = levels[-1]
    offsets = np.array([[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]])
    while True:
        held = finest.squares[finest.values > finest.values.max() - NEGLIGIBLE]
        around = (held[:, None] + offsets).reshape(-1, 2)
        missing = finest.lacks(
            around[((around >= 0) & (around < COARSE << (len(levels) - 1))).all(1)]
        )
        if not len(missing):
            return
        for level in reversed(levels):
            missing = level.lacks(_quarters(np.unique(missing // 2, axis=0)))
            level.add(missing, evaluate)
            missing = missing // 2


def _leaves(levels: list[_Level]) -> _Leaves:
    parts = []
    for level, finer in itertools.zip_longest(levels, levels[1:]):
        split = (
            np.isin(_names(level.squares), _names(finer.squares // 2))
            if finer
            else np.zeros(len(level.squares), bool)
        )
        parts.append(
            (
                level.centres()[~split],
                np.full((~split).sum(), level.side),
                level.values[~split] + 2 * math.log(level.side),
            )
        )
    return _Leaves(*map(np.concatenate, zip(*parts, strict=True)))


def _quarters(squares: np.ndarray) -> np.ndarray:
    """(M, 2) of one level -> (4 M, 2) of the next finer one."""
    return (2 * squares[:, None] + np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).reshape(-1, 2)


def _names(squares: np.ndarray) -> np.ndarray:
    """One integer for each square, so that sets of squares can be compared."""
    return (squares[:, 0] << 32) + squares[:, 1]
