"""Seeded hostile weights folders: a whole one, changed in one of many ways."""

import copy
import functools
import hashlib
import io
import json
import os
import random
import re
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

Files = dict[str, bytes]
JSON = ("config.json", "metrics.json", "dedicated.json")
ARRAYS = {
    "examples.npz": ("images", "names", "labels"),
    "reference.npz": ("images", "labels", "mean_training_pixel"),
}
LOADED = (
    "config.json",
    "model.safetensors",
    "metrics.json",
    "dedicated.json",
    "examples.npz",
    "reference.npz",
)
_VALUES = (
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    7,
    0.5,
    -0.0,
    1e-320,
    1e308,
    -1e308,
    10**40,
    -(10**40),
    10**400,
    2**63,
    "",
    "x",
    "1",
    "nan",
    "../../etc/passwd",
    "\x00",
    "a\nb",
    "\u2028",
    "9" * 5000,
    [],
    {},
    [[]],
    [None],
    {"": 0},
    [1] * 300,
    ["x"] * 2000,
    float("nan"),
    float("inf"),
    -float("inf"),
)
_TOKENS = (
    "NaN",
    "-Infinity",
    "1e999",
    "-1e999",
    "1e-999",
    "9" * 5000,
    "0x10",
    "1_000",
    "007",
    "null",
    "true",
    '"\\ud800"',
    "[" * 500,
    '{"a":' * 300,
    "{}",
    "[]",
    '""',
    "1.",
    ".5",
    "+1",
    "-",
)
_INSTEAD = (
    b"",
    b"\0",
    b"<html>Please log in</html>",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
    b"\x80\x04K\x01.",
    b"\x89PNG\r\n\x1a\n",
    b"PK\x05\x06" + bytes(18),
    b"\xff\xfe\x00",
    b"[" * 50_000,
    b"{}",
    b"[]",
    b"null",
    b"0",
    b'"x"',
    b" " * 3_000_000,
    b"\xef\xbb\xbf{}",
    bytes(8),
    b"\xff" * 64,
)


def changed(
    files: Files, other: Files, dice: random.Random
) -> tuple[Files, Callable[[Path], None]]:
    """The files of a folder, one of them changed, and what is still to be done on disk.

    other: the files of another model, which would fit.
    """
    change = dice.choice(
        [_value, _key, _token, _flipped, _cut, _swapped, _array, _tensor, _replaced, _special]
    )
    found, then = change(dict(files), other, dice)
    seal = dice.choice([_sealed, _sealed, _format_1, lambda files: files])
    return seal(found), then


def changed_record(files: Files, dice: random.Random) -> bytes:
    """Another training.json."""
    if dice.random() < 0.1:
        return dice.choice(_INSTEAD)
    return dice.choice([_value, _key, _token])(files, {}, dice, ("training.json",))[0][
        "training.json"
    ]


def _any(dice: random.Random) -> object:
    """A value that is nobody else's."""
    return copy.deepcopy(dice.choice(_VALUES))


def _nothing(folder: Path) -> None:
    """No more than the files."""


def _spots(value: object) -> list[tuple[object, object]]:
    """Each place in JSON as what holds it and its key there."""
    keys = (
        value.keys()
        if isinstance(value, dict)
        else range(len(value))
        if isinstance(value, list)
        else ()
    )
    return [spot for key in keys for spot in ((value, key), *_spots(value[key]))]


def _value(files: Files, other: Files, dice: random.Random, names: tuple[str, ...] = JSON):
    name = dice.choice(names)
    content = json.loads(files[name])
    for _ in range(dice.choice([1, 1, 1, 2, 5])):
        spots = _spots(content)
        holder, key = (
            dice.choice(spots[:60] if dice.random() < 0.7 else spots) if spots else (None, None)
        )
        if spots:
            holder[key] = _any(dice)
    if dice.random() < 0.05:
        content = _any(dice)
    return files | {name: json.dumps(content).encode()}, _nothing


