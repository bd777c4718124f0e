"""The bound and its parts, against torch.distributions, brute force and quadrature.

Errors that published code has made are tested by name.
"""

import math
import sys

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import vae
from tests.conftest import generator, random_model, tiny_config
from vae.elbo import elbo_with_noise, kl_to_standard_normal
from vae.model import DiagonalGaussian, tempered_posterior


def posterior_like_torch(q: DiagonalGaussian) -> Independent:
    return Independent(Normal(q.mean, torch.exp(q.log_variance / 2)), 1)


def test_kl_agrees_with_torch_distributions_and_with_samples():
    q = DiagonalGaussian(
        torch.randn(6, 4, generator=generator()), torch.randn(6, 4, generator=generator(1))
    )
    standard = Independent(Normal(torch.zeros(6, 4), torch.ones(6, 4)), 1)
    torch.testing.assert_close(
        kl_to_standard_normal(q).sum(1), kl_divergence(posterior_like_torch(q), standard)
    )
    z = q.at(torch.randn(200_000, 6, 4, generator=generator(2)))
    estimate = (posterior_like_torch(q).log_prob(z) - standard.log_prob(z)).mean(0)
    torch.testing.assert_close(kl_to_standard_normal(q).sum(1), estimate, atol=0.05, rtol=0.01)


def test_kl_of_an_unused_dimension_is_exactly_zero_and_never_negative():
    dead = DiagonalGaussian(torch.zeros(1, 1), torch.zeros(1, 1))
    assert kl_to_standard_normal(dead).item() == 0
    nearly = DiagonalGaussian(torch.zeros(1, 3), torch.tensor([[-1e-3, 1e-4, 1e-5]]))
    assert (kl_to_standard_normal(nearly) >= 0).all()


def test_sigma_is_the_square_root_of_the_variance():
    q = DiagonalGaussian(torch.tensor([[2.0]]), torch.tensor([[math.log(9.0)]]))
    z = q.at(torch.randn(100_000, 1, 1, generator=generator()))
    assert q.standard_deviation.item() == pytest.approx(3)
    assert z.std().item() == pytest.approx(3, rel=0.02)  # neither 9, the variance, nor log 9
    assert z.mean().item() == pytest.approx(2, abs=0.05)


def test_elbo_is_the_log_joint_minus_the_log_posterior_for_the_same_noise(model, binary_images):
    """The exact KL is replaced by its own samples.

    E_q[log p(x|z) + log p(z) - log q(z|x)], by torch.distributions.
    """
    samples = 20_000
    terms = vae.elbo(model, binary_images[:2], 1.0, generator=generator(3), samples=samples)
    q = model.encode(binary_images[:2], 1.0)
    z = posterior_like_torch(q).sample((samples,))
    logits = model.decode(z.reshape(-1, 3), 1.0).logits
    images = binary_images[:2].repeat(samples, 1, 1, 1)
    log_likelihood = (
        torch.distributions.Bernoulli(logits=logits)
        .log_prob(images)
        .sum((1, 2, 3))
        .reshape(samples, 2)
    )
    log_joint = log_likelihood + Normal(0.0, 1.0).log_prob(z).sum(-1)
    values = log_joint - posterior_like_torch(q).log_prob(z)
    error = 4 * values.std(0) / math.sqrt(samples) + 4 * log_likelihood.std(0) / math.sqrt(samples)
    assert ((terms.negative_elbo + values.mean(0)).abs() < error).all()


def test_the_distortion_is_an_average_over_the_posterior_not_its_value_at_the_mean(
    model, binary_images
):
    terms = vae.elbo(model, binary_images, 1.0, generator=generator(), samples=4000)
    at_mean = -model.decode(model.encode(binary_images, 1.0).mean, 1.0).log_prob(binary_images)
    assert (terms.distortion - at_mean).abs().max() > 0.05


def test_nats_are_summed_over_pixels_and_dimensions(model, binary_images):
    terms = vae.elbo(model, binary_images, 1.0, generator=generator())
    assert terms.rate_per_dimension.shape == (7, 3)
    torch.testing.assert_close(
        terms.rate,
        terms.rate_per_dimension[:, 0]
        + terms.rate_per_dimension[:, 1]
        + terms.rate_per_dimension[:, 2],
    )
    torch.testing.assert_close(terms.negative_elbo, terms.distortion + terms.rate)
    blank = random_model(tiny_config())
    for parameter in blank.parameters():
        parameter.zero_()  # every pixel is ink with probability 1/2, whatever z
    assert vae.elbo(blank, binary_images, 1.0, generator=generator()).distortion[
        0
    ].item() == pytest.approx(30 * math.log(2))


