"""Ports where nobody answers."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections: taken, so that nobody else opens it, and not listened at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


class SilentPort:
    """A port where connections are accepted and nobody ever reads or answers."""

    def __init__(self, listening: socket.socket) -> None:
        self.port: int = listening.getsockname()[1]
        self._listening = listening
        self._accepted: list[socket.socket] = []

    def visitors(self) -> int:
        """How many have connected since the last call."""
        before = len(self._accepted)
        with suppress(BlockingIOError):
            while True:
                self._accepted.append(self._listening.accept()[0])
        return len(self._accepted) - before

    def close(self) -> None:
        """Hang up on everybody."""
        for connection in self._accepted:
            connection.close()


@contextmanager
def silent_port() -> Iterator[SilentPort]:
    """A SilentPort, until the end of the block."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        listening.setblocking(False)
        with closing(SilentPort(listening)) as silent:
            yield silent
