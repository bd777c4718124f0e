"""Step 4: a Gaussian's ELBO, its gap, its gradient, and the best Gaussian.

Against Monte Carlo and the KL on the normalised grid.
"""

import dataclasses
import functools
import itertools
import math

import numpy as np
import pytest
import torch
from torch import distributions

from tests.conftest import random_model, tiny_config
from vae import experiments
from vae.experiments.lesson import variational
from vae.hub import sources

SOME = {"0": ((0.72, 0.31), (-4.0, -3.6)), "5": ((-0.1, 0.7), (-3.9, -3.1))}


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


# no fixture of the module: those are made before the tests are told to use one thread
@functools.cache
def amortised() -> variational.Amortisation:
    """The amortisation gap of the example whose encoder misses most."""
    digits = sources.resolve("mnist-2d")
    return variational.amortisation(digits.network, seen(digits, "5"), 1.0, posterior_of("5"))


@functools.cache
def posterior_of(name: str) -> experiments.PosteriorMap:
    digits = sources.resolve("mnist-2d")
    return experiments.posterior_map(digits.network, seen(digits, name), 1.0)


def evidence_of(name: str) -> float:
    return posterior_of(name).log_evidence


def seen(digits, name: str) -> np.ndarray:
    return experiments.observation(digits.network, digits.examples.picture(name).numpy(), seed=7)


def log_likelihood(digits, observed: np.ndarray, z: torch.Tensor) -> torch.Tensor:
    """log p(x|z) by torch.distributions, float64."""
    logits = torch.cat(
        [digits.network.decode(part.float(), 1.0).logits.detach() for part in z.split(128)]
    ).double()
    law = distributions.Independent(distributions.Bernoulli(logits=logits), 3)
    return law.log_prob(torch.from_numpy(observed).double().expand(len(z), *observed.shape))


