"""A bundle of weights folders beside a Hub on this machine."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import file_download

from tests.processes import HANGING
from tests.vae.hub.published import write_folder
from vae.hub import repository, sources


@pytest.fixture
def weights(tmp_path) -> Path:
    """A weights folder, written once for all tests."""
    return write_folder(tmp_path / "toy")


@pytest.fixture
def bundle(monkeypatch, tmp_path, local_hub) -> Path:
    """A bundle of two models, toy and other, whose weights are not those on the Hub."""
    for seed, name in enumerate(("toy", "other"), start=5):
        write_folder(tmp_path / "bundle" / name, seed)
    monkeypatch.setattr(sources, "BUNDLE", tmp_path / "bundle")
    # where a test does not say otherwise, any machine is fast enough
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", HANGING)
    return tmp_path / "bundle"


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """The seconds that we would have waited before we ask again; the client does not wait either.

    So what was given up ends soon.
    """
    waited: list[float] = []
    monkeypatch.setattr(repository, "time", SimpleNamespace(sleep=waited.append))
    monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda seconds: None))
    return waited
