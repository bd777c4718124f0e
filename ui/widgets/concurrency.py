"""A limit on the number of pages that are drawn at the same time.

When a whole class moves beta at once, two hundred scripts would compete for the interpreter: that
costs a quarter more processor time, and the first answer comes as late as the last.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import BoundedSemaphore, local

import streamlit as st

# One more than the processors, so that none idles while a page waits for something.
_slots = BoundedSemaphore((os.cpu_count() or 1) + 1)
_thread = local()


@contextmanager
def slot() -> Iterator[None]:
    """Context manager for drawing a page or a part of it: waits for a free slot.

    A slot inside another one does not wait.
    """
    if getattr(_thread, "has_slot", False):
        yield
        return
    with _slots:
        _thread.has_slot = True
        try:
            yield
        finally:
            _thread.has_slot = False


@contextmanager
def released_slot() -> Iterator[None]:
    """Context manager that gives the slot away while something takes seconds or waits.

    For example for the network; other pages are drawn meanwhile.
    """
    had_slot = getattr(_thread, "has_slot", False)
    if had_slot:
        _thread.has_slot = False
        _slots.release()
    try:
        yield
    finally:
        if had_slot:
            _slots.acquire()
            _thread.has_slot = True


@contextmanager
def spinner(sentence: str) -> Iterator[None]:
    """Context manager for a computation of seconds: shows a sentence, and gives the slot away."""
    with st.spinner(sentence), released_slot():
        yield


def fragment(draw: Callable[..., None]) -> Callable[..., None]:
    """st.fragment that is drawn within a slot."""

    @st.fragment
    @wraps(draw)
    def draw_in_slot(*arguments: object) -> None:
        with slot():
            draw(*arguments)

    return draw_in_slot
