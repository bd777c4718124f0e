"""A checkpoint is resumed as it was written, or refused in one sentence: nothing in between."""

import dataclasses
import errno
import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
import safetensors.torch
import torch
from safetensors import SafetensorError

from tests.conftest import write_idx
from tests.training.checkpoints import NETWORKS, OPTIONS, summed, trainer_of, written
from training import checkpoint, train
from training.checkpoint import differences
from training.error import TrainingError
from training.loop import Trainer


def assert_equal(one: Path, other: Path) -> None:
    """But for the order of what is in the header, which safetensors leaves to chance."""
    (state, tensors), (other_state, other_tensors) = written(one), written(other)
    assert state == other_state
    assert tensors.keys() == other_tensors.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, other_tensors[name]), name


def as_before(path: Path, state: dict, tensors: dict[str, torch.Tensor]) -> None:
    """Written as commit 344a298 wrote it."""
    state = {name: value for name, value in state.items() if name != "reports"}
    safetensors.torch.save_file(tensors, path, {"state": json.dumps(state)})


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("network", NETWORKS)
def test_every_kind_of_network_comes_back_as_it_was(network, steps, tmp_path):
    first, second = trainer_of(network, steps), trainer_of(network)
    first.save(tmp_path / "checkpoint")
    second.restore(checkpoint.read(tmp_path / "checkpoint"))
    second.save(tmp_path / "again")
    assert_equal(tmp_path / "again", tmp_path / "checkpoint")


@pytest.mark.parametrize("skipped", [{0}, {1}, {2}, {0, 1, 2}, {1, 2}, {0, 2}])
def test_skipped_steps_come_back_too(tmp_path, monkeypatch, skipped):
    inner = Trainer._backward

    def backward(trainer: Trainer, drawn: dict[str, torch.Tensor]) -> torch.Tensor:
        sums = inner(trainer, drawn)
        return (
            sums * torch.tensor([math.nan, math.inf, -math.inf, 1.0])
            if trainer.step in skipped
            else sums
        )

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_backward", backward)
        first = trainer_of(steps=3)
    assert [report.skipped for report in first.reports] == [step in skipped for step in range(3)]
    second = trainer_of()
    first.save(tmp_path / "checkpoint")
    second.restore(checkpoint.read(tmp_path / "checkpoint"))
    assert repr(second.reports) == repr(first.reports)
    assert (second.skipped, second.skipped_in_a_row) == (first.skipped, first.skipped_in_a_row)


def test_a_byte_anywhere_that_is_another_is_damage(tmp_path):
    """In header, state, checksum and every tensor: each tenth byte of a small file."""
    trainer_of(steps=1).save(tmp_path / "whole")
    content, path = (tmp_path / "whole").read_bytes(), tmp_path / "damaged"
    for place in [*range(0, 3000, 10), *range(3000, len(content), len(content) // 200)]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(TrainingError):
            checkpoint.read(path)


def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, monkeypatch, capsys):
    write_idx(tmp_path / "data" / "bars", train=100)
    arguments = [*OPTIONS, "--data-dir", str(tmp_path / "data"), "--run-dir", str(tmp_path / "run")]
    assert train.main(arguments) == 0
    before = (tmp_path / "run" / "checkpoint.safetensors").read_bytes()

    errors = [
        (os, "fsync", OSError(errno.ENOSPC, "No space left on device")),
        (
            checkpoint,
            "save_file",
            SafetensorError("I/O error: No space left on device (os error 28)"),
        ),
    ]
    for owner, name, error in errors:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, mock.Mock(side_effect=error))
            capsys.readouterr()
            assert train.main([*arguments, "--resume"]) == 2
        message = capsys.readouterr().err
        assert re.search(
            f"cannot write {tmp_path / 'run'}.*No space left.*another --run-dir", message
        )
        assert message.count("\n") == 1
    assert (tmp_path / "run" / "checkpoint.safetensors").read_bytes() == before


# From the command line

