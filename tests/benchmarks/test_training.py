"""The benchmark of training runs all loops and prints their ratios."""

import os
import platform
import re

import pytest

from benchmarks import training
from training.settings import PRESETS


def printed(capsys, *options: str) -> str:
    """What a very short measurement prints."""
    training.main(
        ["--seconds", "0.1", "--turns", "1", "--threads", "1", "--precision", "float32", *options]
    )
    return capsys.readouterr().out


def rows(output: str) -> list[tuple[float, float, int]]:
    """Examples a second, ratio and batch of each loop of a table."""
    found = re.findall(
        r"^(?:plain loop|plain, same batch|training.train) +([\d,]+) +([\d.]+) +(\d+)$",
        output,
        re.M,
    )
    return [
        (float(speed.replace(",", "")), float(ratio), int(batch)) for speed, ratio, batch in found
    ]


def test_both_kinds_of_cpu_stand_side_by_side_each_with_its_precision_speeds_and_ratios(capsys):
    before = dict(os.environ)
    options = ("--preset", "mnist-2d", "--kinds", "own", "avx2", "--precision", "auto", "--profile")
    output = printed(capsys, *options)
    assert os.environ == before
    own, restricted = output.split("restricted to AVX2:")
    assert re.search(
        r"^this machine: precision (bfloat16|float32), chosen automatically: ", own, re.M
    )
    for part in (own, restricted):
        table = rows(part)
        assert len(table) == 3
        for speed, ratio, _ in table:
            assert speed > 0
            rounding = 0.5 / speed + 0.5 / table[2][0]  # speeds are whole numbers
            assert ratio == pytest.approx(table[2][0] / speed, abs=0.01 + ratio * 2 * rounding)
        ours = PRESETS["mnist-2d"].batch_size
        assert [batch for _, _, batch in table] == [128, ours, ours]
    assert "aten::" in output
    if platform.machine() in ("x86_64", "AMD64"):
        assert restricted.startswith(
            " precision float32, chosen automatically: this CPU has no bfloat16 instructions"
        )
