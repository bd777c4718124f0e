"""The benchmark runs both loops, for every preset, and prints their ratio."""

import re

import pytest

from benchmarks import training
from training.settings import PRESETS


@pytest.mark.parametrize("preset", PRESETS)
def test_it_prints_two_speeds_and_their_ratio(preset, capsys):
    training.main(["--preset", preset, "--seconds", "0.1", "--turns", "1", "--threads", "1"])
    output = capsys.readouterr().out
    found = re.findall(r"^(?:plain loop|training.train) +([\d,]+)", output, re.M)
    speeds = [float(number.replace(",", "")) for number in found]
    assert len(speeds) == 2
    assert all(speed > 0 for speed in speeds)
    assert float(re.search(r"^ratio ([\d.]+)", output, re.M)[1]) == pytest.approx(speeds[1] / speeds[0], abs=0.02)


def test_the_profile_lists_operations(capsys):
    training.main(["--preset", "mnist-2d", "--seconds", "0.1", "--turns", "1", "--threads", "1", "--profile"])
    assert "aten::" in capsys.readouterr().out
