"""Training: it learns, it can be interrupted at any step, and it says in one sentence what is wrong."""

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError

import vae
from tests.conftest import generator, striped_digits, tiny_config, write_idx
from training import loop, train
from training.loop import Trainer, TrainingError, log_uniform
from training.settings import PRESETS, Settings
from vae.noise import seeded

ROOT = Path(__file__).parents[2]
NETWORK = tiny_config(image_shape=(1, 28, 28), channels=8, width=32, latent_dim=4)
CPU = torch.device("cpu")
DATA = {"train-images-idx3-ubyte.gz": "0" * 64}


def settings(**changes) -> Settings:
    values = {"dataset": "bars", "network": NETWORK, "epochs": 2, "batch_size": 64, "warmup_steps": 5, "learning_rate": 5e-3,
              "beta_warmup_steps": 20, "ema_decay": 0.9}
    return Settings(**(values | changes))


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.from_numpy(striped_digits(1200, seed=1)[0])[:, None]


def weights_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {**dict(trainer.model.named_parameters()), **{f"average {name}": value for name, value in trainer.average.items()}}


def assert_equal(one: Trainer, other: Trainer) -> None:
    for name, tensor in weights_of(one).items():
        assert torch.equal(tensor, weights_of(other)[name]), name


def finish(trainer: Trainer) -> Trainer:
    for _ in trainer.remaining():
        pass
    return trainer


def test_a_tiny_run_learns_bars_at_every_beta_but_the_collapsed_ones(images):
    trainer = finish(Trainer(settings(epochs=40), images, CPU, DATA))
    model = trainer.averaged_model()
    test = vae.binarize(torch.from_numpy(striped_digits(300, seed=9)[0])[:, None] / 255, generator=generator())
    ink = test.mean(0).clamp(1e-3, 1 - 1e-3)
    no_code = torch.distributions.Bernoulli(ink).log_prob(test).sum((1, 2, 3)).mean().neg()  # about 105 nats
    with torch.no_grad():
        terms = {beta: vae.elbo(model, test, beta, generator=generator(1)) for beta in (0.01, 1.0, 50.0)}
    assert terms[1.0].negative_elbo.mean() < 45
    assert no_code > 90
    assert terms[0.01].rate.mean() > terms[1.0].rate.mean() > terms[50.0].rate.mean()
    assert terms[50.0].rate.mean() < 0.4 * terms[0.01].rate.mean()


@pytest.mark.parametrize("stop", [0, 1, 11, 18, 19, 35])
def test_resuming_after_any_step_equals_an_uninterrupted_run_bit_for_bit(images, tmp_path, stop):
    whole = finish(Trainer(settings(), images, CPU, DATA))
    first = Trainer(settings(), images, CPU, DATA)
    steps = first.remaining()
    for _ in range(stop):
        next(steps)
    first.save(tmp_path / "checkpoint.safetensors")
    second = Trainer(settings(), images, CPU, DATA)
    second.restore(tmp_path / "checkpoint.safetensors")
    assert second.step == stop
    assert_equal(finish(second), whole)


def test_saving_changes_nothing(images, tmp_path):
    whole = finish(Trainer(settings(), images, CPU, DATA))
    saving = Trainer(settings(), images, CPU, DATA)
    for _ in saving.remaining():
        saving.save(tmp_path / "checkpoint.safetensors")
    assert_equal(saving, whole)


def test_seed_and_step_alone_decide_the_noise():
    assert torch.equal(torch.rand(5, generator=seeded(1, "step", 7)), torch.rand(5, generator=seeded(1, "step", 7)))
    others = [seeded(2, "step", 7), seeded(1, "step", 8), seeded(1, "order", 7)]
    mine = torch.rand(5, generator=seeded(1, "step", 7))
    assert all(not torch.equal(mine, torch.rand(5, generator=other)) for other in others)


def test_training_leaves_the_global_generator_alone(images):
    state = torch.get_rng_state()
    next(Trainer(settings(), images, CPU, DATA).remaining())
    assert torch.equal(torch.get_rng_state(), state)


def test_betas_are_log_uniform():
    betas = log_uniform(0.01, 100.0, 40_000, generator())
    assert betas.min() >= 0.01
    assert betas.max() <= 100.0
    for decade in (0.01, 0.1, 1.0, 10.0):
        assert ((betas >= decade) & (betas < 10 * decade)).float().mean().item() == pytest.approx(0.25, abs=0.01)


