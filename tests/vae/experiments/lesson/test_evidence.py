"""log p(x) = ELBO + KL(q || p(z|x)) for every q, against brute force.

A bound says on how much it rests.
"""

import itertools
import math

import numpy as np
import pytest
import torch
from torch import distributions

import vae
from tests.conftest import generator, random_model, tiny_config
from vae import experiments
from vae.elbo import weighted_bound
from vae.experiments.lesson import evidence
from vae.hub import sources
from vae.likelihood import observe

BETA = 1.0


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


@pytest.fixture(scope="module")
def mnist():
    return sources.resolve("mnist")


def seen(model: sources.Resolved, name: str) -> np.ndarray:
    return experiments.observation(model.network, model.examples.picture(name).numpy(), seed=7)


@pytest.fixture(scope="module")
def known(digits):
    """log p(x) of some examples by quadrature."""
    torch.set_num_threads(1)  # as in each test, which begins after this
    return {
        name: evidence.quadrature(
            experiments.posterior_map(digits.network, seen(digits, name), BETA)
        )
        for name in "013"
    }


@torch.no_grad()
def brute_joint(model: vae.VAE, observed: np.ndarray, z: torch.Tensor) -> torch.Tensor:
    """log p(z) + log p(x|z), (M,), by torch.distributions."""
    fits = [
        distributions.Bernoulli(
            logits=model.decode(part.float(), BETA).logits.double(), validate_args=False
        )
        .log_prob(torch.from_numpy(observed).double())
        .flatten(1)
        .sum(1)
        for part in z.split(128)
    ]
    return torch.cat(fits) + distributions.Normal(0.0, 1.0).log_prob(z.double()).sum(1)


@torch.no_grad()
def test_what_the_elbo_lacks_is_the_divergence_from_the_posterior_on_the_normalised_grid(
    digits, known
):
    """This holds for a worse q too.

    Squares over both q and the posterior; p(z|x) is normalised on them, without any log p(x).
    """
    observed = seen(digits, "3")
    changes = ({}, {"shift": 2.0}, {"widening": 2.0})
    qs = [
        evidence.shifted_posterior(digits.network, observed, BETA, **change) for change in changes
    ]
    mean, deviation = qs[0].mean[0].double(), qs[0].standard_deviation[0].double()
    steps = torch.linspace(-13, 13, 65, dtype=torch.float64)
    z = mean + deviation * torch.cartesian_prod(steps, steps)
    area = (26 / 64) ** 2 * deviation.prod()
    log_joint = brute_joint(digits.network, observed, z)
    log_true = log_joint - torch.logsumexp(log_joint, 0) - area.log()
    divergences = []
    for q, change in zip(qs, changes, strict=True):
        log_q = (
            distributions.Normal(q.mean[0].double(), q.standard_deviation[0].double())
            .log_prob(z)
            .sum(1)
        )
        divergence = (area * log_q.exp() * (log_q - log_true)).sum().item()
        sides = evidence.balance(digits.network, observed, BETA, known["3"], seed=7, **change)
        assert sides.gap == pytest.approx(divergence, abs=1e-3)
        assert sides.divergence == pytest.approx(divergence, abs=1e-3)
        divergences.append(divergence)
    assert (
        min(
            abs(first - second)
            for first in divergences
            for second in divergences
            if first is not second
        )
        > 0.1
    )
    # the other KL, which the article puts there, does not fit
    assert abs(sides.rate - divergences[0]) > 1


@pytest.mark.parametrize("name", ["0", "1"])
def test_log_p_of_x_stands_still_while_q_gets_worse(digits, known, name):
    observed = seen(digits, name)
    own, *others = (
        evidence.balance(
            digits.network, observed, BETA, known[name], seed=7, shift=shift, widening=widening
        )
        for shift, widening in ((0, 1), (1.5, 1), (0, 0.5), (3, 3))
    )
    for other in others:
        assert other.negative_elbo - own.negative_elbo > 0.5
        assert other.divergence - own.divergence == pytest.approx(
            other.negative_elbo - own.negative_elbo, abs=1e-3
        )
    for sides in (own, *others):
        assert -sides.negative_elbo + sides.divergence == pytest.approx(known[name].nats, abs=1e-3)


