"""The precision of a training run: bfloat16 where the processor has instructions for it, else float32.

Without such instructions PyTorch emulates bfloat16, and a step takes ten times as long or more (training/EXPERIMENTS.md).
"""

import dataclasses
import os
import statistics
import time
from dataclasses import dataclass
from typing import Literal

import torch

from training.distributed import ALONE, Processes
from training.loop import Objective, autocast, draw_betas, initial_model
from training.settings import AUTO, Settings
from vae.likelihood import observe
from vae.noise import seeded, standard_normal

CLEARLY_FASTER = 0.9  # of float32's time: below it bfloat16 is worth its rounding
TIMED_PICTURES, TIMED_STEPS, TIMED_SECONDS = 32, 9, 2.0  # for each precision, after one step that is not counted


@dataclass(frozen=True)
class Choice:
    """A precision for this machine, and in half a sentence why."""

    precision: Literal["bfloat16", "float32"]
    reason: str


def has_instructions(device: torch.device) -> bool | None:
    """Whether the device multiplies bfloat16 numbers in hardware, by what PyTorch and oneDNN say; None where neither knows.

    oneDNN counts every AVX-512 among the processors that can: those without the bfloat16 instructions are not known here.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return None
    features = torch.cpu.get_capabilities()
    if features["architecture"] != "x86_64":
        return None
    if not torch.ops.mkldnn._is_mkldnn_bf16_supported():  # heeds ONEDNN_MAX_CPU_ISA, as the kernels do
        return False
    if {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"} & os.environ.keys():  # which may leave AVX-512 and forbid its bfloat16
        return None
    return True if features["avx512_bf16"] or features["amx_bf16"] else None


def slowdown(settings: Settings, device: torch.device) -> float:
    """Duration of a step's forward and backward pass in bfloat16, as a multiple of its duration in float32: medians of a few
    steps of each, in turn, with TIMED_PICTURES noise pictures."""
    config, noise = settings.network, seeded(settings.seed, "precision")
    count = min(TIMED_PICTURES, settings.batch_size)
    objective = Objective(initial_model(settings).to(device))
    images = observe(torch.rand((count, *config.image_shape), generator=noise), config.likelihood, generator=noise).to(device)
    beta = draw_betas(*config.beta_range, count, noise).to(device)
    eps = standard_normal((1, count, config.latent_dim), noise, device)

    def seconds(precision: str) -> float:
        start = time.perf_counter()
        with autocast(device, precision):
            distortion, rate = objective(images, beta, eps)
        (distortion + beta * rate).mean().backward()
        torch.get_device_module(device).synchronize()
        return time.perf_counter() - start

    found: dict[str, list[float]] = {"float32": [], "bfloat16": []}
    end = time.perf_counter() + TIMED_SECONDS * len(found)
    for step in range(1 + TIMED_STEPS):
        for precision, durations in found.items():
            duration = seconds(precision)
            if step:
                durations.append(duration)
        if step and time.perf_counter() > end:
            break
    return statistics.median(found["bfloat16"]) / statistics.median(found["float32"])


def choose(settings: Settings, device: torch.device) -> Choice:
    """The faster precision on this device: by its instructions, where they are not known by timing a few steps of each."""
    name = "this CPU" if device.type == "cpu" else "this GPU"
    known = has_instructions(device)
    if known is None:
        factor = slowdown(settings, device)
        return Choice("bfloat16" if factor < CLEARLY_FASTER else "float32",
                      f"a step in bfloat16 takes {factor:.2g} times as long as in float32 here")
    return Choice("bfloat16", f"{name} has bfloat16 instructions") if known else Choice(
        "float32", f"{name} has no bfloat16 instructions")


def resolve(
    settings: Settings, device: torch.device, processes: Processes = ALONE, began: str | None = None
) -> tuple[Settings, str]:
    """The settings with a precision that is no longer AUTO, and a sentence that says which and why.

    began: the precision of a run that is resumed, which it keeps. Processes on different machines take float32 as soon as one
    of them would: all wait for the slowest. Raises ProcessLostError.
    """
    chosen = choose(settings, device)
    if processes.any(chosen.precision == "float32") and chosen.precision != "float32":
        chosen = Choice("float32", "another process of this run has no bfloat16 instructions")
    asked = began if settings.precision == AUTO and began else settings.precision
    if asked == AUTO:
        precision, why = chosen.precision, f"chosen by itself: {chosen.reason}"
    else:
        precision, why = asked, "as this run began" if asked == began else "as asked for"
        if precision != chosen.precision:
            why += f"; this machine would choose {chosen.precision}, since {_cost(chosen, settings, device)}"
    return dataclasses.replace(settings, precision=precision), f"precision {precision}, {why}"


def _cost(chosen: Choice, settings: Settings, device: torch.device) -> str:
    """What another precision than the chosen one costs here, measured."""
    if "times as long" in chosen.reason:
        return chosen.reason
    return f"{chosen.reason}: a step in bfloat16 takes {slowdown(settings, device):.2g} times as long as in float32"