def test_a_step_that_is_not_finite_is_skipped_and_many_in_a_row_stop_the_run(images):
    trainer = Trainer(settings(), images, CPU, DATA)
    steps = trainer.remaining()
    next(steps)
    before = {name: tensor.clone() for name, tensor in weights_of(trainer).items()}
    original = trainer.model.decoder.last.bias.detach().clone()
    with torch.no_grad():
        trainer.model.decoder.last.bias[0] = float("nan")
    assert next(steps).skipped
    with torch.no_grad():
        trainer.model.decoder.last.bias.copy_(original)
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(trainer).items())
    assert not next(steps).skipped
    assert trainer.skipped == 1
    with torch.no_grad():
        trainer.model.decoder.last.bias[0] = float("nan")
    with pytest.raises(TrainingError, match="learning-rate"):
        finish(trainer)


def test_one_beta_alone_can_be_trained(images):
    model = finish(Trainer(settings(network=NETWORK.for_one_beta(0.3)), images, CPU, DATA)).averaged_model()
    x = vae.binarize(images.float() / 255, generator=generator())
    trained = vae.elbo(model, x, 0.3, generator=generator()).objective(0.3).mean()
    start = Trainer(settings(network=NETWORK.for_one_beta(0.3)), images, CPU, DATA).averaged_model()
    assert trained < 0.8 * vae.elbo(start, x, 0.3, generator=generator()).objective(0.3).mean()
    with pytest.raises(ValueError, match="beta"):
        vae.elbo(model, x, 0.5, generator=generator())


# The command line

TINY = ["--preset", "mnist", "--dataset", "bars", "--network.width", "16", "--network.blocks", "1", "--network.latent-dim", "3",
        "--batch-size", "50", "--epochs", "3"]


@pytest.fixture
def data_dir(tmp_path) -> Path:
    write_idx(tmp_path / "data" / "bars", train=500)
    return tmp_path / "data"


def command(data_dir: Path, run_dir: Path, *more: str) -> list[str]:
    return [*TINY, "--data-dir", str(data_dir), "--run-dir", str(run_dir), *more]


def test_the_command_line_trains_and_records_how(data_dir, tmp_path, capsys):
    assert train.main([*TINY, "--data_dir", str(data_dir), f"--run-dir={tmp_path / 'run'}", "--checkpoint_seconds", "7",
                       "--seed", "3"]) == 0
    record = json.loads((tmp_path / "run" / "weights" / "training.json").read_text())
    assert record["settings"]["seed"] == 3
    assert record["settings"]["network"]["width"] == 16
    assert record["examples_seen"] == 1500
    assert str(tmp_path) not in json.dumps(record)
    assert record["command"] == shlex.join(["python", "-m", "training.train", *TINY, "--seed", "3"])
    assert vae.load(tmp_path / "run" / "weights").config.latent_dim == 3
    assert "training.evaluate" in capsys.readouterr().out


def test_one_beta_is_trained_by_an_option(data_dir, tmp_path):
    assert train.main(command(data_dir, tmp_path / "run", "--beta", "0.5")) == 0
    assert vae.load(tmp_path / "run" / "weights").config.beta_range == (0.5, 0.5)


def test_the_log_has_a_line_every_hundred_steps_with_validation(data_dir, tmp_path):
    epochs = ["--epochs", "35", "--held-out", "100"]
    assert train.main(command(data_dir, tmp_path / "run", *epochs)) == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "distortion" in line] == [100, 200]
    validations = [line["validation"] for line in lines if "validation" in line]
    assert len(validations) == 4  # every ten epochs and at the end
    assert [entry["beta"] for entry in validations[0]] == [0.01, 0.1, 1.0, 10.0]


@pytest.mark.parametrize(("more", "sentence"), [
    (["--preset", "nonsense"], "presets: mnist"),
    (["--dataset", "missing"], "missing"),
    (["--held-out", "500"], "held-out"),
    (["--batch-size", "501"], "batch-size"),
    (["--learning-rate", "-1"], "learning-rate"),
    (["--resume"], "no checkpoint"),
    (["--network.image-shape", "1", "14", "14"], "image-shape"),
    (["--beta", "-2"], "beta_range"),
    (["--device", "nonsense"], "--device nonsense"),
])
def test_what_is_wrong_is_said_in_one_line(data_dir, tmp_path, capsys, more, sentence):
    assert train.main(command(data_dir, tmp_path / "run", *more)) == 2
    message = capsys.readouterr().err
    assert sentence in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run" / "weights").exists()


