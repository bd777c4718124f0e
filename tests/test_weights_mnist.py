"""The committed weights are the ones that were measured, and they reach what they promise."""

import itertools
import json
from pathlib import Path

import pytest
import torch

import vae
from training import evaluate
from vae import hub
from vae.noise import seeded
from vae.weights import load_folder

FOLDER = Path(__file__).parents[1] / "weights" / "mnist"


@pytest.fixture(scope="module")
def mnist():
    return load_folder(FOLDER)


def test_the_bundled_name_is_this_folder():
    assert "mnist" in hub.bundled()
    assert vae.load("mnist").config == vae.load(FOLDER).config
    assert hub.resolve("mnist").source == "bundled"
    assert hub.resolve("mnist") is hub.resolve("mnist")  # chosen once per process


def test_the_first_bar_is_reached_on_the_whole_test_set(mnist):
    assert mnist.metrics.test_count == 10_000
    assert mnist.metrics.at(1.0).negative_elbo <= 89.5
    bound = mnist.metrics.importance_weighted
    assert (bound.beta, bound.samples, bound.count) == (1.0, 500, 10_000)
    assert bound.nats < mnist.metrics.at(1.0).negative_elbo - 1


def test_the_rate_falls_strictly_until_it_is_dead(mnist):
    rates = {entry.beta: entry.rate for entry in mnist.metrics.betas}
    assert len(rates) >= 25
    rising = sorted(beta for beta in rates if 0.01 <= beta <= 10)
    assert all(rates[low] > rates[high] for low, high in itertools.pairwise(rising))
    assert rates[max(rates)] < 0.05


def test_each_beta_is_best_at_its_own_objective(mnist):
    """What "the slider is real" means: no other setting of the slider has a lower distortion + beta * rate."""
    entries = [entry for entry in mnist.metrics.betas if entry.beta in (0.01, 0.1, 1.0, 3.15, 10.0)]
    for wanted in entries:
        objectives = {entry.beta: entry.distortion + wanted.beta * entry.rate for entry in entries}
        assert min(objectives, key=objectives.get) == pytest.approx(wanted.beta), objectives


def test_metrics_are_reproduced_on_the_reference_pictures(mnist):
    """The reference pictures are the first of the test set: the same binarisation, the same noise, the same numbers."""
    pictures = torch.from_numpy(mnist.reference.images)
    everything = torch.zeros(mnist.metrics.test_count, *pictures.shape[1:], dtype=torch.uint8)
    everything[:len(pictures)] = pictures  # the binarisation was drawn for the whole test set at once
    seed, observed = mnist.metrics.seed, evaluate.observed(mnist.model, everything, mnist.metrics.seed)[:len(pictures)]
    for beta, rate, distortion in mnist.metrics.reference:
        batches = [vae.elbo(mnist.model, batch, beta, generator=seeded(seed, "noise", number), samples=mnist.metrics.samples)
                   for number, batch in enumerate(observed.split(evaluate.BATCH))]
        assert torch.cat([terms.rate for terms in batches]).double().mean().item() == pytest.approx(rate, rel=2e-4)
        assert torch.cat([terms.distortion for terms in batches]).double().mean().item() == pytest.approx(distortion, rel=2e-4)


def test_reconstructions_of_the_examples_are_close_at_a_small_beta_and_all_alike_after_collapse(mnist):
    images = vae.binarize(torch.from_numpy(mnist.examples.images) / 255, generator=seeded(0))
    close = mnist.model.decode(mnist.model.encode(images, 0.01).mean, 0.01).mean
    assert ((close > 0.5).float() == images).float().mean() > 0.93
    blind = mnist.model.decode(mnist.model.encode(images, 50.0).mean, 50.0).mean
    assert (blind - blind[:1]).abs().max() < 0.1


def test_the_examples_are_one_of_each_digit(mnist):
    assert sorted(mnist.examples.labels.tolist()) == list(range(10))
    assert len(mnist.reference.images) == 2_000


def test_the_folder_is_small_and_says_where_it_comes_from():
    assert (FOLDER / "model.safetensors").stat().st_size <= 10_000_000
    record = json.loads((FOLDER / "training.json").read_text())
    assert record["settings"]["dataset"] == "mnist"
    assert record["data_sha256"]["train-images-idx3-ubyte.gz"].startswith("440fcabf")
    for picture in ("rate_distortion", "reconstructions", "samples"):
        assert (FOLDER / "figures" / f"{picture}.png").stat().st_size > 5_000
