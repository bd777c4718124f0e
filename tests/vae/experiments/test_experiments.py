"""Experiments: the same seed gives the same noise at every beta.

The numbers are those of the package.
"""

import itertools

import numpy as np
import pytest
import torch

import vae
from tests.conftest import generator, some_metrics
from vae import experiments
from vae.latent import prior_sample

BETAS = (0.01, 0.1, 1.0, 10.0, 50.0)


@pytest.fixture
def grey() -> np.ndarray:
    return torch.rand(1, 6, 5, generator=generator(3)).numpy()


def test_moving_beta_moves_neither_the_binarisation_nor_the_noise(model, grey):
    results = [experiments.reconstruct(model, grey, beta, seed=7, draw=2) for beta in BETAS]
    for result in results[1:]:
        assert np.array_equal(result.observed, results[0].observed)
        assert np.array_equal(result.eps, results[0].eps)
        assert not np.array_equal(result.mean, results[0].mean)


def test_a_reconstruction_is_mu_plus_sigma_eps_decoded(model, grey):
    result = experiments.reconstruct(model, grey, 0.5, seed=7)
    q = model.encode(torch.from_numpy(result.observed)[None], 0.5)
    sigma = torch.exp(q.log_variance[0] / 2).numpy()
    np.testing.assert_allclose(result.z, q.mean[0].numpy() + sigma * result.eps, rtol=1e-5)
    np.testing.assert_allclose(
        result.mean, model.decode(torch.from_numpy(result.z)[None], 0.5).mean[0].numpy(), rtol=1e-5
    )
    np.testing.assert_allclose(result.difference, result.mean - result.observed)


def test_another_draw_changes_z_and_the_mean_uses_none(model, grey):
    first, second = (
        experiments.reconstruct(model, grey, 1.0, seed=7, draw=draw) for draw in (0, 1)
    )
    mean = experiments.reconstruct(model, grey, 1.0, seed=7, use_mean=True)
    assert not np.array_equal(first.z, second.z)
    assert np.array_equal(mean.z, mean.posterior_mean)
    assert not mean.eps.any()


def test_the_same_seed_repeats_everything_and_another_does_not(model, grey):
    one, again, other = (experiments.reconstruct(model, grey, 1.0, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(one.mean, again.mean)
    assert not np.array_equal(one.mean, other.mean)


def test_the_own_curve_agrees_with_the_elbo_at_each_beta(model, grey):
    own = experiments.trade_off(model, grey, BETAS, seed=7, draws=4000)
    observed = torch.from_numpy(experiments.observation(model, grey, seed=7))[None]
    for index, beta in enumerate(BETAS):
        terms = vae.elbo(model, observed, beta, generator=generator(1), samples=4000)
        assert own.rate[index] == pytest.approx(terms.rate.item(), rel=1e-4)
        assert own.distortion[index] == pytest.approx(terms.distortion.item(), rel=0.02)


def test_a_colour_picture_is_observed_as_8_bit(colour_model):
    image = torch.rand(3, 4, 4, generator=generator()).numpy()
    observed = experiments.observation(colour_model, image, seed=1)
    assert np.allclose(observed * 255, (observed * 255).round(), atol=1e-4)
    assert experiments.reconstruct(colour_model, observed, 1.0, seed=1).mean.shape == (3, 4, 4)


def test_the_breakdown_adds_up_and_ranks_the_picture():
    own = experiments.TradeOff(
        (0.01, 1.0, 50.0), np.array([9.0, 5.0, 1.0]), np.array([10.0, 20.0, 30.0]), 64, 30
    )
    loss = experiments.breakdown(own, some_metrics().betas[1])
    assert (loss.distortion, loss.rate, loss.negative_elbo) == (20, 5, 25)
    assert loss.easier_than == pytest.approx(0.75)  # objectives of the test set are 0, 1, …, 100
    half = experiments.breakdown(own, some_metrics().betas[2])
    assert half.objective == 30 + 50 * 1
    with pytest.raises(ValueError, match="not in"):
        experiments.breakdown(
            experiments.TradeOff((2.0,), np.ones(1), np.ones(1), 1, 30), some_metrics().betas[1]
        )


def test_a_share_is_never_rounded_up_to_all_pictures():
    for share, harder, easier in ((0.997, 99, 0), (1.0, 100, 0), (0.004, 0, 99), (0.5, 50, 50)):
        loss = experiments.Breakdown(1.0, 1.0, 1.0, 1.0, 1.0, easier_than=share, pixel_values=30)
        assert (loss.percent_harder, loss.percent_easier) == (harder, easier)


def test_lost_and_added_light_are_counted_in_pixels(model, grey):
    result = experiments.reconstruct(model, grey, 1.0, seed=7)
    assert result.added - result.lost == pytest.approx(
        float(result.mean.sum() - result.observed.sum()), abs=1e-3
    )
    assert result.lost >= 0


def test_lost_light_of_a_colour_picture_is_counted_in_pixels_too():
    nothing = np.zeros((3, 4, 4), np.float32)
    white_lost = experiments.Reconstruction(
        observed=nothing + 1,
        posterior_mean=nothing,
        posterior_deviation=nothing,
        eps=nothing,
        z=nothing,
        mean=nothing,
        difference=nothing - 1,
        rate_per_dimension=nothing,
    )
    assert white_lost.lost == pytest.approx(16)
    assert white_lost.added == 0


def test_the_gallery_keeps_its_latents_at_every_beta_and_in_every_count(model):
    few = experiments.gallery(model, 0.1, count=4, seed=3)
    many = experiments.gallery(model, 10.0, count=40, seed=3)
    assert np.array_equal(few.latents, many.latents[:4])
    assert many.images.shape == (40, 1, 6, 5)


def test_a_draw_has_whole_pixels_and_the_mean_their_probability(model):
    mean = experiments.gallery(model, 1.0, count=400, seed=3).images
    drawn = experiments.gallery(model, 1.0, count=400, seed=3, draw_pixels=True).images
    assert set(np.unique(drawn)) == {0.0, 1.0}
    assert drawn.mean() == pytest.approx(mean.mean(), abs=0.01)
    edges = np.quantile(mean, [0, 0.25, 0.5, 0.75, 1])
    bins = [(mean >= low) & (mean <= high) for low, high in itertools.pairwise(edges)]
    np.testing.assert_allclose(
        [drawn[inside].mean() for inside in bins],
        [mean[inside].mean() for inside in bins],
        atol=0.03,
    )
    assert mean[bins[3]].mean() > mean[bins[0]].mean() + 0.05


def test_only_temperature_one_is_the_prior():
    prior = prior_sample(4000, 5, generator=generator())
    assert prior.std().item() == pytest.approx(1, abs=0.02)
    assert prior_sample(
        4000, 5, temperature=0.5, generator=generator()
    ).std().item() == pytest.approx(0.5, abs=0.01)
    assert not prior_sample(3, 5, temperature=0.0, generator=generator()).any()
    with pytest.raises(ValueError, match="negative"):
        prior_sample(3, 5, temperature=-1.0, generator=generator())
