"""How the bodies of requests arrive: whole, within bounds of size, time and memory, before anything
else looks at them.

Both front ends stand behind it: Streamlit's uploads and Gradio's calls. A server that reads by
itself waits for as long as a stranger pleases, and a limit on what was announced is used up by
whoever announces much and sends nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import vae

MOST_UPLOAD_BYTES = vae.images.MAX_BYTES + 65_536  # a file, and what a form writes around it
MOST_SMALL_BYTES = 262_144  # bodies as small as this are never refused for want of room
# of all bodies that have arrived and are not yet answered: a class that uploads at once
MOST_HELD_BYTES = 200_000_000
MOST_HELD_OF_ONE = (
    MOST_HELD_BYTES // 2
)  # of one address; behind a school's there may be a whole class
MOST_BODIES_OF_ONE = (
    100  # that arrive at the same time from one address; for one more, the slowest is given up
)
SECONDS = 10.0  # in which a body must have arrived, or LEAST_BYTES more of it
LEAST_BYTES = 327_680  # 32 KB a second; the slowest of mobile networks is faster


class RefusedError(Exception):
    """A request that is not answered as asked, with an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class _LeftError(Exception):
    """The client has gone before its request was there."""


def require(good: bool, status: int, sentence: str) -> None:
    """Raise RefusedError unless `good`."""
    if not good:
        raise RefusedError(status, sentence)


async def refuse(error: RefusedError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the sentence, under the names that Gradio's and FastAPI's clients look for."""
    content = {"error": error.sentence, "detail": error.sentence}
    # What is left of the body must not be taken for the next request.
    await JSONResponse(content, error.status, {"connection": "close"})(scope, receive, send)


def one_piece(body: bytes, receive: Receive) -> Receive:
    """What an application receives that is given the body at once, and afterwards what its client
    still says."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again


@dataclass(eq=False)
class _Body:
    """One that arrives: its bytes so far, and the limit of the wait for more, from the moment when
    it is waited for."""

    size: int = 0
    wait: asyncio.Timeout | None = None

    def give_up(self) -> None:
        if self.wait and not self.wait.expired():
            self.wait.reschedule(asyncio.get_running_loop().time())


class Arrival:
    """Middleware that passes a request on when its body has arrived. Requests without one, and
    websockets, pass at once.

    most: the most bytes of a body for a path. waiting: bytes of bodies that were passed on and
    still wait to be worked on, which count with those that arrive.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: Callable[[str], int] = lambda _: MOST_UPLOAD_BYTES,
        waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        self.app, self.most, self.waiting = app, most, waiting
        self.held: Counter[str] = Counter()  # bytes that have arrived, by address
        self.arriving: dict[str, list[_Body]] = {}  # by address, the oldest first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        client = (scope.get("client") or ("",))[0]
        pieces: list[bytes] = []
        body, kept = _Body(), 0
        self._add(client, body)
        try:
            async for piece in self._pieces(scope, receive, body):
                pieces.append(piece)
                kept += len(piece)
                self.held[client] += len(piece)
                self._require_room(body.size, client)
            self._remove(client, body)
            whole = b"".join(pieces)
            pieces.clear()
            await self.app(scope, one_piece(whole, receive), send)
        except _LeftError:
            return
        except RefusedError as error:
            await refuse(error, scope, receive, send)
        finally:
            self._remove(client, body)
            self.held[client] -= kept
            if not self.held[client]:
                del self.held[client]

    def _add(self, client: str, body: _Body) -> None:
        """Among those that arrive. Where there are too many from one address, the one of which
        least has come makes room."""
        others = self.arriving.setdefault(client, [])
        if len(others) >= MOST_BODIES_OF_ONE:
            slowest = min(others, key=lambda other: other.size)
            others.remove(slowest)
            slowest.give_up()
        others.append(body)

    def _remove(self, client: str, body: _Body) -> None:
        others = self.arriving.get(client, [])
        if body in others:
            others.remove(body)
        if not others:
            self.arriving.pop(client, None)

    def _require_room(self, size: int, client: str) -> None:
        """For a body of which so many bytes have arrived."""
        if size > MOST_SMALL_BYTES:
            there_is_room = self.held.total() + self.waiting() <= MOST_HELD_BYTES
            require(there_is_room, 503, "too many pictures are waiting; try again in some seconds")
            its_share = self.held[client] <= MOST_HELD_OF_ONE
            require(
                its_share,
                503,
                "too many pictures of yours are on the way; try again in some seconds",
            )

    async def _pieces(self, scope: Scope, receive: Receive, body: _Body) -> AsyncIterator[bytes]:
        """What arrives, in time and no more than allowed. Raises RefusedError, and _LeftError where
        the client has left."""
        most = self.most(scope["path"].removeprefix(scope.get("root_path", "")))
        too_large = f"a body of {most:,} bytes at most is read here"
        announced = dict(scope["headers"]).get(
            b"content-length", b""
        )  # none where it comes in chunks
        require(not announced.isdigit() or int(announced) <= most, 413, too_large)
        clock = asyncio.get_running_loop()
        since, before, more = clock.time(), 0, True
        while more:
            if body.size - before >= LEAST_BYTES:
                since, before = clock.time(), body.size
            try:
                async with asyncio.timeout_at(since + SECONDS) as body.wait:
                    message = await receive()
            except TimeoutError:
                raise RefusedError(
                    408, "the request came too slowly and was given up; try again"
                ) from None
            finally:
                body.wait = None
            if message["type"] == "http.disconnect":
                raise _LeftError
            piece, more = message.get("body", b""), message.get("more_body", False)
            body.size += len(piece)
            require(body.size <= most, 413, too_large)
            yield piece
