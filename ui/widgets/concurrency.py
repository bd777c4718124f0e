"""A few pages are drawn at a time, the others wait their turn.

Where a whole class moves beta at the same instant, two hundred scripts would take the interpreter
from each other at every step: that costs a quarter more of the processor, and the first answer
comes as late as the last.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import BoundedSemaphore, local

import streamlit as st

# One more than there are processors, so that none idles while a page waits for something.
_turns = BoundedSemaphore((os.cpu_count() or 1) + 1)
_mine = local()


@contextmanager
def turn() -> Iterator[None]:
    """Around the drawing of a page, or of a part of it; within a turn nothing more is waited for."""
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
def aside() -> Iterator[None]:
    """Around what may take seconds, or waits for the network or for somebody who does: others have
    their turn meanwhile."""
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


def fragment(draw: Callable[..., None]) -> Callable[..., None]:
    """st.fragment, drawn in turn."""

    @st.fragment
    @wraps(draw)
    def in_turn(*arguments: object) -> None:
        with turn():
            draw(*arguments)

    return in_turn
