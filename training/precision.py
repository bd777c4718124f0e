"""The precision of a training run: bfloat16 where the processor supports it, else float32.

Without instructions for it PyTorch emulates bfloat16, and a step takes more than ten times as long
(EXPERIMENTS.md, Speed). Where the processor's instructions are unknown, a few steps of each are
timed.
"""

import dataclasses
import os
import statistics
import time
from dataclasses import dataclass
from typing import Literal

import torch

from training.distributed import SINGLE_PROCESS, Processes
from training.loop import Objective, autocast, draw_betas, initial_model
from training.settings import AUTO, Precision, Settings
from vae.likelihood import observe
from vae.noise import seeded, standard_normal

CLEARLY_FASTER = 0.9  # share of float32's time; above it bfloat16 is not worth its rounding
# at most, for both precisions together, after one step of each that is not counted
TIMED_STEPS, TIMED_SECONDS = (9, 4.0)


@dataclass(frozen=True)
class Choice:
    """The faster precision on a machine, and why in half a sentence.

    slowdown: as slowdown() gives it; None if not measured.
    """

    precision: Literal["bfloat16", "float32"]
    reason: str
    slowdown: float | None = None


def has_bfloat16_instructions(device: torch.device) -> bool | None:
    """Whether the device multiplies bfloat16 numbers in hardware; None where that is unknown.

    PyTorch and oneDNN are asked. None also for a CPU with AVX-512 but without its bfloat16
    instructions: oneDNN counts it among those that can.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return None
    features = torch.cpu.get_capabilities()
    if features["architecture"] != "x86_64":
        return None
    # respects ONEDNN_MAX_CPU_ISA, as the kernels do
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return False
    # these may allow AVX-512 and forbid its bfloat16
    if {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"} & os.environ.keys():
        return None
    return True if features["avx512_bf16"] or features["amx_bf16"] else None


def slowdown(settings: Settings, device: torch.device, count: int) -> float:
    """Duration of forward and backward pass in bfloat16 divided by that in float32.

    The ratio of the medians of a few steps of each, in turn, with `count` noise pictures.
    """
    config, noise = settings.network, seeded(settings.seed, "precision")
    objective = Objective(initial_model(settings).to(device))
    images = observe(
        torch.rand((count, *config.image_shape), generator=noise),
        config.likelihood,
        generator=noise,
    ).to(device)
    beta = draw_betas(*config.beta_range, count, noise).to(device)
    eps = standard_normal((1, count, config.latent_dim), noise, device)

    def duration(precision: str) -> float:
        start = time.perf_counter()
        with autocast(device, precision):
            distortion, rate = objective(images, beta, eps)
        (distortion + beta * rate).mean().backward()
        torch.get_device_module(device).synchronize()
        return time.perf_counter() - start

    measured: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    end = time.perf_counter() + TIMED_SECONDS
    for step in range(1 + TIMED_STEPS):
        for precision, durations in measured.items():
            seconds = duration(precision)
            if step:
                durations.append(seconds)
        if step and time.perf_counter() > end:
            break
    return statistics.median(measured["bfloat16"]) / statistics.median(measured["float32"])


def choose(settings: Settings, device: torch.device, count: int) -> Choice:
    """The faster precision on this device.

    It is chosen by the instructions or, where they are unknown, by timing `count` pictures.
    """
    is_supported = has_bfloat16_instructions(device)
    if is_supported is None:
        factor = slowdown(settings, device, count)
        return Choice(
            "bfloat16" if factor < CLEARLY_FASTER else "float32", _slowdown_words(factor), factor
        )
    if is_supported:
        return Choice("bfloat16", f"{_device_words(device)} has bfloat16 instructions")
    return Choice("float32", f"{_device_words(device)} has no bfloat16 instructions")


def resolve(
    settings: Settings,
    device: torch.device,
    processes: Processes = SINGLE_PROCESS,
    resumed_precision: Precision | None = None,
) -> tuple[Settings, str]:
    """The settings with a precision that is no longer AUTO, and a sentence that says why.

    resumed_precision: that of a run that is resumed, which keeps it. Several processes take float32
    as soon as one of them is faster with it: all wait for the slowest. Raises ProcessLostError.
    """
    requested = (
        resumed_precision
        if resumed_precision and settings.precision == AUTO
        else settings.precision
    )
    reason = "as when this run began" if requested == resumed_precision else "as asked for"
    # nothing to time: float32 is never slow, and bfloat16 may not even work here
    if requested == "float32":
        if has_bfloat16_instructions(device):
            reason += (
                f"; this machine would choose bfloat16: {_device_words(device)} has bfloat16 "
                "instructions"
            )
        return dataclasses.replace(settings, precision=requested), f"precision float32, {reason}"
    share = processes.share(settings.batch_size)
    count = max(1, share.stop - share.start)
    choice = choose(settings, device, count)
    is_slow_elsewhere = (
        processes.logical_or(choice.precision == "float32") and choice.precision != "float32"
    )
    if requested == AUTO:
        if is_slow_elsewhere:
            choice = Choice("float32", "another process of this run is faster with float32")
        sentence = f"precision {choice.precision}, chosen automatically: {choice.reason}"
        return dataclasses.replace(settings, precision=choice.precision), sentence
    if is_slow_elsewhere:
        reason += "; another process of this run would choose float32"
    elif choice.precision != requested:
        reason += f"; this machine would choose float32: {choice.reason}"
        if choice.slowdown is None and processes.rank == 0:
            reason += f", {_slowdown_words(slowdown(settings, device, count))}"
    return dataclasses.replace(settings, precision=requested), f"precision {requested}, {reason}"


def _device_words(device: torch.device) -> str:
    return "this CPU" if device.type == "cpu" else "this GPU"


def _slowdown_words(factor: float) -> str:
    times = f"{factor:.0f}" if factor >= 10 else f"{factor:.1f}"
    return f"a step in bfloat16 takes {times} times as long here as in float32"
