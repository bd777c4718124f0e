"""The map: tiles are decoded where they lie, the numbers are those of the posteriors.

The highest-density regions hold the mass that they should.
"""

import dataclasses
import functools

import numpy as np
import pytest
import torch
from torch import distributions

import vae
from tests.conftest import generator, random_model, tiny_config
from vae import experiments
from vae.elbo import exact_elbo
from vae.experiments import WHOLE_PLANE, Window
from vae.experiments.map import SHARES
from vae.hub import sources
from vae.posterior import log_joint

STRIDE = 4  # a sixteenth of the points is decoded again


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


def observed(digits, name: str = "0") -> np.ndarray:
    return experiments.observation(digits.network, digits.examples.picture(name).numpy(), seed=7)


# no fixture of the module: those are made before the tests are told to use one thread
@functools.cache
def posterior(name: str, beta: float, temper: bool) -> experiments.PosteriorMap:
    digits = sources.resolve("mnist-2d")
    return experiments.posterior_map(digits.network, observed(digits, name), beta, temper=temper)


def test_tiles_lie_where_the_plane_says_with_large_y_above():
    model = random_model(tiny_config(latent_dim=2))
    window = Window(1.0, -2.0, 3.0)
    tiles = experiments.tiles(model, window, 1.0, 6)
    for row, column, point in (
        (0, 0, (-1.5, 0.5)),
        (0, 5, (3.5, 0.5)),
        (5, 0, (-1.5, -4.5)),
        (2, 3, (1.5, -1.5)),
    ):
        assert np.allclose(
            tiles[6 * row + column], experiments.decode_point(model, point, 1.0), atol=1e-6
        )


def test_a_window_holds_what_lies_in_it():
    window = Window(1.0, 0.0, 2.0)
    points = np.array([[1.0, 0.0], [3.0, 2.0], [3.1, 0.0], [1.0, -2.1]])
    assert window.holds(points).tolist() == [True, True, False, False]
    assert [window.covers(tuple(point)) for point in points] == [True, True, False, False]


def test_the_window_around_a_picture_shows_six_standard_deviations_of_its_q(digits):
    seen = experiments.reconstruct(
        digits.network, digits.examples.picture("3").numpy(), 1.0, seed=7, use_mean=True
    )
    window = experiments.around(seen)
    assert (window.x, window.y) == pytest.approx(tuple(seen.posterior_mean))
    assert window.half == pytest.approx(6 * seen.posterior_deviation.max())


def test_codes_are_the_encoders_and_the_same_binarisation_at_every_beta(digits):
    images = digits.reference.images[:20]
    once = [experiments.codes(digits.network, images, beta) for beta in (1.0, 1.0, 10.0)]
    assert np.array_equal(once[0].mean, once[1].mean)
    assert (once[2].deviation > once[0].deviation).mean() > 0.9
    black_and_white = ((images > 127) * 255).astype(np.uint8)  # nothing left to binarise
    q = digits.network.encode(torch.from_numpy(black_and_white).float() / 255, 1.0)
    assert np.allclose(
        experiments.codes(digits.network, black_and_white, 1.0).mean, q.mean, atol=1e-5
    )


@pytest.mark.parametrize("name", ["mnist-2d", "mnist"])
def test_the_codes_at_many_betas_are_those_of_each(name):
    model = sources.resolve(name)
    images = model.reference.images[:20]
    betas = (0.1, 10.0, 1.0)
    for beta, found in zip(betas, experiments.codes_at(model.network, images, betas), strict=True):
        alone = experiments.codes(model.network, images, beta)
        assert np.allclose(found.mean, alone.mean, atol=1e-6)
        assert np.allclose(found.deviation, alone.deviation, atol=1e-6)


def test_a_point_at_many_betas_is_decoded_as_at_each(digits):
    betas = (0.1, 10.0)
    pictures = experiments.decode_point_at(digits.network, (1.25, -0.5), betas)
    for beta, picture in zip(betas, pictures, strict=True):
        alone = experiments.decode_point(digits.network, (1.25, -0.5), beta)
        assert np.allclose(picture, alone, atol=1e-6)


def test_the_aggregate_posterior_has_the_moments_of_the_mixture(digits):
    codes = experiments.codes(digits.network, digits.reference.images[:200], 10.0)
    mixture = distributions.MixtureSameFamily(
        distributions.Categorical(torch.ones(200)),
        distributions.Independent(
            distributions.Normal(torch.from_numpy(codes.mean), torch.from_numpy(codes.deviation)), 1
        ),
    )
    assert np.allclose(codes.aggregate_mean, mixture.mean, atol=1e-5)
    assert np.allclose(codes.aggregate_deviation, mixture.stddev, atol=1e-5)


