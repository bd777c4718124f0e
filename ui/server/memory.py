"""Unused memory, returned to the system while the app runs.

The garbage collector finds unreachable objects; the C library keeps freed memory for the next
allocation, and with it pieces of somebody's picture. A class that uploads leaves more than a
gigabyte behind, on a host that promises 0.7: python -m benchmarks.soak
"""

import gc
import logging
import threading
import time
from collections.abc import Callable

from vae import allocator

SECONDS_BETWEEN = 30.0
ROUNDS = 3  # after a visit: servers release some objects only at later events
_LOG = logging.getLogger("vae_lab")
_used = threading.Event()  # whether somebody used the app since memory was given back
_starting = threading.Lock()
_cleanups: list[Callable[[], bool]] = []


def release_memory() -> None:
    """Collect garbage, and return all unused pages of memory to the system."""
    gc.collect()
    allocator.trim()


def note_use() -> None:
    """Note that somebody used the app, so that memory is given back later."""
    _used.set()


def no_cleanup() -> bool:
    """Default of `cleanup`: for a front end that ends its sessions by itself."""
    return False


def start_thread(cleanup: Callable[[], bool] = no_cleanup) -> None:
    """Start the thread that gives memory back every SECONDS_BETWEEN while the app is in use.

    cleanup: called before, once for each front end; returns whether it has ended a session.
    """
    with _starting:
        if not _cleanups:
            threading.Thread(target=_release_in_rounds, daemon=True, name="memory").start()
        if cleanup not in _cleanups:
            _cleanups.append(cleanup)


def _release_in_rounds() -> None:
    rounds_left = 0
    while True:
        time.sleep(SECONDS_BETWEEN)
        for cleanup in list(_cleanups):
            try:
                if cleanup():
                    _used.set()
            except Exception:  # the others go on, and the next round tries again
                _LOG.exception("a front end's sessions were not ended")
        if _used.is_set():
            _used.clear()
            rounds_left = ROUNDS
        if rounds_left:
            rounds_left -= 1
            try:
                release_memory()
            except Exception:  # such as no memory for it; the next round tries again
                _LOG.exception("memory was not given back")
