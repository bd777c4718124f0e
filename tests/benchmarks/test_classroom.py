"""The class, small: what is printed is what happened, and what goes wrong is counted."""

import asyncio
import contextlib
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks import classroom, cold_start, soak
from benchmarks.students import Run, RunError, Student
from tests.browser.app import running_app


@pytest.fixture(scope="module")
def address():
    with running_app() as address:
        yield address


def in_a_thread(function, *arguments):
    """A browser that other tests have opened runs this thread's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *arguments).result()


def rows(output: str) -> dict[str, list[float]]:
    """The table's lines: re-runs, median, 95th percentile, worst, re-runs a second, failures."""
    found = re.findall(
        r"^(\S.{33}) *([\d,]+) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) +(\d+)$", output, re.M
    )
    return {
        name.strip(): [float(value.replace(",", "")) for value in values] for name, *values in found
    }


def test_the_class_prints_its_table(capsys):
    in_a_thread(classroom.main, ["--students", "4", "--every", "1", "--seconds", "2"])
    output = capsys.readouterr().out
    table = rows(output)
    assert list(table) == [
        "opening the page, 4 at a time",
        "one move in 1 s",
        "all at once",
        "the network alone, one by one",
    ]
    assert [table[name][0] for name in table] == [4, 8, 4, 8]
    for runs, median, most, worst, rate, failures in table.values():
        assert 0 < median <= most <= worst
        assert rate > 0
        assert not failures
        assert runs
    assert re.search(r"^for each further student +-?[\d.]+ MB$", output, re.M)
    assert re.search(r"^sent for a move +\d+ kB, the most \d+ kB$", output, re.M)
    assert "moves like none before            8 of 8" in output


def test_an_app_that_runs_elsewhere_is_asked_but_not_weighed(address, capsys):
    in_a_thread(
        classroom.main, ["--students", "2", "--every", "1", "--seconds", "1", "--address", address]
    )
    output = capsys.readouterr().out
    assert rows(output)["all at once"][0] == 2
    assert "memory before students            nan MB" in output


def test_every_kind_of_wrong_answer_is_a_failure(address):
    async def lesson() -> list[str]:
        part = classroom.Part("wrong")
        async with Student(address, "lang=en&seed=3") as student:
            await classroom.answered(part, student, "0.1")
            assert len(part.runs) == 1
            assert not part.failures
            student.rerun = lambda: asyncio.sleep(0, student.last)
            # the answer is the last one's, of another beta
            await classroom.answered(part, student, "4")
            del student.rerun
            await student._socket.close()
            await classroom.answered(part, student, "4")
        return part.failures

    other, lost = in_a_thread(asyncio.run, lesson())
    assert other.startswith("asked for beta 4, shown: ")
    assert lost.startswith("lost socket")


def test_an_error_on_the_page_is_a_failure():
    from streamlit.proto.Element_pb2 import Element

    element = Element()
    element.exception.type, element.exception.message = "ValueError", "broken"
    with pytest.raises(RunError, match="ValueError broken"):
        Student("http://127.0.0.1")._element(Run(), {}, (0,), element)


@pytest.mark.parametrize(("percent", "value"), [(50, 10), (95, 19), (100, 20), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent, value):
    assert classroom.percentile([*range(20, 0, -1)], percent) == value


SHORT = {"minutes": "0.1", "students": "2", "stay": "2", "with-picture": "1", "after": "0"}


def soaked(**options: str) -> int:
    """The exit code of a short soak."""
    words = {**SHORT, **{name.replace("_", "-"): value for name, value in options.items()}}
    return in_a_thread(soak.main, [part for name in words for part in (f"--{name}", words[name])])


def test_the_soak_prints_a_line_at_both_ends(capsys):
    assert soaked(uploads="20", most_megabytes="1e6", most_growth="100") == 0
    found = re.findall(
        r"^(\S.{18}\S?) +([\d,]+) +(\d+) +(\d+) +(\d+) +(\d+)$", capsys.readouterr().out, re.M
    )
    table = {
        name.strip(): [int(value.replace(",", "")) for value in values] for name, *values in found
    }
    assert list(table) == [
        "started",
        "every page",
        "20 uploads",
        "minute 0.0",
        "busy no more",
        "everybody gone",
    ]
    runs, sessions, pictures, failures, megabytes = table["everybody gone"]
    assert runs > pictures > 20
    assert sessions > 0
    assert not failures
    assert megabytes > table["started"][-1] > 50


@pytest.mark.parametrize(
    ("first", "last", "code"), [(600, 699, 0), (600, 701, 1), (400, 499, 0), (400, 501, 1)]
)
def test_the_soak_fails_where_the_app_keeps_too_much(monkeypatch, capsys, first, last, code):
    async def so_much(*_: object) -> tuple[float, float]:
        return first, last

    monkeypatch.setattr(soak, "soak", so_much)
    monkeypatch.setattr(soak, "running_app", contextlib.nullcontext)
    assert soaked() == code
    assert ("too much" in capsys.readouterr().out) == bool(code)


def test_the_soak_measures_after_the_first_uploads_and_at_the_end(capsys):
    assert soaked(uploads="20", minutes="0", most_megabytes="1") == 1
    assert soaked(uploads="1", minutes="0", most_megabytes="1e6", most_growth="0.1") == 1


@pytest.mark.slow
def test_the_cold_start_prints_its_ratio(capsys):
    in_a_thread(cold_start.main, ["--runs", "1"])
    found = dict(re.findall(r"^(\S.{33}) *([\d.]+)(?: s)?$", capsys.readouterr().out, re.M))
    alone, healthy, picture, ratio = map(float, found.values())
    assert 0 < healthy < picture
    # printed with two decimals
    assert ratio == pytest.approx(picture / alone, abs=0.01 + 0.02 / alone)
