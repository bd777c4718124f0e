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
    for protocol in _available(HTTP):
        for method in ("connection_made", "data_received", "on_response_complete"):
            _call_after(protocol, method, _update_silence)
        for method in ("connection_lost", "handle_websocket_upgrade"):
            _call_after(protocol, method, _end_silence)
    for protocol in _available(WEBSOCKETS):
        _call_after(protocol, "data_received", _update_unfinished)
        _call_after(protocol, "connection_lost", _forget_message)


def _available(paths: tuple[str, ...]) -> list[type]:
    """Those of uvicorn's protocols whose libraries are there."""
    protocols = []
    for path in paths:
        module, _, name = path.rpartition(".")
        with contextlib.suppress(ImportError):
            protocols.append(getattr(importlib.import_module("uvicorn.protocols." + module), name))
    return protocols


def _call_after(protocol: type, method: str, after: Callable[[Any], None]) -> None:
    """Let `after` follow each call of a method."""
    plain = getattr(protocol, method)

    @functools.wraps(plain)
    def extended(self: Any, *arguments: Any) -> None:
        plain(self, *arguments)
        after(self)

    setattr(protocol, method, extended)


def _update_silence(connection: Any) -> None:
    """Note whether a connection has a request. Where too many have none, drop the oldest.

    That is the oldest of whoever has most.
    """
    if connection.cycle is not None and not connection.cycle.response_complete:
        _end_silence(connection)
    elif connection not in _counts.silent and connection in connection.connections:
        if len(_counts.silent) >= MOST_SILENT:
            number = Counter(client for client, _ in _counts.silent.values())
            ((most, _),) = number.most_common(1)
            _drop(next(one for one, (client, _) in _counts.silent.items() if client == most))
        end = connection.loop.call_later(SILENT_SECONDS, _close, connection)
        _counts.silent[connection] = (address({"client": connection.client}), end)


def _end_silence(connection: Any) -> None:
    entry = _counts.silent.pop(connection, None)
    if entry:
        entry[1].cancel()


def _close(connection: Any) -> None:
    """Close a connection when its last answer has reached the client."""
    client, _ = _counts.silent[connection]
    end = connection.loop.call_later(FLUSHING_SECONDS, _drop, connection)
    _counts.silent[connection] = (client, end)
    connection.transport.close()


def _drop(connection: Any) -> None:
    _end_silence(connection)
    connection.transport.abort()


def _update_unfinished(socket: Any) -> None:
    """Note how much has come of a websocket's unfinished message; close one where it is too much.

    That is the oldest of whoever has most.
    """
    if socket.transport.is_closing():
        _forget_message(socket)
        return
    size = len(socket.conn.reader.buffer) + (socket.conn.current_size or 0)
    size += FRAGMENT_BYTES * len(socket.frames)
    if not size:
        _forget_message(socket)
        return
    # Its client, as a proxy says: known from the handshake on.
    client = address(getattr(socket, "scope", {"client": socket.client}))
    _counts.unfinished[socket] = (client, size)
    while sum(size for _, size in _counts.unfinished.values()) > MOST_UNFINISHED_BYTES:
        bytes_of: Counter[str] = Counter()
        for client, size in _counts.unfinished.values():
            bytes_of[client] += size
        ((most, _),) = bytes_of.most_common(1)
        oldest = next(one for one, (client, _) in _counts.unfinished.items() if client == most)
        _forget_message(oldest)
        oldest.conn.fail(TRY_AGAIN_LATER)
        oldest.frames = []
        if oldest.conn.close_sent:
            oldest.handle_parser_exception()
        else:  # before its handshake was answered
            oldest.transport.close()


def _forget_message(socket: Any) -> None:
    _counts.unfinished.pop(socket, None)