@pytest.mark.parametrize("name", SOME)
def test_the_elbo_of_any_gaussian_is_that_of_monte_carlo(digits, name):
    mean, log_deviation = SOME[name]
    found = variational.gaussian(digits.network, seen(digits, name), 1.0, mean, log_deviation)
    q = distributions.Independent(
        distributions.Normal(torch.tensor(mean), torch.tensor(log_deviation).exp()), 1
    )
    prior = distributions.Independent(distributions.Normal(torch.zeros(2), torch.ones(2)), 1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        z = q.sample((4000,))
    terms = log_likelihood(digits, seen(digits, name), z) + prior.log_prob(z) - q.log_prob(z)
    assert found.elbo == pytest.approx(
        float(terms.mean()), abs=4 * float(terms.std()) / math.sqrt(len(z))
    )
    rate = distributions.kl_divergence(
        distributions.Normal(torch.tensor(mean), torch.tensor(log_deviation).exp()),
        distributions.Normal(0.0, 1.0),
    ).sum()
    assert found.rate == pytest.approx(float(rate), abs=1e-4)
    assert found.deviation == pytest.approx(q.stddev.tolist())


@pytest.mark.parametrize("name", SOME)
def test_log_p_of_x_less_the_elbo_is_the_divergence_from_the_normalised_posterior(digits, name):
    """sum of q (log q - log p(z|x)) over an even grid about q, with p(z|x) = p(z) p(x|z) / p(x)."""
    observed = seen(digits, name)
    evidence = evidence_of(name)
    mean, log_deviation = SOME[name]
    deviation = torch.tensor(log_deviation).double().exp()
    steps = torch.linspace(-6, 6, 61, dtype=torch.float64)
    z = torch.tensor(mean).double() + deviation * torch.cartesian_prod(steps, steps)
    log_q = distributions.Normal(torch.tensor(mean).double(), deviation).log_prob(z).sum(1)
    log_posterior = (
        distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
        + log_likelihood(digits, observed, z)
        - evidence
    )
    divergence = (log_q.exp() * (log_q - log_posterior)).sum() * 0.2**2 * deviation.prod()
    found = variational.gaussian(digits.network, observed, 1.0, mean, log_deviation)
    assert found.gap(evidence) == pytest.approx(float(divergence), abs=1e-3)


def test_a_wide_gaussian_is_measured_to_about_a_nat(digits):
    """Where the pictures change many times within one sigma."""
    observed = seen(digits, "0")
    found = variational.gaussian(
        digits.network, observed, 1.0, (0.0, 0.0), (math.log(0.4), math.log(0.4))
    )
    steps = torch.linspace(-4, 4, 81, dtype=torch.float64)
    eps = torch.cartesian_prod(steps, steps)
    weight = torch.softmax(-0.5 * eps.square().sum(1), 0)
    distortion = -(weight @ log_likelihood(digits, observed, 0.4 * eps))
    assert found.distortion == pytest.approx(float(distortion), abs=2.0)


def test_the_gradient_is_that_of_finite_differences(digits):
    observed, (mean, log_deviation) = torch.from_numpy(seen(digits, "0")), SOME["0"]
    values = torch.tensor([*mean, *log_deviation])
    _, *parts = variational._gradient(digits.network, observed, 1.0, values[:2], values[2:])
    found = torch.cat(parts)
    for place, width in enumerate((1e-3, 1e-3, 1e-2, 1e-2)):
        ends = [values + sign * width * torch.eye(4)[place] for sign in (-1, 1)]
        low, high = (
            variational._gradient(digits.network, observed, 1.0, end[:2], end[2:])[0]
            for end in ends
        )
        assert float(found[place]) == pytest.approx((high - low) / (2 * width), rel=0.02, abs=0.05)


def test_steps_lead_up_and_end_where_the_gradient_does(digits):
    """The start is beside the peak, and narrow.

    The few nodes of a step and the many nodes of the result agree there.
    """
    observed = seen(digits, "0")
    start = variational.gaussian(digits.network, observed, 1.0, (0.5, 0.5), (-2.4, -2.4))
    told = []
    found = variational.gradient_ascent(
        digits.network, observed, 1.0, start, steps=15, progress=told.append
    )
    assert 10 < len(found) <= 15
    assert told == [number / 15 for number in range(1, len(found) + 1)]
    assert all(
        after.elbo > before.elbo - 0.5 for before, after in itertools.pairwise((start, *found))
    )
    assert start.elbo < -200
    assert evidence_of("0") - 0.2 < found[-1].elbo < evidence_of("0")
    for before, after in itertools.pairwise((start, *found)):
        moved = [
            abs(there - here) / deviation
            for here, there, deviation in zip(
                before.mean, after.mean, before.deviation, strict=True
            )
        ]
        assert max(moved) < 1.01  # and what rounding adds


def test_a_step_goes_on_from_wherever_the_gaussian_is(digits):
    observed = seen(digits, "0")
    start = variational.gaussian(digits.network, observed, 1.0, (0.5, 0.5), (-2.4, -2.4))
    two = variational.gradient_ascent(digits.network, observed, 1.0, start, steps=2)
    one = variational.gradient_ascent(digits.network, observed, 1.0, start, steps=1)
    assert variational.gradient_ascent(digits.network, observed, 1.0, one[0], steps=1) == two[1:]


def test_the_best_gaussian_is_never_below_the_encoders_nor_above_log_p_of_x(digits):
    found = amortised()
    observed = torch.from_numpy(seen(digits, "5"))
    q = digits.network.encode(observed[None], 1.0)
    assert found.encoder.mean == pytest.approx(q.mean[0].tolist())
    assert found.encoder.deviation == pytest.approx(q.standard_deviation[0].tolist())
    assert found.log_evidence == evidence_of("5")
    assert (
        found.encoder.elbo
        <= found.from_encoder.elbo
        <= found.best.elbo
        <= found.log_evidence + 1e-3
    )
    assert found.amortisation_gap + found.approximation_gap == pytest.approx(
        found.log_evidence - found.encoder.elbo
    )
    _, by_mean, by_log_deviation = variational._gradient(
        digits.network,
        observed,
        1.0,
        torch.tensor(found.best.mean),
        torch.tensor(found.best.log_deviation),
        nodes=32,
    )
    assert (by_mean.abs() * torch.tensor(found.best.deviation)).max() < 0.03  # nats for one sigma
    assert by_log_deviation.abs().max() < 0.03


def test_the_encoder_misses_the_peak_of_one_example_by_far_and_the_best_gaussian_does_not():
    assert amortised().amortisation_gap > 50
    assert amortised().approximation_gap < 1


def test_a_search_that_finds_nothing_better_gives_the_encoders_own(digits, monkeypatch):
    monkeypatch.setattr(
        variational, "_converge", lambda *_: (torch.tensor([3.0, 3.0]), torch.tensor([-3.0, -3.0]))
    )
    found = variational.amortisation(digits.network, seen(digits, "0"), 1.0, posterior_of("0"))
    assert found.best == found.from_encoder == found.encoder
    assert found.amortisation_gap == 0
    assert not found.other_peak


def test_the_gap_is_not_measured_from_a_tempered_posterior(digits):
    tempered = dataclasses.replace(posterior_of("0"), tempered=True)
    with pytest.raises(ValueError, match="tempered"):
        variational.amortisation(digits.network, seen(digits, "0"), 1.0, tempered)


def test_it_is_a_sentence_where_there_is_no_plane_or_no_prior():
    for config, beta, reason in (
        ({"latent_dim": 3}, 1.0, "one or two"),
        ({"latent_dim": 2, "beta_range": (0, 0)}, 0.0, "no ELBO"),
    ):
        model = random_model(tiny_config(**config))
        with pytest.raises(ValueError, match=reason):
            variational.gaussian(
                model, np.zeros((1, 6, 5), np.float32), beta, (0.0, 0.0), (-1.0, -1.0)
            )
