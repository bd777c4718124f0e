"""Seconds to read a picture as people send it, for each kind of model.

    python -m benchmarks.pictures

Beside it, in turns, what decoding alone takes: the ratio says what finding and framing the digit or
garment costs, and depends less on the machine than the seconds do. Nobody should wait for more than
MAX_WAIT_SECONDS seconds.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import tyro
from PIL import Image

import vae
from benchmarks.machine import machine
from vae.hub import sources
from vae.images import reading

MAX_WAIT_SECONDS = 5.0
MODELS = ("mnist", "fashion-mnist", "faces")


@dataclass(frozen=True)
class Arguments:
    """Measure how long people wait for their picture."""

    runs: int = 5
    """Repetitions of each; medians count."""
    megapixels: float = 50.0
    """Size of the largest photograph; vae.images reads 50 million pixels at most."""


def photograph(width: int, height: int, pen: int) -> bytes:
    """A dark bar, `pen` pixels wide, on grainy paper with a shadow on one side, as a JPEG.

    The bar can pass for a one or for a dress.
    """
    noise = np.random.default_rng(0).normal(0, 5, (height, width)).astype(np.float32)
    paper = np.linspace(235, 170, width, dtype=np.float32) + noise
    paper[height // 4 : 3 * height // 4, width // 2 : width // 2 + pen] = 70
    buffer = io.BytesIO()
    Image.fromarray(paper.clip(0, 255).astype(np.uint8)).convert("RGB").save(
        buffer, "JPEG", quality=90
    )
    return buffer.getvalue()


def files(megapixels: float) -> dict[str, bytes]:
    """Pictures by name, from small to large."""
    side = round((megapixels * 1e6 / 12) ** 0.5)
    return {
        "a drawing, 300 x 400": photograph(300, 400, 24),
        "a photograph, 12 megapixels, a pen's line": photograph(4000, 3000, 60),
        "a photograph, 12 megapixels, a pencil's line": photograph(4000, 3000, 4),
        "a photograph, 12 megapixels, a dress": photograph(4000, 3000, 900),
        f"a photograph, {megapixels:g} megapixels": photograph(4 * side, 3 * side, 90),
    }


def seconds(work: Callable[[], object]) -> float:
    """The duration of the work."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def outcome(file: bytes, config: vae.VAEConfig) -> str:
    """Whether the picture is read, or why not."""
    try:
        vae.images.read(file, config)
    except vae.ImageError as error:
        return error.code
    return "read"


def main(argv: Sequence[str]) -> None:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.pictures")
    configs = {name: sources.resolve(name).network.config for name in MODELS}
    print(
        f"{machine()}; medians of {arguments.runs}; nobody should wait for more than "
        f"{MAX_WAIT_SECONDS:g} s"
    )
    print(f"{'picture':46}{'model':15}{'unpacking s':>12}{'reading s':>11}{'ratio':>7}   outcome")
    for name, file in files(arguments.megapixels).items():
        for model, config in configs.items():
            outcomes: list[str] = []
            pairs = [
                (
                    seconds(partial(reading.decode, file)),
                    seconds(lambda: outcomes.append(outcome(file, config))),  # noqa: B023
                )
                for _ in range(arguments.runs)
            ]
            decoding, reading_seconds = (
                statistics.median(column) for column in zip(*pairs, strict=True)
            )
            ratio = statistics.median(read / unpacked for unpacked, read in pairs)
            warning = "" if reading_seconds < MAX_WAIT_SECONDS else ": too long"
            print(
                f"{name:46}{model:15}{decoding:12.4f}{reading_seconds:11.4f}{ratio:7.2f}   "
                f"{outcomes[-1]}{warning}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
