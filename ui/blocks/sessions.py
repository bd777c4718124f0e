"""A session's memory ends with the session.

Gradio keeps what a page has shown and been given, also the pictures, until ten thousand newer sessions push it out. Here a
session is dropped some minutes after its page was closed, and that of an API call as soon as it is answered.
"""

import threading
from datetime import datetime, timedelta

import gradio as gr

MOST_SESSIONS = 500
MINUTES_KEPT = 10  # after the connection broke: a phone that sleeps for a moment loses nothing


def forget(blocks: gr.Blocks, session: str | None) -> None:
    """Drop everything that is kept of a session. What still computes in it goes on and is dropped at its end."""
    holder = blocks.state_holder
    with holder.lock:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)


def closed(blocks: gr.Blocks, session: str | None, minutes: float = MINUTES_KEPT) -> None:
    """The page of this session is gone: forget it when nobody has come back to it for some minutes."""
    def look() -> None:
        used = blocks.state_holder.time_last_used.get(session)
        if used is not None and datetime.now() - used < timedelta(minutes=minutes):
            closed(blocks, session, minutes)
        else:
            forget(blocks, session)

    timer = threading.Timer(60 * minutes, look)
    timer.daemon = True
    timer.start()
