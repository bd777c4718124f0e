"""The precision of a run: what the processor is fast with, decided once, recorded and kept."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from tests.conftest import interrupt, tiny_config, write_idx
from tests.training.tiny import TINY
from training import precision, train
from training.distributed import Processes
from training.loop import Trainer
from training.settings import Settings

CPU = torch.device("cpu")
SETTINGS = Settings(dataset="bars", network=tiny_config(), epochs=1)
FEATURES = {"architecture": "x86_64", "avx512_bf16": False, "amx_bf16": False}


def machine(monkeypatch, *features: str, onednn: bool = True, **changes: object) -> None:
    """A processor with these instructions.

    onednn: whether oneDNN says that it can compute with bfloat16.
    """
    told = FEATURES | dict.fromkeys(features, True) | changes
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: onednn)
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)


def takes(monkeypatch, factor: float) -> None:
    """A step in bfloat16 takes so many times as long as in float32."""
    monkeypatch.setattr(precision, "slowdown", lambda *_: factor)


def never(monkeypatch) -> None:
    """Nothing may be timed."""
    monkeypatch.setattr(precision, "slowdown", lambda *_: pytest.fail("timed"))


@pytest.mark.parametrize("feature", ["avx512_bf16", "amx_bf16"])
def test_with_bfloat16_instructions_it_is_bfloat16(monkeypatch, feature):
    machine(monkeypatch, feature)
    never(monkeypatch)
    assert precision.choose(SETTINGS, CPU, 32) == precision.Choice(
        "bfloat16", "this CPU has bfloat16 instructions"
    )


def test_with_avx2_alone_it_is_float32(monkeypatch):
    """Most laptops and free hosts; bfloat16 is emulated there, ten times slower."""
    machine(monkeypatch, onednn=False)
    never(monkeypatch)
    assert precision.choose(SETTINGS, CPU, 32) == precision.Choice(
        "float32", "this CPU has no bfloat16 instructions"
    )


@pytest.mark.parametrize(
    ("factor", "expected"), [(0.6, "bfloat16"), (0.97, "float32"), (8.2, "float32")]
)
@pytest.mark.parametrize(
    "changes", [{}, {"architecture": "arm64"}], ids=["AVX-512 without bfloat16", "ARM"]
)
def test_where_nobody_knows_it_is_measured(monkeypatch, changes, factor, expected):
    machine(monkeypatch, **changes)
    takes(monkeypatch, factor)
    found = precision.choose(SETTINGS, CPU, 32)
    assert found.precision == expected
    assert found.reason == f"a step in bfloat16 takes {factor:.1f} times as long here as in float32"


def test_instructions_that_an_environment_variable_may_forbid_are_measured(monkeypatch):
    machine(monkeypatch, "avx512_bf16")
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE")
    takes(monkeypatch, 9.0)
    assert precision.choose(SETTINGS, CPU, 32).precision == "float32"


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux tells what its processor can")
def test_this_processors_instructions_are_those_that_the_system_lists(monkeypatch):
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"):
        if name in os.environ:
            pytest.skip(f"{name} forbids some of them")
    flags = set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)[1].split())
    expected = (
        True if flags & {"avx512_bf16", "amx_bf16"} else None if "avx512f" in flags else False
    )
    if expected is not None or "avx512bw" in flags:  # the oldest AVX-512 is none that oneDNN counts
        assert precision.has_bfloat16_instructions(CPU) == expected


@pytest.mark.parametrize("likelihood", ["bernoulli", "autoencoder", "discretized_logistic"])
def test_the_slowdown_is_the_ratio_of_the_two_durations(monkeypatch, likelihood):
    """A clock that only the matrix products move: three ticks in bfloat16, one in float32."""
    network = {
        "bernoulli": tiny_config(),
        "autoencoder": tiny_config(beta_range=(0.0, 0.0)),
        "discretized_logistic": tiny_config(
            image_shape=(3, 8, 8), likelihood="discretized_logistic", preprocess="photo"
        ),
    }[likelihood]
    now, real, used = [0.0], precision.autocast, []

    def autocast(device, kind):
        now[0] += 3.0 if kind == "bfloat16" else 1.0
        used.append(kind)
        return real(device, kind)

    monkeypatch.setattr(precision, "autocast", autocast)
    monkeypatch.setattr(precision, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    assert precision.slowdown(Settings("bars", network, 1), CPU, 8) == 3.0
    assert used[:4] == ["float32", "bfloat16"] * 2


@pytest.mark.parametrize(
    ("asked", "began", "instructions", "precision_", "said", "unsaid"),
    [
        (
            "auto",
            None,
            True,
            "bfloat16",
            "chosen automatically: this CPU has bfloat16 instructions",
            "would",
        ),
        (
            "auto",
            None,
            False,
            "float32",
            "chosen automatically: this CPU has no bfloat16 instructions",
            "would",
        ),
        ("float32", None, False, "float32", "as asked for", "would"),
        (
            "bfloat16",
            None,
            False,
            "bfloat16",
            "as asked for; this machine would choose float32: this CPU has no bfloat16 "
            "instructions, a step in bfloat16 takes 14 times as long here as in float32",
            "chosen automatically",
        ),
        (
            "auto",
            "bfloat16",
            False,
            "bfloat16",
            "as when this run began; this machine would choose float32: this CPU has",
            "chosen automatically",
        ),
        (
            "auto",
            "float32",
            True,
            "float32",
            "as when this run began; this machine would choose bfloat16",
            "chosen automatically",
        ),
        ("auto", "float32", False, "float32", "as when this run began", "would"),
    ],
)
def test_one_sentence_says_which_why_and_what_another_would_cost(
    monkeypatch, asked, began, instructions, precision_, said, unsaid
):
    machine(monkeypatch, *(["avx512_bf16"] if instructions else []), onednn=instructions)
    takes(monkeypatch, 14.0)
    settings, sentence = precision.resolve(
        Settings("bars", tiny_config(), 1, precision=asked), CPU, resumed_precision=began
    )
    assert settings.precision == precision_
    assert sentence.startswith(f"precision {precision_}, ")
    assert said in sentence
    assert unsaid not in sentence
    assert "\n" not in sentence


def test_processes_on_unequal_machines_take_what_all_are_fast_with(monkeypatch):
    machine(monkeypatch, "avx512_bf16")
    # another one says that it takes float32
    monkeypatch.setattr(Processes, "logical_or", lambda self, value: True)
    settings, sentence = precision.resolve(SETTINGS, CPU, Processes(0, 2))
    assert settings.precision == "float32"
    assert sentence.endswith("another process of this run is faster with float32")


def test_a_trainer_is_told_its_precision():
    images = torch.zeros((300, 1, 6, 5), dtype=torch.uint8)
    with pytest.raises(ValueError, match=r"training\.precision\.resolve"):
        Trainer(SETTINGS, images, CPU, {})


# A run from the command line


RUN = [*TINY, "--epochs", "2"]


@pytest.fixture
def run(tmp_path, capsys):
    """Train with more options; returns the exit code, the first line and the record."""
    write_idx(tmp_path / "data" / "bars", train=200)

    def run(*more: str) -> tuple[int, str, dict]:
        folder = tmp_path / "run"
        code = train.main(
            [*RUN, "--data-dir", str(tmp_path / "data"), "--run-dir", str(folder), *more]
        )
        record = folder / "weights" / "training.json"
        return (
            code,
            capsys.readouterr().out.partition("\n")[0],
            json.loads(record.read_text()) if record.exists() else {},
        )

    return run


@pytest.mark.parametrize("instructions", [True, False])
def test_a_run_says_its_choice_first_and_records_it_so_that_the_command_repeats_the_run(
    monkeypatch, run, instructions
):
    machine(monkeypatch, *(["amx_bf16"] if instructions else []), onednn=instructions)
    code, first, record = run()
    expected = "bfloat16" if instructions else "float32"
    assert code == 0
    assert first.startswith(f"precision {expected}, chosen automatically")
    assert record["settings"]["precision"] == expected
    assert record["command"].endswith(f" --precision {expected}")


def test_a_precision_that_was_asked_for_is_recorded_once(run):
    assert run("--precision", "float32")[2]["command"].count("--precision") == 1


def test_a_run_keeps_its_precision_on_another_machine(monkeypatch, run):
    machine(monkeypatch, "avx512_bf16")
    with monkeypatch.context() as patch:
        interrupt(patch, step=3)
        assert run()[0] == 130
    machine(monkeypatch, onednn=False)
    takes(monkeypatch, 14.0)
    code, first, record = run("--resume")
    assert code == 0
    assert first.startswith(
        "precision bfloat16, as when this run began; this machine would choose float32"
    )
    assert record["settings"]["precision"] == "bfloat16"
    assert record["steps"] == 8


def test_a_resumed_run_is_not_given_another_precision(monkeypatch, run, capsys):
    assert run("--precision", "float32")[0] == 0
    assert run("--resume", "--precision", "bfloat16")[:2] == (2, "")
