"""Holes of the latent plane, the path through them, and the KL of one Gaussian.

Against brute force and torch.distributions.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch import distributions

from vae import experiments
from vae.experiments import Codes
from vae.experiments.lesson import gaussian, holes
from vae.hub import sources
from vae.noise import seeded, standard_normal

BETAS = (0.001, 1.0, 10.0, 50.0)


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


@pytest.fixture(scope="module")
def codes(digits):
    """Codes of the reference pictures at each beta; 0 is the plain autoencoder."""
    plain = sources.resolve("mnist-2d-autoencoder")
    found = {
        beta: experiments.codes(digits.network, digits.reference.images, beta) for beta in BETAS
    }
    return found | {0.0: experiments.codes(plain.network, plain.reference.images, 0.0)}


def noise(count: int, name: str) -> np.ndarray:
    return standard_normal((count, 2), seeded(0, name), torch.device("cpu")).numpy()


def test_a_hole_is_where_no_point_is_near(codes):
    """Every distance from every probe to every point, one by one."""
    part = Codes(codes[1.0].mean[:150], codes[1.0].deviation[:150])
    found = holes.holes(part, 1.0)
    probes, points = noise(holes.PROBES, "probes"), part.mean + part.deviation * noise(150, "holes")
    assert np.allclose(found.points, points)
    for share, cloud in ((found.share, points), (found.yardstick, noise(150, "holes"))):
        nearest = np.sqrt(((probes[:, None] - cloud[None]) ** 2).sum(2)).min(1)
        assert share == pytest.approx((nearest > 0.2).mean(), abs=2e-4)  # float32 at the edge
    assert found.standard_error == pytest.approx(
        math.sqrt(found.share * (1 - found.share) / 10_000)
    )


def test_the_yardstick_is_what_that_many_points_of_the_prior_leave_empty(codes):
    """An integral over the plane.

    The density of probes times the chance that each of so many points lies farther than NEAR away.
    """
    found = holes.holes(codes[1.0], 1.0)
    radii = np.linspace(0, 8, 801)
    alone = stats.ncx2(2, radii**2).sf(holes.NEAR**2) ** found.count
    expected = integrate.trapezoid(radii * np.exp(-(radii**2) / 2) * alone, radii)
    assert found.yardstick == pytest.approx(expected, abs=0.006)  # one cloud of 2,000 points


def test_a_larger_beta_leaves_fewer_holes_the_autoencoder_the_most_and_collapse_none(codes):
    found = {beta: holes.holes(one, beta) for beta, one in codes.items()}
    error = max(one.standard_error for one in found.values())
    assert found[0.0].share > found[0.001].share + 10 * error
    assert found[0.001].share > found[10.0].share + 5 * error
    assert found[1.0].share > found[10.0].share + 5 * error
    assert found[50.0].share == pytest.approx(found[50.0].yardstick, abs=1e-3)
    # The pull is not absolute: at beta = 1 there are still several times as many holes as the prior
    # itself would leave.
    assert found[1.0].share > 3 * found[1.0].yardstick
    for beta, one in codes.items():
        assert np.array_equal(found[beta].aggregate_deviation, one.aggregate_deviation)
        assert np.array_equal(found[beta].aggregate_mean, one.aggregate_mean)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_walk_leads_through_the_emptiest_middle_of_all_pairs(codes, beta):
    part = Codes(codes[beta].mean[:120], codes[beta].deviation[:120])
    points = part.mean.astype(np.float64)
    inside = [
        index
        for index, point in enumerate(points)
        if np.linalg.norm(point) <= math.sqrt(stats.chi2(2).ppf(0.95))
    ]

    def empty(pair: tuple[int, int]) -> float:
        return float(np.linalg.norm(points - points[list(pair)].mean(0), axis=1).min())

    every = {pair: empty(pair) for pair in itertools.combinations(inside, 2)}
    pair = holes.emptiest_pair(part)
    raster = 2 * holes.CELL
    assert every[tuple(sorted(pair))] >= holes.GOOD_ENOUGH * max(every.values()) - raster
    assert points[pair[0], 0] >= points[pair[1], 0]
    length = np.linalg.norm(np.subtract(*points[list(pair)]))
    clear = [
        other
        for other, distance in every.items()
        if distance > holes.GOOD_ENOUGH * max(every.values()) + raster
    ]
    assert all(np.linalg.norm(np.subtract(*points[list(other)])) >= length for other in clear)


def test_a_walk_needs_two_codes_where_the_prior_is():
    far = Codes(np.array([[9.0, 9.0], [0.0, 0.0]], np.float32), np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="fewer than two"):
        holes.emptiest_pair(far)


@pytest.mark.parametrize("beta", [0.0, 1.0])
def test_the_walk_is_straight_decoded_and_measured(digits, codes, beta):
    model = digits.network if beta else sources.resolve("mnist-2d-autoencoder").network
    pair = holes.emptiest_pair(codes[beta])
    walk = holes.walk(model, codes[beta], digits.reference.labels, pair, beta)
    start, end = (codes[beta].mean[number] for number in pair)
    assert (walk.start, walk.end) == pair
    assert walk.labels == tuple(int(digits.reference.labels[number]) for number in pair)
    for step, share in enumerate(np.linspace(0, 1, holes.STEPS)):
        point = (1 - share) * start + share * end
        assert np.allclose(walk.latents[step], point, atol=1e-5)
        assert walk.distances[step] == pytest.approx(
            np.linalg.norm(codes[beta].mean - point, axis=1).min(), abs=1e-5
        )
        assert np.allclose(
            walk.images[step],
            experiments.decode_point(model, tuple(map(float, point)), beta),
            atol=1e-4,
        )
    chances = walk.images.reshape(holes.STEPS, -1).astype(np.float64).clip(1e-12, 1 - 1e-12)
    entropy = -(chances * np.log(chances) + (1 - chances) * np.log1p(-chances)).sum(1)
    assert np.allclose(walk.undecided, entropy, atol=0.01)
    assert walk.distances[walk.emptiest] == walk.distances.max()
    assert walk.undecided[walk.most_undecided] == walk.undecided.max()
    assert walk.distances[0] == walk.distances[-1] == 0


@pytest.mark.parametrize(
    ("mean", "log_variance"), [(0.0, 0.0), (1.5, -3.0), (-2.5, 2.0), (0.3, -6.0)]
)
def test_the_kl_of_a_gaussian_and_its_curves_are_those_of_torch(mean, log_variance):
    found = gaussian.gaussian_kl(mean, log_variance)

    def kl(mean: np.ndarray | float, log_variance: np.ndarray | float) -> np.ndarray:
        numbers = (mean, np.exp(0.5 * np.array(log_variance)), 0.0, 1.0)
        mean, deviation, zero, one = (
            torch.as_tensor(values, dtype=torch.float64) for values in numbers
        )
        return distributions.kl_divergence(
            distributions.Normal(mean, deviation), distributions.Normal(zero, one)
        ).numpy()

    assert found.nats == pytest.approx(float(kl(mean, log_variance)), abs=1e-12)
    assert found.mean_part == pytest.approx(mean**2 / 2)
    assert found.variance_part == pytest.approx(found.deviation**2 / 2)
    assert found.mean_part + found.variance_part + found.log_part == found.nats
    assert np.allclose(found.over_mean.y, kl(found.over_mean.x, log_variance))
    assert np.allclose(found.over_log_variance.y, kl(mean, found.over_log_variance.x))
    assert found.over_log_variance.x[[0, -1]].tolist() == list(gaussian.LOG_VARIANCES)


@pytest.mark.parametrize(("mean", "log_variance"), [(0.0, 0.0), (-3.0, -6.0), (3.0, 3.0)])
def test_the_densities_of_both_are_whole(mean, log_variance):
    found = gaussian.gaussian_kl(mean, log_variance)
    for curve, normal in (
        (found.posterior, stats.norm(mean, found.deviation)),
        (found.prior, stats.norm(0, 1)),
    ):
        assert np.allclose(curve.y, normal.pdf(curve.x))
        assert integrate.trapezoid(curve.y, curve.x) == pytest.approx(1, abs=2e-3)


def test_the_kl_of_no_number_is_an_error():
    with pytest.raises(ValueError, match="finite"):
        gaussian.gaussian_kl(math.nan, 0.0)


def test_the_same_z_give_other_pictures_until_the_code_is_gone(digits):
    found = {beta: holes.prior_pictures(digits.network, beta, seed=7) for beta in (1.0, 50.0)}
    z = experiments.gallery(digits.network, 1.0, count=holes.STEPS, seed=7).latents
    for beta, one in found.items():
        images = digits.network.decode(torch.from_numpy(z), beta).mean.numpy()
        assert np.allclose(one.images, images, atol=1e-6)
        pairs = itertools.combinations(images, 2)
        assert one.difference == pytest.approx(
            max(np.abs(first - second).max() for first, second in pairs), abs=1e-6
        )
    assert found[1.0].difference > 0.9
    assert found[50.0].difference < 0.05


def test_a_plane_is_its_codes_their_holes_and_the_walk(digits, codes):
    found = holes.plane(experiments.codes(digits.network, digits.reference.images, 10.0), 10.0)
    assert np.array_equal(found.codes.mean, codes[10.0].mean)
    assert found.holes.share == holes.holes(codes[10.0], 10.0).share
    assert found.pair == holes.emptiest_pair(codes[10.0])
    probes = noise(holes.PROBES, "probes")[: holes.SHOWN]
    distances = np.sqrt(((probes[:, None] - found.holes.points[None]) ** 2).sum(2)).min(1)
    assert np.array_equal(found.holes.far, probes[distances > holes.NEAR])
