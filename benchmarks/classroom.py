"""A load test: a class on the playground at once.

    python -m benchmarks.classroom --students 200

Starts the app as a person does and opens that many real sessions (benchmarks.students), each with a
picture and a seed of its own. Every student moves beta once in ten seconds for a minute, from one
random place to another, and at the end all at the same instant. Server and students share the
machine. The clock runs from a student's message until the script has ended and all that it sent has
arrived and is read; what does not name the beta that was asked for is a failure.
"""

import asyncio
import gc
import random
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import torch
import tyro

from benchmarks import film
from benchmarks.machine import machine
from benchmarks.serving import App, running_app
from benchmarks.students import Run, RunError, Student
from ui.service.validation import (
    LARGEST_SEED,  # ui also allows this process open files enough for a class
)
from vae import experiments
from vae.hub import sources

MODEL = "mnist"
OPENING_AT_ONCE = 4  # students who open the page side by side
GALLERY_COUNT = 32  # the page's own default


@dataclass(frozen=True)
class Arguments:
    """Measure how fast the playground answers a whole class."""

    students: int = 200
    """Sessions that are open at once."""
    every: float = 10.0
    """Seconds between two moves of one student."""
    seconds: float = 60.0
    """Seconds for which they go on; then all move at the same instant."""
    seed: int = 0
    """Seed of the students' seeds, examples, betas and the moments of their moves."""
    address: str = ""
    """Address of an app that already runs, such as http://127.0.0.1:8501. Else it is started here,
    and its memory is measured."""


@dataclass
class Part:
    """The measurements of one part of the lesson.

    failures: in words.
    """

    name: str
    runs: list[Run] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    elapsed: float = 0.0

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
        part.runs.append(await move(student, beta))
    except RunError as failure:
        part.failures.append(str(failure))


def other_beta(student: Student, dice: random.Random) -> str:
    """A stop of the slider, not the one where it stands."""
    stops = student.options["beta"]
    current = stops[film.stop([*map(float, stops)], student.query)]
    return dice.choice([stop for stop in stops if stop != current])


async def open_students(app: App, count: int, dice: random.Random, part: Part) -> list[Student]:
    """Open sessions, each with a seed and an example of its own, after the first move of beta."""
    queue = asyncio.Semaphore(OPENING_AT_ONCE)
    names = sources.resolve(MODEL).examples.names
    students = [
        Student(
            app.address, f"lang=en&seed={dice.randrange(LARGEST_SEED)}&example={dice.choice(names)}"
        )
        for _ in range(count)
    ]

    async def enter(student: Student) -> Student | None:
        async with queue:
            try:
                await student.__aenter__()
                part.runs.append(student.last)
                await student.choose("wanted", "film")  # as the gallery does once it is seen
            except (RunError, OSError) as failure:
                part.failures.append(str(failure))
                return None
            first = Part("the first move, which is not timed")
            await record_move(first, student, other_beta(student, dice))
            part.failures += first.failures
            return student

    start = time.perf_counter()
    entered = await asyncio.gather(*map(enter, students))
    part.elapsed += time.perf_counter() - start
    return [student for student in entered if student is not None]


async def lesson(arguments: Arguments, app: App) -> tuple[list[Part], list[tuple[str, str]]]:
    """Run all parts of the lesson.

    Returns their measurements, and rows of further figures: label and value.
    """
    dice = random.Random(arguments.seed)
    opening, burst = Part(f"opening the page, {OPENING_AT_ONCE} at a time"), Part("all at once")
    moving = Part(f"one move in {arguments.every:g} s")
    memory = [app.megabytes()]
    students: list[Student] = []
    for count in (arguments.students // 2, arguments.students - arguments.students // 2):
        students += await open_students(app, count, dice, opening)
        memory.append(app.megabytes())
    gc.collect()
    gc.freeze()  # a collection here, with PyTorch loaded, would be measured as the server's

    moves: list[tuple[Student, str]] = []

    async def move_repeatedly(student: Student) -> None:
        """Move at random moments, for as long as the lesson lasts.

        Who waits for an answer moves later.
        """
        moment = dice.random() * arguments.every
        while moment < arguments.seconds:
            await asyncio.sleep(start + moment - time.perf_counter())
            beta = other_beta(student, dice)
            moves.append((student, beta))
            await record_move(moving, student, beta)
            moment += arguments.every

    start, processor = time.perf_counter(), app.processor_seconds()
    await asyncio.gather(*map(move_repeatedly, students))
    moving.elapsed = time.perf_counter() - start
    processor = app.processor_seconds() - processor
    memory.append(app.megabytes())
    start = time.perf_counter()
    await asyncio.gather(
        *(record_move(burst, student, other_beta(student, dice)) for student in students)
    )
    burst.elapsed = time.perf_counter() - start
    for student in students:
        await student.__aexit__(None, None, None)

    half = arguments.students - arguments.students // 2
    sizes = [run.size for run in moving.runs] or [0]
    rows = [
        ("the burst is answered within", f"{burst.elapsed:.1f} s"),
        ("processor time of a move", f"{1000 * processor / max(1, len(moving.runs)):.0f} ms"),
        (
            "sent for a move",
            f"{statistics.median(sizes) / 1000:.0f} kB, the most {max(sizes) / 1000:.0f} kB",
        ),
        (
            "the largest message",
            f"{max((run.largest for run in opening.runs + moving.runs), default=0) / 1000:.0f} kB",
        ),
        (
            "sent for opening the page",
            f"{max((run.size for run in opening.runs), default=0) / 1000:.0f} kB",
        ),
        ("memory before students", f"{memory[0]:.0f} MB"),
        (f"with {arguments.students // 2} students", f"{memory[1]:.0f} MB"),
        (f"with {arguments.students}", f"{memory[2]:.0f} MB"),
        ("after the last move", f"{memory[3]:.0f} MB"),
        ("for each further student", f"{(memory[2] - memory[1]) / half:.2f} MB"),
        (
            "moves like none before",
            f"{len({(student.query, beta) for student, beta in moves})} of {len(moves)}",
        ),
    ]
    return [opening, moving, burst, network_alone(moves)], rows


def network_alone(moves: Iterable[tuple[Student, str]]) -> Part:
    """The time of the same moves by the network alone, one after another in this process.

    Each is a reconstruction and a gallery.
    """
    part = Part("the network alone, one by one")
    model = sources.resolve(MODEL)
    part_start = time.perf_counter()
    for student, beta in moves:
        link = dict(pair.split("=") for pair in student.query.split("&"))
        image, seed = (
            model.examples.picture(link.get("example", model.examples.names[0])).numpy(),
            int(link.get("seed", 0)),
        )
        start = time.perf_counter()
        experiments.reconstruct(model.network, image, float(beta), seed=seed)
        experiments.gallery(model.network, float(beta), count=GALLERY_COUNT, seed=seed)
        part.runs.append(Run(time.perf_counter() - start))
    part.elapsed = time.perf_counter() - part_start
    return part


def main(argv: Sequence[str]) -> None:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.classroom")
    torch.set_num_threads(1)
    if arguments.address:
        parts, rows = asyncio.run(lesson(arguments, App(arguments.address)))
    else:
        with running_app() as app:
            parts, rows = asyncio.run(lesson(arguments, app))
    print(f"{arguments.students} students, model {MODEL}; server and students on {machine()}")
    print(HEADER)
    for part in parts:
        print(part.row())
    for name, value in rows:
        print(f"{name:34}{value}")
    for failure in sorted({failure for part in parts for failure in part.failures})[:5]:
        print(f"failure: {failure[:500]}")


if __name__ == "__main__":
    main(sys.argv[1:])
