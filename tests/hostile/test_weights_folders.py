"""A weights folder from anywhere is either usable or refused in one sentence.

In bounded time and memory.
"""

import dataclasses
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import vae
from tests.conftest import files_of, write_weights
from tests.hostile.folders import LOADED, changed, changed_record
from tests.processes import HANGING
from training import card
from vae.hub import files
from vae.hub.folder import Folder, load_folder, write_checksums

LONGEST = 5.0  # seconds of computing; it takes hundredths


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> list[dict[str, bytes]]:
    """The files of two models that would fit each other's."""
    found = []
    for seed in (0, 1):
        folder = write_weights(tmp_path_factory.mktemp("whole") / "toy", seed)
        (folder / "dedicated.json").write_text(
            json.dumps(
                [{"beta": 1.0, "rate": 2.0, "distortion": 3.0 + seed, "examples": 4, "seed": 5}]
            )
        )
        np.savez(
            folder / "examples.npz",
            images=np.full((2, 1, 6, 5), seed, np.uint8),
            names=["a", "b"],
            labels=[0, 1],
        )
        write_checksums(folder)
        found.append(files_of(folder))
    return found


def outcome(folder: Path) -> Folder | Exception:
    """What load_folder gives or raises. Fails where it hangs, or computes for long."""
    found: list[Folder | Exception] = []
    seconds: list[float] = []

    def run() -> None:
        start = time.thread_time()
        try:
            found.append(load_folder(folder))
        except Exception as error:
            found.append(error)
        seconds.append(time.thread_time() - start)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(HANGING)
    assert seconds, f"{folder} is still being loaded after {HANGING:.0f} seconds"
    assert seconds[0] < LONGEST, f"{folder} took {seconds[0]:.1f} seconds of computing"
    return found[0]


def use(folder: Folder) -> None:
    """All that the app does with a folder: none of it may fail later, in front of a class."""
    model, metrics = folder.network, folder.metrics
    low, high = model.config.beta_range
    for entry in metrics.betas:
        assert np.isfinite(
            [entry.beta, entry.distortion, entry.objective, entry.rate, entry.negative_elbo]
        ).all()
        assert sorted(entry.dimensions_by_rate) == list(range(model.config.latent_dim))
        assert (
            0
            <= sum(entry.active(dimension) for dimension in range(model.config.latent_dim))
            <= model.config.latent_dim
        )
        assert 0 <= entry.share_above(entry.objective) <= 1
    for beta in (low, 1.0, high, 1e6):
        assert metrics.at(beta) in metrics.betas
    assert sorted(metrics.dimensions_by_use) == list(range(model.config.latent_dim))
    assert metrics.test_count >= 1
    assert np.isfinite(dataclasses.astuple(metrics.importance_weighted)).all()
    assert all(
        np.isfinite([network.objective, metrics.regret(network)]).all()
        for network in folder.dedicated
    )
    pictures = torch.stack([folder.examples.picture(name) for name in folder.examples.names])
    assert 0 <= pictures.min() <= pictures.max() <= 1
    for beta in (low, high):
        code = model.encode((pictures > 0.5).float(), beta)
        assert model.decode(code.mean, beta).mean.shape == pictures.shape
    if folder.reference:
        assert len(folder.reference.images) == len(folder.reference.labels)
        assert (
            0
            <= folder.reference.mean_training_pixel.min()
            <= folder.reference.mean_training_pixel.max()
            <= 1
        )


def memory(name: str) -> int:
    """Megabytes of this process, by the name that Linux gives them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024


def test_a_folder_is_usable_or_refused_in_one_sentence(whole, attempts, dice, tmp_path):
    refused = 0
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
        before = memory("VmRSS")
    for attempt in range(attempts):
        found, then = changed(*whole, dice)
        folder = tmp_path / "toy"
        folder.mkdir()
        for name, content in found.items():
            if "/" not in name:
                (folder / name).write_bytes(content)
        then(folder)
        result = outcome(folder)
        if isinstance(result, Folder):
            use(result)
        else:
            refused += 1
            sentence = str(result)
            assert type(result) is vae.WeightsError, (attempt, repr(result))
            assert sentence.startswith(tuple(f"{folder / name}: " for name in LOADED)), (
                attempt,
                sentence,
            )
            assert len(sentence.splitlines()) == 1, (attempt, sentence)
            assert len(sentence) - len(str(folder)) < 400, (attempt, sentence)
        shutil.rmtree(folder)
    assert refused > attempts / 2
    assert "PICKLE_WAS_READ" not in os.environ
    if sys.platform == "linux":
        assert memory("VmHWM") - before < 250


def test_a_record_of_training_gives_a_card_or_one_sentence(whole, attempts, dice, tmp_path):
    for name, content in whole[0].items():
        if "/" not in name:
            (tmp_path / name).write_bytes(content)
    loaded, refused = load_folder(tmp_path), 0
    for attempt in range(attempts):
        (tmp_path / "training.json").write_bytes(changed_record(whole[0], dice))
        try:
            write_checksums(tmp_path, "training.json")
            record = card.read_record(tmp_path / "training.json")
        except ValueError as error:
            sentence = str(error)
        else:
            card.write(tmp_path, loaded.network.config, loaded.metrics, record, loaded.dedicated)
            assert "/" not in card.name(record)
            continue
        refused += 1
        assert sentence.startswith(f"{tmp_path / 'training.json'}: "), (attempt, sentence)
        assert len(sentence.splitlines()) == 1, (attempt, sentence)
        assert len(sentence) - len(str(tmp_path)) < 400, (attempt, sentence)
    assert refused > attempts / 4


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "content",
    [
        b'{"betas":[' + b"{}," * 690_000 + b"{}]}",
        b'{"betas":[' + b"[]," * 690_000 + b"[]]}",
        b"[" * 2**21,
        b"{" + b",".join(b'"%x":1' % number for number in range(190_000)) + b"}",
        b'{"seed":"' + b"x" * 2_000_000 + b'"}',
        b'{"seed":' + b"9" * 2_000_000 + b"}",
        b'{"test_count":1,"seed":1,"samples":1,"betas":[' + b'"",' * 500_000 + b"1]}",
    ],
    ids=["objects", "lists", "brackets", "names", "text", "digits", "items"],
)
def test_two_megabytes_of_json_do_not_fill_the_memory(content, tmp_path):
    """Each of these took up to half a gigabyte as they stood."""
    assert len(content) <= 2**21
    (tmp_path / "metrics.json").write_bytes(content)
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    with pytest.raises(ValueError, match=r"is missing|it is|it has|holds") as caught:
        vae.hub.metrics.read_metrics(tmp_path / "metrics.json")
    assert len(str(caught.value)) < 400
    assert memory("VmHWM") - before < 250


def test_no_more_than_the_bound_is_read_of_a_file_that_grows(tmp_path, monkeypatch):
    path, status = tmp_path / "metrics.json", os.fstat
    path.write_bytes(b"{}")

    def grown(descriptor: int) -> os.stat_result:
        found = status(descriptor)
        path.write_bytes(b"{}" * 2**20)
        return found

    monkeypatch.setattr(files.os, "fstat", grown)
    with pytest.raises(ValueError, match="it changed while it was read"):
        files.read_bounded(path, 100)