def test_a_damaged_data_file_is_one_line_before_anything_is_written(data_dir, tmp_path, capsys):
    path = data_dir / "bars" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-40])
    assert train.main(command(data_dir, tmp_path / "run")) == 2
    message = capsys.readouterr().err
    assert str(path) in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_overwritten_and_never_resumed_with_other_settings(data_dir, tmp_path, capsys):
    assert train.main(command(data_dir, tmp_path / "run")) == 0
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    assert train.main(command(data_dir, tmp_path / "run")) == 2
    assert "--resume" in capsys.readouterr().err
    assert train.main(command(data_dir, tmp_path / "run", "--resume", "--learning-rate", "0.1", "--seed", "8")) == 2
    assert "learning_rate, seed" in capsys.readouterr().err
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before


def test_a_run_is_never_resumed_on_other_data(data_dir, tmp_path, capsys):
    assert train.main(command(data_dir, tmp_path / "run")) == 0
    write_idx(tmp_path / "other" / "bars", train=520)
    assert train.main(command(tmp_path / "other", tmp_path / "run", "--resume")) == 2
    assert "other data files" in capsys.readouterr().err


def test_a_log_that_was_cut_off_by_a_crash_is_mended(data_dir, tmp_path):
    long = ["--epochs", "30", "--held-out", "100"]
    assert train.main(command(data_dir, tmp_path / "run", *long)) == 0
    log = tmp_path / "run" / "log.jsonl"
    lines = log.read_text()
    log.write_text(lines + '{"step": 240, "validation": [{"beta": 0.01, "rate": 1.0}')
    assert train.main(command(data_dir, tmp_path / "run", *long, "--resume")) == 0
    assert log.read_text() == lines


def test_a_full_disk_is_one_sentence(images, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(loop, "save_file", full)
    with pytest.raises(TrainingError, match="No space left"):
        Trainer(settings(), images, CPU, DATA).save(tmp_path / "checkpoint.safetensors")


def test_a_folder_that_cannot_be_written_is_said_at_once(data_dir, tmp_path, capsys):
    (tmp_path / "occupied").write_text("a file")
    assert train.main(command(data_dir, tmp_path / "occupied" / "run")) == 2
    assert "--run-dir" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_saves_says_how_to_resume_and_resuming_gives_the_uninterrupted_weights(data_dir, tmp_path):
    long = ["--epochs", "60"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def start(run_dir: str, *more: str) -> subprocess.Popen:
        arguments = command(data_dir, tmp_path / run_dir, *long, *more)
        return subprocess.Popen([sys.executable, "-m", "training.train", *arguments], cwd=ROOT, env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    interrupted = start("interrupted")
    log = tmp_path / "interrupted" / "log.jsonl"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    interrupted.send_signal(signal.SIGINT)
    _, message = interrupted.communicate(timeout=60)
    assert interrupted.returncode == 130, message
    assert "--resume" in message
    assert "Traceback" not in message
    _, message = start("interrupted", "--resume").communicate(timeout=120)
    start("whole").communicate(timeout=120)
    resumed, whole = (tmp_path / name / "weights" / "model.safetensors" for name in ("interrupted", "whole"))
    assert resumed.read_bytes() == whole.read_bytes(), message


def test_the_presets_are_networks_that_fit_the_size_limit():
    for preset in PRESETS.values():
        with torch.device("meta"):
            parameters = sum(parameter.numel() for parameter in vae.VAE(preset.network).parameters())
        assert 2 * parameters <= 10_000_000  # bytes, as float16
        assert dataclasses.replace(preset, seed=2) != preset


def test_a_plain_autoencoder_learns_and_its_code_is_scaled_without_changing_a_reconstruction(images):
    plain = settings(network=dataclasses.replace(NETWORK, beta_range=(0.0, 0.0), latent_dim=2), epochs=60)
    trainer = finish(Trainer(plain, images, CPU, DATA))
    model, x = trainer.averaged_model(), vae.binarize(images.float() / 255, generator=generator())
    before = vae.point_distortion(model, x, 0.0)
    assert before.mean() < 80  # two numbers say which of ten bars, and no noise disturbs them
    train.standardise_code(model, images, seed=1)
    code = model.encode(x, 0.0).mean
    torch.testing.assert_close(code.mean(0), torch.zeros(2), atol=0.02, rtol=0)
    torch.testing.assert_close(code.std(0), torch.ones(2), atol=0.02, rtol=0)
    torch.testing.assert_close(vae.point_distortion(model, x, 0.0), before, rtol=1e-3, atol=1e-2)
