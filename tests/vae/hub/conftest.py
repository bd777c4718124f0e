"""A bundle of weights folders beside a Hub on this machine."""

from pathlib import Path

import pytest

from tests.conftest import write_weights
from tests.processes import HANGING
from vae.hub import sources


@pytest.fixture
def bundle(monkeypatch, tmp_path, local_hub) -> Path:
    """A bundle of two models, toy and other, whose weights are not those on the Hub."""
    for seed, name in enumerate(("toy", "other"), start=5):
        write_weights(tmp_path / "bundle" / name, seed)
    monkeypatch.setattr(sources, "BUNDLE", tmp_path / "bundle")
    # where a test does not say otherwise, any machine is fast enough
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", HANGING)
    return tmp_path / "bundle"
