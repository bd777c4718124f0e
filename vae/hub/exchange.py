"""HTTP transfers from an untrusted server, bounded in bytes and in time.

An answer of another commit than the one that was asked for is refused. Nothing here knows what a
weights folder is. `bounded_client` makes the client of the whole process; its limits apply only in
the thread of a Transfer, so that other users of the Hub's client in this process are not affected.
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

COMMIT = re.compile(r"[0-9a-f]{40}")  # a full commit id
ETAG = re.compile(r'(W/)?"?[\w-]{1,128}"?', re.ASCII)  # it names the file in the cache
# bytes of an answer that is not a file: enough for the list of some thousand files
MAX_ANSWER = 2**21
MAX_RESPONSE_OVERHEAD = 2**16  # bytes beside a file, such as a redirect page
SECONDS_WITHOUT_DATA = 15.0  # without any data, after which a download is given up
SECONDS_TO_PULL = 300.0  # for all files of a repository
SECONDS_FOR_A_REQUEST = 60.0  # the client's own default is no limit

Result = TypeVar("Result")


@dataclass
class Transfer:
    """Limits on what one repository may send.

    commit: the one that every answer must come from, once it is known. max_bytes: of one answer.
    start, last_arrival: when it began and when data last arrived, seconds of time.monotonic.
    """

    repo_id: str
    commit: str | None = None
    max_bytes: int = MAX_ANSWER
    start: float = field(default_factory=time.monotonic)
    last_arrival: float = field(default_factory=time.monotonic)

    def check_head(self, response: httpx2.Response) -> None:
        """Check the head of a response before anything of its body is read. Raises HubError."""
        self.last_arrival = time.monotonic()
        # raised here, because the client itself would retry for half a minute
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
            self.check_bounds(int(length))
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _CountingStream(response.stream, self)

    def check_bounds(self, size: int) -> None:
        """Raise HubError where an answer has too many bytes or takes too long."""
        if size > self.max_bytes:
            raise HubError(
                "refused",
                f"{self.repo_id}: an answer of more than {self.max_bytes:,} bytes came, which is "
                "none of a weights folder",
            )
        if time.monotonic() - self.start > SECONDS_TO_PULL:
            raise HubError("unreachable", self.timeout_message(SECONDS_TO_PULL))

    def timeout_message(self, timeout: float) -> str:
        """The message for a transfer that takes longer."""
        return (
            f"{self.repo_id} has not come from the Hub within {timeout:.0f} seconds; check the "
            "connection and try again"
        )


class _CountingStream(httpx2.SyncByteStream):
    """The body of a response, its bytes counted while they come."""

    def __init__(self, stream: httpx2.SyncByteStream, transfer: Transfer) -> None:
        self.stream, self.transfer = stream, transfer

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self.stream:
            size += len(chunk)
            self.transfer.last_arrival = time.monotonic()
            self.transfer.check_bounds(size)
            yield chunk

    def close(self) -> None:
        self.stream.close()


_transfer: ContextVar[Transfer | None] = ContextVar("transfer", default=None)


def bounded_client() -> httpx2.Client:
    """The Hub's HTTP client, limited by the Transfer of its thread.

    It asks for everything uncompressed, so that bytes can be counted.
    """

    def check(response: httpx2.Response) -> None:
        if transfer := _transfer.get():
            transfer.check_head(response)

    client = default_client_factory()
    client.timeout = SECONDS_FOR_A_REQUEST
    client.headers["Accept-Encoding"] = "identity"
    client.event_hooks = client.event_hooks | {"response": [*client.event_hooks["response"], check]}
    return client


def run_bounded(
    work: Callable[[], Result],
    transfer: Transfer,
    timeout: float,
    while_waiting: Callable[[], object] = lambda: None,
) -> Result:
    """Run work in a thread, with a time limit and a limit on the time without any data.

    timeout: seconds. while_waiting: called in this thread before it waits. Work that was given up
    may go on in the background, within the same limits, so that the cache has its files the next
    time. Raises HubError, and what work raises.
    """
    outcome: list[Result | BaseException] = []

    def run() -> None:
        _transfer.set(transfer)
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True, name=f"pull {transfer.repo_id}")
    thread.start()
    while_waiting()
    while thread.is_alive():
        thread.join(0.05)
        now = time.monotonic()
        if thread.is_alive() and now - transfer.start > timeout:
            raise HubError("unreachable", transfer.timeout_message(timeout))
        if thread.is_alive() and now - transfer.last_arrival > SECONDS_WITHOUT_DATA:
            raise HubError(
                "unreachable",
                f"nothing of {transfer.repo_id} has come from the Hub for "
                f"{SECONDS_WITHOUT_DATA:.0f} seconds; check the connection and try again",
            )
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
