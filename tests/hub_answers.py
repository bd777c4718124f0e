"""What a Hub in memory answers, and what may be wrong with an answer."""

import functools
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    body: object = b""  # bytes, or what is sent as JSON
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def error(
    status: int,
    message: str = "Injected.",
    code: str = "",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The client knows the codes RepoNotFound, RevisionNotFound, EntryNotFound and GatedRepo."""
    return Answer(
        {"error": message},
        status,
        {"X-Error-Message": message, "X-Error-Code": code, **(headers or {})},
    )


WEB_PAGE = Answer(
    b"<!doctype html><title>Hotel</title><p>Please log in.", headers={"Content-Type": "text/html"}
)


class Refusal(Exception):  # noqa: N818
    """Ends the work on a request; its arguments are those of `error`."""


@dataclass(frozen=True)
class Fault:
    """A fault of the server in answering a request.

    The request is carried out unless `instead` or `silent`: with `cut_at=0` only the answer is
    lost.
    """

    # happens just before, such as another person's commit
    before: Callable[[], object] = lambda: None
    instead: Answer | None = None  # an error or WEB_PAGE
    silent: bool = False  # no answer, until the client leaves or the server stops
    corrupt: bool = False  # the last byte of the body is another
    cut_at: int | None = None  # the connection ends after so many bytes of the body
    seconds_a_chunk: float = 0.0  # to wait before each piece of the body
    before_chunk: Callable[[], object] = lambda: None  # and what else happens then
    chunk: int = 2**16  # bytes of a piece
    # so many zeros instead of the body, packed by gzip although the client did not ask for it
    packed: int = 0
    endless: bool = False  # spaces without an end after the body, whose length is not announced
    announced: int | None = None  # the length that is announced, whatever is sent
    with_headers: Mapping[str, str] = field(default_factory=dict)  # also in the answer

    def spoiled(self, body: bytes) -> bytes:
        """The body that is sent instead of this one."""
        if self.packed:
            return _packed(self.packed)
        return body[:-1] + bytes(255 - byte for byte in body[-1:]) if self.corrupt else body

    def headers(self, length: int, method: str) -> dict[str, str]:
        """What is said of a body of so many bytes."""
        said = {"Content-Encoding": "gzip"} if self.packed else {}
        if not self.endless or method == "HEAD":
            said["Content-Length"] = str(length if self.announced is None else self.announced)
        return said | dict(self.with_headers)

    def chunks(self, body: bytes) -> Iterator[bytes]:
        """The body in pieces, with pauses."""
        body = body[: self.cut_at]
        for begin in range(0, len(body), self.chunk):
            time.sleep(self.seconds_a_chunk)
            self.before_chunk()
            yield body[begin : begin + self.chunk]
        while self.endless and body:
            time.sleep(self.seconds_a_chunk)
            yield b" " * self.chunk

    @property
    def ends_connection(self) -> bool:
        """Whether nothing more can be asked over the same connection."""
        return self.silent or self.endless or self.cut_at is not None or self.announced is not None


@functools.cache
def _packed(size: int) -> bytes:
    """So many zeros as gzip packs them, a thousandth of them."""
    packer = zlib.compressobj(9, wbits=31)
    return (
        b"".join(
            packer.compress(bytes(min(2**20, size - begin))) for begin in range(0, size, 2**20)
        )
        + packer.flush()
    )