def _key(files: Files, other: Files, dice: random.Random, names: tuple[str, ...] = JSON):
    name = dice.choice(names)
    content = json.loads(files[name])
    objects = [
        value
        for value in (content, *(holder[key] for holder, key in _spots(content)))
        if isinstance(value, dict)
    ]
    place = dice.choice(objects)
    how = dice.randrange(4)
    if how < 2 and place:
        taken = place.pop(dice.choice(list(place)))
        if how:
            place[dice.choice(["", "x", "a\nb", "self", "__class__", "A" * 5000, "\u2028"])] = taken
    elif how == 2:
        place[dice.choice(["", "x", "format", "beta", "__init__", "kw_only", "cls"])] = _any(dice)
    else:
        place |= {f"unknown {number}": number for number in range(3000)}
    return files | {name: json.dumps(content).encode()}, _nothing


def _token(files: Files, other: Files, dice: random.Random, names: tuple[str, ...] = JSON):
    name = dice.choice(names)
    text = files[name].decode()
    numbers = list(re.finditer(r"-?\d+(\.\d+)?", text))
    spot = dice.choice(numbers)
    return files | {
        name: (text[: spot.start()] + dice.choice(_TOKENS) + text[spot.end() :]).encode()
    }, _nothing


def _flipped(files: Files, other: Files, dice: random.Random):
    name = dice.choice(LOADED)
    content = bytearray(files[name])
    for _ in range(dice.choice([1, 1, 3, 30])):
        content[dice.randrange(min(len(content), dice.choice([200, 10**9])))] ^= (
            1 << dice.randrange(8)
        )
    return files | {name: bytes(content)}, _nothing


def _cut(files: Files, other: Files, dice: random.Random):
    name = dice.choice(LOADED)
    content = files[name]
    cut = (
        content[: dice.randrange(len(content))]
        if dice.random() < 0.7
        else content + bytes(dice.randrange(1, 5000))
    )
    return files | {name: cut}, _nothing


def _swapped(files: Files, other: Files, dice: random.Random):
    name = dice.choice(LOADED)
    return files | {
        name: other[name] if dice.random() < 0.6 else files[dice.choice(LOADED)]
    }, _nothing


def _replaced(files: Files, other: Files, dice: random.Random):
    name = dice.choice(LOADED)
    if dice.random() < 0.3:
        return {key: content for key, content in files.items() if key != name}, _nothing
    return files | {name: dice.choice(_INSTEAD)}, _nothing


def _array(files: Files, other: Files, dice: random.Random):
    name = dice.choice(list(ARRAYS))
    if dice.random() < 0.4:
        return files | {name: dice.choice([_bomb, _lying, _crowd, _pickled])(name)}, _nothing
    with np.load(io.BytesIO(files[name])) as arrays:
        found = dict(arrays)
    key = dice.choice(ARRAYS[name])
    found[key] = dice.choice(
        [
            np.array(0),
            np.zeros(0),
            np.zeros((2, 1, 6, 5)),
            np.zeros((2, 1, 6, 5), np.uint8)[: dice.randrange(3)],
            np.array(["a", "a"]),
            np.array(["a", "b\n"]),
            np.array(["\x1b[31m", "b"]),
            np.array(["A" * 5000, "b"]),
            np.array([b"a", b"b"]),
            np.array([0.5, 1]),
            np.array([-1, 0]),
            np.array([2**62, 0]),
            np.array([0, 1], np.uint64),
            np.array([True, False]),
            np.zeros(2, "M8[s]"),
            np.full((1, 6, 5), np.nan, np.float32),
            np.full((1, 6, 5), 1e38, np.float32),
            np.zeros((1, 6, 5), np.float16),
            np.zeros(2, [("a", "i4"), ("b", "U5")]),
            np.zeros((200, 1, 6, 5), np.uint8),
            np.zeros((2, 1, 6, 5), ">u2"),
        ]
    )
    if dice.random() < 0.1:
        del found[key]
    buffer = io.BytesIO()
    np.savez(buffer, **found)
    return files | {name: buffer.getvalue()}, _nothing


