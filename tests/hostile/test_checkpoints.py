"""Damaged and forged checkpoints: refused in one sentence.

Never an exception of another kind, never other weights.
"""

import copy
import json
import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from tests.training.checkpoints import summed, trainer_of, written
from training import checkpoint
from training.error import TrainingError
from training.loop import Trainer

NETWORK, STEPS = "for one beta", 5  # with the fewest tensors
NAUGHTY = (
    None,
    True,
    -1,
    -5,
    10**9,
    10**40,
    0.5,
    1e308,
    math.nan,
    math.inf,
    "",
    "5",
    "\x00\ud800\n",
    [],
    [5],
    {},
    {"step": 5},
    "[" * 5000,
    [[[[]]]] * 50,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    """A checkpoint after a few steps."""
    path = tmp_path_factory.mktemp("run") / "checkpoint.safetensors"
    trainer_of(NETWORK, STEPS).save(path)
    return path


@pytest.fixture(scope="module")
def content(path) -> bytes:
    return path.read_bytes()


@pytest.fixture
def trainer() -> Trainer:
    """At its first step, as whoever resumes; a refused checkpoint leaves it there."""
    return trainer_of(NETWORK)


def refused(trainer: Trainer, path: Path) -> None:
    """Require a refusal in one sentence, and an untouched trainer.

    The sentence is short and printable, and names the file and what would work.
    """
    weights = [parameter.clone() for parameter in trainer.model.parameters()]
    with pytest.raises(TrainingError) as caught:
        trainer.restore(checkpoint.read(path))
    said = str(caught.value).replace(str(path), "PATH")
    assert said.startswith("PATH ")
    assert said.isprintable()
    assert len(said) < 600
    assert "--run-dir" in said or "--data-dir" in said
    assert trainer.step == 0
    assert not trainer.optimizer.state
    assert all(map(torch.equal, weights, trainer.model.parameters()))


def flips(content: bytes, dice: random.Random) -> bytes:
    """One bit or some, anywhere or in the header."""
    changed, end = bytearray(content), dice.choice([8, 4096, len(content)])
    for place in {dice.randrange(end) for _ in range(dice.choice([1, 1, 2, 8]))}:
        changed[place] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(content: bytes, dice: random.Random) -> bytes:
    """Truncated, or with a piece missing, repeated, or of zeros, or with more at its end."""
    start = dice.randrange(len(content))
    end = min(len(content), start + dice.choice([1, 8, 512, 4096, len(content)]))
    return dice.choice(
        [
            content[:start],
            content[:start] + content[end:],
            content[:end] + content[start:],
            content[:start] + b"\xaa" + bytes(end - start) + content[end:],
            content + content[start:end],
        ]
    )


def swapped(content: bytes, dice: random.Random) -> bytes:
    """Two tensors under each other's name."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    first, second = dice.sample([name for name in header if name != "__metadata__"], 2)
    header[first], header[second] = header[second], header[first]
    text = json.dumps(header, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def headed(content: bytes, dice: random.Random) -> bytes:
    """A checkpoint with another header.

    A value of it, or of the state in it, is something else, or gone, or the whole header is.
    """
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    target = dice.choice([header, header["__metadata__"], header[dice.choice(list(header))]])
    key, value = dice.choice(list(target)), dice.choice(NAUGHTY)
    if dice.random() < 0.2:
        del target[key]
    elif target[key] != value:
        target[key] = value
    text = dice.choice(
        [json.dumps(header), json.dumps(value), json.dumps(target), "[" * 100_000]
    ).encode()
    announced = dice.choice([len(text), len(text), len(text), 0, 2**63, len(content) * 2])
    return announced.to_bytes(8, "little") + text + content[8 + length :]


@pytest.mark.parametrize("damage", [flips, cut, swapped, headed])
def test_damage_is_refused(
    damage: Callable[[bytes, random.Random], bytes], trainer, content, tmp_path, attempts, dice
):
    path = tmp_path / "checkpoint.safetensors"
    for _ in range(attempts):
        damaged = damage(content, dice)
        if damaged != content:
            path.write_bytes(damaged)
            refused(trainer, path)


def with_state(state: dict, dice: random.Random) -> None:
    """A field, or one further inside, is something that it can't be."""
    target = state
    while True:
        key = dice.choice(list(target) if isinstance(target, dict) else range(len(target)))
        if not isinstance(target[key], dict | list) or not target[key] or dice.random() < 0.3:
            break
        target = target[key]
    value = dice.choice([value for value in NAUGHTY if repr(value) != repr(target[key])])
    if dice.random() < 0.2:
        del target[key]
    elif key != "seconds" and not (
        key in ("distortion", "rate", "loss") and isinstance(value, int | float)
    ):
        target[key] = value
    else:  # any number will do there
        target[key] = str(value)


def with_counters(state: dict, dice: random.Random) -> None:
    """Counters that look right one by one."""
    before = {name: state[name] for name in ("step", "skipped", "skipped_in_a_row")}
    while before == {name: state[name] for name in before}:
        state |= {name: dice.randrange(20) for name in before}
    if dice.random() < 0.5:
        state["reports"] = [dice.choice(state["reports"]) for _ in range(state["step"])]


def with_tensors(tensors: dict[str, torch.Tensor], dice: random.Random) -> None:
    """Missing, more, renamed, of another shape or type, or with a number that is none."""
    name = dice.choice(list(tensors))
    tensor = tensors.pop(name)
    kind = dice.randrange(6)
    if kind == 1:
        tensors |= {
            name: tensor,
            dice.choice(["", "model.", f"model.{name}", "x" * 1000, "\n"]): tensor.clone(),
        }
    elif kind == 2:
        tensors[name.swapcase()] = tensor
    elif kind == 3:
        tensors[name] = torch.cat([tensor.reshape(-1), torch.zeros(dice.choice([1, 2, 100]))])
    elif kind == 4:
        tensors[name] = tensor.to(
            dice.choice(
                [
                    torch.float16,
                    torch.bfloat16,
                    torch.float64,
                    torch.int32,
                    torch.bool,
                    torch.float8_e4m3fn,
                    torch.complex64,
                ]
            )
        )
    elif kind == 5:
        tensors[name] = tensor.clone()
        tensors[name].view(-1)[dice.randrange(tensor.numel())] = dice.choice(
            [math.nan, math.inf, -math.inf]
        )


@pytest.mark.parametrize("change", [with_state, with_counters, with_tensors])
def test_what_a_run_cannot_be_is_refused_also_with_a_right_checksum(
    change, trainer, path, tmp_path, attempts, dice
):
    made_up = tmp_path / "checkpoint.safetensors"
    whole_state, whole_tensors = written(path)
    for _ in range(attempts):
        state, tensors = copy.deepcopy(whole_state), dict(whole_tensors)
        change(tensors if change is with_tensors else state, dice)
        summed(made_up, state, tensors)
        refused(trainer, made_up)


def test_a_header_that_lost_its_checksum_is_not_taken_for_an_older_one(trainer, path, tmp_path):
    """Format 1 had none: whatever is left of the three fields, it is refused."""
    state, tensors = written(path)
    fields = {"format": "2", "state": json.dumps(state), "sha256": "0" * 64}
    for kept in range(8):
        metadata = {
            name: value for bit, (name, value) in enumerate(fields.items()) if kept >> bit & 1
        }
        safetensors.torch.save_file(tensors, tmp_path / "checkpoint.safetensors", metadata)
        refused(trainer, tmp_path / "checkpoint.safetensors")


def test_what_was_not_changed_is_resumed(path):
    trainer = trainer_of(NETWORK)
    trainer.restore(checkpoint.read(path))
    assert trainer.step == STEPS
