"""Evaluation: every number of metrics.json is recomputed here by plain loops.

The whole folder comes out complete.
"""

import dataclasses
import json
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import vae
from tests.conftest import generator, random_model, striped_digits, tiny_config, write_idx
from training import evaluate, progress
from vae.hub.folder import load_folder, save_model
from vae.hub.metrics import read_metrics

CONFIG = tiny_config(image_shape=(1, 28, 28), beta_range=(0.1, 10.0))


TESTED = 65  # pictures: more than a batch, and the last one is short


@pytest.fixture(scope="module", autouse=True)
def small_batches() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "BATCH", 50)
        yield


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Path:
    """An untrained model with the record of a training run, and a data set beside it."""
    root = tmp_path_factory.mktemp("untrained")
    write_idx(root / "data" / "bars", train=40, test=TESTED)
    save_model(root / "toy", random_model(CONFIG))
    network = {"likelihood": "bernoulli", "beta_range": [0.1, 10.0], "latent_dim": 3}
    record = {
        "settings": {"dataset": "bars", "epochs": 1, "network": network},
        "examples_seen": 1,
        "minutes": 0.1,
        "machine": "none",
        "parameters": 1,
        "seed": 1,
        "command": "x",
        "preset": "toy",
    }
    (root / "toy" / "training.json").write_text(json.dumps(record))
    return root / "toy"


def copied(folder: Path, target: Path) -> Path:
    """A weights folder and the data set beside it."""
    shutil.copytree(folder.parent, target, dirs_exist_ok=True)
    return target / folder.name


@pytest.fixture
def folder(untrained, tmp_path) -> Path:
    """The untrained model, for one test alone."""
    return copied(untrained, tmp_path)


@pytest.fixture(scope="module")
def evaluated(untrained, tmp_path_factory) -> Path:
    """The untrained model once it was measured."""
    folder = copied(untrained, tmp_path_factory.mktemp("evaluated"))
    assert run(folder) == 0
    return folder


@pytest.fixture
def measured(evaluated, tmp_path) -> Path:
    """The measured model, for one test alone."""
    return copied(evaluated, tmp_path)


def run(folder: Path, *more: str) -> int:
    data_dir = str(folder.parent / "data")
    return evaluate.main(
        [str(folder), "--data-dir", data_dir, "--samples", "2", "--importance-samples", "5", *more]
    )


def test_evaluation_fills_the_folder_and_reproduces_itself(evaluated):
    folder = evaluated
    everything = load_folder(folder)
    assert everything.metrics.test_count == TESTED
    assert len(everything.examples.images) == 10
    assert everything.examples.names == tuple("0123456789")
    assert len(everything.reference.images) == TESTED
    training_images, _ = striped_digits(40, seed=1)
    np.testing.assert_allclose(
        everything.reference.mean_training_pixel[0], training_images.mean(0) / 255, atol=1e-6
    )
    figures = {path.name for path in (folder / "figures").iterdir()}
    assert figures == {"rate_distortion.png", "reconstructions.png", "samples.png"}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"{everything.metrics.at(1.0).rate:.2f}" in card
    assert run(folder, "--check") == 0


def test_a_long_evaluation_says_once_how_long_the_rest_will_take(folder, monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS_BEFORE_FORECAST", 0.0)
    run(folder)
    assert (
        len(
            re.findall(
                r"^about \d+ seconds to go; ends at about .*\d\d:\d\d$",
                capsys.readouterr().out,
                re.M,
            )
        )
        == 1
    )


def test_the_check_of_a_grey_model_needs_the_test_part_alone(measured):
    for path in (measured.parent / "data" / "bars").glob("train-*"):
        path.unlink()
    assert run(measured, "--check") == 0


def test_check_notices_a_number_that_is_not_reproduced_and_writes_nothing(measured):
    path = measured / "metrics.json"
    raw = json.loads(path.read_text())
    raw["betas"][3]["rate"] += 0.1
    path.write_text(json.dumps(raw))
    before = path.read_bytes()
    assert run(measured, "--check") == 1
    assert path.read_bytes() == before


def test_a_number_that_is_not_finite_is_never_reproduced(evaluated):
    metrics = read_metrics(evaluated / "metrics.json")
    broken = dataclasses.replace(
        metrics, importance_weighted=dataclasses.replace(metrics.importance_weighted, nats=math.nan)
    )
    assert evaluate._compare(metrics, metrics) == 0
    assert evaluate._compare(metrics, broken) == 1
    assert evaluate._compare(broken, broken) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text("{}"),
        lambda path: path.write_text("<"),
    ],
)
def test_a_folder_without_the_record_of_its_training_is_refused_before_it_is_measured(
    folder, capsys, damage
):
    damage(folder / "training.json")
    assert run(folder) == 2
    assert "training.json" in capsys.readouterr().err
    assert not (folder / "metrics.json").exists()


