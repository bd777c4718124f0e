"""Memory that visitors no longer use, given back to the system: what was freed, and what only the
garbage collector finds.

The C library keeps what a process frees for its next wish, and pieces of somebody's picture in it.
A class that uploads leaves more than a gigabyte behind, on a host that promises 0.7: python -m
benchmarks.soak
"""

import ctypes
import gc
import logging
import sys
import threading
import time
from collections.abc import Callable

SECONDS_BETWEEN = 30.0
TIMES = 3  # after somebody was here: servers let go of some of it only while they look for the next
_LOG = logging.getLogger("vae_lab")
_used = threading.Event()  # since memory was given back
_starting = threading.Lock()
_tidied: list[Callable[[], bool]] = []


def _c_library() -> ctypes.CDLL | None:
    """glibc, the C library of most Linux systems, where it is the one in use."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None


def give_back() -> None:
    """Free what nothing refers to any more, and return to the system every page of memory on which
    nothing is left."""
    gc.collect()
    if library := _c_library():
        library.malloc_trim(0)


def used() -> None:
    """Somebody was here: there will be something to give back."""
    _used.set()


def nothing_ended() -> bool:
    """Where a front end ends its sessions by itself."""
    return False


def keep(tidy: Callable[[], bool] = nothing_ended) -> None:
    """Give memory back every SECONDS_BETWEEN, in a thread, as long as there is something.

    tidy: what to do before, once for each front end; it answers whether it has ended something.
    """
    with _starting:
        if not _tidied:
            threading.Thread(target=_keep, daemon=True, name="memory").start()
        if tidy not in _tidied:
            _tidied.append(tidy)


def _keep() -> None:
    left = 0
    while True:
        time.sleep(SECONDS_BETWEEN)
        try:
            for tidy in list(_tidied):
                if tidy():
                    _used.set()
            if _used.is_set():
                _used.clear()
                left = TIMES
            if left:
                left -= 1
                give_back()
        except Exception:  # the next time
            _LOG.exception("memory was not given back")
