"""Sessions of the Gradio server, dropped soon after their page was closed.

Gradio keeps what a page has sent and shown, also the pictures, until ten thousand newer sessions
push it out, and an answer that nobody fetches until two thousand newer ones do. Here a session is
dropped some minutes after its page was closed, that of an API call as soon as it is answered, and
an answer that nobody fetches after one minute.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import gradio as gr
from starlette.types import ASGIApp, Receive, Scope, Send

from ui.server import memory

MOST_SESSIONS = 500
MINUTES_KEPT = 10.0  # after the connection broke: a phone that sleeps for a while loses nothing
SECONDS_TO_FETCH = 60.0
SECONDS_BETWEEN_SWEEPS = 15.0
# A call's number is its session's.
_STREAM = re.compile(r"/gradio_api/(?:heartbeat|call/(?:v2/)?\w+)/(\w+)")


def forget(blocks: gr.Blocks, session: str | None) -> None:
    """Drop everything that is kept of a session.

    A computation in it goes on and is dropped at its end.
    """
    if session is None:
        return
    holder = blocks.state_holder
    with holder.lock:
        holder.session_data.pop(session, None)
        holder.time_last_used.pop(session, None)


class SessionExpiry:
    """Middleware that counts each session's connections, and drops sessions without one.

    It surrounds the Gradio app. blocks: returns the app's Blocks, which do not exist yet when its
    middleware is listed.
    """

    def __init__(self, app: ASGIApp, blocks: Callable[[], gr.Blocks]) -> None:
        self.app, self.blocks = app, blocks
        self.connected: Counter[str] = Counter()
        self.unfetched: dict[str, float] = {}  # since when, by session
        self.sweeping: asyncio.Task | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if self.sweeping is None or self.sweeping.done():
            self.sweeping = asyncio.create_task(self._sweep_for_ever())
            memory.start_thread()
        session = self._session(scope)
        self.connected[session] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            memory.note_use()
            self.connected[session] -= 1
            if not self.connected[session]:
                del self.connected[session]
                holder = self.blocks().state_holder
                if "/call/" in scope["path"]:  # answered, even if our function was never reached
                    forget(self.blocks(), session)
                elif session in holder.time_last_used:
                    # The minutes begin when the page is left.
                    holder.time_last_used[session] = datetime.now()

    @staticmethod
    def _session(scope: Scope) -> str:
        """The session of a request: of its stream, or named in its query; else empty."""
        if match := _STREAM.search(scope["path"]):
            return match[1]
        return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("session_hash", [""])[
            0
        ]

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SECONDS_BETWEEN_SWEEPS)
            with suppress(RuntimeError):  # a dictionary changed meanwhile; the next sweep will do
                self.sweep()

    def sweep(self, minutes: float = MINUTES_KEPT, seconds: float = SECONDS_TO_FETCH) -> None:
        """Drop sessions that nobody was connected to for so long, and answers not fetched."""
        blocks, now = self.blocks(), time.monotonic()
        for session, used in list(blocks.state_holder.time_last_used.items()):
            if session not in self.connected and datetime.now() - used > timedelta(minutes=minutes):
                forget(blocks, session)
                memory.note_use()
        queue = blocks._queue
        waiting = {
            session
            for session, messages in list(queue.pending_messages_per_session.items())
            if session not in self.connected  # and it no longer computes
            and not (messages.empty() and queue.pending_event_ids_session.get(session))
        }
        self.unfetched = {session: self.unfetched.get(session, now) for session in waiting}
        for session, since in list(self.unfetched.items()):
            if now - since >= seconds:
                del self.unfetched[session]
                queue.pending_messages_per_session.pop(session, None)
                for event in queue.pending_event_ids_session.pop(session, ()):
                    queue.event_ids_to_events.pop(event, None)
