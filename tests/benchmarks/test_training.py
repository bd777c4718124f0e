"""The benchmark of training runs all loops and prints their ratios."""

import dataclasses
import multiprocessing
import os
import platform
import re
import threading
from multiprocessing.connection import Connection

import pytest

from benchmarks import training
from tests.conftest import tiny_config
from training.settings import PRESETS

RESTRICTED = " precision float32, chosen automatically: this CPU has no bfloat16 instructions"
OPTIONS = ("--preset", "mnist-2d", "--kinds", "own", "avx2", "--precision", "auto", "--profile")


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


def assert_side_by_side(output: str) -> str:
    """Require a table for each kind of CPU; returns what is said of the restricted one."""
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
    return restricted


class Threads:
    """Stands for processes: begins a loop in a thread, and remembers in which environment."""

    Pipe = staticmethod(multiprocessing.Pipe)

    def __init__(self) -> None:
        self.begun: list[tuple[str, str | None]] = []

    def Process(self, target, args, daemon) -> threading.Thread:  # noqa: N802
        *others, theirs = args
        own = Connection(os.dup(theirs.fileno()))  # who begins a process closes his
        thread = threading.Thread(target=target, args=(*others, own), daemon=daemon)
        start = thread.start

        def begin() -> None:
            self.begun.append((args[0], os.environ.get("ATEN_CPU_CAPABILITY")))
            start()

        thread.start = begin
        return thread


def test_both_kinds_of_cpu_stand_side_by_side_each_with_its_precision_speeds_and_ratios(
    capsys, monkeypatch
):
    """With a tiny network, in threads."""
    threads, before = Threads(), dict(os.environ)
    tiny = tiny_config(image_shape=(1, 28, 28), latent_dim=2)
    small = dataclasses.replace(PRESETS["mnist-2d"], network=tiny, batch_size=200)
    monkeypatch.setitem(PRESETS, "mnist-2d", small)
    monkeypatch.setattr(training, "PICTURES", 500)
    monkeypatch.setattr(training, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(training.multiprocessing, "get_context", lambda _: threads)
    assert_side_by_side(printed(capsys, *OPTIONS))
    for name in training.KINDS["avx2"]:
        assert os.environ.get(name) == before.get(name)
    usual = before.get("ATEN_CPU_CAPABILITY")
    assert sorted(threads.begun, key=str) == sorted(
        [
            (name, capability)
            for name in (training.TRAINER, training.PLAIN, training.PLAIN_SAME_BATCH)
            for capability in (usual, "avx2")
        ],
        key=str,
    )


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="there is no AVX2")
def test_a_restricted_process_takes_its_cpu_for_one_without_bfloat16():
    processes = multiprocessing.get_context("spawn")
    arguments = training.Arguments(preset="mnist-2d", threads=1)
    orders, theirs = processes.Pipe()
    process = processes.Process(
        target=training.run_loop, args=(training.TRAINER, arguments, theirs), daemon=True
    )
    with training.restricted_cpu("avx2"):
        process.start()
    theirs.close()
    try:
        threads, sentence = orders.recv()
        assert threads == 1
        assert f" {sentence}".startswith(RESTRICTED)
    finally:
        orders.close()
        process.kill()
        process.join()


@pytest.mark.weekly
def test_both_kinds_of_cpu_are_measured_in_processes_of_their_own(capsys):
    before = dict(os.environ)
    restricted = assert_side_by_side(printed(capsys, *OPTIONS))
    assert os.environ == before
    if platform.machine() in ("x86_64", "AMD64"):
        assert restricted.startswith(RESTRICTED)