@pytest.mark.parametrize("fixture", ["model", "colour_model"])
def test_one_beta_for_each_picture_equals_one_beta_at_a_time(fixture, request):
    model = request.getfixturevalue(fixture)
    images = (torch.rand(5, *model.config.image_shape, generator=generator(1)) < 0.5).float()
    betas = torch.tensor([0.01, 0.3, 1.0, 7.0, 50.0])
    together = model.encode(images, betas)
    z = torch.randn(5, 3, generator=generator(2))
    decoded = model.decode(z, betas).mean
    for index, beta in enumerate(betas.tolist()):
        alone = model.encode(images[index : index + 1], beta)
        torch.testing.assert_close(together.mean[index : index + 1], alone.mean)
        torch.testing.assert_close(together.log_variance[index : index + 1], alone.log_variance)
        torch.testing.assert_close(
            decoded[index : index + 1], model.decode(z[index : index + 1], beta).mean
        )


@torch.no_grad()
def test_pairs_that_are_decoded_in_parts_have_their_own_beta_picture_and_noise(
    model, binary_images, monkeypatch
):
    """Seven pictures, three draws each, five at once: no part ends where a draw does."""
    betas = torch.tensor([0.01, 0.1, 0.5, 1.0, 2.0, 10.0, 50.0])
    eps = torch.randn(3, len(betas), 3, generator=generator())
    monkeypatch.setattr(sys.modules["vae.elbo"], "DECODING_BATCH", 5)  # vae.elbo is the function
    together = elbo_with_noise(model, binary_images, betas, eps)
    for index, beta in enumerate(betas.tolist()):
        image = binary_images[index : index + 1]
        z = model.encode(image, beta).at(eps[:, index : index + 1])[:, 0]
        alone = -model.decode(z, beta).log_prob(image.expand(3, -1, -1, -1)).mean()
        torch.testing.assert_close(together.distortion[index], alone)


def test_beta_multiplies_the_rate_of_its_own_picture_alone(model, binary_images):
    betas = torch.tensor([0.01, 0.1, 0.5, 1.0, 2.0, 10.0, 50.0])
    terms = vae.elbo(model, binary_images, betas, generator=generator())
    objective = terms.objective(betas)
    assert objective.shape == (7,)
    for index in range(7):
        torch.testing.assert_close(
            objective[index], terms.distortion[index] + betas[index] * terms.rate[index]
        )
    with pytest.raises(ValueError, match="shape"):
        terms.objective(betas[:, None])  # (N, 1) * (N,) would be (N, N)


def test_the_same_seed_gives_the_same_noise_at_every_beta(model, binary_images):
    """z - mu = sigma * eps with one eps.

    Dividing by each beta's own sigma gives the same numbers.
    """
    eps = []
    for beta in (0.1, 10.0):
        noise, q = generator(8), model.encode(binary_images, beta)
        drawn = torch.randn(1, 7, 3, generator=generator(8))
        expected = -model.decode(q.at(drawn)[0], beta).log_prob(binary_images)
        torch.testing.assert_close(
            vae.elbo(model, binary_images, beta, generator=noise).distortion, expected
        )
        eps.append(noise.get_state())
    assert torch.equal(*eps)


def test_gradients_reach_the_encoder_through_the_noise(binary_images):
    model = random_model(tiny_config()).requires_grad_(True)
    vae.elbo(model, binary_images, 1.0, generator=generator()).distortion.sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.isfinite().all()
        for parameter in model.parameters()
    )
    assert model.encoder.first.weight.grad.abs().sum() > 0


def grid_log_probability(model, image: torch.Tensor, beta: float) -> float:
    """log p(x) of a model with one latent dimension, by quadrature."""
    z = torch.linspace(-8, 8, 4001)
    log_joint = model.decode(z[:, None], beta).log_prob(image.expand(len(z), -1, -1, -1)) + Normal(
        0.0, 1.0
    ).log_prob(z)
    return (torch.logsumexp(log_joint.double(), 0) + math.log((z[1] - z[0]).item())).item()


def test_the_importance_weighted_bound_reaches_log_p_by_quadrature_and_the_elbo_lies_below():
    model = random_model(tiny_config(latent_dim=1), seed=3)
    image = (torch.rand(1, 1, 6, 5, generator=generator(4)) < 0.5).float()
    # An untrained q can miss the posterior by far, and then few samples hit it; at beta = 50 it is
    # as wide as the prior.
    truth = grid_log_probability(model, image, 50.0)
    bound = vae.importance_weighted_bound(
        model, image, 50.0, samples=200_000, generator=generator(5), chunk=50_000
    ).item()
    elbo = -vae.elbo(
        model, image, 50.0, generator=generator(6), samples=20_000
    ).negative_elbo.item()
    assert bound == pytest.approx(truth, abs=0.01)
    assert elbo < truth - 0.001


