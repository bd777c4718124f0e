"""The class, small: what is printed is what happened, and what goes wrong is counted."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace

import pytest

from benchmarks import classroom, cold_start, serving, soak
from benchmarks.serving import App
from benchmarks.students import Run, RunError, Student
from ui.service import navigation


@pytest.fixture(scope="module")
def app() -> Iterator[App]:
    """One app for all of them, started as the benchmarks start it."""
    with serving.running_app() as app:
        yield app


@pytest.fixture
def starts_it(app, monkeypatch) -> None:
    """A benchmark that starts the app gets the one that runs."""
    for benchmark in (classroom, cold_start, soak):
        monkeypatch.setattr(benchmark, "running_app", lambda *_, **__: contextlib.nullcontext(app))


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


def test_the_class_prints_its_table(starts_it, capsys):
    in_a_thread(
        classroom.main, ["--students", "2", "--every", "1", "--seconds", "1", "--overload", "1"]
    )
    output = capsys.readouterr().out
    table = rows(output)
    assert list(table) == [
        "one link, all at once",
        "own photographs, all at once",
        "one move in 1 s",
        "all move at once",
        "all change the seed at once",
        "overload: what was answered",
    ]
    *others, (answered, *_) = table.values()
    assert [runs for runs, *_ in others] == [2, 2, 2, 2, 2]
    for runs, median, most, worst, rate, failures in table.values():
        assert 0 < median <= most <= worst
        assert rate > 0
        assert not failures
        assert runs
    assert re.search(r"^memory before students +[\d.]+ MB$", output, re.M)
    assert re.search(r"^sent for a move +[\d.]+ kB$", output, re.M)
    assert re.search(r"^processor time of an empty page +[\d.]+ ms$", output, re.M)
    (asked,) = re.findall(r"^overload: asked for +(\d+) in", output, re.M)
    (overtaken,) = re.findall(r"^overtaken by a newer one +(\d+)$", output, re.M)
    assert int(asked) == answered + int(overtaken)


def test_an_app_that_runs_elsewhere_is_asked_but_not_weighed(app, capsys):
    words = ["--students", "1", "--every", "1", "--seconds", "1", "--overload", "1"]
    in_a_thread(classroom.main, [*words, "--address", app.address])
    output = capsys.readouterr().out
    assert rows(output)["all move at once"][0] == 1
    assert "memory before students            nan MB" in output


def test_of_many_presses_the_newest_is_answered_and_old_ones_are_dropped(app):
    """However many wait: a session has one run, and one that comes after it."""

    async def pressed() -> list[int]:
        async with Student(app.address, "lang=en") as student:
            return [seed for seed, _ in await student.hurry("seed", range(100, 130), 0.001)]

    answered = in_a_thread(asyncio.run, pressed())
    assert answered[-1] == 129
    assert answered == sorted(answered)
    assert len(answered) < 15


def test_every_kind_of_wrong_answer_is_a_failure(app):
    async def lesson() -> list[str]:
        part = classroom.Part("wrong")
        async with Student(app.address, "lang=en&seed=3") as student:
            await classroom.record_move(part, student, "0.1")
            assert len(part.runs) == 1
            assert not part.failures
            student.rerun = lambda fragment: asyncio.sleep(0, student.last)
            # the answer is the last one's, of another beta
            await classroom.record_move(part, student, "4")
            del student.rerun
            await student._socket.close()
            await classroom.record_move(part, student, "4")
        return part.failures

    other, lost = in_a_thread(asyncio.run, lesson())
    assert other.startswith("asked for beta 4, shown: ")
    assert lost.startswith("lost socket")


def test_an_error_on_the_page_is_a_failure():
    from streamlit.proto.Delta_pb2 import Delta

    delta = Delta()
    error = delta.new_element.exception
    error.type, error.message = "ValueError", "broken"
    with pytest.raises(RunError, match="ValueError broken"):
        Student("http://127.0.0.1")._element(Run(), {}, (0,), delta)


@pytest.mark.parametrize(("percent", "value"), [(50, 10), (95, 19), (100, 20), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent, value):
    assert classroom.percentile([*range(20, 0, -1)], percent) == value


def soaked(**options: str) -> int:
    """The exit code of a short soak."""
    words = {"minutes": "0.01", "students": "1", "stay": "1", "with-picture": "1", "after": "0"}
    words |= {name.replace("_", "-"): value for name, value in options.items()}
    return in_a_thread(soak.main, [part for name in words for part in (f"--{name}", words[name])])


def soak_rows(output: str) -> dict[str, list[int]]:
    """The soak's lines: re-runs, sessions, pictures, failures, megabytes."""
    found = re.findall(r"^(\S.{18}\S?) +([\d,]+) +(\d+) +(\d+) +(\d+) +(\d+)$", output, re.M)
    return {
        name.strip(): [int(value.replace(",", "")) for value in values] for name, *values in found
    }


