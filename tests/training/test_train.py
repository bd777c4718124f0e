"""The command line of training: it trains, records how, and can be interrupted.

It says in one line what is wrong.
"""

import contextlib
import json
import math
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import vae
from tests.conftest import interrupt, write_idx
from tests.processes import HANGING, Process, started
from tests.training.tiny import TINY
from training import progress, train
from training.distributed import ALONE
from training.loop import Trainer
from training.run_folder import Log, held
from training.settings import PRESETS

ROOT = Path(__file__).parents[2]

RUN = [*TINY, "--epochs", "3", "--precision", "float32"]


@pytest.fixture
def data_dir(tmp_path) -> Path:
    write_idx(tmp_path / "data" / "bars", train=500)
    return tmp_path / "data"


def command(data_dir: Path, run_dir: Path, *more: str) -> list[str]:
    return [*RUN, "--data-dir", str(data_dir), "--run-dir", str(run_dir), *more]


def test_the_command_line_trains_and_records_how(data_dir, tmp_path, capsys):
    assert (
        train.main(
            [
                *RUN,
                "--data_dir",
                str(data_dir),
                f"--run-dir={tmp_path / 'run'}",
                "--checkpoint_seconds",
                "7",
                "--seed",
                "3",
            ]
        )
        == 0
    )
    record = json.loads((tmp_path / "run" / "weights" / "training.json").read_text())
    assert record["settings"]["seed"] == 3
    assert record["settings"]["network"]["width"] == 16
    assert record["examples_seen"] == 1500
    assert str(tmp_path) not in json.dumps(record)
    # the precision comes last, as it was resolved
    assert record["command"] == shlex.join(
        ["python", "-m", "training.train", *RUN[:-2], "--seed", "3", *RUN[-2:]]
    )
    assert vae.load(tmp_path / "run" / "weights").config.latent_dim == 3
    assert "training.evaluate" in capsys.readouterr().out


def test_as_many_threads_are_used_as_asked_for_and_recorded(data_dir, tmp_path):
    before = torch.get_num_threads()
    assert train.main(command(data_dir, tmp_path / "run", "--threads", str(before + 1))) == 0
    record = json.loads((tmp_path / "run" / "weights" / "training.json").read_text())
    assert record["threads"] == before + 1
    assert "--threads" in record["command"]  # the bits of the weights depend on it


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


def logged(run_dir: Path) -> list[dict]:
    """The log without the seconds."""
    lines = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def test_a_run_that_was_stopped_anywhere_logs_what_one_that_was_not_logs(
    data_dir, tmp_path, monkeypatch
):
    """Means of a hundred steps, some of which came before the stop, and some were skipped."""
    inner, seed = Trainer._backward, time.time_ns()

    def backward(trainer: Trainer, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        sums = inner(trainer, drawn)
        return sums * math.nan if trainer.step % 37 == 5 else sums

    monkeypatch.setattr(Trainer, "_backward", backward)
    options = ["--epochs", "24", "--held-out", "50"]  # 216 steps
    assert train.main(command(data_dir, tmp_path / "whole", *options)) == 0
    stops, resume = sorted(random.Random(seed).sample(range(1, 216), 3)), []
    for stop in stops:
        with monkeypatch.context() as patch:
            interrupt(patch, stop)
            assert train.main(command(data_dir, tmp_path / "stopped", *options, *resume)) == 130
        resume = ["--resume"]
    assert train.main(command(data_dir, tmp_path / "stopped", *options, "--resume")) == 0
    whole = logged(tmp_path / "whole")
    assert [line["skipped"] for line in whole if "skipped" in line] == [3, 6]
    assert logged(tmp_path / "stopped") == whole, f"stopped after {stops}, seed {seed}"


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_two_runs_in_one_folder_are_refused(data_dir, tmp_path, capsys, more):
    if more:
        assert train.main(command(data_dir, tmp_path / "run")) == 0
    capsys.readouterr()
    with held(tmp_path / "run", ALONE):
        assert train.main(command(data_dir, tmp_path / "run", *more)) == 2
    said = (
        f"error: another run is at work in {tmp_path / 'run'}; wait for its end, or choose "
        "another --run-dir\n"
    )
    assert capsys.readouterr().err == said
    assert train.main(command(data_dir, tmp_path / "run", *more)) == 0


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--preset", "nonsense"], "presets: mnist"),
        (["--dataset", "missing"], "missing"),
        (["--held-out", "500"], "held-out"),
        (["--batch-size", "501"], "batch-size"),
        (["--learning-rate", "-1"], "learning-rate"),
        (["--resume"], "no checkpoint"),
        (["--network.image-shape", "1", "14", "14"], "image-shape"),
        (["--beta", "-2"], "--beta must be positive"),
        (["--beta", "0"], "--beta must be positive"),
        (["--device", "nonsense"], "--device nonsense"),
        (["--threads", "-1"], "--threads must be 0 or more"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(data_dir, tmp_path, capsys, more, sentence):
    assert train.main(command(data_dir, tmp_path / "run", *more)) == 2
    message = capsys.readouterr().err
    assert sentence in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_damaged_data_file_is_one_line_before_anything_is_written(data_dir, tmp_path, capsys):
    path = data_dir / "bars" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-40])
    assert train.main(command(data_dir, tmp_path / "run")) == 2
    message = capsys.readouterr().err
    assert str(path) in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_overwritten_and_never_resumed_with_other_settings(
    data_dir, tmp_path, capsys
):
    assert train.main(command(data_dir, tmp_path / "run")) == 0
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()
    assert train.main(command(data_dir, tmp_path / "run")) == 2
    assert "--resume" in capsys.readouterr().err
    assert (
        train.main(
            command(
                data_dir,
                tmp_path / "run",
                "--resume",
                "--learning-rate",
                "0.1",
                "--network.blocks",
                "2",
            )
        )
        == 2
    )
    message = capsys.readouterr().err
    assert f"learning_rate: {PRESETS['mnist'].learning_rate} there, 0.1 here" in message
    assert "network.blocks: 1 there, 2 here" in message
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