def test_the_terms_are_those_of_the_elbo(digits, known, mnist):
    observed = seen(digits, "0")
    sides = evidence.balance(digits.network, observed, BETA, known["0"], seed=7)
    drawn = vae.elbo(
        digits.network,
        torch.from_numpy(observed)[None],
        BETA,
        generator=generator(1),
        samples=2_000,
    )
    assert sides.distortion == pytest.approx(drawn.distortion.item(), abs=0.2)
    q = digits.network.encode(torch.from_numpy(observed)[None], BETA)
    normal = distributions.Normal(q.mean[0], q.standard_deviation[0])
    divergence = (
        distributions.kl_divergence(normal, distributions.Normal(0.0, 1.0)).detach().numpy()
    )
    np.testing.assert_allclose(sides.rate_per_dimension, divergence, rtol=1e-5)
    assert sides.negative_elbo == pytest.approx(sides.distortion + divergence.sum(), abs=1e-4)
    assert 0 < sides.distortion_share < 1

    observed = seen(mnist, "0")
    bound = evidence.LogEvidence(-80.0, 0.3, 100, 5.0)
    sides = evidence.balance(mnist.network, observed, BETA, bound, seed=7, shift=0.5)
    q = evidence.shifted_posterior(mnist.network, observed, BETA, shift=0.5)
    z = q.at(torch.randn(2_000, mnist.network.config.latent_dim, generator=generator(2)))
    expected = -mnist.network.decode(z, BETA).log_prob(
        torch.from_numpy(observed).expand(2_000, 1, 28, 28)
    )
    assert sides.distortion_error == pytest.approx(
        expected.std().item() / math.sqrt(evidence.DRAWS), rel=0.15
    )
    assert sides.distortion == pytest.approx(expected.mean().item(), abs=4 * sides.distortion_error)
    assert sides.divergence == pytest.approx(-80 + sides.negative_elbo)
    assert sides.gap_error == pytest.approx(math.hypot(0.3, sides.distortion_error))


def test_q_is_moved_and_widened_in_its_own_standard_deviations(digits):
    observed = seen(digits, "0")
    own, other = (
        evidence.shifted_posterior(digits.network, observed, BETA, **change)
        for change in ({}, {"shift": -1.5, "widening": 3.0})
    )
    torch.testing.assert_close(other.mean, own.mean - 1.5 * own.standard_deviation)
    torch.testing.assert_close(other.standard_deviation, 3 * own.standard_deviation)


def test_the_pixels_shares_sum_up_to_the_distortion(mnist):
    observed = seen(mnist, "3")
    found = evidence.pixel_terms(mnist.network, observed, BETA, seed=7, widening=2.0)
    sides = evidence.balance(
        mnist.network,
        observed,
        BETA,
        evidence.LogEvidence(-100.0, 0.1, 5, 2.0),
        seed=7,
        widening=2.0,
    )
    assert found.pixel_distortion.sum() == pytest.approx(sides.distortion, rel=1e-5)
    assert found.largest_pixel_distortion == found.pixel_distortion.max()
    q = evidence.shifted_posterior(mnist.network, observed, BETA, widening=2.0)
    z = q.at(torch.randn(2_000, mnist.network.config.latent_dim, generator=generator(3)))
    pixels = distributions.Bernoulli(logits=mnist.network.decode(z, BETA).logits)
    np.testing.assert_allclose(found.reconstruction, pixels.mean.mean(0), atol=0.06)
    np.testing.assert_allclose(
        found.pixel_distortion, -pixels.log_prob(torch.from_numpy(observed)).mean(0), atol=0.4
    )


