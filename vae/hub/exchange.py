"""HTTP transfers from an untrusted server, bounded in bytes and in time.

An answer of another commit than the one that was asked for is refused. Nothing here knows what a
weights folder is. `bounded_client` makes the client of the whole process; what it does with an
answer holds for the thread of a Transfer alone, so that other users of the Hub's client in this
process keep theirs.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from huggingface_hub.utils._http import default_client_factory, httpx2

from vae.hub.errors import BusyError, HubError

COMMIT = re.compile(r"[0-9a-f]{40}")
ETAG = re.compile(r'(W/)?"?[\w-]{1,128}"?', re.ASCII)  # which names the file in the cache
# bytes of an answer that is not a file: of a repository with some thousand files
MAX_ANSWER = 2**21
SPARE = 2**16  # bytes of what is sent beside a file: a page that says where it has moved
SECONDS_WITHOUT_NEWS = 15.0  # after which a download is given up
SECONDS_TO_PULL = 300.0  # in all
SECONDS_FOR_A_REQUEST = 60.0  # the client itself waits for ever

Answer = TypeVar("Answer")


@dataclass
class Transfer:
    """Limits on what one repository may send.

    commit: of which every answer must be, once it is known. most: bytes of one answer.
    """

    repo_id: str
    commit: str | None = None
    most: int = MAX_ANSWER
    started: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)  # when something last arrived

    def answered(self, response: httpx2.Response) -> None:
        """Check the head of a response before anything of its body is read. Raises HubError."""
        self.heard = time.monotonic()
        # raised here, or the client would retry for half a minute
        if response.status_code == 429 or response.status_code >= 500:
            raise BusyError(self.repo_id, response.status_code, response.headers.get("Retry-After"))
        if response.headers.get("Content-Encoding", "identity").lower() not in ("", "identity"):
            raise HubError(
                "refused",
                f"{self.repo_id}: what was asked for as it is came packed, and may be of any "
                "size; check HF_ENDPOINT and the proxy",
            )
        if self.commit and response.headers.get("X-Repo-Commit", self.commit) != self.commit:
            raise HubError(
                "refused",
                f"{self.repo_id}: a file of another commit than {self.commit[:7]} came; nothing "
                "of it is used",
            )
        for name in ("ETag", "X-Linked-ETag"):
            if not ETAG.fullmatch(response.headers.get(name, "none")):
                raise HubError(
                    "refused",
                    f"{self.repo_id}: the Hub's {name} of a file cannot be one; check HF_ENDPOINT",
                )
        length = response.headers.get("Content-Length", "0")
        if length.isdigit() and len(length) < 20:
            self.require_bounded(int(length))
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Counted(response.stream, self)

    def require_bounded(self, size: int) -> None:
        """Raise HubError where an answer has too many bytes or takes too long."""
        if size > self.most:
            raise HubError(
                "refused",
                f"{self.repo_id}: an answer of more than {self.most:,} bytes came, which is none "
                "of a weights folder",
            )
        if time.monotonic() - self.started > SECONDS_TO_PULL:
            raise HubError("unreachable", self.too_late(SECONDS_TO_PULL))

    def too_late(self, within: float) -> str:
        """The message for a transfer that takes longer."""
        return (
            f"{self.repo_id} has not come from the Hub within {within:.0f} seconds; check the "
            "connection and try again"
        )


class _Counted(httpx2.SyncByteStream):
    """The body of a response, its bytes counted while they come."""

    def __init__(self, stream: httpx2.SyncByteStream, transfer: Transfer) -> None:
        self.stream, self.transfer = stream, transfer

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self.stream:
            size += len(chunk)
            self.transfer.heard = time.monotonic()
            self.transfer.require_bounded(size)
            yield chunk

    def close(self) -> None:
        self.stream.close()


_transfer: ContextVar[Transfer | None] = ContextVar("transfer", default=None)


def bounded_client() -> httpx2.Client:
    """The Hub's HTTP client, limited by the Transfer of its thread.

    It asks for everything uncompressed, so that bytes can be counted.
    """

    def look(response: httpx2.Response) -> None:
        if transfer := _transfer.get():
            transfer.answered(response)

    client = default_client_factory()
    client.timeout = SECONDS_FOR_A_REQUEST
    client.headers["Accept-Encoding"] = "identity"
    client.event_hooks = client.event_hooks | {"response": [*client.event_hooks["response"], look]}
    return client


def watched(
    work: Callable[[], Answer],
    transfer: Transfer,
    within: float,
    meanwhile: Callable[[], object] = lambda: None,
) -> Answer:
    """Run work in a thread, with a time limit and a limit on the time without any data.

    meanwhile: what this thread does before it waits. What was given up may go on in the background,
    within the same bounds, and is in the cache the next time. Raises HubError, and what work
    raises.
    """
    outcome: list[Answer | BaseException] = []

    def run() -> None:
        _transfer.set(transfer)
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True, name=f"pull {transfer.repo_id}")
    thread.start()
    meanwhile()
    while thread.is_alive():
        thread.join(0.05)
        now = time.monotonic()
        if thread.is_alive() and now - transfer.started > within:
            raise HubError("unreachable", transfer.too_late(within))
        if thread.is_alive() and now - transfer.heard > SECONDS_WITHOUT_NEWS:
            raise HubError(
                "unreachable",
                f"nothing of {transfer.repo_id} has come from the Hub for "
                f"{SECONDS_WITHOUT_NEWS:.0f} seconds; check the connection and try again",
            )
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
