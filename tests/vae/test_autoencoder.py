"""A plain autoencoder is a network at beta 0: no noise, no rate, no ELBO.

Its loss is the distortion alone.
"""

import dataclasses
import json
import math

import numpy as np
import pytest
import torch

import vae
from tests.conftest import generator, random_model, tiny_config
from vae import experiments
from vae.hub.folder import load_model, save_model
from vae.hub.metrics import (
    BetaMetrics,
    ImportanceWeighted,
    Metrics,
    beta_stops,
    read_metrics,
    write_metrics,
)

CONFIG = tiny_config(beta_range=(0.0, 0.0), latent_dim=2)


@pytest.fixture
def autoencoder() -> vae.VAE:
    return random_model(CONFIG)


def test_its_code_is_a_point(autoencoder, binary_images):
    q = autoencoder.encode(binary_images, 0.0)
    assert not q.standard_deviation.any()
    assert torch.equal(q.at(torch.randn(5, 7, 2, generator=generator())), q.mean.expand(5, 7, 2))


def test_its_loss_is_the_bernoulli_distortion_at_that_point(autoencoder, binary_images):
    logits = autoencoder.decode(autoencoder.encode(binary_images, 0.0).mean, 0.0).logits
    expected = -torch.distributions.Bernoulli(logits=logits).log_prob(binary_images).sum((1, 2, 3))
    torch.testing.assert_close(vae.point_distortion(autoencoder, binary_images, 0.0), expected)


def test_elbo_and_bound_refuse_it_by_name(autoencoder, binary_images):
    with pytest.raises(ValueError, match="plain autoencoder"):
        vae.elbo(autoencoder, binary_images, 0.0, generator=generator())
    with pytest.raises(ValueError, match="plain autoencoder"):
        vae.importance_weighted_bound(
            autoencoder, binary_images, 0.0, samples=3, generator=generator()
        )


def test_it_has_no_other_beta(autoencoder, binary_images):
    with pytest.raises(ValueError, match="beta"):
        autoencoder.encode(binary_images, 1.0)
    with pytest.raises(ValueError, match="beta_range"):
        dataclasses.replace(CONFIG, beta_range=(0.0, 1.0))


def test_for_a_variational_model_the_mean_is_not_the_distortion(model, binary_images):
    """Evaluating with z = mu and calling it the ELBO is a known trap."""
    draws = vae.elbo(model, binary_images, 5.0, generator=generator(), samples=5000).distortion
    again = vae.elbo(model, binary_images, 5.0, generator=generator(1), samples=5000).distortion
    gap = (vae.point_distortion(model, binary_images, 5.0) - draws).abs().mean()
    assert gap > 5 * (again - draws).abs().mean()


def test_a_picture_goes_through_it_without_noise_and_with_an_infinite_rate(
    autoencoder, binary_images
):
    seen = experiments.reconstruct(autoencoder, binary_images[0].numpy(), 0.0, seed=1)
    assert np.array_equal(seen.z, seen.posterior_mean)
    assert math.isinf(seen.rate)
    own = experiments.trade_off(autoencoder, binary_images[0].numpy(), (0.0,), seed=1)
    assert own.distortion[0] == pytest.approx(
        vae.point_distortion(autoencoder, binary_images[:1], 0.0).item()
    )
    average = BetaMetrics(
        0.0, math.inf, 9.0, (math.inf, math.inf), 2, tuple(np.linspace(0, 100, 101))
    )
    loss = experiments.breakdown(own, average)
    assert loss.objective == pytest.approx(own.distortion[0])
    assert loss.easier_than == pytest.approx(1 - own.distortion[0] / 100, abs=1e-6)


def test_its_metrics_are_stored_as_json_without_infinities(tmp_path):
    quantiles = tuple(float(value) for value in range(101))
    metrics = Metrics(
        test_count=5,
        seed=0,
        samples=1,
        importance_weighted=None,
        reference=(),
        betas=(BetaMetrics(0.0, math.inf, 50.0, (math.inf, math.inf), 2, quantiles),),
    )
    write_metrics(tmp_path / "metrics.json", metrics)
    assert "Infinity" not in (tmp_path / "metrics.json").read_text()
    assert read_metrics(tmp_path / "metrics.json") == metrics
    assert metrics.at(1.0).beta == 0
    assert beta_stops((0.0, 0.0)) == (0.0,)


def test_a_variational_model_may_not_lack_a_rate(tmp_path):
    quantiles = tuple(float(value) for value in range(101))
    bound = ImportanceWeighted(beta=1.0, samples=5, count=5, nats=40.0, standard_error=1.0)
    metrics = Metrics(
        test_count=5,
        seed=0,
        samples=1,
        importance_weighted=bound,
        reference=(),
        betas=(BetaMetrics(1.0, math.inf, 50.0, (math.inf,), 1, quantiles),),
    )
    write_metrics(tmp_path / "metrics.json", metrics)
    with pytest.raises(ValueError, match="finite"):
        read_metrics(tmp_path / "metrics.json")


def test_it_is_saved_and_loaded_as_any_other(autoencoder, binary_images, tmp_path):
    save_model(tmp_path, autoencoder, torch.float32)
    assert json.loads((tmp_path / "config.json").read_text())["beta_range"] == [0.0, 0.0]
    again = load_model(tmp_path)
    assert torch.equal(
        again.encode(binary_images, 0.0).mean, autoencoder.encode(binary_images, 0.0).mean
    )
