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
_turns = BoundedSemaphore((os.cpu_count() or 1) + 1)
_mine = local()


@contextmanager
def slot() -> Iterator[None]:
    """Context manager for drawing a page or a part of it: waits for a free turn.

    A turn inside another one does not wait.
    """
    if getattr(_mine, "held", False):
        yield
        return
    with _turns:
        _mine.held = True
        try:
            yield
        finally:
            _mine.held = False


@contextmanager
def released_slot() -> Iterator[None]:
    """Context manager that gives the turn away while something takes seconds or waits.

    For example for the network; other pages are drawn meanwhile.
    """
    held = getattr(_mine, "held", False)
    if held:
        _mine.held = False
        _turns.release()
    try:
        yield
    finally:
        if held:
            _turns.acquire()
            _mine.held = True


@contextmanager
def spinner(sentence: str) -> Iterator[None]:
    """Context manager for a computation of seconds: shows a sentence, and gives the turn away."""
    with st.spinner(sentence), released_slot():
        yield


def fragment(draw: Callable[..., None]) -> Callable[..., None]:
    """st.fragment that is drawn within a turn."""

    @st.fragment
    @wraps(draw)
    def in_turn(*arguments: object) -> None:
        with slot():
            draw(*arguments)

    return in_turn
