"""Settings of the process that serves a whole class: threads, memory, open files, log.

Measured by python -m benchmarks.classroom and benchmarks.soak.
"""

import contextlib
import functools
import gc

import torch
from starlette.formparsers import MultiPartParser

import vae
from ui.server import log
from vae import allocator

OPEN_FILES = 16_384


@functools.cache
def configure() -> None:
    """Configure this process, once, however often it is called.

    Each entry calls it when the libraries are loaded.
    """
    # One picture is too small a job to share between cores: with one thread each, sessions run side
    # by side, and a visitor who is alone waits no longer. Two threads wait for each other at every
    # operation when one of the cores is busy: with 200 students on two cores a move of beta takes
    # 39 ms of processor time in place of 26.
    torch.set_num_threads(1)
    # Uploads stay in memory: Starlette, on which both front ends run, would write those above 1 MB
    # into a temporary file.
    MultiPartParser.spool_max_size = vae.images.MAX_BYTES + 1
    # A full garbage collection over the libraries' objects would stop every session for 150 ms.
    gc.collect()
    gc.freeze()
    # Freed tensors of 4 MiB or more are returned at once: by itself glibc raises this limit to 32
    # MiB, and two hundred students' first pictures left 900 MB behind in place of 460. One arena
    # for all threads: from arenas of single threads, ui.server.memory can give back less.
    allocator.configure(trim_threshold=16 << 20, mmap_threshold=4 << 20, arenas=1)
    _allow_open_files()
    log.set_up()


def _allow_open_files() -> None:
    """Raise the limit on open files.

    An open page takes four: its socket, and three of the event loop that Streamlit gives to its
    script. A page that was left still takes three, so a class that reloads needs more than the
    usual 1,024.
    """
    # Windows has no such limit; a system may forbid to raise it.
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        limit = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < limit:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