def test_the_soak_prints_a_line_at_both_ends(starts_it, capsys, monkeypatch):
    pages = {"lab": ("playground",), "teacher": ("teacher",)}
    monkeypatch.setattr(soak, "navigation", SimpleNamespace(SECTIONS=pages, LAB=navigation.LAB))
    monkeypatch.setattr(soak, "FIRST_UPLOADS", 1)
    assert soaked(uploads="2", most_megabytes="1e6", most_growth="100") == 0
    table = soak_rows(capsys.readouterr().out)
    assert list(table) == [
        "started",
        "every page",
        "1 uploads",
        "2 uploads",
        "minute 0.0",
        "busy no more",
        "everybody gone",
    ]
    assert table["1 uploads"][:-1] == [1, 0, 1, 0]
    runs, sessions, pictures, failures, _ = table["everybody gone"]
    assert runs > pictures > 2
    assert sessions > 0
    assert not failures
    assert min(megabytes for *_, megabytes in table.values()) > 50


def test_the_soak_visits_every_page_once(monkeypatch):
    visited = []

    def student(address: str, query: str, page: str) -> contextlib.AbstractAsyncContextManager:
        visited.append(page)
        return contextlib.nullcontext()

    monkeypatch.setattr(soak, "Student", student)
    in_a_thread(asyncio.run, soak.every_page(App("http://127.0.0.1")))
    first, *others = (name for names in navigation.SECTIONS.values() for name in names)
    assert (first, visited) == ("playground", ["", *others])


def test_the_soak_uploads_and_allows_as_much_as_is_promised():
    promised = soak.Arguments()
    assert (promised.uploads, soak.FIRST_UPLOADS) == (400, 20)
    assert (promised.most_megabytes, promised.most_growth) == (700, 1.25)
    assert promised.after > 150  # two minutes of a session, and half a minute until it is swept


@pytest.mark.weekly
@pytest.mark.timeout(3 * 3600)  # twelve minutes on two cores that have nothing else to do
def test_after_four_hundred_uploads_the_app_keeps_no_more_than_is_promised(capsys):
    """With every page visited once and a minute of a busy class; everybody has gone at the end."""
    code = in_a_thread(soak.main, ["--minutes", "1"])
    output = capsys.readouterr().out
    print(output)
    assert code == 0, output
    *_, pictures, failures, _ = soak_rows(output)["everybody gone"]
    assert pictures >= 400
    assert not failures


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


@pytest.mark.parametrize(("uploads", "first"), [(25, 1020), (20, 1020), (3, 3)])
def test_the_soak_measures_after_the_first_uploads_and_at_the_end(monkeypatch, uploads, first):
    """Where fewer are uploaded it measures after all, when nobody is there any more."""
    given, there = [], []

    class Visitor(contextlib.AbstractAsyncContextManager):
        def __init__(self, *_: object, **__: object) -> None:
            """Whoever comes."""

        async def __aenter__(self) -> "Visitor":
            there.append(self)
            return self

        async def __aexit__(self, *_: object) -> None:
            there.remove(self)

        async def upload(self, *picture: object) -> None:
            given.append(self)

    monkeypatch.setattr(soak, "Student", Visitor)
    monkeypatch.setattr(soak, "photograph", lambda dice: b"")
    app = SimpleNamespace(address="", megabytes=lambda: len(given) + 500 * len(there))
    arguments = soak.Arguments(minutes=0, students=0, uploads=uploads, after=0)
    assert in_a_thread(asyncio.run, soak.soak(arguments, app)) == (first, uploads)
    assert len({*given}) == 2


def test_the_cold_start_prints_its_ratio(starts_it, capsys, monkeypatch):
    """The app runs already, and the Python beside it imports little."""
    monkeypatch.setattr(cold_start, "IMPORTS", "import sys")
    times, found = [], []

    def seconds(name: str, measured: Callable[[], object]) -> object:
        times.append(name)
        found.append(measured())
        return found[-1]

    for name in ("import_seconds", "app_seconds"):
        measured = getattr(cold_start, name)
        monkeypatch.setattr(cold_start, name, partial(seconds, name, measured))
    in_a_thread(cold_start.main, ["--runs", "1"])
    # the first time, when files are read from the disk, is not counted
    assert times == ["import_seconds", "app_seconds"] * 2
    alone, (healthy, picture) = found[2:]
    assert alone > 0
    assert 0 < healthy < picture
    printed = dict(re.findall(r"^(\S.{33}) *([\d.]+)(?: s)?$", capsys.readouterr().out, re.M))
    assert [float(value) for value in printed.values()] == [
        pytest.approx(value, abs=0.006) for value in (alone, healthy, picture, picture / alone)
    ]
