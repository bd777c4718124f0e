"""Freed memory goes back to the system, whichever thread's heap it was freed in."""

import sys
import threading
from pathlib import Path

import pytest

from tests.processes import completed
from vae import allocator

ALLOCATOR = Path(__file__).parents[2] / "vae" / "allocator.py"
# In a process without other libraries, and one that holds no copy of the mark as it stands.
SCRIPT = """
import contextlib, ctypes, runpy, sys, threading
from pathlib import Path
allocator = runpy.run_path(sys.argv[1])
library = ctypes.CDLL(None)
library.malloc.argtypes, library.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
SIZE, MARK = 1_260_000, b" of a picture".join([b"pixels"] * 3)

def pieces():
    for line in Path("/proc/self/maps").read_text().splitlines():
        first, last = (int(end, 16) for end in line.split()[0].split("-"))
        if line.split()[1].startswith("rw"):
            with contextlib.suppress(OSError), open("/proc/self/mem", "rb", buffering=0) as content:
                content.seek(first)
                yield content.read(last - first)

def marks():
    return sum(piece.count(MARK) for piece in pieces())

def visit():
    block = library.malloc(SIZE)
    for at in range(0, SIZE - len(MARK), 1000):
        ctypes.memmove(block + at, MARK, len(MARK))
    held.append(marks())
    library.free(block)

def live():
    library.free(library.malloc(100))  # from now on it has a heap of its own
    ready.wait()
    leave.wait()

held, ready, leave = [], threading.Barrier(6), threading.Event()
early = [threading.Thread(target=live, daemon=True) for _ in range(5)]
for thread in early:
    thread.start()
ready.wait()
allocator["configure"](trim_threshold=16 << 20, mmap_threshold=4 << 20, arenas=1)
for times in range(8):
    if times == 6:  # from now on others get these heaps
        leave.set()
        for thread in early:
            thread.join()
    visitor = threading.Thread(target=visit)
    visitor.start()
    visitor.join()
    allocator["trim"]() if sys.argv[2] == "ends" else library.malloc_trim(0)
    print(held[-1], marks())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_a_thread_of_any_heap_has_freed_is_returned():
    """Heaps of threads that were there before the settings are shared by all later threads."""
    done = completed([sys.executable, "-c", SCRIPT, ALLOCATOR, "ends"], check=True)
    for line in done.stdout.splitlines():
        held, left = map(int, line.split())
        assert held > 1000  # so the search finds what is there
        assert left <= 10, done.stdout  # on pages that something else is on
    done = completed([sys.executable, "-c", SCRIPT, ALLOCATOR, "main"], check=True)
    assert max(int(line.split()[1]) for line in done.stdout.splitlines()) > 100, done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's heaps")
def test_where_no_more_threads_can_be_started_those_that_were_are_waited_for(monkeypatch):
    """Their blocks are freed while the settings hold that return a heap's end."""
    started, plain = [], threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        plain(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    allocator.trim()
    assert len(started) == 1
    assert not started[0].is_alive()