def test_check_without_metrics_says_so_before_it_measures(folder, capsys):
    assert run(folder, "--check") == 2
    assert "metrics.json" in capsys.readouterr().err


def test_a_network_for_one_beta_is_measured_and_reproduced_too(folder):
    save_model(folder, random_model(CONFIG.for_one_beta(0.5)))
    record = json.loads((folder / "training.json").read_text())
    record["settings"]["network"]["beta_range"] = [0.5, 0.5]
    (folder / "training.json").write_text(json.dumps(record))
    assert run(folder) == 0
    assert run(folder, "--check") == 0
    assert "at beta = 0.5 alone" in (folder / "README.md").read_text(encoding="utf-8")
    assert len(load_folder(folder).metrics.betas) == 1


def test_averages_are_over_pictures_not_over_batches():
    images = torch.from_numpy(striped_digits(TESTED, seed=2)[0])[:, None]
    # the short last batch is unlike the others: an average of batch averages would show it
    images[50:] = 0
    model = random_model(CONFIG)
    metrics = evaluate.measure(model, images, seed=0, samples=8, importance_samples=2)
    entry = metrics.at(1.0)
    pictures = evaluate.observe_test_set(model, images, seed=0)
    q = model.encode(pictures, 1.0)
    prior = torch.distributions.Normal(0.0, 1.0)
    kl = torch.distributions.kl_divergence(
        torch.distributions.Normal(q.mean, torch.exp(q.log_variance / 2)), prior
    )
    assert entry.rate == pytest.approx(kl.sum(1).mean().item(), rel=1e-4)
    np.testing.assert_allclose(entry.rate_per_dimension, kl.mean(0).numpy(), rtol=1e-4, atol=1e-6)
    assert entry.active_units == int((kl.mean(0) > 0.01).sum())
    many = vae.elbo(model, pictures, 1.0, generator=generator(), samples=50).distortion
    assert entry.distortion == pytest.approx(many.mean().item(), abs=0.5)
    assert (
        entry.objective_quantiles[0]
        <= entry.objective_quantiles[50]
        <= entry.objective_quantiles[100]
    )
    assert metrics.importance_weighted.nats <= entry.negative_elbo + 1


def test_the_reference_numbers_are_those_of_the_first_pictures(evaluated):
    everything = load_folder(evaluated)
    expected = {entry.beta: entry for entry in everything.metrics.betas}
    for beta, rate, distortion in everything.metrics.reference:
        # here the reference pictures are the whole test set
        assert rate == pytest.approx(expected[beta].rate, rel=1e-5)
        assert distortion == pytest.approx(expected[beta].distortion, rel=1e-5)


def test_a_folder_without_weights_is_one_sentence(tmp_path, capsys):
    assert evaluate.main([str(tmp_path / "nothing")]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_the_metrics_file_is_what_the_package_reads(evaluated):
    assert read_metrics(evaluated / "metrics.json").betas[0].beta == 0.1


def test_a_plain_autoencoder_is_measured_and_reproduced_and_its_card_says_what_it_lacks(folder):
    save_model(
        folder, random_model(dataclasses.replace(CONFIG, beta_range=(0.0, 0.0), latent_dim=2))
    )
    record = json.loads((folder / "training.json").read_text())
    record["settings"]["network"]["beta_range"] = [0.0, 0.0]
    (folder / "training.json").write_text(json.dumps(record))
    assert run(folder) == 0
    assert run(folder, "--check") == 0
    everything = load_folder(folder)
    pictures = evaluate.observe_test_set(
        everything.network, torch.from_numpy(everything.reference.images), 0
    )
    expected = vae.point_distortion(everything.network, pictures, 0.0).mean().item()
    assert everything.metrics.betas[0].distortion == pytest.approx(expected, rel=1e-5)
    assert everything.metrics.importance_weighted is None
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "plain autoencoder" in card
    assert f"{expected:.2f} nats" in card
    assert "ELBO of the decoder" not in card
    assert sorted(path.stem for path in (folder / "figures").iterdir()) == [
        "latent_plane",
        "reconstructions",
        "samples",
    ]
