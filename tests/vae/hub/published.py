"""A weights folder on the Hub, and what can be wrong with one."""

import functools
import hashlib
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

import vae
from tests.conftest import files_of, write_weights
from vae.hub.folder import CHECKSUMMED_FILES

NAME = "teacher/vae-toy"
Files = dict[str, bytes]


@functools.cache
def files_of_model(seed: int) -> Files:
    """The files of an untrained model's folder."""
    with tempfile.TemporaryDirectory() as folder:
        return files_of(write_weights(Path(folder) / "toy", seed))


def write_folder(folder: Path, seed: int = 0) -> Path:
    """tests.conftest.write_weights, from memory."""
    for name, content in files_of_model(seed).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def assert_same_weights(model: vae.VAE, folder: Path) -> None:
    expected = safetensors.torch.load_file(folder / "model.safetensors")
    found = model.state_dict()
    assert set(found) == set(expected)
    assert all(torch.equal(found[name], tensor.float()) for name, tensor in expected.items())


def without(*names: str) -> Callable[[Files], Files]:
    return lambda files: {name: content for name, content in files.items() if name not in names}


def with_file(name: str, content: bytes) -> Callable[[Files], Files]:
    return lambda files: files | {name: content}


def with_arrays(name: str, **changes: np.ndarray) -> Callable[[Files], Files]:
    """Other arrays in an .npz."""

    def change(files: Files) -> Files:
        with np.load(io.BytesIO(files[name])) as arrays:
            buffer = io.BytesIO()
            np.savez(buffer, **(dict(arrays) | changes))
        return files | {name: buffer.getvalue()}

    return change


def of_another_network(files: Files) -> Files:
    return files | {"model.safetensors": files["model.safetensors"][:-4] + b"\0\0\0\0"}


def config_with(**changes) -> Callable[[Files], Files]:
    return lambda files: (
        files | {"config.json": json.dumps(json.loads(files["config.json"]) | changes).encode()}
    )


def only_a_pickle(files: Files) -> Files:
    return {"README.md": files["README.md"], "pytorch_model.bin": b"\x80\x04K\x01."}


def resealed(files: Files) -> Files:
    """The files with the checksums of their new content, where config.json has room for any.

    This is what a person publishes who has changed the files on purpose.
    """
    try:
        config = json.loads(files["config.json"])
        config["sha256"] = {
            name: sha256
            for name, sha256 in config["sha256"].items()
            if name not in CHECKSUMMED_FILES
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return files
    config["sha256"] |= {
        name: hashlib.sha256(files[name]).hexdigest() for name in CHECKSUMMED_FILES if name in files
    }
    return files | {"config.json": json.dumps(config).encode()}


def in_format_1(files: Files) -> Files:
    """config.json as earlier versions wrote it: with the checksum of the weights alone."""
    config = json.loads(files["config.json"])
    sums = config.pop("sha256")
    return files | {
        "config.json": json.dumps(
            config | {"format": 1, "weights_sha256": sums["model.safetensors"]}
        ).encode()
    }


REFUSED = [
    (without("config.json"), "config.json: it is missing"),
    (
        only_a_pickle,
        r"config.json: it is missing; .*pytorch_model.bin is a pickle, which is never loaded",
    ),
    (with_file("config.json", b"<!doctype html>"), "config.json: it is not JSON"),
    (config_with(width=10**9), "config.json: .*width must be a whole number from 1 to 4096"),
    (config_with(width=4096, blocks=32, channels=256), "parameters is larger than"),
    (config_with(heads=12, hidden_size=768), r"config.json: heads is unknown to this version"),
    (config_with(blocks=2), "model.safetensors: it is of another network"),
    (
        with_file("model.safetensors", b"<html>Please log in</html>"),
        "model.safetensors: it is a web page",
    ),
    (
        with_file(
            "model.safetensors",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
        ),
        "model.safetensors: it is a Git LFS pointer",
    ),
    (with_file("config.json", b"[" * 100_000), "config.json: it has 100,000 lists"),
    (with_file("config.json", b" " * 3_000_000), "config.json: it has 3,000,000 bytes; at most"),
    (config_with(beta_range=[0.01, 10**400]), "config.json: "),
    (of_another_network, "model.safetensors: its sha256 is"),
]


def pin(bundle: Path, name: str, repo_id: str, commit: str) -> None:
    """Write a commit of a repository into the bundle's sources.toml."""
    with (bundle / "sources.toml").open("a") as file:
        file.write(f'[{name}]\nrepo_id = "{repo_id}"\ncommit = "{commit}"\n')
