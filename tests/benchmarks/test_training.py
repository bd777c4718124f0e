"""The benchmark runs all loops, for every preset, and prints their ratios."""

import re

import pytest

from benchmarks import training
from training.settings import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_it_prints_three_speeds_and_the_trainers_ratio_to_each(preset, capsys):
    training.main(["--preset", preset, "--seconds", "0.1", "--turns", "1", "--threads", "1"])
    output = capsys.readouterr().out
    found = re.findall(r"^(plain loop|plain, same batch|training.train) +([\d,]+) +([\d.]+) +(\d+)$", output, re.M)
    speeds, ratios = ([float(row[column].replace(",", "")) for row in found] for column in (1, 2))
    assert len(speeds) == 3
    for speed, ratio in zip(speeds, ratios, strict=True):
        assert speed > 0
        assert ratio == pytest.approx(speeds[2] / speed, abs=0.02)
    assert [int(row[3]) for row in found] == [128, PRESETS[preset].batch_size, PRESETS[preset].batch_size]


def test_the_profile_lists_operations(capsys):
    training.main(["--preset", "mnist-2d", "--seconds", "0.1", "--turns", "1", "--threads", "1", "--profile"])
    assert "aten::" in capsys.readouterr().out
