"""A soak test: the memory that a long day leaves.

    python -m benchmarks.soak

Every page once; then many photographs, given by two visitors; then ten minutes at saturation, as
many students as keep the app busy without a pause, each for half a minute, some with a photograph
of their own; then nobody. A line each time, and each minute, with the re-runs so far and the
server's memory. Exit code 1 where at the end it is more than --most-megabytes, or more than
--most-growth times what it was after the first uploads.
"""

import asyncio
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tyro

from benchmarks.classroom import move, other_beta, photograph
from benchmarks.machine import machine
from benchmarks.serving import App, running_app
from benchmarks.students import RunError, Student
from ui.service import navigation
from ui.service.validation import LARGEST_SEED

FIRST_UPLOADS = 20


@dataclass(frozen=True)
class Arguments:
    """Keep the app busy and watch its memory."""

    minutes: float = 10.0
    """Minutes at saturation."""
    students: int = 12
    """Students at once: each moves beta again as soon as it is answered."""
    stay: float = 30.0
    """Seconds that a student stays."""
    with_picture: float = 0.25
    """Share of students who upload a photograph of their own and move beta with that."""
    uploads: int = 400
    """Photographs that two visitors give one after another before that."""
    after: float = 200.0
    """Seconds to wait at the end: sessions end two minutes after their visitors have gone."""
    seed: int = 0
    """Seed of all that the students choose."""
    most_megabytes: float = 700.0
    """What the server may have when everybody has gone; more is a failure (exit code 1)."""
    most_growth: float = 1.25
    """And how many times what it had after the first uploads."""


async def visit_repeatedly(
    app: App, arguments: Arguments, dice: random.Random, until: float, counts: Counter
) -> None:
    """Students in one place, one after another."""
    while time.monotonic() < until:
        has_picture = dice.random() < arguments.with_picture
        query = (
            f"lang=en&seed={dice.randrange(LARGEST_SEED)}&example={dice.randrange(10)}"
            f"{'&source=upload' if has_picture else ''}"
        )
        end = min(until, time.monotonic() + arguments.stay)
        try:
            async with Student(app.address, query) as student:
                counts.update(sessions=1, runs=1)
                if has_picture:
                    await student.upload(
                        "photograph.jpg", photograph(np.random.default_rng(dice.randrange(1 << 30)))
                    )
                    counts.update(pictures=1, runs=1)
                while time.monotonic() < end:
                    await move(student, other_beta(student, dice))
                    counts.update(runs=1)
        except (RunError, OSError) as failure:
            counts.update(failures=1)
            print(f"failure: {str(failure)[:300]}", flush=True)


async def every_page(app: App) -> None:
    """Visitors, one after another, each at another page of the lab, the lesson or the teacher's."""
    for name in (name for names in navigation.SECTIONS.values() for name in names):
        async with Student(app.address, "lang=en", page="" if name == navigation.LAB[0] else name):
            pass


async def uploads(app: App, count: int, seed: int, counts: Counter) -> float:
    """Two visitors upload so many photographs, in turns; prints a line after the first twenty.

    Returns the megabytes then, or at the end of fewer.
    """
    megabytes = math.nan
    dice = np.random.default_rng(seed)
    async with (
        Student(app.address, "lang=en&source=upload") as visitor,
        Student(app.address, "lang=en&source=upload") as other_visitor,
    ):
        for number in range(count):
            await (visitor, other_visitor)[number % 2].upload("photograph.jpg", photograph(dice))
            counts.update(pictures=1, runs=1)
            if number + 1 == FIRST_UPLOADS:
                megabytes = report(f"{FIRST_UPLOADS} uploads", app, counts)
    return megabytes if count >= FIRST_UPLOADS else app.megabytes()


def report(label: str, app: App, counts: Counter) -> float:
    """Print a line of the table; returns the server's megabytes."""
    megabytes = app.megabytes()
    print(
        f"{label:20}{counts['runs']:9,}{counts['sessions']:10,}{counts['pictures']:10,}"
        f"{counts['failures']:10}{megabytes:7.0f}",
        flush=True,
    )
    return megabytes


async def soak(arguments: Arguments, app: App) -> tuple[float, float]:
    """Keep the app busy. Returns its megabytes after the first uploads and at the end."""
    counts: Counter = Counter()
    print(f"{'':20}{'re-runs':>9}{'sessions':>10}{'pictures':>10}{'failures':>10}{'MB':>7}")
    report("started", app, counts)
    await every_page(app)
    report("every page", app, counts)
    first = await uploads(app, arguments.uploads, arguments.seed, counts)
    report(f"{arguments.uploads} uploads", app, counts)
    start = time.monotonic()
    end = start + 60 * arguments.minutes
    visitors = [
        asyncio.create_task(
            visit_repeatedly(app, arguments, random.Random(arguments.seed + number), end, counts)
        )
        for number in range(arguments.students)
    ]
    while time.monotonic() < end:
        report(f"minute {(time.monotonic() - start) / 60:.1f}", app, counts)
        await asyncio.sleep(min(60.0, max(0.0, end - time.monotonic())))
    await asyncio.gather(*visitors)
    report("busy no more", app, counts)
    await asyncio.sleep(arguments.after)
    return first, report("everybody gone", app, counts)


def main(argv: Sequence[str]) -> int:
    """Run it; returns the exit code."""
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.soak")
    print(
        f"{arguments.students} students at once without a pause; server and students on {machine()}"
    )
    with running_app() as app:
        first, last = asyncio.run(soak(arguments, app))
    most = min(arguments.most_megabytes, arguments.most_growth * first)
    if last <= most:
        return 0
    print(f"too much: {last:.0f} MB at the end, and {most:.0f} MB are allowed")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
