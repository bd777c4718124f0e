"""Settings of the memory allocator for a process that repeats the same step."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_NEVER, _ONE_GIB, _32_MIB = 2**31 - 1, 2**30, 2**25


def keep_freed_memory() -> None:
    """Let the allocator keep what a step frees for the next one.

    Only for glibc, the C library of most Linux systems. Without it every large tensor is new memory
    from the system, which has to clear it page by page: thousands of times a step, a sixth of the
    time of training on a CPU (training/EXPERIMENTS.md). The process stays as large as its largest
    step.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(_TRIM_THRESHOLD, _NEVER)
        if not library.mallopt(_MMAP_THRESHOLD, _ONE_GIB):
            library.mallopt(_MMAP_THRESHOLD, _32_MIB)  # the most that some versions take
