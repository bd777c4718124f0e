"""Quadrature against integrals that are known in closed form."""

import math

import numpy as np
import pytest
import torch

from vae import quadrature


def log_gaussian(points: np.ndarray, mean: tuple[float, float], deviation: float) -> np.ndarray:
    """Log density of N(mean, deviation² I) on the plane, (M,) nats."""
    distances = ((points - mean) / deviation) ** 2
    return -0.5 * distances.sum(1) - 2 * math.log(deviation) - math.log(2 * math.pi)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_gauss_hermite_has_the_moments_of_the_normal_distribution(dimensions):
    eps, weights = quadrature.gauss_hermite(dimensions, nodes=12)
    assert eps.shape == (len(weights), dimensions)
    assert eps.dtype == weights.dtype == torch.float64
    for power, moment in ((0, 1), (1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        for values in eps.T:
            assert float(weights @ values**power) == pytest.approx(moment, abs=1e-6)
    if dimensions == 2:
        assert float(weights @ (eps[:, 0] * eps[:, 1]) ** 2) == pytest.approx(1, abs=1e-6)


def test_nodes_of_negligible_weight_are_left_out():
    eps, weights = quadrature.gauss_hermite(2, nodes=32)
    assert len(eps) < 32**2 / 2
    assert float(weights.sum()) == pytest.approx(1, abs=1e-12)
    assert float(weights @ torch.exp(eps.sum(1))) == pytest.approx(math.e, rel=1e-6)


@pytest.mark.parametrize(
    ("mean", "deviation"), [((0.3, -0.2), 1.0), ((1.03, 0.98), 0.05), ((-2.5, 2.7), 0.01)]
)
def test_the_integral_of_a_peak_is_its_mass_however_narrow_it_is(mean, deviation):
    squares = quadrature.adaptive_squares(
        6.0, lambda points: 3 + log_gaussian(points, mean, deviation)
    )
    assert squares.log_sum == pytest.approx(3, abs=1e-3)
    assert squares.error < 1e-3
    mass = np.exp(squares.log_mass - squares.log_sum)
    assert mass.sum() == pytest.approx(1)
    np.testing.assert_allclose(mass @ squares.centres, mean, atol=0.02 * deviation)
    assert squares.sides.min() < deviation


def test_two_peaks_of_unlike_width_both_count():
    def log_mixture(points: np.ndarray) -> np.ndarray:
        narrow, wide = log_gaussian(points, (-1, 0), 0.05), log_gaussian(points, (2, 1), 0.5)
        return np.logaddexp(math.log(0.3) + narrow, math.log(0.7) + wide)

    squares = quadrature.adaptive_squares(6.0, log_mixture)
    mass = np.exp(squares.log_mass - squares.log_sum)
    assert squares.log_sum == pytest.approx(0, abs=1e-3)
    assert mass[squares.centres[:, 0] < 0].sum() == pytest.approx(0.3, abs=2e-3)


def test_the_squares_tile_the_plane_and_the_coarse_grid_is_evaluated_first():
    asked = []

    def evaluate(points: np.ndarray) -> np.ndarray:
        asked.append(points)
        return log_gaussian(points, (0.0, 0.0), 0.2)

    squares = quadrature.adaptive_squares(4.0, evaluate)
    assert np.square(squares.sides).sum() == pytest.approx(8.0**2)
    np.testing.assert_array_equal(asked[0], quadrature.coarse_centres(4.0))
    every = np.concatenate(asked)
    assert len(np.unique(every, axis=0)) == len(every)  # no point is evaluated twice
