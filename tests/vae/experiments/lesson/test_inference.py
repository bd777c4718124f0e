"""Step 3: the likelihood of one z, and estimates of log p(x) from draws of the prior.

Against other ways to compute them.
"""

import functools
import math

import numpy as np
import pytest
import torch
from torch import distributions

from tests.conftest import random_model, tiny_config
from vae import experiments
from vae.experiments.lesson import inference
from vae.hub import sources
from vae.posterior import grid_posterior


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


def seen(digits, name: str) -> np.ndarray:
    return experiments.observation(digits.network, digits.examples.picture(name).numpy(), seed=7)


# no fixture of the module: those are made before the tests are told to use one thread
@functools.cache
def many() -> inference.PriorDraws:
    digits = sources.resolve("mnist-2d")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inference, "MOST_DRAWN", 20_000)
        return inference.prior_draws(digits.network, seen(digits, "7"), 1.0, count=10_000, seed=3)


def test_a_guess_is_the_bernoulli_law_at_that_point(digits):
    observed = seen(digits, "0")
    found = inference.guess(digits.network, observed, (0.7, 0.3), 1.0)
    law = distributions.Bernoulli(probs=torch.from_numpy(found.image).double())
    assert found.log_likelihood == pytest.approx(
        float(law.log_prob(torch.from_numpy(observed).double()).sum()), abs=1e-2
    )
    assert (
        found.log_likelihood
        > inference.guess(digits.network, observed, (-0.7, 0.3), 1.0).log_likelihood + 50
    )


def test_at_ten_thousand_draws_the_estimate_of_an_easy_picture_is_that_of_the_quadrature(digits):
    """The mean of R estimates.

    Each estimate's relative error is about 1 / sqrt(effective samples).
    """
    truth = grid_posterior(digits.network, torch.from_numpy(seen(digits, "7")), 1.0).log_evidence
    assert many().effective.min() > 5
    error = math.sqrt(float((1 / many().effective).mean()) / len(many().estimates))
    assert (
        abs(np.logaddexp.reduce(many().estimates) - math.log(len(many().estimates)) - truth)
        < 3 * error
    )


def test_fewer_draws_give_estimates_that_are_lower_on_average_and_scatter_more(digits):
    """Jensen's inequality, and the reason why nobody estimates p(x) like this."""
    few = [
        inference.prior_draws(digits.network, seen(digits, "7"), 1.0, count=count, seed=3)
        for count in (1, 10, 100)
    ]
    means = [draws.estimates.mean() for draws in (*few, many())]
    assert means == sorted(means)
    assert few[0].spread > 20 > 1 > many().spread
    assert [len(draws.estimates) for draws in (*few, many())] == [20, 20, 20, 2]
    assert inference.repetitions(10_000) == 5


def test_effective_samples_and_dominant_draws_are_those_of_brute_force():
    weights = np.random.default_rng(0).exponential(size=(3, 50)) ** 4
    logarithms = np.log(weights) - 400  # as small as p(x|z) is
    assert inference.effective_samples(logarithms) == pytest.approx(
        weights.sum(1) ** 2 / (weights**2).sum(1)
    )
    for row, found in zip(weights, inference.dominant_draws(logarithms), strict=True):
        count, held = 0, 0.0
        for weight in sorted(row, reverse=True):
            count, held = count + 1, held + weight
            if held >= 0.9 * row.sum():
                break
        assert int(found) == count
    assert inference.effective_samples(np.zeros(7)).item() == pytest.approx(7)
    assert inference.dominant_draws(np.zeros(20)).item() == 18


def test_estimates_are_means_of_what_each_draw_says_and_the_best_come_first(digits):
    observed = seen(digits, "0")
    found = inference.prior_draws(digits.network, observed, 1.0, count=100, seed=7)
    assert found.estimates[0] == pytest.approx(
        np.log(np.exp(found.log_likelihood.astype(float) + 150).mean()) - 150, abs=1e-4
    )
    again = [inference.guess(digits.network, observed, tuple(point), 1.0) for point in found.best]
    assert [guess.log_likelihood for guess in again] == pytest.approx(
        sorted(found.log_likelihood, reverse=True)[:8], abs=1e-3
    )
    np.testing.assert_allclose(found.images[0], again[0].image, atol=1e-6)
    weights = np.exp(found.log_likelihood - found.log_likelihood.max())
    assert found.shares == pytest.approx(np.sort(weights / weights.sum())[::-1][:8], rel=1e-3)


def test_draws_depend_on_the_seed_and_progress_is_told(digits):
    """They are draws of N(0, I), the same for every picture."""
    told = []
    first = inference.prior_draws(
        digits.network, seen(digits, "0"), 1.0, count=100, seed=7, progress=told.append
    )
    other = inference.prior_draws(digits.network, seen(digits, "0"), 1.0, count=100, seed=8)
    again = inference.prior_draws(digits.network, seen(digits, "0"), 1.0, count=100, seed=7)
    assert (first.estimates == again.estimates).all()
    assert not np.intersect1d(first.estimates, other.estimates).size
    assert told == [0.5, 1.0]
    seven = inference.prior_draws(digits.network, seen(digits, "7"), 1.0, count=8, seed=7)
    zero = inference.prior_draws(digits.network, seen(digits, "0"), 1.0, count=8, seed=7)
    assert sorted(map(tuple, seven.best)) == sorted(map(tuple, zero.best))


def test_a_plain_autoencoder_and_no_draws_are_sentences(digits):
    observed = np.zeros((1, 6, 5), np.float32)
    with pytest.raises(ValueError, match="no prior"):
        inference.prior_draws(
            random_model(tiny_config(beta_range=(0, 0))), observed, 0.0, count=1, seed=0
        )
    with pytest.raises(ValueError, match="at least 1"):
        inference.prior_draws(random_model(tiny_config()), observed, 1.0, count=0, seed=0)


def test_the_share_of_the_prior_is_that_of_an_even_fine_grid(digits):
    observed = seen(digits, "0")
    found = experiments.posterior_map(digits.network, observed, 1.0)
    low, high = (
        np.array([found.window.x, found.window.y]) + sign * found.window.half for sign in (-1, 1)
    )
    axes = [torch.linspace(*ends, 81, dtype=torch.float64) for ends in zip(low, high, strict=True)]
    points = torch.cartesian_prod(*axes)
    log_likelihood = torch.cat(
        [
            digits.network.decode(part.float(), 1.0)
            .log_prob(torch.from_numpy(observed).expand(len(part), 1, 28, 28))
            .double()
            for part in points.split(128)
        ]
    ).detach()
    log_prior = distributions.Normal(0.0, 1.0).log_prob(points).sum(1)
    density = (log_likelihood + log_prior + 100).exp()
    order = density.argsort(descending=True)
    held = density[order].cumsum(0) / density.sum()
    inside = order[: int((held < 1 - math.exp(-4.5)).sum()) + 1]
    area = float((high - low).prod()) / 80**2
    assert found.prior_share == pytest.approx(float(log_prior[inside].exp().sum()) * area, rel=0.06)
    assert np.abs(points[density.argmax()].numpy() - found.peak).max() < 0.02
