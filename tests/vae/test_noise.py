"""Noise: a seed of named parts gives one stream, and every other seed another one."""

import itertools

import pytest
import torch

from vae.noise import seeded, standard_normal, uniform

CPU = torch.device("cpu")


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
