"""Noise: a seed of named parts gives one stream, and every other seed another one."""

import itertools

import pytest
import torch

from vae.noise import quasi_normal, seeded, standard_normal, uniform

CPU = torch.device("cpu")
SEEDS = 400


def test_the_same_parts_give_the_same_stream_and_all_others_another():
    seeds = [(7,), (8,), (7, "eps"), (7, "eps", 0), (7, "eps", 1), (7, "pixels"), ("7",), ("7eps",)]
    streams = [standard_normal((4,), seeded(*parts), CPU) for parts in seeds]
    for parts, stream in zip(seeds, streams, strict=True):
        assert torch.equal(standard_normal((4,), seeded(*parts), CPU), stream)
    for one, other in itertools.combinations(streams, 2):
        assert not torch.equal(one, other)


def test_a_stream_is_what_it_was():
    """Links and published numbers rest on these draws."""
    assert standard_normal((3,), seeded(7, "eps", 0), CPU).tolist() == pytest.approx(
        [-0.866072, -0.789423, -1.010625], abs=1e-6
    )
    assert uniform((3,), seeded(7, "pixels"), CPU).tolist() == pytest.approx(
        [0.798221, 0.307116, 0.63567], abs=1e-6
    )


def test_neither_torchs_own_generator_nor_other_draws_are_touched():
    before = torch.get_rng_state()
    generator = seeded(1)
    first, second = uniform((5,), generator, CPU), uniform((5,), generator, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert not torch.equal(first, second)


def test_the_draws_have_the_range_and_the_moments_of_their_distribution():
    flat = uniform((100, 200), seeded("flat"), CPU)
    normal = standard_normal((100, 200), seeded("normal"), CPU)
    assert flat.dtype == normal.dtype == torch.float32
    assert 0 <= flat.min() < 0.001 < 0.999 < flat.max() < 1
    assert flat.mean().item() == pytest.approx(0.5, abs=0.01)
    assert normal.mean().item() == pytest.approx(0, abs=0.03)
    assert normal.std().item() == pytest.approx(1, abs=0.03)


def smooth(draws: torch.Tensor) -> torch.Tensor:
    """A smooth function of draws (…, D), as a picture's distortion is."""
    weights = torch.linspace(0.2, 0.6, draws.shape[-1]) / draws.shape[-1] ** 0.5
    return torch.log1p(torch.exp(draws @ weights + 1))


def test_the_generator_gives_quasi_random_draws_and_no_other_state():
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


def test_each_quasi_random_point_is_a_draw_from_a_standard_normal():
    """One point of each seed, since those of one seed are not independent."""
    draws = torch.stack([quasi_normal(16, 8, seeded(seed))[3] for seed in range(SEEDS)])
    values = draws.flatten()
    error = 4 / len(values) ** 0.5
    assert float(values.mean()) == pytest.approx(0, abs=error)
    assert float(values.var()) == pytest.approx(1, abs=2**0.5 * error)
    assert float((values**4).mean()) == pytest.approx(3, abs=96**0.5 * error)
    correlation = torch.corrcoef(draws.T) - torch.eye(8)
    assert correlation.abs().max() < 4 / SEEDS**0.5


def test_all_quasi_random_points_are_finite(monkeypatch):
    """Also where a point lies on the edge of the cube, as unscrambled ones begin with 0."""
    assert quasi_normal(256, 256, seeded(1)).isfinite().all()
    monkeypatch.setattr(
        "vae.noise.SobolEngine.draw",
        lambda engine, count, dtype: torch.tensor([[0.0], [1.0]], dtype=dtype),
    )
    assert quasi_normal(2, 1, seeded(1)).isfinite().all()
