"""Fifty sessions at once: each gets exactly what it gets alone."""

import asyncio
import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.students import Run, Student
from tests.browser.app import running_app
from tests.photographs import photograph

STUDENTS, WITH_A_FILE = 50, 8
CHOICES = random.Random(6)


# Seeds and pictures occur several times, so that a cache which mixes up two students fails here.
PLANS = [
    (
        CHOICES.randrange(2),
        CHOICES.randrange(2),
        CHOICES.choices(["0.01", "1", "10"], k=1),
    )
    for _ in range(STUDENTS)
]


def content(run: Run) -> dict[tuple[int, ...], str]:
    """A digest of every element of the page: films, pictures, sentences, widgets.

    The browser shows the frame of the beta at which the slider stands; that is the one without a
    place.
    """
    elements = {
        path: element.SerializeToString(deterministic=True) for path, element in run.places.items()
    }
    shown = {(): "\n".join(run.alts()).encode()}
    return {path: hashlib.sha256(part).hexdigest() for path, part in (elements | shown).items()}


async def lesson(address: str, number: int) -> list[dict[tuple[int, ...], str]]:
    """One student's visit: open a link, perhaps upload a picture, move beta.

    Returns the page's content after each step.
    """
    seed, example, betas = PLANS[number]
    own = number < WITH_A_FILE
    async with Student(
        address, f"lang=en&seed={seed}&example={example}" + ("&source=upload" if own else "")
    ) as student:
        shown = [student.last]
        if own:
            shown.append(await student.upload("digit.png", photograph(number)))
            assert "120 × 120" in " ".join(shown[-1].alts())
        for beta in betas:
            shown.append(await student.choose("beta", beta))
            assert any(
                alt.startswith(f"Reconstruction at beta {beta}:") for alt in shown[-1].alts()
            )
            assert any(alt.endswith(f"seed {seed}") for alt in shown[-1].alts())
        return list(map(content, shown))


async def alone_then_together(address: str) -> tuple[list, list]:
    first = [
        PLANS.index(plan) if number >= WITH_A_FILE else number for number, plan in enumerate(PLANS)
    ]
    first = [number if one < WITH_A_FILE else one for number, one in enumerate(first)]
    once = {number: await lesson(address, number) for number in sorted(set(first))}
    alone = [once[number] for number in first]  # whoever chooses the same sees the same
    return alone, await asyncio.gather(*(lesson(address, number) for number in range(STUDENTS)))


@pytest.fixture(scope="module")
def found() -> tuple[list, list]:
    """Run in another thread: a browser of other tests runs this thread's loop."""
    with running_app() as address, ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, alone_then_together(address)).result()


def test_fifty_sessions_at_once_each_get_what_they_get_alone(found):
    alone, together = found
    for number, (before, now) in enumerate(zip(alone, together, strict=True)):
        for step, (expected, got) in enumerate(zip(before, now, strict=True)):
            assert got == expected, f"student {number}, step {step}"


def test_two_students_with_other_choices_see_something_else_so_the_test_above_can_fail(found):
    alone, _ = found
    last = [frozenset(steps[-1].items()) for steps in alone]
    plans = {
        (seed, number if number < WITH_A_FILE else example, betas[-1], number < WITH_A_FILE)
        for number, (seed, example, betas) in enumerate(PLANS)
    }
    assert len(set(last)) == len(plans) >= 16
