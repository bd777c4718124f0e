"""Settings of glibc's memory allocator, where a process has it; elsewhere they do nothing."""

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # glibc's malloc.h
_LARGEST_MMAP_THRESHOLD = 2**25  # bytes; the most that some versions take


def _glibc() -> ctypes.CDLL | None:
    """The C library of most Linux systems; None on another."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "mallopt") else None


def configure(*, trim_threshold: int, mmap_threshold: int, arenas: int | None = None) -> None:
    """Set what is returned to the system, for the whole process.

    mmap_threshold: bytes of a block that is returned as soon as it is freed. trim_threshold: bytes
    of smaller free blocks that are kept. arenas: at most so many heaps; one for each thread unless
    told.
    """
    if library := _glibc():
        library.mallopt(_TRIM_THRESHOLD, trim_threshold)
        if not library.mallopt(_MMAP_THRESHOLD, mmap_threshold):
            library.mallopt(_MMAP_THRESHOLD, min(mmap_threshold, _LARGEST_MMAP_THRESHOLD))
        if arenas is not None:
            library.mallopt(_ARENA_MAX, arenas)


def trim() -> None:
    """Return every page of memory on which nothing is left to the system."""
    if library := _glibc():
        library.malloc_trim(0)
