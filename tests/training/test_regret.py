"""Regret: dedicated networks start and train as the conditioned one did.

The difference is that of the objectives.
"""

import dataclasses
import json
import re
import shutil
from pathlib import Path

import pytest
import torch

import vae
from tests.conftest import interrupt, tiny_config, write_idx
from training import evaluate, regret, train
from training.loop import Trainer, initial_model
from training.settings import Settings
from vae.hub.folder import load_folder, write_checksums
from vae.hub.metrics import Dedicated, read_dedicated, read_metrics

SETTINGS = Settings(
    dataset="bars",
    network=tiny_config(image_shape=(1, 28, 28)),
    epochs=2,
    batch_size=50,
    warmup_steps=2,
    beta_warmup_steps=4,
    precision="float32",
)


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory) -> Path:
    """The root of a data set, and of a small conditioned network, trained and measured."""
    root = tmp_path_factory.mktemp("conditioned")
    write_idx(root / "data" / "bars", train=200, test=40)
    weights = train.run(
        train.Arguments(
            preset="toy",
            data_dir=root / "data",
            run_dir=root / "run",
            device="cpu",
            settings=SETTINGS,
        )
    )
    assert measure(weights, root / "data") == 0
    return root


@pytest.fixture(scope="module")
def rivalled(conditioned, tmp_path_factory) -> Path:
    """A copy of all that, with a rival at beta = 1."""
    root = tmp_path_factory.mktemp("rivalled")
    shutil.copytree(conditioned, root, dirs_exist_ok=True)
    assert run(root / "run" / "weights", root / "data", "--betas", "1") == 0
    return root


@pytest.fixture
def data_dir(conditioned, tmp_path) -> Path:
    """The data set and the network without a rival, for one test alone."""
    shutil.copytree(conditioned, tmp_path, dirs_exist_ok=True)
    return tmp_path / "data"


@pytest.fixture
def folder(data_dir) -> Path:
    return data_dir.parent / "run" / "weights"


@pytest.fixture
def rivalled_data_dir(rivalled, tmp_path) -> Path:
    """The data set, the network and its rival, for one test alone."""
    shutil.copytree(rivalled, tmp_path, dirs_exist_ok=True)
    return tmp_path / "data"


@pytest.fixture
def rivalled_folder(rivalled_data_dir) -> Path:
    return rivalled_data_dir.parent / "run" / "weights"


def measure(folder: Path, data_dir: Path) -> int:
    few = ("--samples", "2", "--importance-samples", "2")
    return evaluate.main([str(folder), "--data-dir", str(data_dir), *few])


def run(folder: Path, data_dir: Path, *more: str) -> int:
    return regret.main(
        [
            str(folder),
            "--data-dir",
            str(data_dir),
            "--runs",
            str(data_dir.parent / "runs"),
            "--device",
            "cpu",
            "--precision",
            "float32",
            *more,
        ]
    )


def test_regret_is_the_difference_of_the_objectives_on_the_same_pictures_with_the_same_noise(
    folder, data_dir, capsys
):
    assert run(folder, data_dir, "--betas", "0.1", "10") == 0
    metrics, dedicated = (
        read_metrics(folder / "metrics.json"),
        read_dedicated(folder / "dedicated.json"),
    )
    assert [(entry.beta, entry.examples, entry.seed) for entry in dedicated] == [
        (0.1, 400, 1),
        (10.0, 400, 1),
    ]
    printed = re.findall(r"regret (\S+) nats", capsys.readouterr().out)
    for entry, text in zip(dedicated, printed, strict=True):
        network = data_dir.parent / "runs" / f"toy-beta-{entry.beta:g}" / "weights"
        assert measure(network, data_dir) == 0
        alone = read_metrics(network / "metrics.json").betas[0]
        assert (entry.rate, entry.distortion) == pytest.approx((alone.rate, alone.distortion))
        ours = metrics.at(entry.beta)
        expected = (
            ours.distortion + entry.beta * ours.rate - (alone.distortion + entry.beta * alone.rate)
        )
        assert metrics.regret(entry) == pytest.approx(expected, abs=1e-3)
        assert float(text) == pytest.approx(expected, abs=0.01)
        assert f"{expected:.2f} |" in (folder / "README.md").read_text(encoding="utf-8")
    assert load_folder(folder).dedicated == dedicated  # which is what the app draws


def test_other_betas_stay_and_a_finished_run_is_only_measured_again(
    rivalled_folder, rivalled_data_dir, monkeypatch
):
    first = read_dedicated(rivalled_folder / "dedicated.json")
    assert run(rivalled_folder, rivalled_data_dir, "--betas", "0.1") == 0
    monkeypatch.setattr(train, "run", lambda _: pytest.fail("trained again"))
    assert run(rivalled_folder, rivalled_data_dir, "--betas", "1") == 0
    assert [entry.beta for entry in read_dedicated(rivalled_folder / "dedicated.json")] == [
        0.1,
        1.0,
    ]
    assert read_dedicated(rivalled_folder / "dedicated.json")[1] == first[0]
    assert measure(rivalled_folder, rivalled_data_dir) == 0
    assert "What one network for every beta costs" in (rivalled_folder / "README.md").read_text(
        encoding="utf-8"
    )


