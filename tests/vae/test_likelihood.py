"""Likelihoods are probabilities: they sum to one and agree with torch.distributions.

They are sums over pixels, not means.
"""

import pytest
import torch

import vae
from tests.conftest import generator
from vae.likelihood import Bernoulli, DiscretizedLogistic


def logistic(shape=(2, 3, 4, 4), log_scale=-3.0, seed=0) -> DiscretizedLogistic:
    location = 0.5 + 0.5 * torch.randn(shape, generator=generator(seed))  # some far outside [0, 1]
    return DiscretizedLogistic(location, torch.full((1, shape[1], 1, 1), log_scale))


def every_level(likelihood: DiscretizedLogistic) -> torch.Tensor:
    """log p(x = k/255) of each single pixel, (256, pixels), by asking for one pixel at a time."""
    location, log_scale = torch.broadcast_tensors(likelihood.location, likelihood.log_scale)
    pixels = DiscretizedLogistic(location.reshape(-1, 1, 1, 1), log_scale.reshape(-1, 1, 1, 1))
    return torch.stack(
        [pixels.log_prob(torch.full_like(pixels.location, k / 255)) for k in range(256)]
    )


def test_bernoulli_agrees_with_torch_distributions_and_sums_over_all_pixels():
    logits = 3 * torch.randn(5, 1, 28, 28, generator=generator())
    images = vae.binarize(torch.rand(5, 1, 28, 28, generator=generator(1)), generator=generator(2))
    expected = torch.distributions.Bernoulli(logits=logits).log_prob(images).sum((1, 2, 3))
    torch.testing.assert_close(Bernoulli(logits).log_prob(images), expected)


def test_four_times_the_pixels_cost_four_times_the_nats():
    small, large = Bernoulli(torch.zeros(1, 1, 14, 14)), Bernoulli(torch.zeros(1, 1, 28, 28))
    ratio = large.log_prob(torch.ones(1, 1, 28, 28)) / small.log_prob(torch.ones(1, 1, 14, 14))
    assert ratio.item() == pytest.approx(4)


def test_bernoulli_stays_finite_at_extreme_logits():
    likelihood = Bernoulli(torch.tensor([[[[-1e4, 1e4]]]]))
    assert likelihood.log_prob(torch.tensor([[[[0.0, 1.0]]]])).item() == 0
    assert likelihood.log_prob(torch.tensor([[[[1.0, 0.0]]]])).item() == -2e4


def test_bernoulli_refuses_grey_values():
    with pytest.raises(ValueError, match="binarize"):
        Bernoulli(torch.zeros(1, 1, 2, 2)).log_prob(torch.full((1, 1, 2, 2), 0.5))


def test_shapes_never_broadcast():
    with pytest.raises(ValueError, match="shape"):
        Bernoulli(torch.zeros(3, 1, 2, 2)).log_prob(torch.zeros(1, 1, 2, 2))


@pytest.mark.parametrize("log_scale", [-6.5, -4.0, -2.0, 0.0])
def test_discretised_logistic_is_a_distribution_over_the_256_values(log_scale):
    total = every_level(logistic(log_scale=log_scale)).double().exp().sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), atol=1e-4, rtol=0)


def test_discretised_logistic_agrees_with_differences_of_the_distribution_function():
    likelihood = logistic(log_scale=-3.0)
    location, scale = likelihood.location.double(), likelihood.log_scale.double().exp()
    images = torch.randint(0, 256, location.shape, generator=generator(3)) / 255

    def distribution_function(x):
        return torch.sigmoid((x - location) / scale)

    upper = torch.where(
        images > 254.5 / 255,
        torch.ones_like(location),
        distribution_function(images.double() + 0.5 / 255),
    )
    lower = torch.where(
        images < 0.5 / 255,
        torch.zeros_like(location),
        distribution_function(images.double() - 0.5 / 255),
    )
    expected = (upper - lower).log().sum((1, 2, 3))
    torch.testing.assert_close(likelihood.log_prob(images).double(), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("log_scale", [-6.0, -3.0, -1.0])
def test_discretised_logistic_mean_is_the_sum_over_all_values_within_half_a_grey_level(log_scale):
    likelihood = logistic(log_scale=log_scale)
    values = torch.arange(256).double()[:, None] / 255
    expected = (every_level(likelihood).double().exp() * values).sum(0)
    torch.testing.assert_close(
        likelihood.mean.double().flatten(), expected, atol=0.51 / 255, rtol=0
    )


@pytest.mark.parametrize(
    "likelihood",
    [
        Bernoulli(torch.randn(1, 3, 4, 4, generator=generator()).repeat(4000, 1, 1, 1)),
        DiscretizedLogistic(
            logistic((1, 3, 4, 4)).location.repeat(4000, 1, 1, 1), torch.full((1, 3, 1, 1), -3.0)
        ),
    ],
)
def test_samples_average_to_the_mean_and_are_possible_pictures(likelihood):
    samples = likelihood.sample(generator(5))
    assert likelihood.log_prob(samples).isfinite().all()  # refuses anything that is no picture
    torch.testing.assert_close(samples.mean(0), likelihood.mean[0], atol=0.04, rtol=0)


def test_discretised_logistic_refuses_values_between_the_levels():
    with pytest.raises(ValueError, match="1/255"):
        logistic((1, 1, 1, 1)).log_prob(torch.full((1, 1, 1, 1), 0.5004))


def test_binarising_keeps_black_and_white_and_the_average():
    grey = torch.full((200_000,), 0.3)
    assert vae.binarize(grey, generator=generator()).mean().item() == pytest.approx(0.3, abs=0.005)
    ends = torch.tensor([0.0, 1.0]).repeat(5000)
    assert torch.equal(vae.binarize(ends, generator=generator()), ends)


def test_binarising_refuses_8_bit_values():
    with pytest.raises(ValueError, match="255"):
        vae.binarize(torch.tensor([128.0]), generator=generator())


def test_the_same_seed_gives_the_same_binarisation():
    grey = torch.rand(3, 1, 28, 28, generator=generator(9))
    assert torch.equal(
        vae.binarize(grey, generator=generator(4)), vae.binarize(grey, generator=generator(4))
    )
    assert not torch.equal(
        vae.binarize(grey, generator=generator(4)), vae.binarize(grey, generator=generator(5))
    )
