"""Quasi-random normal draws: the generator's, spread evenly, and no worse than more of others."""

import pytest
import torch

from vae.noise import quasi_normal, seeded

SEEDS = 400


def smooth(draws: torch.Tensor) -> torch.Tensor:
    """A smooth function of draws (…, D), as a picture's distortion is."""
    weights = torch.linspace(0.2, 0.6, draws.shape[-1]) / draws.shape[-1] ** 0.5
    return torch.log1p(torch.exp(draws @ weights + 1))


def test_the_generator_gives_them_and_no_other_state():
    one, again, other = (quasi_normal(16, 34, seeded(seed, "eps")) for seed in (7, 7, 8))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert one.shape == (16, 34)
    assert one.dtype == torch.float32


@pytest.mark.parametrize("dimensions", [2, 34])
def test_a_mean_over_sixteen_is_as_exact_as_one_over_sixty_four_independent_draws(dimensions):
    quasi = torch.stack([quasi_normal(16, dimensions, seeded(seed)) for seed in range(SEEDS)])
    means = smooth(quasi).mean(1)
    independent = torch.randn(SEEDS, 64, dimensions, generator=seeded(0, "independent"))
    others = smooth(independent).mean(1)
    assert means.std() < 1.3 * others.std()
    error = 4 * float(others.std()) / SEEDS**0.5
    assert float(means.mean()) == pytest.approx(float(others.mean()), abs=error)


def test_each_is_a_draw_from_a_standard_normal():
    """One point of each seed, since those of one seed are not independent."""
    draws = torch.stack([quasi_normal(16, 8, seeded(seed))[3] for seed in range(SEEDS)])
    values = draws.flatten()
    error = 4 / len(values) ** 0.5
    assert float(values.mean()) == pytest.approx(0, abs=error)
    assert float(values.var()) == pytest.approx(1, abs=2**0.5 * error)
    assert float((values**4).mean()) == pytest.approx(3, abs=96**0.5 * error)
    correlation = torch.corrcoef(draws.T) - torch.eye(8)
    assert correlation.abs().max() < 4 / SEEDS**0.5


def test_all_are_finite(monkeypatch):
    """Also where a point lies on the edge of the cube, as unscrambled ones begin with 0."""
    assert quasi_normal(256, 256, seeded(1)).isfinite().all()
    monkeypatch.setattr(
        "vae.noise.SobolEngine.draw",
        lambda engine, count, dtype: torch.tensor([[0.0], [1.0]], dtype=dtype),
    )
    assert quasi_normal(2, 1, seeded(1)).isfinite().all()
