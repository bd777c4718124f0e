"""Limits on connections, which uvicorn by itself keeps for as long as their clients please.

A connection without a request costs nothing but its place, and a message of a websocket is kept
until its end has come. Neither reaches an application, so the limits stand in uvicorn's own
protocols. Whoever has most makes room for others, as in ui.server.quotas.
"""

import asyncio
import contextlib
import functools
import importlib
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ui.server.bodies import address

SILENT_SECONDS = 10.0  # for the head of a request, and between two requests
FLUSHING_SECONDS = 60.0  # more, for an answer to reach a slow client
MOST_SILENT = 700  # connections without a request
MOST_UNFINISHED_BYTES = 32_000_000  # of messages whose end has not come, on all websockets
FRAGMENT_BYTES = 100  # of Python's, for every fragment of a message
TRY_AGAIN_LATER = 1013  # a websocket's closing code
HTTP = ("http.h11_impl.H11Protocol", "http.httptools_impl.HttpToolsProtocol")
WEBSOCKETS = ("websockets.websockets_sansio_impl.WebSocketsSansIOProtocol",)


@dataclass
class _Counts(threading.local):
    """What the servers of a thread have open; the oldest first."""

    silent: dict[Any, tuple[str, asyncio.TimerHandle]] = field(default_factory=dict)
    unfinished: dict[Any, tuple[str, int]] = field(default_factory=dict)


_counts = _Counts()


@functools.cache
def install_limits() -> None:
    """Limit the connections of every uvicorn server in this process.

    Done on classes, since a server has chosen its own before it runs a line of ours.
    """
    for protocol in _loaded(HTTP):
        for method in ("connection_made", "data_received", "on_response_complete"):
            _follow(protocol, method, _look)
        for method in ("connection_lost", "handle_websocket_upgrade"):
            _follow(protocol, method, _end_silence)
    for protocol in _loaded(WEBSOCKETS):
        _follow(protocol, "data_received", _measure)
        _follow(protocol, "connection_lost", _finish)


def _loaded(paths: tuple[str, ...]) -> list[type]:
    """Those of uvicorn's protocols whose libraries are there."""
    found = []
    for path in paths:
        module, _, name = path.rpartition(".")
        with contextlib.suppress(ImportError):
            found.append(getattr(importlib.import_module("uvicorn.protocols." + module), name))
    return found


def _follow(protocol: type, method: str, after: Callable[[Any], None]) -> None:
    """Let `after` follow each call of a method."""
    plain = getattr(protocol, method)

    @functools.wraps(plain)
    def followed(self: Any, *arguments: Any) -> None:
        plain(self, *arguments)
        after(self)

    setattr(protocol, method, followed)


def _look(connection: Any) -> None:
    """Note whether a connection has a request. Where too many have none, drop the oldest.

    That is the oldest of whoever has most.
    """
    if connection.cycle is not None and not connection.cycle.response_complete:
        _end_silence(connection)
    elif connection not in _counts.silent and connection in connection.connections:
        if len(_counts.silent) >= MOST_SILENT:
            number = Counter(of for of, _ in _counts.silent.values())
            ((most, _),) = number.most_common(1)
            _drop(next(one for one, (of, _) in _counts.silent.items() if of == most))
        end = connection.loop.call_later(SILENT_SECONDS, _close, connection)
        _counts.silent[connection] = (address({"client": connection.client}), end)


def _end_silence(connection: Any) -> None:
    entry = _counts.silent.pop(connection, None)
    if entry:
        entry[1].cancel()


def _close(connection: Any) -> None:
    """Close a connection when its last answer has reached the client."""
    of, _ = _counts.silent[connection]
    end = connection.loop.call_later(FLUSHING_SECONDS, _drop, connection)
    _counts.silent[connection] = (of, end)
    connection.transport.close()


def _drop(connection: Any) -> None:
    _end_silence(connection)
    connection.transport.abort()


def _measure(socket: Any) -> None:
    """Note how much has come of a websocket's unfinished message; close one where it is too much.

    That is the oldest of whoever has most.
    """
    if socket.transport.is_closing():
        _finish(socket)
        return
    size = len(socket.conn.reader.buffer) + (socket.conn.current_size or 0)
    size += FRAGMENT_BYTES * len(socket.frames)
    if not size:
        _finish(socket)
        return
    # Its client, as a proxy says: known from the handshake on.
    of = address(getattr(socket, "scope", {"client": socket.client}))
    _counts.unfinished[socket] = (of, size)
    while sum(size for _, size in _counts.unfinished.values()) > MOST_UNFINISHED_BYTES:
        held: Counter[str] = Counter()
        for of, size in _counts.unfinished.values():
            held[of] += size
        ((most, _),) = held.most_common(1)
        oldest = next(one for one, (of, _) in _counts.unfinished.items() if of == most)
        _finish(oldest)
        oldest.conn.fail(TRY_AGAIN_LATER)
        oldest.frames = []
        if oldest.conn.close_sent:
            oldest.handle_parser_exception()
        else:  # before its handshake was answered
            oldest.transport.close()


def _finish(socket: Any) -> None:
    _counts.unfinished.pop(socket, None)
