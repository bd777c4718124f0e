"""How the process keeps house with memory, as a class needs it: python -m benchmarks.classroom, benchmarks.soak."""

import ctypes
import gc
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # glibc's malloc.h


def set_up() -> None:
    """To be called once, when the libraries are loaded.

    What they have made is left out of garbage collection: a full one would hold everybody up for 150 ms. And a tensor of
    4 MiB or more goes back to the system as soon as it is freed, where it is glibc that decides: by itself it raises this limit
    to 32 MiB, and two hundred students' first pictures would leave 900 MB behind in place of 460.
    """
    gc.collect()
    gc.freeze()
    if sys.platform.startswith("linux"):
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):
            library.mallopt(_MMAP_THRESHOLD, 4 << 20)
            library.mallopt(_TRIM_THRESHOLD, 16 << 20)
