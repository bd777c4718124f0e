"""What connections may hold that have no request, and messages of which no end comes."""

import contextlib
import select
import socket
from collections.abc import Iterator

import pytest

from tests.processes import HANGING
from tests.ui.server.served import served
from ui.server import connections

ATTACKER, STUDENT = "6.6.6.6", "1.2.3.4"


async def echo(scope, receive, send) -> None:
    """Answers a request, and returns every message of a websocket."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})
        return
    while (message := await receive())["type"] != "websocket.disconnect":
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "websocket.send", "bytes": message["bytes"]})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    connections.install_limits()
    with served(echo) as port:
        yield port


@contextlib.contextmanager
def connected(port: int, *sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=HANGING) as connection:
        for piece in sent:
            connection.sendall(piece)
        yield connection


def head(*lines: str) -> bytes:
    return "\r\n".join(("GET / HTTP/1.1", "Host: x", *lines, "", "")).encode()


def until_closed(connection: socket.socket) -> bytes:
    """What still comes; hangs until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            received += piece
    return received


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HTTP/1.1\r\nHost", head()], ids=["nothing", "half a head", "a request"]
)
def test_a_connection_without_a_request_is_closed(port, monkeypatch, sent):
    monkeypatch.setattr(connections, "SILENT_SECONDS", 0.1)
    with connected(port, sent) as connection:
        assert (b"here" in until_closed(connection)) == (sent == head())


def test_so_many_are_silent_and_the_oldest_makes_room(port, monkeypatch):
    monkeypatch.setattr(connections, "SILENT_SECONDS", HANGING)
    monkeypatch.setattr(connections, "MOST_SILENT", 3)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(port)) for _ in range(3)]
        with connected(port, head("Connection: close")) as connection:
            assert b"here" in until_closed(connection)
        assert until_closed(silent[0]) == b""
        for one in silent[1:]:  # the others are still heard
            one.sendall(head("Connection: close"))
            assert b"here" in until_closed(one)


@contextlib.contextmanager
def websocket(port: int, address: str) -> Iterator[socket.socket]:
    """An open websocket of a client that a proxy says to have this address."""
    upgrade = head(
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"X-Forwarded-For: {address}",
    )
    with connected(port, upgrade) as connection:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += connection.recv(1)
        assert answer.startswith(b"HTTP/1.1 101")
        yield connection


def frame(payload: bytes, announced: int, first: int = 0x82) -> bytes:
    """The beginning of a masked frame; the mask changes nothing."""
    return bytes((first, 0xFE)) + announced.to_bytes(2, "big") + bytes(4) + payload


@pytest.mark.parametrize(
    "beginning",
    [frame(b"x" * 60_000, 65_000), b"".join([frame(b"x", 1, 0x02), *[frame(b"x", 1, 0)] * 600])],
    ids=["one frame", "many small ones"],
)
def test_messages_without_an_end_are_bounded_together(port, monkeypatch, beginning):
    """Whoever holds most of them loses the oldest; another's message arrives."""
    monkeypatch.setattr(connections, "MOST_UNFINISHED_BYTES", 100_000)
    with (
        websocket(port, STUDENT) as student,
        websocket(port, ATTACKER) as first,
        websocket(port, ATTACKER) as second,
    ):
        student.sendall(frame(b"here", 8))
        first.sendall(beginning)
        second.sendall(beginning)
        (closed, *_), _, _ = select.select([first, second], [], [], HANGING)
        other = second if closed is first else first
        assert until_closed(closed)[:4] == b"\x88\x02" + connections.TRY_AGAIN_LATER.to_bytes(
            2, "big"
        )
        other.sendall(b"x" * 5_000 if beginning[0] == 0x82 else frame(b"x", 1, 0x80))
        assert other.recv(1) == b"\x82"
        student.sendall(b"here")
        assert student.recv(10) == b"\x82\x08herehere"
