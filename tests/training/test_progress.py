"""The forecast of a long run: once, after a minute of work, right where the pace is even."""

import re
from datetime import datetime

import pytest

from training.progress import Progress, duration


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def forecasts(capsys, total: int, seconds: float, **options) -> list[str]:
    """What a run of `total` units says, each of which takes so many seconds."""
    clock = Clock()
    with Progress(total, unit="step", clock=clock, **options) as progress:
        for _ in range(total - options.get("initial", 0)):
            clock.now += seconds
            progress.update()
    return [line for line in capsys.readouterr().out.splitlines() if line]


def test_after_its_first_minute_a_run_says_how_long_the_rest_takes(capsys):
    said = forecasts(capsys, total=1000, seconds=2.0)  # 30 steps in the first minute, 969 are left
    assert len(said) == 1
    assert re.fullmatch(
        r"about 32 minutes to go; ends at about (\d{4}-\d\d-\d\d )?\d\d:\d\d", said[0]
    )


def test_what_ends_on_another_day_is_told_with_its_date(capsys):
    (said,) = forecasts(capsys, total=100_000, seconds=2.0)
    end = datetime.strptime(said.partition("about ")[2].partition("about ")[2], "%Y-%m-%d %H:%M")
    assert (end - datetime.now()).total_seconds() == pytest.approx(2 * 99_969, abs=120)


def test_what_is_compiled_before_the_first_step_is_no_part_of_the_pace(capsys):
    clock = Clock()
    with Progress(1000, unit="step", clock=clock) as progress:
        clock.now += 600
        for _ in range(40):
            progress.update()
            clock.now += 2
    assert capsys.readouterr().out.startswith("about 32 minutes to go")


def test_a_resumed_run_is_foretold_by_what_it_does_itself(capsys):
    # 70 steps are left after the first minute
    assert forecasts(capsys, total=1000, seconds=2.0, initial=900)[0].startswith(
        "about 2 minutes to go"
    )


def test_a_run_of_less_than_a_minute_and_a_hidden_one_say_nothing(capsys):
    assert forecasts(capsys, total=25, seconds=2.0) == []
    assert forecasts(capsys, total=1000, seconds=2.0, hidden=True) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (8, "8 seconds"),
        (89.4, "89 seconds"),
        (90, "2 minutes"),
        (1500, "25 minutes"),
        (12_000, "3 h 20 min"),
    ],
)
def test_a_duration_is_said_as_a_person_says_it(seconds, words):
    assert duration(seconds) == words
