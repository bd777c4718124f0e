"""A load test: a class on the playground at once.

    python -m benchmarks.classroom --students 200

Starts the app as a person does and opens that many real sessions (benchmarks.students). All open
one link at the same instant; each uploads a photograph of its own at the same instant; then every
student moves beta once in a second for a minute, from one random place to another, and at the end
all at the same instant: the browser answers a move by itself, and tells the server when the hand
rests. Last every student presses for another seed, three times as often as the server answers,
without waiting. --busy keeps cores busy with something else meanwhile.

Server and students share the machine. The clock runs from a student's message until the script has
ended and all that it sent has arrived and is read; what does not name the beta that was asked for
is a failure. Beside it, in the same run, what opening an empty page of Streamlit takes.
"""

import asyncio
import contextlib
import gc
import io
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from benchmarks import film
from benchmarks.machine import machine
from benchmarks.serving import STREAMLIT, App, running_app
from benchmarks.students import Run, RunError, Student
from ui.server import process
from ui.widgets import first_visit

MODEL = "mnist"
OVERLOAD = 3  # times as many presses as the server answers
EMPTY_PAGES = 20  # sessions that open the empty page, one after another
EMPTY = "import streamlit as st\n\nst.write('empty')\n"
BUSY = "while True: pass"


@dataclass(frozen=True)
class Arguments:
    """Measure how fast the playground answers a whole class."""

    students: int = 200
    """Sessions that are open at once."""
    every: float = 1.0
    """Seconds between two moves of one student."""
    seconds: float = 60.0
    """Seconds for which they go on; then all move at the same instant."""
    overload: float = 10.0
    """Seconds for which every student presses for another seed."""
    busy: int = 0
    """Other processes that keep a core busy each, for as long as students move beta."""
    seed: int = 0
    """Seed of the students' seeds, examples, betas and the moments of their moves."""
    address: str = ""
    """Address of an app that already runs, such as http://127.0.0.1:8501. Else it is started here,
    and its memory is measured."""


@dataclass
class Part:
    """The measurements of one part of the lesson.

    failures: in words. begun: on the clock of time.perf_counter.
    """

    name: str
    runs: list[Run] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    begun: float = 0.0
    elapsed: float = 0.0

    def add(self, run: Run) -> None:
        """Count an answer, without the pictures in it: twelve thousand would take gigabytes."""
        self.runs.append(replace(run, places={}))

    def row(self) -> str:
        times = [1000 * run.seconds for run in self.runs] or [float("nan")]
        return (
            f"{self.name:34}{len(self.runs):8,}{statistics.median(times):8.0f}"
            f"{percentile(times, 95):8.0f}{max(times):8.0f}"
            f"{len(self.runs) / self.elapsed:9.1f}{len(self.failures):9}"
        )


HEADER = (
    f"{'':34}{'re-runs':>8}{'p50 ms':>8}{'p95 ms':>8}{'worst':>8}{'a second':>9}{'failures':>9}"
)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(percent) // 100) - 1)]


async def move(student: Student, beta: str) -> Run:
    """Move one student's beta; an answer that shows another is a RunError."""
    run = await student.choose("beta", beta)
    if not any(alt.startswith(f"Reconstruction at beta {beta}:") for alt in run.alts()):
        raise RunError(f"asked for beta {beta}, shown: {run.alts()}")
    return run


async def record_move(part: Part, student: Student, beta: str) -> None:
    """Move one student's beta, and count the answer or the failure."""
    try:
        part.add(await move(student, beta))
    except RunError as failure:
        part.failures.append(str(failure))


def other_beta(student: Student, dice: random.Random) -> str:
    """A stop of the slider, not the one where it stands."""
    stops = student.options["beta"]
    current = stops[film.stop([*map(float, stops)], student.query)]
    return dice.choice([stop for stop in stops if stop != current])


