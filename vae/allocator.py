"""Settings of glibc's memory allocator, where a process has it; elsewhere they do nothing."""

import contextlib
import ctypes
import sys
import threading

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8  # glibc's malloc.h
_LARGEST_MMAP_THRESHOLD = 2**25  # bytes; the most that some versions take
_DEFAULT_TOP_PAD = 2**17  # bytes
_LARGE_BLOCK = (
    2**17
)  # bytes of a block; when one is freed, the free end of its heap may be returned
_BARRIER_SECONDS = 5.0  # for which the threads wait for each other
_trim_threshold = 2**17  # bytes; glibc's default


def _glibc() -> ctypes.CDLL | None:
    """The C library of most Linux systems; None on another."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    needed = ("mallopt", "malloc_trim", "malloc_info")  # other C libraries have some of them
    return library if all(hasattr(library, name) for name in needed) else None


def configure(*, trim_threshold: int, mmap_threshold: int, arenas: int | None = None) -> None:
    """Set what is returned to the system, for the whole process.

    mmap_threshold: bytes of a block that is returned as soon as it is freed. trim_threshold: bytes
    of smaller free blocks that are kept. arenas: at most so many heaps; by default one
    for each thread. Existing heaps of threads stay, and later threads share them.
    """
    global _trim_threshold
    if library := _glibc():
        _trim_threshold = trim_threshold
        library.mallopt(_TRIM_THRESHOLD, trim_threshold)
        if not library.mallopt(_MMAP_THRESHOLD, mmap_threshold):
            library.mallopt(_MMAP_THRESHOLD, min(mmap_threshold, _LARGEST_MMAP_THRESHOLD))
        if arenas is not None:
            library.mallopt(_ARENA_MAX, arenas)


def trim() -> None:
    """Return every page of memory on which nothing is left to the system."""
    if library := _glibc():
        _trim_heap_ends(library)
        library.malloc_trim(0)


def _trim_heap_ends(library: ctypes.CDLL) -> None:
    """Return the free ends of all heaps.

    malloc_trim returns the end of the main one alone: pictures that were freed at the end of
    another thread's heap would stay readable there. A heap's own end is returned when a thread that
    uses it frees a large block, if the end is longer than the threshold. So threads are started,
    which glibc hands unused heaps first and then all in turn, and each frees such a block. What
    lies below another thread's block stays in its heap; it is zeros then.
    """
    library.calloc.argtypes, library.calloc.restype = [ctypes.c_size_t] * 2, ctypes.c_void_p
    library.free.argtypes, library.free.restype = [ctypes.c_void_p], None
    count = 2 * _heap_count(library)
    barrier = threading.Barrier(count)

    def free_large_block() -> None:
        block = library.calloc(_LARGE_BLOCK, 1)
        # While all live, none gets the heap of another that has ended.
        with contextlib.suppress(threading.BrokenBarrierError):
            barrier.wait(_BARRIER_SECONDS)
        library.free(block)

    threads = [threading.Thread(target=free_large_block) for _ in range(count)]
    library.mallopt(_TOP_PAD, 0)
    library.mallopt(_TRIM_THRESHOLD, 0)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except RuntimeError:  # no more threads on this machine: those that live are enough
        barrier.abort()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    finally:
        library.mallopt(_TRIM_THRESHOLD, _trim_threshold)
        library.mallopt(_TOP_PAD, _DEFAULT_TOP_PAD)


def _heap_count(library: ctypes.CDLL) -> int:
    """The number of heaps, counted in glibc's own description of them."""
    text, size = ctypes.c_void_p(), ctypes.c_size_t()
    library.open_memstream.restype = ctypes.c_void_p
    stream = ctypes.c_void_p(library.open_memstream(ctypes.byref(text), ctypes.byref(size)))
    library.malloc_info(0, stream)
    library.fclose(stream)
    try:
        return ctypes.string_at(text.value or 0, size.value).count(b"<heap ")
    finally:
        library.free(text)
