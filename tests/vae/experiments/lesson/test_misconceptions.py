"""What people get wrong: every number against another way to get it."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from torch.distributions import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    Independent,
    MixtureSameFamily,
    Normal,
)
from torch.nn.functional import softplus

from vae import experiments
from vae.elbo import importance_weighted_bound, point_distortion
from vae.experiments.arrays import reference_observations
from vae.experiments.lesson import beta_conventions, decoders, misconceptions
from vae.experiments.map import Codes
from vae.hub import sources
from vae.noise import seeded
from vae.posterior import log_joint


@pytest.fixture(scope="module")
def plane():
    return sources.resolve("mnist-2d")


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist")


@pytest.fixture(scope="module")
def codes(plane):
    return experiments.codes(plane.network, plane.reference.images, 1.0)


# The code


def test_the_three_divergences_are_those_of_an_even_grid_about_q(plane):
    observed = experiments.observation(plane.network, plane.examples.picture("7").numpy(), seed=7)
    found = misconceptions.which_kl(plane.network, observed, 1.0)
    picture = torch.from_numpy(observed)
    q = plane.network.encode(picture[None], 1.0)
    q = Independent(Normal(q.mean[0].double(), q.standard_deviation[0].double()), 1)
    steps = torch.linspace(-6, 6, 81, dtype=torch.float64)
    z = q.mean + q.stddev * torch.cartesian_prod(steps, steps)
    log_area = torch.log(q.stddev.prod() * (steps[1] - steps[0]) ** 2)
    joint = log_joint(plane.network, picture, z, 1.0)
    evidence = torch.logsumexp(joint + log_area, 0)
    log_q, log_p = q.log_prob(z), joint - evidence
    prior = Independent(
        Normal(torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)), 1
    )
    assert found.log_evidence == pytest.approx(float(evidence), abs=2e-3)
    assert found.to_prior == pytest.approx(
        float(torch.distributions.kl_divergence(q, prior)), abs=1e-4
    )
    for value, first, second in (
        (found.to_posterior, log_q, log_p),
        (found.from_posterior, log_p, log_q),
    ):
        assert value == pytest.approx(
            float(((first + log_area).exp() * (first - second)).sum()), abs=3e-3
        )
    assert found.elbo + found.to_posterior == pytest.approx(found.log_evidence)
    assert abs(found.with_prior - found.log_evidence) > 5  # what the wrong KL gives
    assert found.to_posterior != pytest.approx(found.from_posterior, rel=0.02)


def test_only_sigma_as_the_factor_gives_the_claimed_spread(digits):
    seen = experiments.reconstruct(
        digits.network, digits.examples.picture("0").numpy(), 1.0, seed=7
    )
    found = misconceptions.spreads(seen, seed=7)
    error = 5 / math.sqrt(2 * found.draws)  # five standard errors of a standard deviation
    np.testing.assert_allclose(found.by_sigma, seen.posterior_deviation, rtol=error)
    np.testing.assert_allclose(found.by_variance, seen.posterior_deviation**2, rtol=error)
    assert found.claimed[found.dimension] == seen.posterior_deviation.min()
    assert found.by_variance[found.dimension] < found.claimed[found.dimension] / 10


def test_log_variances_are_those_of_the_encoder(plane):
    images = plane.reference.images[:50]
    found = misconceptions.log_variances(plane.network, images, (0.1, 10.0))
    for place, beta in enumerate(found.betas):
        deviation = experiments.codes(plane.network, images, beta).deviation
        assert found.lowest[place] == pytest.approx(2 * np.log(deviation.min()), abs=1e-4)
        assert found.highest[place] == pytest.approx(2 * np.log(deviation.max()), abs=1e-4)
        assert found.median[place] == pytest.approx(np.median(2 * np.log(deviation)), abs=1e-4)
    assert found.smallest_sigma == pytest.approx(
        experiments.codes(plane.network, images, 0.1).deviation.min(), rel=1e-4
    )
    assert found.ratio == pytest.approx(np.exp((found.highest.max() - found.lowest.min()) / 2))


def test_the_mixture_is_that_of_torch(plane, codes):
    found = misconceptions.mixture(codes, seed=7)
    parts = Normal(
        torch.from_numpy(codes.mean[:, 0]).double(),
        torch.from_numpy(codes.deviation[:, 0]).double(),
    )
    mixed = MixtureSameFamily(Categorical(torch.ones(len(codes.mean), dtype=torch.float64)), parts)
    places = torch.from_numpy(found.places)
    np.testing.assert_allclose(found.density, mixed.log_prob(places).exp(), rtol=1e-6)
    np.testing.assert_allclose(found.prior, Normal(0.0, 1.0).log_prob(places).exp(), rtol=1e-6)
    assert found.means[0] == pytest.approx(float(mixed.mean), abs=1e-5)
    assert found.deviations[0] == pytest.approx(float(mixed.stddev), rel=1e-5)
    # another 10,000 pictures
    assert found.single_rate == pytest.approx(plane.metrics.at(1.0).rate, rel=0.05)
    assert found.mixture_rate < found.single_rate / 5


def test_the_rate_of_a_mixture_is_known_where_its_parts_lie_apart_or_are_the_prior():
    same = Codes(np.zeros((30, 2), np.float32), np.ones((30, 2), np.float32))
    assert misconceptions.mixture(same, seed=1).mixture_rate == pytest.approx(0, abs=1e-9)
    many = 500
    apart = Codes(
        np.tile(np.array([[-3, 0], [3, 0]], np.float32), (many, 1)),
        np.full((2 * many, 2), 0.1, np.float32),
    )
    found = misconceptions.mixture(apart, seed=1)
    assert found.mixture_rate == pytest.approx(found.single_rate - math.log(2), abs=0.1)


def test_at_the_collapsed_end_the_rate_is_gone_and_so_is_the_picture(digits):
    pictures = np.stack(
        [digits.examples.picture(name).numpy() for name in digits.examples.names[:3]]
    )
    found = misconceptions.collapse(digits.network, digits.metrics, pictures, (1.0, 50.0), seed=7)
    assert found.negative_elbo.tolist() == [
        digits.metrics.at(beta).negative_elbo for beta in (1.0, 50.0)
    ]
    pairs = [
        np.abs(found.images[0][one] - found.images[0][other]).mean()
        for one, other in ((0, 1), (0, 2), (1, 2))
    ]
    assert found.unlike[0] == pytest.approx(np.mean(pairs), rel=1e-5)
    assert found.unlike[1] < 1e-3 < 0.05 < found.unlike[0]
    seen = experiments.reconstruct(digits.network, pictures[0], 1.0, seed=7, use_mean=True)
    assert found.images[0, 0].shape == seen.mean.shape


def test_the_axes_are_the_metrics_and_the_most_used_dimension_is_moved(digits):
    found = misconceptions.axes(
        digits.network, digits.metrics, digits.examples.picture("3").numpy(), (1.0, 10.0), seed=7
    )
    assert (
        found.active[found.betas.index(10.0)]
        == digits.metrics.at(10.0).active_units
        < found.active[found.betas.index(1.0)]
    )
    for beta, moved in zip(found.moved_at, found.moved, strict=True):
        assert moved.dimension == int(np.argmax(digits.metrics.at(beta).rate_per_dimension))
        assert moved.images.shape == (len(misconceptions.TURNED), 1, 28, 28)


# The decoder's pictures


def test_blur_is_the_mean_by_brute_force(plane, codes):
    observed = experiments.observation(plane.network, plane.examples.picture("3").numpy(), seed=7)
    found = decoders.blur(plane.network, codes, plane.reference.images, observed, 1.0)
    z = torch.from_numpy(found.z).double()
    pictures = reference_observations(plane.network, plane.reference.images)
    total, mean, squares = 0.0, np.zeros((1, 28, 28)), 0.0
    for centre, deviation, picture in zip(codes.mean, codes.deviation, pictures, strict=True):
        parts = Normal(torch.from_numpy(centre).double(), torch.from_numpy(deviation).double())
        weight = float(parts.log_prob(z).sum().exp())
        total, squares, mean = total + weight, squares + weight**2, mean + weight * picture.numpy()
    np.testing.assert_allclose(found.weighted_mean, mean / total, atol=1e-6)
    assert found.effective == pytest.approx(total**2 / squares, rel=1e-6)
    assert found.difference == pytest.approx(np.abs(found.decoded - mean / total).mean(), rel=1e-4)
    np.testing.assert_array_equal(
        found.decoded, experiments.decode_point(plane.network, tuple(found.z), 1.0)
    )


def test_the_weighted_mean_is_the_best_answer_of_a_bernoulli_decoder(plane, codes):
    weights = torch.from_numpy(decoders.posterior_weights(codes, np.array([0.3, -0.2])))
    pictures = reference_observations(plane.network, plane.reference.images).flatten(1).double()

    def objective(p: torch.Tensor) -> float:
        return float(weights @ Bernoulli(p.clamp(1e-9, 1 - 1e-9)).log_prob(pictures).sum(1))

    best = weights @ pictures
    for number in range(5):
        moved = best + 0.02 * torch.randn(len(best), generator=seeded(number), dtype=torch.float64)
        assert objective(moved.clamp(0, 1)) < objective(best)


def test_a_larger_beta_shares_z_among_more_pictures(plane):
    observed = experiments.observation(plane.network, plane.examples.picture("3").numpy(), seed=7)
    shares = [
        decoders.blur(
            plane.network,
            experiments.codes(plane.network, plane.reference.images, beta),
            plane.reference.images,
            observed,
            beta,
        ).effective
        for beta in (0.1, 10.0, 50.0)
    ]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(2000, rel=1e-3)


@pytest.mark.parametrize("p", [0.01, 0.3, 0.4999, 0.5, 0.5001, 0.9])
def test_the_bce_of_grey_values_integrates_to_half_at_most(p):
    found = decoders.grey_bce(p)
    assert found.integral == pytest.approx(
        quad(lambda x: p**x * (1 - p) ** (1 - x), 0, 1)[0], rel=1e-9
    )
    assert found.integral <= 0.5
    assert np.trapezoid(found.normalised, found.x) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("p", [0.0, 1.0, -0.1, math.nan])
def test_bce_needs_a_probability_strictly_between(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        decoders.bce_integral(p)


def test_what_a_grey_picture_lacks_is_the_continuous_bernoullis_normaliser(digits):
    image = digits.examples.picture("0")
    found = decoders.grey_picture(digits.network, image.numpy(), 1.0)
    logits = digits.network.decode(
        digits.network.encode(image[None], 1.0).mean, 1.0
    ).logits.double()
    # PyTorch's own normaliser ends where the sigmoid rounds to 0 or 1.
    inner = logits.abs() < 30
    reference = ContinuousBernoulli(logits=logits, lims=(0.4999, 0.5001)).log_prob(
        image[None].double()
    )
    log_density = (
        image[None] * logits - softplus(logits) + torch.log(logits / torch.tanh(logits / 2))
    )
    torch.testing.assert_close(log_density[inner], reference[inner], atol=1e-3, rtol=1e-3)
    assert found.missing - found.bce == pytest.approx(float(log_density.sum()), abs=0.1)
    assert found.missing >= image.numel() * math.log(2)


def test_mean_mode_and_draws_of_one_z(digits):
    found = decoders.mean_and_draws(digits.network, 1.0, seed=7)
    np.testing.assert_array_equal(
        found.mean, experiments.gallery(digits.network, 1.0, count=1, seed=7).images[0]
    )
    p = Bernoulli(torch.from_numpy(found.mean))
    assert found.mode_log_prob == pytest.approx(
        float(p.log_prob(torch.from_numpy(found.mode)).sum()), abs=0.05
    )
    for draw, log_prob, differing in zip(
        found.draws, found.draw_log_prob, found.differing, strict=True
    ):
        assert set(np.unique(draw)) == {0.0, 1.0}
        assert log_prob == pytest.approx(float(p.log_prob(torch.from_numpy(draw)).sum()), abs=0.05)
        assert differing == np.count_nonzero(draw != found.mode)
        assert log_prob < found.mode_log_prob
    assert len({draw.tobytes() for draw in found.draws}) == len(found.draws)


def test_moved_codes_hurt_the_plain_autoencoder_more(plane):
    plain, images = sources.resolve("mnist-2d-autoencoder"), plane.reference.images[:60]
    found = decoders.code_noise(plane.network, plain.network, images, 1.0, seed=7)
    observed = reference_observations(plane.network, images)
    assert found.variational[0] == pytest.approx(
        float(point_distortion(plane.network, observed, 1.0).mean()), rel=1e-5
    )
    assert found.plain[0] == pytest.approx(
        float(point_distortion(plain.network, observed, 0.0).mean()), rel=1e-5
    )
    assert (np.diff(found.plain) > 0).all()
    variational, plain_rise = found.rises
    assert plain_rise == pytest.approx(found.plain[found.multiples.index(1.0)] - found.plain[0])
    assert plain_rise > 2 * variational > 0
    np.testing.assert_array_equal(
        found.random_plain, experiments.gallery(plain.network, 0.0, count=8, seed=7).images
    )


def test_a_blank_page_beats_most_digits(digits):
    images = digits.reference.images[:30]
    found = decoders.blank_page(digits.network, images, 1.0, seed=7, samples=32, blank_samples=500)
    observed = reference_observations(digits.network, images)
    again = importance_weighted_bound(
        digits.network, observed, 1.0, samples=100, generator=seeded("other")
    ).numpy()
    assert np.abs(found.pictures - again).mean() < 1.5
    assert found.below == sum(value < found.blank for value in found.pictures)
    # It is no luck of the draws: with another seed, and few of them, the blank page still lies
    # above half of the digits.
    empty = importance_weighted_bound(
        digits.network, torch.zeros(1, 1, 28, 28), 1.0, samples=100, generator=seeded("other")
    )
    assert float(empty) > np.median(again)
    assert 15 < found.below <= found.count == 30
    assert found.least_ink > 0


# The names of beta


@pytest.mark.parametrize("convention", beta_conventions.CONVENTIONS)
@pytest.mark.parametrize(("pixels", "dimensions"), [(784, 2), (3 * 64 * 64, 128)])
def test_every_convention_is_the_same_problem_and_there_and_back_again(
    convention, pixels, dimensions
):
    weight = 0.37
    beta = beta_conventions.to_beta(convention, weight, pixels=pixels, dimensions=dimensions)
    assert beta_conventions.from_beta(
        convention, beta, pixels=pixels, dimensions=dimensions
    ) == pytest.approx(weight)
    x, other = (
        torch.rand(3, pixels, generator=seeded(name), dtype=torch.float64)
        for name in ("x", "other")
    )
    mean, kl = (
        torch.rand(pixels, generator=seeded("p"), dtype=torch.float64),
        torch.rand(3, dimensions, dtype=torch.float64),
    )
    bce, error = -Bernoulli(mean).log_prob((x > 0.5).double()), (x - other) ** 2
    written = {
        "sum": lambda: bce.sum(1) + weight * kl.sum(1),
        "mean": lambda: bce.mean(1) + weight * kl.sum(1),
        "means": lambda: bce.mean(1) + weight * kl.mean(1),
        "reconstruction": lambda: weight * bce.mean(1) + kl.sum(1),
        "squared_sum": lambda: error.sum(1) + weight * kl.sum(1),
        "squared_mean": lambda: error.mean(1) + weight * kl.sum(1),
        "sigma": lambda: -Normal(other, weight).log_prob(x).sum(1) + kl.sum(1),
    }[convention]()
    nats = (
        -Normal(other, 1.0).log_prob(x).sum(1)
        if convention in beta_conventions.GAUSSIAN
        else bce.sum(1)
    )
    here = nats + beta * kl.sum(1)
    # The same up to a factor and a constant: so are all differences between pictures.
    ratio = (written[1:] - written[0]) / (here[1:] - here[0])
    assert float(ratio[0]) == pytest.approx(float(ratio[1]), rel=1e-9)
    assert float(ratio[0]) > 0


def test_known_settings():
    found = {trap.convention: trap.beta for trap in beta_conventions.traps()}
    assert found == pytest.approx(
        {"mean": 784, "means": 24.5, "squared_mean": 6144, "reconstruction": 2.048}
    )
    all_names = beta_conventions.convert("reconstruction", 1000.0, pixels=1024, dimensions=4)
    assert (
        all_names.beta
        < beta_conventions.convert("reconstruction", 500.0, pixels=1024, dimensions=4).beta
    )
    assert all_names.weights["sigma"] == pytest.approx(math.sqrt(1.024))
    assert tuple(all_names.weights) == beta_conventions.CONVENTIONS


@pytest.mark.parametrize(
    "change",
    [
        {"convention": "nonsense"},
        {"weight": 0.0},
        {"weight": math.nan},
        {"pixels": 0},
        {"dimensions": 0},
    ],
)
def test_nonsense_is_refused(change):
    values = {"convention": "mean", "weight": 1.0, "pixels": 784, "dimensions": 2} | change
    with pytest.raises(ValueError, match=r"is none of|must be positive"):
        beta_conventions.convert(**values)


def test_where_the_code_is_empty(plane):
    beta = beta_conventions.empty_from(plane.metrics)
    assert all((entry.active_units == 0) == (entry.beta >= beta) for entry in plane.metrics.betas)
    digits = sources.resolve("mnist").metrics
    beta = beta_conventions.empty_from(digits)
    assert 20 < beta <= 50
    assert all((entry.active_units == 0) == (entry.beta >= beta) for entry in digits.betas)
