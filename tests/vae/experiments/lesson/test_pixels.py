"""Pictures drawn pixel by pixel and through z: the three laws are distributions.

Their numbers are those of brute force.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import distributions

from tests.conftest import generator, random_model, tiny_config
from vae import experiments
from vae.elbo import exact_elbo
from vae.experiments.lesson import pixels, plane
from vae.hub import sources
from vae.posterior import grid_posterior

SEED = 7
MANY = 60  # pictures in a crowd


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist")


@pytest.fixture(scope="module")
def flat():
    return sources.resolve("mnist-2d")


@pytest.fixture(scope="module")
def six():
    """A model of 2 × 3 pixels, and all 64 pictures that there are."""
    model = random_model(tiny_config(image_shape=(1, 2, 3), latent_dim=2))
    every = np.array(list(itertools.product([0, 1], repeat=6)), np.float32)
    return model, every.reshape(64, 1, 2, 3)


# What is drawn


def test_pixels_of_the_two_simple_laws_have_their_frequencies_and_know_nothing_of_each_other(
    digits,
):
    frequencies = digits.reference.mean_training_pixel
    for law, expected in (
        (pixels.UNIFORM, np.full_like(frequencies, 0.5)),
        (pixels.FREQUENCIES, frequencies),
    ):
        drawn = pixels.draw_pictures(digits.network, frequencies, law, 1.0, count=4000, seed=SEED)
        assert set(np.unique(drawn)) == {0.0, 1.0}
        assert np.abs(drawn.mean(0) - expected).max() < 5 * 0.5 / math.sqrt(4000)
        middle, below = drawn[:, 0, 14, 14], drawn[:, 0, 15, 14]
        assert abs(np.corrcoef(middle, below)[0, 1]) < 0.08


def test_draws_of_the_model_have_the_data_sets_frequencies_too_and_their_pixels_hang_together(
    digits,
):
    frequencies = digits.reference.mean_training_pixel
    drawn = pixels.draw_pictures(
        digits.network, frequencies, pixels.MODEL, 1.0, count=1000, seed=SEED
    )
    assert np.abs(drawn.mean(0) - frequencies).mean() < 0.02
    assert np.corrcoef(drawn[:, 0, 14, 14], drawn[:, 0, 15, 14])[0, 1] > 0.4


def test_an_unknown_law_is_refused(digits):
    with pytest.raises(ValueError, match="uniform"):
        pixels.draw_pictures(
            digits.network, digits.reference.mean_training_pixel, "gauss", 1.0, count=1, seed=0
        )


def sheet(digits, law, number=0, seed=SEED):
    reference = digits.reference
    return pixels.sheet(
        digits.network,
        reference.mean_training_pixel,
        reference.images[:300],
        law,
        1.0,
        count=8,
        seed=seed,
        number=number,
    )


@pytest.mark.parametrize("law", pixels.LAWS)
def test_each_sheet_can_be_drawn_again_and_is_another_than_the_next(digits, law):
    first = sheet(digits, law)
    assert np.array_equal(first.images, sheet(digits, law).images)
    for other in (sheet(digits, law, number=1), sheet(digits, law, seed=8)):
        assert not np.array_equal(first.images, other.images)


def test_the_nearest_reference_picture_is_found_as_by_looking_at_all(digits):
    drawn = sheet(digits, pixels.MODEL)
    reference = pixels.binarize(
        torch.from_numpy(digits.reference.images[:300]).float() / 255,
        generator=pixels.seeded(0, "reference"),
    ).numpy()
    assert drawn.distances.tolist() == [
        int(min((one != other).sum() for other in reference)) for one in drawn.images
    ]
    among = [
        min((one != other).sum() for place, other in enumerate(reference) if place != mine)
        for mine, one in enumerate(reference)
    ]
    assert pixels.reference_distance(digits.reference.images[:300]) == pytest.approx(np.mean(among))


def test_only_the_model_draws_pictures_near_digits(digits):
    distances = {law: sheet(digits, law).distances for law in pixels.LAWS}
    reference = pixels.reference_distance(digits.reference.images[:300])
    assert distances[pixels.UNIFORM].min() > 4 * reference
    assert distances[pixels.FREQUENCIES].min() > 1.2 * reference
    assert distances[pixels.MODEL].mean() < 1.5 * reference


def test_the_number_of_pictures_is_two_to_the_number_of_pixels(digits):
    found = pixels.counts(digits.metrics, 784)
    assert len(str(2**784)) == 237 == int(found.pictures) + 1
    assert found.pictures == pytest.approx(math.log10(2**784))
    assert 10**found.like_data == pytest.approx(math.exp(digits.metrics.importance_weighted.nats))
    assert found.drawn == pytest.approx(
        math.log10(10**80 * 10**9 * 13.8e9 * 365.25 * 86400), abs=0.01
    )
    assert found.rarity_beyond_drawn == pytest.approx(
        found.pictures - found.like_data - found.drawn
    )


# How probable a picture is


def test_all_three_laws_add_up_to_one_over_all_pictures(six):
    model, every = six
    # the first pixel never has ink
    frequencies = np.linspace(0, 0.9, 6, dtype=np.float32).reshape(1, 2, 3)
    assert 64 * math.exp(pixels.uniform_log_prob(6)) == pytest.approx(1)
    assert sum(
        math.exp(pixels.frequencies_log_prob(one, frequencies)) for one in every
    ) == pytest.approx(1)
    assert np.exp(plane.grid_evidence(model, every, 1.0)).sum() == pytest.approx(1, abs=1e-4)


def test_the_simple_laws_are_those_of_torch(digits):
    observed = experiments.observation(
        digits.network, digits.examples.picture("5").numpy(), seed=SEED
    )
    picture = torch.from_numpy(observed).double()
    frequencies = digits.reference.mean_training_pixel
    ink = torch.from_numpy(frequencies).double().clamp(1e-5, 1 - 1e-5)
    assert pixels.frequencies_log_prob(observed, frequencies) == pytest.approx(
        distributions.Bernoulli(ink).log_prob(picture).sum().item(), rel=1e-6
    )
    half = distributions.Bernoulli(torch.full((784,), 0.5, dtype=torch.float64))
    assert pixels.uniform_log_prob(784) == pytest.approx(
        half.log_prob(picture.flatten()).sum().item()
    )


@pytest.mark.parametrize("name", pixels.SUBJECTS)
def test_the_models_log_p_of_x_is_that_of_quadrature(six, name):
    model, _ = six
    frequencies = np.full((1, 2, 3), 0.3, np.float32)
    observed = np.array([1, 0, 0, 1, 0, 1], np.float32).reshape(1, 2, 3)
    found = pixels.verdict(model, frequencies, observed, 1.0, name=name)
    exact = grid_posterior(model, torch.from_numpy(observed), 1.0).log_evidence
    assert found.model == pytest.approx(exact, abs=0.05)
    assert 100 < found.effective_samples <= found.samples


def test_the_fitted_gaussian_explains_a_picture_better_than_the_encoders(flat):
    observed = np.stack(
        [
            pixels.subject(flat.network, flat.reference.mean_training_pixel, name, seed=SEED)
            for name in (pixels.NOISE, pixels.BLANK)
        ]
    )
    q = pixels.fitted(flat.network, observed, 1.0)
    for place, picture in enumerate(torch.from_numpy(observed)):
        own, encoders = (
            exact_elbo(flat.network, picture, 1.0, q=one).negative_elbo.item()
            for one in (q[place : place + 1], None)
        )
        assert own < encoders - 1
        assert -own <= grid_posterior(flat.network, picture, 1.0).log_evidence + 0.01


def test_the_ceiling_is_passed_by_as_few_pictures_as_it_says(six):
    model, every = six
    evidence = plane.grid_evidence(model, every, 1.0)
    ratio = np.exp(evidence - pixels.uniform_log_prob(6))
    assert ratio.mean() == pytest.approx(1, abs=1e-4)  # what Markov's inequality rests on
    for times in (1.5, 3, 10):
        assert (ratio > times).mean() <= 1 / times
    found = pixels.verdict(
        model, np.full((1, 2, 3), 0.5, np.float32), every[5], 1.0, name=pixels.NOISE
    )
    assert found.ceiling == pytest.approx(-6 * math.log(2) + math.log(1e6))


def test_digits_lie_far_above_noise_and_a_blank_page_above_all_of_them(digits):
    frequencies = digits.reference.mean_training_pixel
    found = {
        name: pixels.verdict(
            digits.network,
            frequencies,
            pixels.subject(digits.network, frequencies, name, seed=SEED),
            1.0,
            name=name,
        )
        for name in (pixels.NOISE, pixels.CLOUD, pixels.BLANK)
    }
    pictures = (
        experiments.observation(digits.network, digits.examples.picture(name).numpy(), seed=SEED)
        for name in digits.examples.names
    )
    own = [pixels.verdict(digits.network, frequencies, picture, 1.0) for picture in pictures]
    assert min(pixels.least_gap(one, found["noise"]) for one in own) > 300
    assert min(one.model for one in own) > found["cloud"].ceiling + 50
    assert found["blank"].model > max(one.model for one in own) + 10
    assert found["blank"].effective_samples > 20
    assert found["blank"].ceiling is None
    assert found["noise"].effective_samples < 5


def test_the_share_of_less_probable_test_pictures_follows_their_own_log_p(digits):
    shares = [pixels.share_less_probable(digits.metrics, nats) for nats in (-600, -100, -83.4, -20)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    quantiles = digits.metrics.at(1.0).objective_quantiles
    gap = digits.metrics.at(1.0).negative_elbo - digits.metrics.importance_weighted.nats
    assert pixels.share_less_probable(digits.metrics, -(quantiles[50] - gap)) == pytest.approx(
        0.5, abs=0.01
    )


# A plane of pixel space


def planes(flat, picture=None):
    names = flat.examples.names
    others = tuple(flat.examples.picture(names[place]).numpy() for place in (1, 2))
    picture = flat.examples.picture(names[0]).numpy() if picture is None else picture
    typical = plane.typical_distance(flat.reference.images)
    return {
        directions: plane.pixel_plane(
            picture, directions, typical=typical, others=others, seed=SEED
        )
        for directions in plane.DIRECTIONS
    }


def test_the_typical_distance_is_that_between_all_pairs(flat):
    pictures = flat.reference.images[:200].reshape(200, -1) / 255
    squares = [np.square(one - other).sum() for one, other in itertools.combinations(pictures, 2)]
    assert plane.typical_distance(flat.reference.images[:200]) == pytest.approx(
        math.sqrt(np.mean(squares)), rel=1e-5
    )


def test_the_picture_stands_in_the_middle_and_the_others_at_two(flat):
    drawn = planes(flat)[plane.OTHERS].at(np.array([[0, 0], [2, 0], [0, 2], [1, 0]]))
    own, first, second = (
        flat.examples.picture(flat.examples.names[place]).numpy() for place in range(3)
    )
    for found, expected in zip(drawn, (own, first, second, (own + first) / 2), strict=True):
        assert np.allclose(found, expected, atol=1e-6)


def test_random_directions_go_as_far_as_pictures_differ_and_nowhere_beyond_black_and_white(flat):
    found = planes(flat)[plane.RANDOM]
    typical = plane.typical_distance(flat.reference.images)
    assert found.units == pytest.approx((typical / 2, typical / 2), rel=1e-5)
    assert abs((found.across * found.up).sum()) < 0.15 * (typical / 2) ** 2
    points = torch.randn(4000, 2, generator=generator()).numpy()
    steps = points[:2000] - points[2000:]
    lengths = np.square(steps @ np.stack([found.across.ravel(), found.up.ravel()])).sum(1)
    assert math.sqrt(lengths.mean()) == pytest.approx(typical, rel=0.05)
    far = found.at(np.array([[4, 4]]))
    assert (far.min(), far.max()) == (0, 1)


def test_other_directions_are_refused(flat):
    picture = flat.examples.picture("0").numpy()
    with pytest.raises(ValueError, match="random"):
        plane.pixel_plane(picture, "up", typical=10.0, others=(), seed=0)


@pytest.fixture(scope="module")
def crowds(flat):
    return {
        crowd.kind: crowd
        for crowd in plane.crowds(
            flat.network,
            tuple(planes(flat).values()),
            flat.reference.images,
            1.0,
            seed=SEED,
            count=MANY,
        )
    }


def test_log_p_of_the_crowds_is_that_of_the_refined_grid(flat, crowds):
    for crowd in crowds.values():
        assert len(crowd.observed) == len(crowd.log_evidence) == MANY
    # On average: a single narrow peak may fall between the squares.
    for kind, count, nats in ((plane.CODES, 4, 4), (plane.RANDOM, 2, 6)):
        exact = [
            grid_posterior(flat.network, torch.from_numpy(one).float(), 1.0).log_evidence
            for one in crowds[kind].observed[:count]
        ]
        assert crowds[kind].log_evidence[:count].mean() == pytest.approx(np.mean(exact), abs=nats)


def test_pictures_of_the_code_are_nearly_as_probable_as_test_pictures_unlike_those_of_pixels(
    crowds,
):
    assert crowds[plane.TEST].mean - 30 < crowds[plane.CODES].mean < crowds[plane.TEST].mean
    assert crowds[plane.OTHERS].mean < crowds[plane.CODES].mean - 20
    assert crowds[plane.RANDOM].mean < crowds[plane.CODES].mean - 300


def test_what_is_rated_is_drawn_from_the_pictures_of_the_same_points(flat, crowds):
    points = plane.prior_sample(MANY, 2, generator=plane.seeded(SEED, "points"))
    means = {
        plane.CODES: flat.network.decode(points, 1.0).mean.numpy(),
        plane.RANDOM: planes(flat)[plane.RANDOM].at(points.numpy()),
        plane.TEST: flat.reference.images[:MANY] / 255,
    }
    for kind, expected in means.items():
        observed = crowds[kind].observed
        assert set(np.unique(observed)) == {0.0, 1.0}
        assert (observed == 1)[expected == 0].sum() == 0
        assert (observed == 0)[expected == 1].sum() == 0
        assert observed.mean() == pytest.approx(expected.mean(), abs=0.01)


@pytest.mark.parametrize("name", ["mnist", "mnist-2d-autoencoder"])
def test_p_of_x_is_added_up_only_where_there_is_a_plane_with_a_prior(name):
    model = sources.resolve(name).network
    with pytest.raises(ValueError, match="two latent dimensions"):
        plane.grid_evidence(model, np.zeros((1, 1, 28, 28), np.float32), model.config.beta_range[0])
