"""The machine that a benchmark ran on, in words: figures mean nothing without it."""

import platform
from pathlib import Path

import torch

from training.precision import has_bfloat16_instructions


def machine() -> str:
    """Processor, the instructions that PyTorch uses of it, and memory, in words."""
    instructions = torch.backends.cpu.get_cpu_capability() + (
        " with bfloat16" if has_bfloat16_instructions(torch.device("cpu")) else ""
    )
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        kilobytes = int(Path("/proc/meminfo").read_text().partition("MemTotal:")[2].split()[0])
        return f"{len(names)} cores of {names[0]} ({instructions}), {kilobytes / 2**20:.0f} GiB"
    except (OSError, IndexError, ValueError):
        return f"{platform.processor() or platform.machine()} ({instructions})"