Damage = Callable[[Path, dict, dict[str, torch.Tensor]], object]


def state_of(**changed: object) -> Damage:
    return lambda path, state, tensors: summed(path, {**state, **changed}, tensors)


def state_without(*names: str) -> Damage:
    return lambda path, state, tensors: summed(
        path, {key: state[key] for key in state.keys() - set(names)}, tensors
    )


def tensors_of(change: Callable[[dict[str, torch.Tensor]], object]) -> Damage:
    def damage(path: Path, state: dict, tensors: dict[str, torch.Tensor]) -> None:
        change(tensors)
        summed(path, state, tensors)

    return damage


def flipped(path: Path, *_: object) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def zeroed(path: Path, *_: object) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-5000] + bytes(5000))


WEIGHT = "decoder.first.weight"
REPORT = {"distortion": 1.0, "rate": 1.0, "loss": 1.0, "skipped": False}
SKIPPED = REPORT | {"loss": math.nan, "skipped": True}
DAMAGES: dict[str, tuple[Damage, str]] = {
    "a flipped bit": (flipped, "is damaged: it is not what its checksum says"),
    "zeros": (zeroed, "is damaged"),
    "cut short": (lambda path, *_: path.write_bytes(path.read_bytes()[:-100]), "is damaged"),
    "empty": (lambda path, *_: path.write_bytes(b""), "is no checkpoint of this program"),
    "a web page": (
        lambda path, *_: path.write_bytes(b"<!doctype html><title>Log in</title>" * 9),
        "is no checkpoint",
    ),
    "a folder": (lambda path, *_: (path.unlink(), path.mkdir()), "is a folder"),
    "of an earlier version": (
        as_before,
        "without the checksum that would show damage; finish that run with the version",
    ),
    "of another program": (
        lambda path, _, tensors: safetensors.torch.save_file(tensors, path),
        "of this version",
    ),
    "no JSON": (
        lambda path, _, tensors: summed(path, "step 3", tensors),
        "its state: Invalid JSON",
    ),
    "a step of 10^9": (state_of(step=10**9), "step 1000000000 of a run of 2"),
    "a step of -5": (state_of(step=-5), "step: Input should be greater than or equal to 0"),
    "a step that is text": (state_of(step="2"), "step: Input should be a valid integer"),
    "a step that is true": (state_of(step=True), "step: Input should be a valid integer"),
    "a step before": (state_of(step=1, reports=[REPORT]), "counts 2 steps, the run 1"),
    "more skipped than steps": (state_of(skipped=3), "3 skipped steps, 0 in a row, of 2"),
    "one skipped that no report knows": (
        state_of(skipped=1),
        "1 skipped steps, 0 in a row, of 2; 0 in the last 2",
    ),
    "one skipped": (state_of(skipped=1, reports=[SKIPPED, REPORT]), "counts 2 steps, the run 1"),
    "all skipped": (
        state_of(skipped=2, skipped_in_a_row=2, reports=[SKIPPED, SKIPPED]),
        "unknown optimizer",
    ),
    "skipped last": (state_of(skipped=1, reports=[REPORT, SKIPPED]), "1 skipped steps, 0 in a row"),
    "skipped in a row": (state_of(skipped_in_a_row=1), "0 skipped steps, 1 in a row"),
    "seconds without end": (state_of(seconds=math.inf), "seconds: Input should be a finite number"),
    "seconds below 0": (state_of(seconds=-1.0), "seconds: Input should be greater"),
    "no settings": (state_without("settings"), "settings: Field required"),
    "no step": (state_without("step"), "step: Field required"),
    "settings that are a list": (state_of(settings=[]), "settings: Input should be"),
    "other settings": (state_of(settings={"epochs": 3}), "made by another version"),
    "no data": (state_of(data_sha256={}), "other data files"),
    "something else besides": (state_of(more=1), "more: Extra inputs"),
    "fewer reports": (state_of(reports=[]), "reports of 0 steps instead of 2"),
    "a report without end": (
        state_of(reports=[REPORT, REPORT | {"loss": math.nan}]),
        "a report that is not finite",
    ),
    "a missing tensor": (
        tensors_of(lambda tensors: tensors.pop(f"model.{WEIGHT}")),
        f"missing tensors model.{WEIGHT}",
    ),
    "no moments": (
        tensors_of(
            lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith("opt")]
        ),
        "missing tensors optimizer",
    ),
    "a tensor more": (
        tensors_of(lambda tensors: tensors.update(other=torch.zeros(3))),
        "unknown other",
    ),
    "another shape": (
        tensors_of(lambda tensors: tensors.update({f"model.{WEIGHT}": torch.zeros(3)})),
        "has shape (3,)",
    ),
    "another type": (
        tensors_of(
            lambda tensors: tensors.update({f"model.{WEIGHT}": tensors[f"model.{WEIGHT}"].half()})
        ),
        "is not float32",
    ),
    "NaN": (
        tensors_of(lambda tensors: tensors[f"average.{WEIGHT}"].view(-1)[0].fill_(math.nan)),
        "not finite",
    ),
    "a square below 0": (
        tensors_of(lambda tensors: tensors[f"optimizer.exp_avg_sq.{WEIGHT}"].view(-1)[0].fill_(-1)),
        "a mean of squares",
    ),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run after its last step, of two, and its data."""
    folder = tmp_path_factory.mktemp("finished")
    write_idx(folder / "data" / "bars", train=100)
    assert (
        train.main([*OPTIONS, "--data-dir", str(folder / "data"), "--run-dir", str(folder / "run")])
        == 0
    )
    return folder


@pytest.mark.parametrize("kind", DAMAGES)
def test_what_is_wrong_with_a_checkpoint_is_said_in_one_line_and_nothing_is_written(
    finished, tmp_path, capsys, kind
):
    path = tmp_path / "run" / "checkpoint.safetensors"
    path.parent.mkdir()
    path.write_bytes((finished / "run" / path.name).read_bytes())
    damage, sentence = DAMAGES[kind]
    damage(path, *written(path))
    before = path.read_bytes() if path.is_file() else None
    capsys.readouterr()
    assert (
        train.main(
            [
                *OPTIONS,
                "--data-dir",
                str(finished / "data"),
                "--run-dir",
                str(path.parent),
                "--resume",
            ]
        )
        == 2
    )
    message = capsys.readouterr().err
    assert sentence in message
    assert "another --run-dir" in message or "the same --data-dir" in message  # what would work
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert before is None or path.read_bytes() == before
    assert {each.name for each in path.parent.iterdir()} <= {path.name, "lock"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has none")
def test_a_pipe_in_its_place_blocks_nothing(tmp_path):
    os.mkfifo(tmp_path / "checkpoint")
    with pytest.raises(TrainingError, match="no regular file"):
        checkpoint.read(tmp_path / "checkpoint")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "checkpoint").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(TrainingError, match="at most"):
        checkpoint.read(tmp_path / "checkpoint")


def test_a_refused_checkpoint_changes_nothing(tmp_path):
    path, trainer = tmp_path / "checkpoint", trainer_of(steps=2)
    trainer_of(steps=3).save(path)
    state, tensors = written(path)
    tensors["model.decoder.last.bias"][0] = math.nan
    summed(path, state, tensors)
    trainer.save(tmp_path / "before")
    with pytest.raises(TrainingError):
        trainer.restore(checkpoint.read(path))
    trainer.save(tmp_path / "after")
    assert_equal(tmp_path / "before", tmp_path / "after")


def test_other_settings_are_told_on_one_line_however_long_and_odd():
    there = dataclasses.asdict(trainer_of().settings) | {"dataset": "bars\n\x1b[31m" + "x" * 1000}
    said = differences(there, {"dataset": "bars"})
    assert said.isprintable()
    assert len(said) <= 301
