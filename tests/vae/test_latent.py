"""Lines through the latent space, and where the prior's mass lies."""

import math

import pytest
import torch
from torch import distributions

from tests.conftest import generator
from vae.latent import interpolate, traversal, typical_radius


def angle(one: torch.Tensor, other: torch.Tensor) -> float:
    cosine = torch.dot(one.double(), other.double()) / (one.double().norm() * other.double().norm())
    return float(torch.arccos(cosine.clamp(-1, 1)))


def test_a_traversal_moves_one_dimension_and_no_other():
    z = torch.randn(5, generator=generator())
    moved = traversal(z, 3, torch.tensor([-2.0, 0.0, 2.0]))
    assert moved[:, 3].tolist() == [-2.0, 0.0, 2.0]
    assert torch.equal(moved[:, [0, 1, 2, 4]], z[[0, 1, 2, 4]].expand(3, 4))
    for missing in (-1, 5):
        with pytest.raises(IndexError, match="0 to 4"):
            traversal(z, missing, torch.zeros(1))


@pytest.mark.parametrize("spherical", [False, True])
def test_a_path_has_its_ends_where_they_were_given(spherical):
    start, end = torch.randn(2, 32, generator=generator())
    path = interpolate(start, end, 7, spherical=spherical)
    assert path.shape == (7, 32)
    assert torch.allclose(path[0], start, atol=1e-6)
    assert torch.allclose(path[-1], end, atol=1e-6)
    with pytest.raises(ValueError, match="two ends"):
        interpolate(start, end, 1, spherical=spherical)


def test_the_linear_path_is_the_straight_line():
    start, end = torch.randn(2, 8, generator=generator(1))
    middle = interpolate(start, end, 3)[1]
    assert torch.allclose(middle, (start + end) / 2, atol=1e-6)


def test_the_spherical_path_turns_at_a_steady_rate_and_its_length_changes_steadily():
    start, end = torch.randn(2, 32, generator=generator(2))
    path = interpolate(start, 2 * end, 6, spherical=True)
    turns = [angle(path[step], path[step + 1]) for step in range(5)]
    assert turns == pytest.approx([angle(start, end) / 5] * 5, rel=1e-3)
    lengths = path.norm(dim=1)
    assert torch.allclose(lengths.diff(), lengths.diff().mean().expand(5), atol=1e-5)


def test_in_many_dimensions_only_the_straight_line_cuts_through_the_empty_middle():
    start, end = torch.randn(2, 128, generator=generator(3))
    low = typical_radius(128, 0.025)
    assert interpolate(start, end, 9).norm(dim=1).min() < low
    assert interpolate(start, end, 9, spherical=True).norm(dim=1).min() > low


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ([1.0, 2.0], [1.0, 2.0]),  # the same
        ([1.0, 2.0], [3.0, 6.0]),  # parallel
        ([1.0, 2.0], [-2.0, -4.0]),  # opposite
        ([0.0, 0.0], [1.0, 1.0]),  # from the origin
        ([1.0, 0.0], [1.0, 1e-7]),  # nearly parallel
    ],
)
def test_where_no_great_circle_is_singled_out_the_spherical_path_is_straight_and_finite(start, end):
    straight = interpolate(torch.tensor(start), torch.tensor(end), 5)
    assert torch.isfinite(straight).all()
    assert torch.allclose(
        interpolate(torch.tensor(start), torch.tensor(end), 5, spherical=True), straight, atol=1e-6
    )


@pytest.mark.parametrize("dimensions", [1, 2, 32, 128])
def test_the_typical_radius_is_a_quantile_of_the_length_of_prior_draws(dimensions):
    lengths = torch.randn(200_000, dimensions, generator=generator(4)).norm(dim=1)
    for share in (0.025, 0.5, 0.975):
        assert (lengths < typical_radius(dimensions, share)).double().mean() == pytest.approx(
            share, abs=0.004
        )


def test_on_a_plane_one_standard_deviation_holds_39_percent():
    assert typical_radius(2, 1 - math.exp(-0.5)) == pytest.approx(1.0)
    chi_squared = distributions.Gamma(
        torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)
    )
    assert float(
        chi_squared.cdf(torch.tensor(typical_radius(2, 0.7) ** 2, dtype=torch.float64))
    ) == pytest.approx(0.7)