@torch.no_grad()
def test_the_effective_sample_size_is_that_of_the_weights(digits):
    observed, samples = seen(digits, "1"), 40
    found = weighted_bound(
        digits.network,
        torch.from_numpy(observed)[None],
        BETA,
        samples=samples,
        generator=generator(4),
    )
    q = digits.network.encode(torch.from_numpy(observed)[None], BETA)
    z = q.at(torch.randn(samples, 2, generator=generator(4)))
    log_q = distributions.Normal(q.mean[0], q.standard_deviation[0]).log_prob(z).sum(1)
    weights = (brute_joint(digits.network, observed, z) - log_q).double().exp()
    effective = (weights.sum() ** 2 / weights.square().sum()).item()
    assert found.effective_samples.item() == pytest.approx(effective, rel=1e-3)
    assert 1 < effective < samples
    assert found.nats.item() == pytest.approx(weights.mean().log().item(), abs=1e-3)
    relative = weights.std(correction=0) / weights.mean() / math.sqrt(samples)
    assert found.standard_error.item() == pytest.approx(relative.item(), rel=1e-2)


def test_one_sample_rests_on_one_and_has_no_spread(model, binary_images):
    found = weighted_bound(model, binary_images, BETA, samples=1, generator=generator())
    torch.testing.assert_close(found.effective_samples, torch.ones(7))
    assert found.standard_error.max() < 1e-3
    many = weighted_bound(model, binary_images, BETA, samples=64, generator=generator(), chunk=16)
    assert ((many.effective_samples > 1) & (many.effective_samples <= 64)).all()


def test_the_standard_error_is_how_much_other_draws_differ(digits):
    observed = torch.from_numpy(seen(digits, "0")).expand(40, 1, 28, 28)
    found = weighted_bound(digits.network, observed, BETA, samples=100, generator=generator(5))
    assert found.standard_error.mean().item() == pytest.approx(found.nats.std().item(), rel=0.35)


def test_the_mean_bound_over_100_pictures_rises_with_the_number_of_samples(mnist):
    """Each K with its own noise; the differences are taken picture by picture."""
    pictures = observe(
        torch.from_numpy(mnist.reference.images[:100]).float() / 255,
        "bernoulli",
        generator=generator(6),
    )
    bounds = [
        vae.importance_weighted_bound(
            mnist.network, pictures, BETA, samples=samples, generator=generator(samples)
        )
        for samples in (1, 5, 50)
    ]
    for fewer, more in itertools.pairwise(bounds):
        gain = more - fewer
        assert gain.mean() > 2 * gain.std() / math.sqrt(len(gain))


def test_the_bound_lies_below_the_quadrature_and_reaches_it_where_enough_weights_carry_it(
    digits, known
):
    for name, exact in known.items():
        bound = evidence.evidence_bound(
            digits.network, seen(digits, name), BETA, seed=7, samples=2_000
        )
        assert bound.nats < exact.nats + 4 * max(bound.error, 0.02)
        assert 1 <= bound.effective_samples <= bound.samples == 2_000
        assert not bound.exact
        assert exact.exact
    sides = evidence.balance(digits.network, seen(digits, "0"), BETA, known["0"], seed=7)
    bound = evidence.evidence_bound(digits.network, seen(digits, "0"), BETA, seed=7, samples=2_000)
    assert bound.nats == pytest.approx(known["0"].nats, abs=4 * bound.error)
    assert bound.nats > -sides.negative_elbo


def test_other_models_get_a_sentence(digits):
    observed = seen(digits, "0")
    with pytest.raises(ValueError, match="tempered"):
        evidence.quadrature(experiments.posterior_map(digits.network, observed, 2.0, temper=True))
    bound = evidence.LogEvidence(-1.0, 0.0, 5, 1.0)
    plain = vae.VAE(tiny_config(latent_dim=2, beta_range=(0.0, 0.0)))
    with pytest.raises(ValueError, match="autoencoder"):
        evidence.balance(plain, np.zeros((1, 6, 5), np.float32), 0.0, bound, seed=7)
    colour = random_model(
        tiny_config(image_shape=(3, 4, 4), likelihood="discretized_logistic", preprocess="photo")
    )
    with pytest.raises(ValueError, match="Bernoulli"):
        evidence.pixel_terms(colour, np.zeros((3, 4, 4), np.float32), BETA, seed=7)
