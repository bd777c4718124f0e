"""Quadrature: means over N(0, I) by Gauss–Hermite, integrals over a plane by adaptive squares.

A peak far narrower than the plane is found by refinement. A coarse grid covers the plane. Squares
that hold a share of the mass, or may hold one between their centres, are split into four, and so
are the neighbours of those that do hold one, until halving the squares no longer changes the sum.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.polynomial.hermite_e import hermegauss
from torch import Tensor

NEGLIGIBLE_WEIGHT = 1e-12  # of a node in Gauss–Hermite quadrature
COARSE_GRID = 64  # squares on each side of the coarse grid
NEGLIGIBLE_NATS = 10.0  # nats below the highest square: e^-10 of its density
MIN_SQUARES = 30  # that hold the mass: two sums over fewer may agree by chance
TOLERANCE = 5e-4  # nats: refinement ends when halving the squares changes the sum by less
MAX_HALVINGS = 10


@dataclass(frozen=True)
class Squares:
    """A positive function on a plane, as squares that may differ in size.

    centres: (M, 2) float64. sides: (M,). log_mass: (M,), log of the function times the area, nats.
    log_sum: log of the integral. error: by how much the last halving of the squares changed it.
    """

    centres: np.ndarray
    sides: np.ndarray
    log_mass: np.ndarray
    log_sum: float
    error: float


def gauss_hermite(dimensions: int, nodes: int = 32) -> tuple[Tensor, Tensor]:
    """Nodes and weights of Gauss–Hermite quadrature for a mean over N(0, I).

    Returns eps (M, D) and weights (M,), float64, that sum to 1: the weighted sum of f(eps) is its
    mean over N(0, I). Of the nodes^D nodes those with a weight below NEGLIGIBLE_WEIGHT are left
    out, more than half of them in a plane: there even a thousand nats add less than a
    millionth.
    """
    points, weights = (torch.from_numpy(values) for values in hermegauss(nodes))
    eps = torch.cartesian_prod(*[points] * dimensions).reshape(-1, dimensions)
    weights = (
        torch.cartesian_prod(*[weights / weights.sum()] * dimensions).reshape(len(eps), -1).prod(1)
    )
    is_significant = weights > NEGLIGIBLE_WEIGHT
    return eps[is_significant], weights[is_significant] / weights[is_significant].sum()


def adaptive_squares(reach: float, evaluate: Callable[[np.ndarray], np.ndarray]) -> Squares:
    """The integral over the plane of exp(evaluate), which is negligible beyond the coarse grid.

    reach: the coarse grid, COARSE_GRID × COARSE_GRID squares, covers -reach to reach on both axes.
    evaluate: points (M, 2) float64 -> log of the function there, (M,) nats. A peak that lies wholly
    between the centres of the coarse grid, and that the values there do not rise towards, is
    missed.
    """
    coarse = _Level(-reach, 2 * reach / COARSE_GRID)
    coarse.add(_coarse_squares(), evaluate)
    levels = [coarse]
    rise, log_sum, error = _possible_rise(coarse.values), coarse.log_sum(), math.inf
    for halving in range(MAX_HALVINGS):
        finest = levels[-1]
        reachable = finest.values + rise[tuple(finest.squares.T >> halving)] / 2**halving
        levels.append(finest.finer())
        levels[-1].add(
            _quarters(finest.squares[reachable > finest.values.max() - NEGLIGIBLE_NATS]), evaluate
        )
        _split_neighbours(levels, evaluate)
        centres, sides, log_mass = _leaves(levels)
        previous, log_sum = log_sum, float(np.logaddexp.reduce(log_mass))
        error = abs(log_sum - previous)
        if error < TOLERANCE and levels[-1].effective_count() >= MIN_SQUARES:
            break
    return Squares(centres, sides, log_mass, log_sum, error)


def coarse_centres(reach: float) -> np.ndarray:
    """Centres of the coarse grid, which `adaptive_squares` evaluates first: (COARSE_GRID², 2)."""
    return _Level(-reach, 2 * reach / COARSE_GRID).centres_of(_coarse_squares())


def _coarse_squares() -> np.ndarray:
    """Column and row of each square of the coarse grid, (COARSE_GRID², 2) int64."""
    return np.stack(np.divmod(np.arange(COARSE_GRID**2), COARSE_GRID), axis=1)


class _Level:
    """Squares of one size, with the log of the function at their centres.

    squares: (M, 2) int64, column and row of each. values: (M,).
    """

    def __init__(self, corner: float, side: float) -> None:
        self.corner, self.side = corner, side
        self.squares, self.values = np.zeros((0, 2), np.int64), np.zeros(0)

    def finer(self) -> "_Level":
        """The next finer level, still empty."""
        return _Level(self.corner, self.side / 2)

    def centres_of(self, squares: np.ndarray) -> np.ndarray:
        return self.corner + (squares + 0.5) * self.side

    def new_among(self, squares: np.ndarray) -> np.ndarray:
        """Set difference: the squares that are not in this level, without duplicates."""
        squares = np.unique(squares, axis=0)
        return squares[~np.isin(_keys(squares), _keys(self.squares))]

    def add(self, squares: np.ndarray, evaluate: Callable[[np.ndarray], np.ndarray]) -> None:
        values = evaluate(self.centres_of(squares))
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


def _possible_rise(values: np.ndarray) -> np.ndarray:
    """Estimated rise of the value above that at the centre, in each square of the coarse grid.

    (COARSE_GRID, COARSE_GRID) nats, estimated from the differences to the neighbours; in a square
    of half the side it is half as large.
    """
    steps = np.pad(values.reshape(COARSE_GRID, COARSE_GRID), 1, mode="edge")
    across, down = np.abs(np.diff(steps[:, 1:-1], axis=0)), np.abs(np.diff(steps[1:-1], axis=1))
    return np.maximum(across[1:], across[:-1]) / 2 + np.maximum(down[:, 1:], down[:, :-1]) / 2


def _split_neighbours(levels: list[_Level], evaluate: Callable[[np.ndarray], np.ndarray]) -> None:
    """Split also the neighbours of squares that hold mass, however coarse they are.

    Otherwise a peak at a square's edge would be cut off.
    """
    finest = levels[-1]
    offsets = np.array([[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]])
    while True:
        significant = finest.squares[finest.values > finest.values.max() - NEGLIGIBLE_NATS]
        neighbours = (significant[:, None] + offsets).reshape(-1, 2)
        missing = finest.new_among(
            neighbours[((neighbours >= 0) & (neighbours < COARSE_GRID << (len(levels) - 1))).all(1)]
        )
        if not len(missing):
            return
        for level in reversed(levels):
            missing = level.new_among(_quarters(np.unique(missing // 2, axis=0)))
            level.add(missing, evaluate)
            missing = missing // 2


def _leaves(levels: list[_Level]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (M, 2), sides (M,) and log masses (M,) of the squares that were not split."""
    parts = []
    for level, finer in itertools.zip_longest(levels, levels[1:]):
        is_split = (
            np.isin(_keys(level.squares), _keys(finer.squares // 2))
            if finer
            else np.zeros(len(level.squares), bool)
        )
        parts.append(
            (
                level.centres_of(level.squares[~is_split]),
                np.full((~is_split).sum(), level.side),
                level.values[~is_split] + 2 * math.log(level.side),
            )
        )
    centres, sides, log_mass = map(np.concatenate, zip(*parts, strict=True))
    return centres, sides, log_mass


def _quarters(squares: np.ndarray) -> np.ndarray:
    """(M, 2) of one level -> (4 M, 2) of the next finer one."""
    return (2 * squares[:, None] + np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).reshape(-1, 2)


def _keys(squares: np.ndarray) -> np.ndarray:
    """One integer for each square, so that sets of squares can be compared."""
    return (squares[:, 0] << 32) + squares[:, 1]