def test_the_importance_weighted_bound_rises_with_the_number_of_samples(model):
    images = (torch.rand(400, 1, 6, 5, generator=generator(1)) < 0.4).float()
    bounds = {
        samples: vae.importance_weighted_bound(
            model, images, 1.0, samples=samples, generator=generator(2)
        )
        for samples in (1, 5, 50)
    }
    for fewer, more in ((1, 5), (5, 50)):
        gain = bounds[more] - bounds[fewer]
        assert gain.mean() > 3 * gain.std() / math.sqrt(len(gain))
    one = (
        -vae.elbo(model, images, 1.0, generator=generator(7), samples=200)
        .negative_elbo.mean()
        .item()
    )
    assert bounds[1].mean().item() == pytest.approx(one, abs=3 * bounds[1].std().item() / 20)


def test_the_bound_does_not_depend_on_how_much_is_decoded_at_once(model, binary_images):
    bounds = [
        vae.importance_weighted_bound(
            model, binary_images, 0.5, samples=30, generator=generator(2), chunk=chunk
        )
        for chunk in (7, 30, 1000)
    ]
    torch.testing.assert_close(bounds[0], bounds[1])
    torch.testing.assert_close(bounds[0], bounds[2])


def test_extreme_weights_never_give_nan(binary_images):
    model = random_model(tiny_config()).requires_grad_(False)
    for parameter in model.encoder.head.parameters():
        parameter.mul_(1e4)
    q = model.encode(binary_images, 1.0)
    assert kl_to_standard_normal(q).isfinite().all()
    assert q.standard_deviation.gt(0).all()


@pytest.mark.parametrize("beta", [0.0, 0.009, 50.1, -1.0, math.nan, math.inf])
def test_a_beta_outside_the_range_is_refused(model, binary_images, beta):
    with pytest.raises(ValueError, match=r"0.01 to 50"):
        model.encode(binary_images, beta)
    with pytest.raises(ValueError, match=r"0.01 to 50"):
        model.decode(torch.zeros(2, 3), beta)


def test_wrong_shapes_are_refused_with_the_right_ones(model, binary_images):
    with pytest.raises(ValueError, match=r"\(N, 1, 6, 5\)"):
        model.encode(binary_images[0], 1.0)
    with pytest.raises(ValueError, match=r"\(N, 3\)"):
        model.decode(torch.zeros(4), 1.0)
    with pytest.raises(ValueError, match="each of the 7"):
        model.encode(binary_images, torch.ones(7, 1))
    with pytest.raises(ValueError, match="samples"):
        vae.elbo(model, binary_images, 1.0, generator=generator(), samples=0)


def test_a_network_for_one_beta_has_no_conditioning_and_knows_no_other():
    config = tiny_config().for_one_beta(0.5)
    model = random_model(config)
    assert not any(
        "scale_shift" in name or "beta_embedding" in name for name, _ in model.named_parameters()
    )
    model.encode(torch.zeros(1, 1, 6, 5), 0.5)
    with pytest.raises(ValueError, match=r"0\.5"):
        model.encode(torch.zeros(1, 1, 6, 5), 1.0)


def test_the_network_answers_to_beta(model, binary_images):
    low, high = model.encode(binary_images, 0.01), model.encode(binary_images, 50.0)
    assert not np.allclose(low.mean, high.mean)
    z = torch.randn(4, 3, generator=generator())
    assert not np.allclose(model.decode(z, 0.01).mean, model.decode(z, 50.0).mean)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"image_shape": (2, 28, 28)}, "image_shape"),
        ({"image_shape": (1, 0, 28)}, "image_shape"),
        ({"latent_dim": 0}, "latent_dim"),
        ({"latent_dim": True}, "latent_dim"),
        ({"likelihood": "mse"}, "likelihood"),
        ({"beta_range": (0.0, 1.0)}, "beta_range"),
        ({"beta_range": (2.0, 1.0)}, "beta_range"),
        ({"beta_range": (0.1, math.inf)}, "beta_range"),
        ({"preprocess": "x"}, "preprocess"),
        ({"width": 10**6}, "width"),
        ({"image_shape": (3, 256, 256), "width": 4096}, "parameters"),
    ],
)
def test_a_config_that_makes_no_sense_is_refused_before_anything_is_allocated(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny_config(**change)


def test_the_posterior_is_the_tempered_product_of_prior_and_evidence():
    """p(z) N(estimate; z, 1/precision)^(1/beta), normalised on a grid."""
    z = torch.linspace(-10, 10, 20_001).double()
    for estimate, precision, beta in ((1.5, 4.0, 1.0), (-2.0, 0.3, 0.1), (3.0, 50.0, 10.0)):
        log_density = -(z**2) / 2 - precision * (z - estimate) ** 2 / (2 * beta)
        weights = torch.softmax(log_density, 0)
        mean = (weights * z).sum().item()
        variance = (weights * (z - mean) ** 2).sum().item()
        log_beta, log_precision = torch.tensor([[beta]]).log(), torch.tensor([[precision]]).log()
        q = tempered_posterior(torch.tensor([[estimate]]), log_precision, log_beta)
        assert q.mean.item() == pytest.approx(mean, rel=1e-4)
        assert q.log_variance.exp().item() == pytest.approx(variance, rel=1e-3)