def test_towards_collapse_the_aggregate_posterior_becomes_the_prior(digits):
    far = [
        np.abs(
            experiments.codes(digits.network, digits.reference.images, beta).aggregate_deviation - 1
        ).max()
        for beta in (0.001, 10.0, 50.0)
    ]
    assert far[0] > far[1] > far[2]
    assert far[2] < 1e-3


def test_the_exact_elbo_is_what_many_draws_give(digits):
    picture = torch.from_numpy(observed(digits, "3"))
    exact = exact_elbo(digits.network, picture, 1.0)
    drawn = vae.elbo(
        digits.network, picture.expand(4_000, 1, 28, 28), 1.0, generator=generator(1)
    ).distortion
    standard_error = float(drawn.std() / len(drawn) ** 0.5)
    assert exact.distortion.item() == pytest.approx(float(drawn.mean()), abs=3 * standard_error)
    drawn_terms = vae.elbo(digits.network, picture[None], 1.0, generator=generator())
    assert torch.equal(exact.rate_per_dimension, drawn_terms.rate_per_dimension)
    finer = exact_elbo(digits.network, picture, 1.0, nodes=64)
    assert exact.distortion.item() == pytest.approx(finer.distortion.item(), abs=1e-3)


def test_the_exact_elbo_is_for_planes_and_for_models_that_have_one(digits):
    wide = random_model(tiny_config(latent_dim=3))
    with pytest.raises(ValueError, match="one or two"):
        exact_elbo(wide, torch.zeros(1, 6, 5), 1.0)
    with pytest.raises(ValueError, match="autoencoder"):
        exact_elbo(sources.resolve("mnist-2d-autoencoder").network, torch.zeros(1, 28, 28), 0.0)


@pytest.mark.parametrize(("beta", "temper"), [(1.0, False), (10.0, True), (0.1, True)])
def test_what_q_misses_is_its_divergence_from_that_posterior(digits, beta, temper):
    """KL(q || posterior) by Monte Carlo, as a mean over draws from q.

    log density of the posterior = log joint - log evidence.
    """
    picture = torch.from_numpy(observed(digits))
    found = posterior("0", beta, temper)
    q = digits.network.encode(picture[None], beta)
    normal = distributions.Independent(
        distributions.Normal(q.mean[0].double(), q.standard_deviation[0].double()), 1
    )
    torch.manual_seed(3)
    z = normal.sample((4_000,))
    differences = normal.log_prob(z) - (
        log_joint(digits.network, picture, z, beta, temper=temper) - found.log_evidence
    )
    standard_error = float(differences.std()) / len(z) ** 0.5
    assert found.gap == pytest.approx(float(differences.mean()), abs=4 * standard_error + 1e-3)
    assert found.gap > 0
    assert found.tempered is temper


@pytest.mark.parametrize(
    ("name", "beta", "temper"), [("0", 1.0, False), ("5", 1.0, False), ("3", 10.0, True)]
)
def test_each_band_holds_its_share_of_the_mass(digits, name, beta, temper):
    picture = torch.from_numpy(observed(digits, name))
    found = posterior(name, beta, temper)
    side = len(found.shares) // STRIDE
    points = found.window.centres(STRIDE * side).reshape(STRIDE * side, STRIDE * side, 2)
    z = torch.from_numpy(points[1::STRIDE, 1::STRIDE].reshape(-1, 2))
    bands = found.shares[1::STRIDE, 1::STRIDE].reshape(-1)
    cell = (2 * found.window.half / side) ** 2
    mass = (
        np.exp(
            (
                log_joint(digits.network, picture, z, beta, temper=temper) - found.log_evidence
            ).numpy()
        )
        * cell
    )
    inside = [mass[bands >= 3 - index].sum() for index in range(3)]
    assert inside == pytest.approx(SHARES, abs=0.02)
    assert mass.sum() > 0.985
    mean = mass @ z.double().numpy() / mass.sum()
    assert np.allclose(found.mean, mean, atol=0.05 * found.deviation.max())


def test_at_beta_1_the_true_and_the_tempered_posterior_are_one():
    true, tempered = (posterior("0", 1.0, temper) for temper in (False, True))
    assert true.log_evidence == tempered.log_evidence
    assert true.gap == pytest.approx(tempered.gap)


def test_whether_halving_the_grid_still_changes_it_is_known():
    found = posterior("0", 1.0, False)
    assert found.exact
    assert not dataclasses.replace(found, error=0.0011).exact


def test_nearly_all_reference_pictures_lie_in_the_plane_that_is_shown(digits):
    codes = experiments.codes(digits.network, digits.reference.images, 1.0)
    assert 1950 < WHOLE_PLANE.holds(codes.mean).sum() < 2000