def test_an_interrupted_run_goes_on_and_reaches_the_same_weights(
    folder, data_dir, monkeypatch, capsys
):
    with monkeypatch.context() as patch:
        interrupt(patch, step=3)
        assert run(folder, data_dir, "--betas", "1") == 130
    assert "same command" in capsys.readouterr().err
    assert run(folder, data_dir, "--betas", "1") == 0
    whole = train.run(
        train.Arguments(
            preset="toy",
            data_dir=data_dir,
            run_dir=data_dir.parent / "whole",
            device="cpu",
            settings=dataclasses.replace(SETTINGS, loss_weight_power=0.0).for_one_beta(1.0),
        )
    )
    resumed = vae.load(data_dir.parent / "runs" / "toy-beta-1" / "weights").state_dict()
    for name, tensor in vae.load(whole).state_dict().items():
        assert torch.equal(tensor, resumed[name]), name


def test_both_networks_start_from_the_same_weights_and_see_the_same_examples():
    alone, conditioned = (
        initial_model(settings).state_dict() for settings in (SETTINGS.for_one_beta(1.0), SETTINGS)
    )
    assert set(alone) < set(conditioned)
    for name, tensor in alone.items():
        assert torch.equal(tensor, conditioned[name]), name
    assert not torch.equal(
        alone["encoder.first.weight"],
        initial_model(dataclasses.replace(SETTINGS, seed=2)).state_dict()["encoder.first.weight"],
    )


def test_what_both_are_shown_is_the_same(monkeypatch):
    images = torch.randint(
        0, 256, (200, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    shown = []
    for settings in (SETTINGS, SETTINGS.for_one_beta(1.0)):
        trainer = Trainer(settings, images, torch.device("cpu"), {})
        seen = []
        trainer._objective.register_forward_hook(
            lambda _, inputs, __, seen=seen: seen.append((inputs[0], inputs[2]))
        )
        for _ in trainer.remaining_steps():
            pass
        shown.append(seen)
    assert len(shown[0]) == 8
    for (pictures, eps), (other_pictures, other_eps) in zip(*shown, strict=True):
        assert torch.equal(pictures, other_pictures)
        assert torch.equal(eps, other_eps)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--betas", "0.07"], "metrics.json has no beta 0.07; choose among 0.01"),
        (["--data-dir", "nowhere"], "there is no folder nowhere/bars"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(folder, data_dir, capsys, more, sentence):
    assert run(folder, data_dir, *more) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.splitlines()) == 1


def test_a_network_for_one_beta_has_no_regret(rivalled_folder, rivalled_data_dir, capsys):
    capsys.readouterr()
    assert run(rivalled_data_dir.parent / "runs" / "toy-beta-1" / "weights", rivalled_data_dir) == 2
    assert "network for one beta" in capsys.readouterr().err


def test_a_run_with_other_settings_is_not_taken_for_this_one(
    rivalled_folder, rivalled_data_dir, capsys
):
    record = json.loads((rivalled_folder / "training.json").read_text())
    record["settings"]["epochs"] = 3
    (rivalled_folder / "training.json").write_text(json.dumps(record))
    write_checksums(rivalled_folder, "training.json")
    assert run(rivalled_folder, rivalled_data_dir, "--betas", "1") == 2
    assert "other settings" in capsys.readouterr().err


def test_a_finished_rival_counts_in_its_own_precision_unless_another_is_asked_for(
    rivalled_folder, rivalled_data_dir, capsys
):
    """A machine with bfloat16 instructions may train it, and one without may measure it."""
    path = rivalled_data_dir.parent / "runs" / "toy-beta-1" / "weights" / "training.json"
    record = json.loads(path.read_text())
    assert (
        record["command"] == "python -m training.regret weights/toy --betas 1 --precision float32"
    )
    record["settings"]["precision"] = "bfloat16"
    path.write_text(json.dumps(record))
    write_checksums(path.parent, "training.json")
    arguments = [
        str(rivalled_folder),
        "--data-dir",
        str(rivalled_data_dir),
        "--runs",
        str(rivalled_data_dir.parent / "runs"),
        "--betas",
        "1",
    ]
    assert regret.main(arguments) == 0
    capsys.readouterr()
    assert regret.main([*arguments, "--precision", "float32"]) == 2
    assert "other settings (precision: bfloat16 there, float32 here)" in capsys.readouterr().err


def test_regret_at_a_beta_that_was_not_measured_is_refused(folder):
    with pytest.raises(ValueError, match="was not measured"):
        read_metrics(folder / "metrics.json").regret(Dedicated(0.07, 1.0, 1.0, 1, 1))
