"""The time from the command to the first finished picture.

    python -m benchmarks.cold_start

A student connects as soon as the app is healthy, and the clock stops when the reconstruction has
arrived. Beside it, in turns, what importing PyTorch and Streamlit alone takes a new Python.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import tyro
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks import film
from benchmarks.machine import machine
from benchmarks.serving import ROOT, running_app
from benchmarks.students import Path, Run, Student

IMPORTS = "import torch, streamlit"


@dataclass(frozen=True)
class Arguments:
    """Measure how long a new app takes until it shows a picture."""

    runs: int = 7
    """Repetitions of each; medians count."""


class FirstPicture(Student):
    """A student who waits for the first picture.

    arrival: when the film with the reconstructions came, seconds of time.perf_counter.
    """

    arrival = float("nan")

    def _element(self, run: Run, states: dict[str, WidgetState], path: Path, delta: Delta) -> None:
        super()._element(run, states, path, delta)
        component = delta.new_element.bidi_component
        if component.component_name == film.CARRIER and "film" in film.opened(component.bytes):
            self.arrival = time.perf_counter()


async def first_picture(address: str) -> float:
    async with FirstPicture(address, "lang=en") as student:
        return student.arrival


def app_seconds() -> tuple[float, float]:
    """Seconds from the command to health, and to the picture."""
    start = time.perf_counter()
    with running_app() as app:
        health = time.perf_counter() - start
        return health, asyncio.run(first_picture(app.address)) - start


def import_seconds() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], cwd=ROOT, check=True)
    return time.perf_counter() - start


def main(argv: Sequence[str]) -> None:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.cold_start")
    import_seconds(), app_seconds()  # whoever comes first reads the files from the disk
    imports, healths, pictures = [], [], []
    for _ in range(arguments.runs):
        imports.append(import_seconds())
        health, picture = app_seconds()
        healths.append(health)
        pictures.append(picture)
    ratio = statistics.median(
        picture / base for picture, base in zip(pictures, imports, strict=True)
    )
    print(f"{arguments.runs} runs, medians, on {machine()}")
    print(f"{IMPORTS:34}{statistics.median(imports):6.2f} s")
    print(f"{'the app is healthy after':34}{statistics.median(healths):6.2f} s")
    print(f"{'the first picture after':34}{statistics.median(pictures):6.2f} s")
    print(f"{'ratio to the imports':34}{ratio:6.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
