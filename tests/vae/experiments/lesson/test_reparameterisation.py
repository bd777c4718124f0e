"""The reparameterisation trick: draws have the claimed spread, and all estimates agree."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from scipy import stats

from tests.conftest import random_model, tiny_config
from vae import experiments
from vae.elbo import exact_elbo
from vae.experiments.lesson import reparameterisation
from vae.hub import sources
from vae.model import DiagonalGaussian
from vae.noise import seeded, standard_normal


@pytest.fixture(scope="module")
def plane():
    return sources.resolve("mnist-2d")


@pytest.fixture(scope="module")
def seen(plane):
    return experiments.reconstruct(plane.network, plane.examples.picture("1").numpy(), 1.0, seed=7)


@pytest.fixture(scope="module")
def drawn(plane, seen):
    return reparameterisation.draw_gradients(plane.network, seen.observed, 1.0, seed=7)


def test_the_draw_that_is_followed_is_the_one_that_the_playground_decodes(seen):
    for dimension in range(2):
        draw = reparameterisation.follow(seen, dimension)
        assert draw.z == pytest.approx(float(seen.z[dimension]), abs=1e-6)
        assert draw.deviation == pytest.approx(float(seen.posterior_deviation[dimension]), rel=1e-6)
        assert draw.log_variance == pytest.approx(2 * math.log(draw.deviation))
        assert draw.z - draw.mean == pytest.approx(draw.scaled)
    with pytest.raises(IndexError, match="0 to 1"):
        reparameterisation.follow(seen, 2)


def test_each_step_is_drawn_as_the_distribution_that_it_has(seen):
    draw = reparameterisation.follow(seen, 1)
    normals = (
        stats.norm(0, 1),
        stats.norm(0, draw.deviation),
        stats.norm(draw.mean, draw.deviation),
    )
    for curve, normal in zip(draw.steps, normals, strict=True):
        assert np.allclose(curve.y, normal.pdf(curve.x) / normal.pdf(normal.mean()), atol=1e-9)


def one_draw(seen, deviation: float) -> reparameterisation.OneDraw:
    changed = dataclasses.replace(seen, posterior_deviation=np.array([deviation, 1.0]))
    return reparameterisation.follow(changed, 0)


@pytest.mark.parametrize("deviation", [0.05, 0.2, 0.5, 0.9])
def test_only_sigma_gives_the_claimed_distribution(seen, deviation):
    draw = one_draw(seen, deviation)
    factors = {
        "deviation": deviation,
        "variance": deviation**2,
        "log_variance": 2 * math.log(deviation),
    }
    for factor, value in factors.items():
        found = reparameterisation.spread(draw, factor, seed=7)
        eps = (
            standard_normal((reparameterisation.DRAWS,), seeded(7, "spread"), torch.device("cpu"))
            .double()
            .numpy()
        )
        z = draw.mean + value * eps
        assert found.value == pytest.approx(value)
        assert found.measured == pytest.approx(z.std(ddof=1))
        assert found.within == np.mean(np.abs(z - draw.mean) < 2 * deviation)
        # A test that knows the whole distribution agrees with the one of the deviation alone.
        accepted = stats.kstest(z, stats.norm(draw.mean, deviation).cdf).pvalue > 1e-4
        assert found.fits == accepted == (factor == "deviation") == found.right


def test_a_wrong_factor_may_fit_by_coincidence_and_is_still_not_the_right_one(seen):
    deviation = 0.70347  # where 2 log(1 / sigma) = sigma
    found = reparameterisation.spread(one_draw(seen, deviation), "log_variance", seed=7)
    assert found.fits
    assert not found.right
    assert not reparameterisation.spread(one_draw(seen, deviation), "variance", seed=7).fits


def test_the_deviation_of_so_many_draws_scatters_by_its_standard_error(seen):
    draw = one_draw(seen, 0.3)
    found = [
        reparameterisation.spread(draw, "deviation", seed=seed, draws=500) for seed in range(200)
    ]
    assert np.std([one.measured for one in found]) == pytest.approx(found[0].chance, rel=0.2)
    assert all(one.fits for one in found)


def test_the_histogram_counts_the_draws_and_peaks_at_one(seen):
    for factor in reparameterisation.FACTORS:
        found = reparameterisation.spread(one_draw(seen, 0.2), factor, seed=7)
        eps = (
            standard_normal((reparameterisation.DRAWS,), seeded(7, "spread"), torch.device("cpu"))
            .double()
            .numpy()
        )
        widths = np.diff(found.histogram.x)
        assert np.allclose(widths, widths[0])
        counts = (
            found.histogram.y
            * reparameterisation.DRAWS
            * widths[0]
            / (abs(found.value) * math.sqrt(2 * math.pi))
        )
        middle = found.histogram.x[reparameterisation.BINS // 2]
        assert counts[reparameterisation.BINS // 2] == pytest.approx(
            np.sum(np.abs(found.mean + found.value * eps - middle) <= widths[0] / 2), abs=1
        )
        assert counts.sum() == pytest.approx(reparameterisation.DRAWS, rel=2e-3)
        assert found.curve.y.max() == pytest.approx(1, abs=1e-3)
    with pytest.raises(KeyError):
        reparameterisation.spread(one_draw(seen, 0.2), "sigma", seed=7)


@pytest.mark.parametrize("dimension", [0, 1])
@pytest.mark.parametrize("parameter", reparameterisation.PARAMETERS)
def test_the_exact_gradient_is_the_slope_of_the_exact_distortion(
    plane, seen, drawn, parameter, dimension
):
    """Central differences of the distortion by quadrature.

    mu or log sigma of this dimension is moved to both sides.
    """
    observed = torch.from_numpy(seen.observed)
    mean, deviation = (
        torch.from_numpy(values)[None].double()
        for values in (seen.posterior_mean, seen.posterior_deviation)
    )
    step = 0.05 * float(deviation[0, dimension]) if parameter == "mean" else 0.05

    def distortion(shift: float) -> float:
        moved = torch.zeros_like(mean)
        moved[0, dimension] = shift
        q = (
            DiagonalGaussian((mean + moved).float(), (2 * deviation.log()).float())
            if parameter == "mean"
            else DiagonalGaussian(mean.float(), (2 * (deviation.log() + moved)).float())
        )
        return float(exact_elbo(plane.network, observed, 1.0, q=q).distortion[0])

    slope = (distortion(step) - distortion(-step)) / (2 * step)
    assert reparameterisation.gradients(drawn, dimension, parameter).reference == pytest.approx(
        slope, rel=0.01, abs=0.01
    )


@pytest.mark.parametrize("dimension", [0, 1])
@pytest.mark.parametrize("parameter", reparameterisation.PARAMETERS)
def test_all_three_estimates_aim_at_the_exact_gradient_and_the_trick_scatters_least(
    drawn, parameter, dimension
):
    found = reparameterisation.gradients(drawn, dimension, parameter)
    assert found.reference_error == found.reference_draws == 0
    for estimate in (found.pathwise, found.score, found.score_baseline):
        assert len(estimate.samples) == reparameterisation.SAMPLES
        assert estimate.mean == pytest.approx(found.reference, abs=4 * estimate.standard_error)
    assert found.pathwise.standard_error < 0.1 * max(abs(found.reference), 1)
    assert found.variance_ratio > 100 > found.variance_ratio_baseline > 1


def test_the_score_function_is_the_derivative_of_log_q(seen, drawn):
    q = torch.distributions.Normal(
        *(
            torch.from_numpy(values).double().requires_grad_()
            for values in (seen.posterior_mean, seen.posterior_deviation)
        )
    )
    z = torch.from_numpy(seen.posterior_mean) + torch.from_numpy(
        seen.posterior_deviation
    ) * torch.from_numpy(drawn.eps[:5])
    for draw in range(5):
        for dimension in range(2):
            log_q = q.log_prob(z[draw].double())[dimension]
            of_mean, of_deviation = torch.autograd.grad(log_q, (q.loc, q.scale))
            expected = {
                "mean": of_mean[dimension],
                "log_deviation": of_deviation[dimension] * q.scale.detach()[dimension],
            }
            for parameter, derivative in expected.items():
                samples = reparameterisation.gradients(drawn, dimension, parameter).score.samples
                assert samples[draw] == pytest.approx(
                    float(drawn.losses[draw] * derivative), rel=1e-3, abs=1e-2
                )


def test_the_baseline_of_a_draw_does_not_know_that_draw(drawn):
    found = reparameterisation.gradients(drawn, 1, "log_deviation")
    others = np.delete(drawn.losses, 3).mean()
    assert found.score_baseline.samples[3] == pytest.approx(
        (drawn.losses[3] - others) * (drawn.eps[3, 1] ** 2 - 1), rel=1e-5
    )


def test_of_many_dimensions_the_reference_is_the_mean_of_other_draws(monkeypatch):
    monkeypatch.setattr(reparameterisation, "REFERENCE_DRAWS", 3_000)
    model = random_model(tiny_config())
    observed = (
        (torch.rand(1, 6, 5, generator=torch.Generator().manual_seed(1)) < 0.4).float().numpy()
    )
    drawn = reparameterisation.draw_gradients(model, observed, 1.0, seed=3, samples=2_000)
    found = reparameterisation.gradients(drawn, 1, "mean")
    assert found.reference_draws == 3_000
    assert found.reference_error > 0
    for estimate in (found.pathwise, found.score, found.score_baseline):
        error = math.hypot(estimate.standard_error, found.reference_error)
        assert estimate.mean == pytest.approx(found.reference, abs=4 * error)


def test_the_same_seed_is_the_same_gradient_and_what_is_not_there_is_an_error(plane, seen, drawn):
    observed = seen.observed
    again = reparameterisation.draw_gradients(
        plane.network, observed, 1.0, seed=7, samples=reparameterisation.SAMPLES
    )
    assert np.array_equal(again.losses, drawn.losses)
    assert not np.array_equal(
        reparameterisation.draw_gradients(plane.network, observed, 1.0, seed=8, samples=10).eps,
        drawn.eps[:10],
    )
    with pytest.raises(ValueError, match="tuple"):
        reparameterisation.gradients(drawn, 0, "sigma")
    with pytest.raises(IndexError, match="0 to 1"):
        reparameterisation.gradients(drawn, 2, "mean")
    with pytest.raises(ValueError, match="plain autoencoder"):
        reparameterisation.draw_gradients(
            sources.resolve("mnist-2d-autoencoder").network, observed, 0.0, seed=7
        )


def test_the_memory_of_gradients_does_not_grow_with_the_number_of_draws(monkeypatch):
    """Autograd keeps every feature that a gradient needs until it is there."""
    monkeypatch.setattr(reparameterisation, "REFERENCE_DRAWS", 2)
    network, kept, most = random_model(tiny_config()), [0], [0]

    class Kept:
        def __init__(self, tensor: torch.Tensor) -> None:
            self.tensor = tensor
            kept[0] += tensor.nbytes
            most[0] = max(most[0], kept[0])

        def __del__(self) -> None:
            kept[0] -= self.tensor.nbytes

    peaks = []
    for samples in (128, 1024):
        most[0] = 0
        with torch.autograd.graph.saved_tensors_hooks(Kept, lambda held: held.tensor):
            reparameterisation.draw_gradients(
                network, np.zeros((1, 6, 5), np.float32), 1.0, seed=7, samples=samples
            )
        peaks.append(most[0])
    assert 0 < peaks[1] < 1.1 * peaks[0]
    assert kept == [0]
