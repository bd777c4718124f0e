"""The thread that gives memory back goes on whatever happens to it."""

import threading
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.processes import HANGING
from ui.server import memory
from ui.widgets import concurrency

APP = Path(__file__).parents[3] / "app.py"


def test_what_fails_is_tried_again_and_stops_nothing_else(monkeypatch, caplog):
    seen: list[int] = []
    twice, given_back = threading.Event(), threading.Event()

    def fails() -> bool:
        seen.append(len(seen))
        if len(seen) >= 2:
            twice.set()
        raise KeyError("no such session")

    monkeypatch.setattr(memory, "SECONDS_BETWEEN", 0.01)
    monkeypatch.setattr(memory, "_cleanups", [fails, lambda: True])
    rounds: list[int] = []

    def release() -> None:
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise MemoryError
        given_back.set()

    monkeypatch.setattr(memory, "release_memory", release)
    threading.Thread(target=memory._release_in_rounds, daemon=True).start()
    assert twice.wait(60)
    assert given_back.wait(60)
    monkeypatch.setattr(memory, "SECONDS_BETWEEN", 1e6)
    assert "sessions were not ended" in caplog.text
    assert "memory was not given back" in caplog.text


def test_memory_is_given_back_also_after_a_run_that_was_ended(monkeypatch):
    def ended() -> None:
        raise RuntimeError

    monkeypatch.setattr(memory, "_used", threading.Event())
    monkeypatch.setattr(concurrency, "slot", ended)
    assert AppTest.from_file(str(APP), default_timeout=HANGING).run().exception
    assert memory._used.is_set()