def photograph(dice: np.random.Generator) -> bytes:
    """A stroke on grainy paper, 1200 × 900 pixels, as a phone sends it."""
    paper = np.full((900, 1200), 225.0) + dice.normal(0, 6, (900, 1200))
    left, top = dice.integers(200, 500, 2)
    paper[top : top + 380, left : left + 60] = paper[
        top : top + 60, left : left + int(dice.integers(60, 300))
    ] = 40
    buffer = io.BytesIO()
    Image.fromarray(paper.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


async def timed(part: Part, act: Callable[[], Awaitable[Run]]) -> None:
    """Count an answer from the beginning of the part, or the failure."""
    try:
        run = await act()
        part.add(replace(run, seconds=time.perf_counter() - part.begun))
    except (RunError, OSError) as failure:
        part.failures.append(str(failure))


async def together(part: Part, acts: Iterable[Callable[[], Awaitable[Run]]]) -> None:
    """Do all at the same instant."""
    part.begun = time.perf_counter()
    await asyncio.gather(*(timed(part, act) for act in acts))
    part.elapsed = time.perf_counter() - part.begun


async def entered(student: Student) -> Run:
    """Open the page."""
    await student.__aenter__()
    return student.last


async def lesson(arguments: Arguments, app: App) -> tuple[list[Part], list[tuple[str, str]]]:
    """Run all parts of the lesson, and print each one's row when it is over.

    Returns their measurements, and rows of further figures: label and value.
    """
    dice = random.Random(arguments.seed)
    memory = [app.megabytes()]
    students = [Student(app.address, "lang=en&source=upload") for _ in range(arguments.students)]
    async with Student(app.address, "lang=en"):
        pass  # the app is loaded, and not timed
    opening, own = Part("one link, all at once"), Part("own photographs, all at once")
    await together(opening, [partial(entered, student) for student in students])
    print(opening.row(), flush=True)
    memory.append(app.megabytes())
    photographs = [photograph(np.random.default_rng(dice.randrange(1 << 30))) for _ in students]
    await together(
        own,
        [
            partial(student.upload, "photograph.jpg", picture)
            for student, picture in zip(students, photographs, strict=True)
        ],
    )
    print(own.row(), flush=True)
    memory.append(app.megabytes())
    for student in students:
        with contextlib.suppress(RunError):
            await student.choose("wanted", "film")  # as the gallery does once it is seen
    gc.collect()
    gc.freeze()  # a collection here, with PyTorch loaded, would be measured as the server's
    moving, burst, processor = await moves(arguments, app, students, dice)
    memory.append(app.megabytes())
    print(f"{moving.row()}\n{burst.row()}", flush=True)
    presses, overload, rows = await overloaded(arguments, students)
    print(f"{presses.row()}\n{overload.row()}", flush=True)
    for student in students:
        await student.__aexit__(None, None, None)
    sizes = [run.size for run in moving.runs] or [0]
    page = max((run.size for run in opening.runs), default=0)
    largest = max((run.largest for run in opening.runs + own.runs), default=0)
    rows = [
        (
            "processor time of a move",
            f"{1000 * processor / max(1, len(moving.runs)):.1f} ms",
        ),
        ("sent for a move", f"{statistics.median(sizes) / 1000:.1f} kB"),
        ("sent for opening the page", f"{page / 1000:.0f} kB"),
        ("the largest message", f"{largest / 1000:.0f} kB"),
        ("memory before students", f"{memory[0]:.0f} MB"),
        (f"with {arguments.students}", f"{memory[1]:.0f} MB"),
        ("with their photographs", f"{memory[2]:.0f} MB"),
        ("after the last move", f"{memory[3]:.0f} MB"),
        *rows,
    ]
    return [opening, own, moving, burst, presses, overload], rows


async def moves(
    arguments: Arguments, app: App, students: Sequence[Student], dice: random.Random
) -> tuple[Part, Part, float]:
    """All move beta again and again, then at once.

    Returned with both is the server's processor time of the first, in seconds.
    """
    moving = Part(f"one move in {arguments.every:g} s")

    async def move_repeatedly(student: Student) -> None:
        """Move at random moments, for as long as the lesson lasts.

        Who waits for an answer moves later.
        """
        moment = dice.random() * arguments.every
        while moment < arguments.seconds:
            await asyncio.sleep(start + moment - time.perf_counter())
            await record_move(moving, student, other_beta(student, dice))
            moment += arguments.every

    with kept_busy(arguments.busy):
        start, processor = time.perf_counter(), app.processor_seconds()
        await asyncio.gather(*map(move_repeatedly, students))
        moving.elapsed = time.perf_counter() - start
        processor = app.processor_seconds() - processor
        burst = Part("all move at once")
        await together(
            burst, [partial(move, student, other_beta(student, dice)) for student in students]
        )
    return moving, burst, processor


async def overloaded(
    arguments: Arguments, students: Sequence[Student]
) -> tuple[Part, Part, list[tuple[str, str]]]:
    """All press for another seed at once, then more often than the server answers.

    A press is a new film: the most that one click asks for.
    """
    presses, overload = Part("all change the seed at once"), Part("overload: what was answered")
    await together(presses, [partial(student.choose, "seed", 20) for student in students])
    capacity = len(presses.runs) / presses.elapsed
    pause = len(students) / (OVERLOAD * capacity)
    count = max(2, round(arguments.overload / pause))
    newest: list[float] = []

    async def press(student: Student) -> None:
        try:
            answered = await student.hurry("seed", range(100, 100 + count), pause)
        except RunError as failure:
            overload.failures.append(str(failure))
            return
        for _, run in answered:
            overload.add(run)
        newest.append(answered[-1][1].seconds)

    start = time.perf_counter()
    await asyncio.gather(*map(press, students))
    overload.elapsed = time.perf_counter() - start
    asked = count * len(students)
    return (
        presses,
        overload,
        [
            ("capacity", f"{capacity:.1f} new films a second"),
            ("overload: asked for", f"{asked:,} in {count * pause:.0f} s"),
            ("overtaken by a newer one", f"{asked - len(overload.runs):,}"),
            ("the newest of each student", f"within {max(newest, default=math.nan):.1f} s"),
        ],
    )


@contextlib.contextmanager
def kept_busy(count: int) -> Iterator[None]:
    """Keep so many cores busy with something else."""
    others = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


async def empty_page() -> list[tuple[str, str]]:
    """Processor time and seconds in which an empty page of Streamlit opens."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "empty.py"
        file.write_text(EMPTY)
        with running_app(command=STREAMLIT.replace("app.py", str(file))) as app:
            part = Part("")
            for number in range(EMPTY_PAGES + 1):
                if number == 1:
                    processor = app.processor_seconds()  # the first also loads the libraries
                async with Student(app.address) as student:
                    part.runs.append(student.last)
            processor = app.processor_seconds() - processor
    seconds = statistics.median(run.seconds for run in part.runs[1:])
    return [
        ("processor time of an empty page", f"{1000 * processor / EMPTY_PAGES:.1f} ms"),
        ("an empty page is opened within", f"{1000 * seconds:.0f} ms"),
    ]


def main(argv: Sequence[str]) -> None:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.classroom")
    process.configure()  # also as many open files as a class takes
    print(f"{arguments.students} students, model {MODEL}; server and students on {machine()}")
    print(HEADER, flush=True)
    if arguments.address:
        parts, rows = asyncio.run(lesson(arguments, App(arguments.address)))
    else:
        # The pages that nobody asks for would be drawn while the class is measured.
        with running_app(os.environ | {first_visit.SETTING: "0"}) as app:
            parts, rows = asyncio.run(lesson(arguments, app))
    rows += asyncio.run(empty_page())
    for name, value in rows:
        print(f"{name:34}{value}")
    for failure in sorted({failure for part in parts for failure in part.failures})[:5]:
        print(f"failure: {failure[:500]}")


if __name__ == "__main__":
    main(sys.argv[1:])
