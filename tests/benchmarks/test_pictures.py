"""The benchmark of reading pictures: every file by every model, with the ratio of its durations."""

import functools
import itertools
import re

import pytest

from benchmarks import pictures


def test_it_prints_how_long_each_picture_takes_each_model(capsys, monkeypatch):
    """On a clock that runs a second faster each time, and pictures with a quarter of the side."""
    ticks, real, photograph = itertools.count(1), pictures.seconds, pictures.photograph
    monkeypatch.setattr(
        pictures,
        "photograph",
        lambda width, height, pen: photograph(width // 4, height // 4, max(pen // 4, 1)),
    )
    monkeypatch.setattr(pictures, "files", functools.cache(pictures.files))

    def seconds(work) -> float:
        assert real(work) > 0
        return float(next(ticks))

    monkeypatch.setattr(pictures, "seconds", seconds)
    pictures.main(["--runs", "1", "--megapixels", "1"])
    rows = re.findall(
        r"^(a .+?) {2,}(\S+) +([\d.]+) +([\d.]+) +([\d.]+)   (.+)$", capsys.readouterr().out, re.M
    )
    assert [(name, model) for name, model, *_ in rows] == [
        (name, model) for name in pictures.files(1) for model in pictures.MODELS
    ]
    for number, (_, _, unpacking, reading, ratio, outcome) in enumerate(rows):
        assert (float(unpacking), float(reading)) == (2 * number + 1, 2 * number + 2)
        assert float(ratio) == pytest.approx(float(reading) / float(unpacking), abs=0.005)
        assert outcome.endswith(": too long") == (float(reading) >= pictures.MAX_WAIT_SECONDS)
    # each is something
    assert {outcome.partition(":")[0] for *_, outcome in rows} == {"read", "no_garment", "no_ink"}