@functools.cache
def _bomb(name: str) -> bytes:
    """A hundredth of what it unpacks to, 200 MB."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("images.npy", "w") as big,
    ):
        for _ in range(200):
            big.write(bytes(2**20))
    return buffer.getvalue()


@functools.cache
def _lying(name: str) -> bytes:
    """Arrays of a few bytes that say they are of a million million."""
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000,), }"
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key in ARRAYS[name]:
            archive.writestr(
                f"{key}.npy",
                b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(10),
            )
    return buffer.getvalue()


@functools.cache
def _crowd(name: str) -> bytes:
    """Twenty thousand empty files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.npy", b"")
    return buffer.getvalue()


class _Trap:
    """A pickle that would leave a mark, were it read."""

    def __reduce__(self):
        return os.putenv, ("PICKLE_WAS_READ", "1")


@functools.cache
def _pickled(name: str) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{key: np.array([_Trap(), _Trap()]) for key in ARRAYS[name]})
    return buffer.getvalue()


def _tensor(files: Files, other: Files, dice: random.Random):
    tensors = safetensors.torch.load(files["model.safetensors"])
    name = dice.choice(list(tensors))
    how = dice.randrange(8)
    if how == 0:
        del tensors[name]
    elif how == 1:
        tensors[dice.choice(["", "x", "decoder.first.weight2", "a" * 5000])] = torch.zeros(3)
    elif how == 2:
        kinds = [torch.float64, torch.int64, torch.bfloat16, torch.bool, torch.float8_e4m3fn]
        tensors[name] = tensors[name].to(dice.choice(kinds))
    elif how == 3:
        tensors[name] = torch.full_like(
            tensors[name], dice.choice([float("nan"), float("inf"), 65504.0, -65504.0, 0.0])
        )
    elif how == 4:
        tensors[name] = torch.zeros(dice.choice([(0,), (1,), (3, 3), (2**16,)]))
    content = safetensors.torch.save({key: tensor.contiguous() for key, tensor in tensors.items()})
    if how == 5:
        content = struct.pack("<Q", dice.choice([0, 1, 2**20, 2**27, 2**63])) + content[8:]
    elif how == 6:
        empty = {"dtype": "F16", "shape": [0], "data_offsets": [0, 0]}
        header = json.dumps({f"{number}": empty for number in range(8_000)}).encode()
        content = struct.pack("<Q", len(header)) + header
    elif how == 7:
        header = b'{"x":' * 5000
        content = struct.pack("<Q", len(header)) + header
    return files | {"model.safetensors": content}, _nothing


def _special(files: Files, other: Files, dice: random.Random):
    name = dice.choice(LOADED)
    kind = dice.choice(
        [
            "fifo",
            "folder",
            "/dev/zero",
            "/dev/null",
            "/proc/self/mem",
            "nowhere",
            "itself",
            "socket",
        ]
    )

    def then(folder: Path) -> None:
        path = folder / name
        path.unlink()
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "socket":
            with socket.socket(socket.AF_UNIX) as opened:
                opened.bind(os.path.relpath(path))  # its whole path would be too long
        else:
            path.symlink_to(name if kind == "itself" else kind)

    return files, then


def _config(files: Files) -> dict | None:
    try:
        config = json.loads(files["config.json"])
    except (KeyError, ValueError, RecursionError):
        return None
    return config if isinstance(config, dict) and isinstance(config.get("sha256"), dict) else None


def _sealed(files: Files) -> Files:
    """With the sums of what is there, as somebody publishes who means harm."""
    if (config := _config(files)) is None:
        return files
    names = ("model.safetensors", *LOADED[2:])
    config["sha256"] |= {
        name: hashlib.sha256(files[name]).hexdigest() for name in names if name in files
    }
    return files | {"config.json": json.dumps(config).encode()}


def _format_1(files: Files) -> Files:
    """config.json as earlier versions wrote it."""
    if (config := _config(files)) is None:
        return files
    del config["sha256"]
    sha256 = hashlib.sha256(files.get("model.safetensors", b"")).hexdigest()
    return files | {
        "config.json": json.dumps(config | {"format": 1, "weights_sha256": sha256}).encode()
    }
