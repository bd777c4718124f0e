"""Settings of the process that serves a whole class: threads, memory, open files, log.

Measured by python -m benchmarks.classroom and benchmarks.soak.
"""

import contextlib
import ctypes
import functools
import gc
import sys

import torch
from starlette.formparsers import MultiPartParser

import vae
from ui.service import log

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # glibc's malloc.h
OPEN_FILES = 16_384


@functools.cache
def configure() -> None:
    """Configure this process, once, however often it is called; each entry calls it when the
    libraries are loaded."""
    # One picture is too small a job to share between cores: with one thread each, sessions run side
    # by side, and a visitor who is alone waits no longer. Two threads of which one has to wait for
    # a busy core hold each other up at every operation: with 200 students on two cores a move of
    # beta takes 39 ms of the processor in place of 26.
    torch.set_num_threads(1)
    # An upload stays in memory. Starlette, on which both front ends run, would keep what is larger
    # than 1 MB in a nameless temporary file while it arrives.
    MultiPartParser.spool_max_size = vae.images.MAX_BYTES + 1
    # A full collection of what the libraries have made would hold everybody up for 150 ms.
    gc.collect()
    gc.freeze()
    _return_large_tensors()
    _allow_open_files()
    log.set_up()


def _return_large_tensors() -> None:
    """A tensor of 4 MiB or more goes back to the system as soon as it is freed, where it is glibc
    that decides.

    By itself it raises this limit to 32 MiB, and two hundred students' first pictures left 900 MB
    behind in place of 460.
    """
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(_MMAP_THRESHOLD, 4 << 20)
            library.mallopt(_TRIM_THRESHOLD, 16 << 20)
            # Threads have arenas of their own otherwise, of which ui.service.memory can give back less than
            # of the common one.
            library.mallopt(_ARENA_MAX, 1)


def _allow_open_files() -> None:
    """An open page takes four files: its socket, and three of the event loop that Streamlit gives
    to its scripts. One that was left still takes three, so a class that reloads needs more than the
    usual 1,024."""
    with contextlib.suppress(
        ImportError, OSError, ValueError
    ):  # Windows has no such limit; a system may forbid it
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
