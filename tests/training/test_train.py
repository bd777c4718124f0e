"""The command line of training: it trains, records how, and can be interrupted.

It says in one line what is wrong.
"""

import json
import math
import os
import random
import re
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest
import torch

import vae
from tests.conftest import interrupt, write_idx
from tests.processes import HANGING, SLACK
from tests.training.held import FORKS, in_fork, main
from tests.training.tiny import TINY
from training import loop, progress, train
from training.distributed import SINGLE_PROCESS
from training.loop import Trainer
from training.run_folder import Log, run_lock
from training.settings import PRESETS

RUN = [*TINY, "--epochs", "3", "--precision", "float32"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_idx(folder / "bars", train=500)
    return folder


def command(data_dir: Path, run_dir: Path, *more: str) -> list[str]:
    return [*RUN, "--data-dir", str(data_dir), "--run-dir", str(run_dir), *more]


@pytest.fixture(scope="module")
def finished(data_dir, tmp_path_factory) -> Path:
    """The folder of a run that nobody stopped."""
    run_dir = tmp_path_factory.mktemp("finished") / "run"
    assert train.main(command(data_dir, run_dir)) == 0
    return run_dir


@pytest.fixture
def run_dir(finished, tmp_path) -> Path:
    """A copy of that folder, for one test alone."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


LONG = ("--epochs", "26", "--held-out", "100")  # 208 steps


@pytest.fixture(scope="module")
def finished_long(data_dir, tmp_path_factory) -> Path:
    """The folder of a run with two lines of a hundred steps."""
    run_dir = tmp_path_factory.mktemp("long") / "run"
    assert train.main(command(data_dir, run_dir, *LONG)) == 0
    return run_dir


@pytest.fixture
def long_run_dir(finished_long, tmp_path) -> Path:
    """A copy of that folder, for one test alone."""
    return Path(shutil.copytree(finished_long, tmp_path / "run"))


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
    # one step: threads that wait for each other keep a busy machine busy
    options = ("--epochs", "1", "--batch-size", "500", "--threads", str(before + 1))
    assert train.main(command(data_dir, tmp_path / "run", *options)) == 0
    record = json.loads((tmp_path / "run" / "weights" / "training.json").read_text())
    assert record["threads"] == before + 1
    assert "--threads" in record["command"]  # the bits of the weights depend on it


def test_one_beta_is_trained_by_an_option(data_dir, tmp_path):
    assert train.main(command(data_dir, tmp_path / "run", "--epochs", "1", "--beta", "0.5")) == 0
    assert vae.load(tmp_path / "run" / "weights").config.beta_range == (0.5, 0.5)


def test_the_log_has_a_line_every_hundred_steps_with_validation(finished_long):
    lines = [json.loads(line) for line in (finished_long / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "distortion" in line] == [100, 200]
    validations = [line for line in lines if "validation" in line]
    # every ten epochs of eight steps, and at the end
    assert [line["step"] for line in validations] == [80, 160, 208]
    assert [entry["beta"] for entry in validations[0]["validation"]] == [0.01, 0.1, 1.0, 10.0]


def logged(run_dir: Path) -> list[dict]:
    """The log without the seconds."""
    lines = [json.loads(line) for line in (run_dir / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def test_a_run_that_was_stopped_anywhere_logs_what_one_that_was_not_logs(
    data_dir, tmp_path, monkeypatch
):
    """Means of ten steps, some of which came before the stop, and some were skipped."""
    for module in (train, loop):
        monkeypatch.setattr(module, "LOG_EVERY", 10)
    inner, seed = Trainer._backward, time.time_ns()

    def backward(trainer: Trainer, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        sums = inner(trainer, drawn)
        return sums * math.nan if trainer.step % 7 == 5 else sums

    monkeypatch.setattr(Trainer, "_backward", backward)
    options = ["--epochs", "3", "--held-out", "50"]  # 27 steps
    assert train.main(command(data_dir, tmp_path / "whole", *options)) == 0
    stops, resume = sorted(random.Random(seed).sample(range(1, 27), 3)), []
    for stop in stops:
        with monkeypatch.context() as patch:
            interrupt(patch, stop)
            assert train.main(command(data_dir, tmp_path / "stopped", *options, *resume)) == 130
        resume = ["--resume"]
    assert train.main(command(data_dir, tmp_path / "stopped", *options, "--resume")) == 0
    whole = logged(tmp_path / "whole")
    assert [line["skipped"] for line in whole if "skipped" in line] == [1, 3]
    assert logged(tmp_path / "stopped") == whole, f"stopped after {stops}, seed {seed}"


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_two_runs_in_one_folder_are_refused(data_dir, finished, tmp_path, capsys, more):
    if more:
        shutil.copytree(finished, tmp_path / "run")
    capsys.readouterr()
    with run_lock(tmp_path / "run", SINGLE_PROCESS):
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
    shutil.copytree(data_dir, tmp_path / "data")
    path = tmp_path / "data" / "bars" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-40])
    assert train.main(command(tmp_path / "data", tmp_path / "run")) == 2
    message = capsys.readouterr().err
    assert str(path) in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_is_never_overwritten_and_never_resumed_with_other_settings(
    data_dir, run_dir, capsys
):
    before = (run_dir / "checkpoint.safetensors").read_bytes()
    assert train.main(command(data_dir, run_dir)) == 2
    assert "--resume" in capsys.readouterr().err
    other = ("--learning-rate", "0.1", "--network.blocks", "2")
    assert train.main(command(data_dir, run_dir, "--resume", *other)) == 2
    message = capsys.readouterr().err
    assert f"learning_rate: {PRESETS['mnist'].learning_rate} there, 0.1 here" in message
    assert "network.blocks: 1 there, 2 here" in message
    assert (run_dir / "checkpoint.safetensors").read_bytes() == before


def test_a_run_is_never_resumed_on_other_data(run_dir, tmp_path, capsys):
    write_idx(tmp_path / "other" / "bars", train=520)
    assert train.main(command(tmp_path / "other", run_dir, "--resume")) == 2
    assert "other data files" in capsys.readouterr().err


def test_a_log_that_was_cut_off_by_a_crash_is_mended(data_dir, long_run_dir):
    log = long_run_dir / "log.jsonl"
    lines = log.read_text()
    log.write_text(lines + '{"step": 208, "validation": [{"beta": 0.01, "rate": 1.0}')
    assert train.main(command(data_dir, long_run_dir, *LONG, "--resume")) == 0
    assert log.read_text() == lines


def test_a_kill_right_after_resuming_costs_no_line_of_the_log(data_dir, long_run_dir, monkeypatch):
    log, seen = long_run_dir / "log.jsonl", []
    lines = log.read_text()
    monkeypatch.setattr(train, "_train", lambda *_: seen.append(log.read_text()))
    assert train.main(command(data_dir, long_run_dir, *LONG, "--resume")) == 0
    with Log(log, step=208):
        # as it lies on disk before the first new line
        seen.append(log.read_text())
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
    data_dir, finished, tmp_path
):
    hold, told, run_dir = tmp_path / "hold", tmp_path / "told.txt", tmp_path / "interrupted"
    hold.touch()
    environment = {"HOLD_AT": "11", "HOLD_FILE": str(hold)}
    run = FORKS.Process(
        target=in_fork, args=(main, told, environment, command(data_dir, run_dir)), daemon=True
    )
    run.start()
    try:
        while not hold.with_suffix(".0").exists() and run.exitcode is None:
            time.sleep(0.05)
        os.kill(run.pid, signal.SIGINT)
        run.join(HANGING)
        assert run.exitcode == 130, told.read_text()
    finally:
        run.kill()
        run.join(SLACK)
    assert "--resume" in told.read_text()
    assert "Traceback" not in told.read_text()
    assert train.main(command(data_dir, run_dir, "--resume")) == 0
    resumed, whole = (folder / "weights" / "model.safetensors" for folder in (run_dir, finished))
    assert resumed.read_bytes() == whole.read_bytes()


def test_a_long_run_says_how_long_the_rest_will_take(data_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BEFORE_FORECAST", 0.0)
    assert train.main(command(data_dir, tmp_path / "run")) == 0
    first, then, *_ = capsys.readouterr().out.strip().splitlines()
    assert first.startswith("precision float32, as asked for")
    assert re.fullmatch(r"about \d+ seconds to go; ends at about .*\d\d:\d\d", then)
