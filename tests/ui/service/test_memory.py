"""The thread that gives memory back goes on whatever happens to it."""

import threading

from ui.service import memory


def test_what_fails_is_tried_again(monkeypatch, caplog):
    seen, twice = [], threading.Event()

    def fails() -> bool:
        seen.append(len(seen))
        if len(seen) >= 2:
            twice.set()
        raise KeyError("no such session")

    monkeypatch.setattr(memory, "SECONDS_BETWEEN", 0.01)
    monkeypatch.setattr(memory, "_tidied", [fails])
    threading.Thread(target=memory._keep, daemon=True).start()
    assert twice.wait(60)
    monkeypatch.setattr(memory, "SECONDS_BETWEEN", 1e6)
    assert "memory was not given back" in caplog.text