def test_a_kill_right_after_resuming_costs_no_line_of_the_log(data_dir, tmp_path, monkeypatch):
    long = ["--epochs", "30"]
    assert train.main(command(data_dir, tmp_path / "run", *long)) == 0
    lines = (tmp_path / "run" / "log.jsonl").read_text()
    seen = []
    monkeypatch.setattr(
        train, "_train", lambda *_: seen.append((tmp_path / "run" / "log.jsonl").read_text())
    )
    assert train.main(command(data_dir, tmp_path / "run", *long, "--resume")) == 0
    with Log(tmp_path / "run" / "log.jsonl", step=300):
        # as it lies on disk before the first new line
        seen.append((tmp_path / "run" / "log.jsonl").read_text())
    assert seen == [lines, lines]


def test_a_compiler_that_is_missing_is_one_line(data_dir, tmp_path, capsys, monkeypatch):
    def no_compiler(*_: object) -> None:
        raise RuntimeError("No working C++ compiler found\nand a long story")

    monkeypatch.setattr(torch, "compile", no_compiler)
    assert train.main(command(data_dir, tmp_path / "run", "--compile")) == 2
    message = capsys.readouterr().err
    assert "--compile does not work here (No working C++ compiler found)" in message
    assert message.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_said_at_once(data_dir, tmp_path, capsys):
    (tmp_path / "occupied").write_text("a file")
    assert train.main(command(data_dir, tmp_path / "occupied" / "run")) == 2
    assert "--run-dir" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_saves_says_how_to_resume_and_resuming_gives_the_uninterrupted_weights(
    data_dir, tmp_path
):
    hold = tmp_path / "hold"

    def start(run_dir: str, *more: str) -> contextlib.AbstractContextManager[Process]:
        arguments = command(data_dir, tmp_path / run_dir, "--epochs", "20", *more)
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "HOLD_AT": "101",
            "HOLD_FILE": str(hold),
        }
        return started(
            [sys.executable, "-m", "tests.training.held", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    hold.touch()
    with start("interrupted") as interrupted:
        while not hold.with_suffix(".0").exists() and interrupted.poll() is None:
            time.sleep(0.05)
        interrupted.send_signal(signal.SIGINT)
        _, message = interrupted.communicate(timeout=HANGING)
        assert interrupted.returncode == 130, message
    assert "--resume" in message
    assert "Traceback" not in message
    hold.unlink()
    for run_dir, more in (("interrupted", ["--resume"]), ("whole", [])):
        with start(run_dir, *more) as process:
            _, message = process.communicate(timeout=HANGING)
            assert process.returncode == 0, message
    resumed, whole = (
        tmp_path / name / "weights" / "model.safetensors" for name in ("interrupted", "whole")
    )
    assert resumed.read_bytes() == whole.read_bytes()


def test_a_long_run_says_how_long_the_rest_will_take(data_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "FIRST_MINUTE", 0.0)
    assert train.main(command(data_dir, tmp_path / "run")) == 0
    first, then, *_ = capsys.readouterr().out.strip().splitlines()
    assert first.startswith("precision float32, as asked for")
    assert re.fullmatch(r"about \d+ seconds to go; ends at about .*\d\d:\d\d", then)
