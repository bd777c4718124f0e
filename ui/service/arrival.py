"""Middleware that receives request bodies whole, within limits of size, time and memory.

Both front ends stand behind it: Streamlit's uploads and Gradio's calls. A server by itself waits
for a body as long as the client pleases. Bytes are counted as they come: a limit on announced sizes
could be used up by clients that announce much and send nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import vae

MOST_UPLOAD_BYTES = vae.images.MAX_BYTES + 65_536  # a file, and what a form writes around it
MOST_SMALL_BYTES = 262_144  # bodies as small as this are never refused for want of memory
# All bodies received and not yet answered: enough for a class that uploads at once.
MOST_HELD_BYTES = 200_000_000
# One address: a whole class may share that of its school.
MOST_HELD_OF_ONE = MOST_HELD_BYTES // 2
# Bodies in transfer from one address; for one more, the smallest is given up.
MOST_BODIES_OF_ONE = 100
SECONDS = 10.0  # for a body to be complete, or LEAST_BYTES longer
LEAST_BYTES = 327_680  # 32 KB a second; even slow mobile networks are faster


class RefusedError(Exception):
    """A refused request: an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class _LeftError(Exception):
    """The client closed the connection before its request was complete."""


def require(good: bool, status: int, sentence: str) -> None:
    """Raise RefusedError unless `good`."""
    if not good:
        raise RefusedError(status, sentence)


async def refuse(error: RefusedError, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the sentence as JSON, under the keys that Gradio's and FastAPI's clients read."""
    content = {"error": error.sentence, "detail": error.sentence}
    # Close the connection: the rest of the body must not be read as the next request.
    await JSONResponse(content, error.status, {"connection": "close"})(scope, receive, send)


def one_piece(body: bytes, receive: Receive) -> Receive:
    """A receive function that yields the whole body at once, then the client's later messages."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again


@dataclass(eq=False)
class _Body:
    """A body in transfer: its size so far in bytes, and the timeout of the wait for more."""

    size: int = 0
    wait: asyncio.Timeout | None = None

    def give_up(self) -> None:
        if self.wait and not self.wait.expired():
            self.wait.reschedule(asyncio.get_running_loop().time())


class Arrival:
    """Middleware that passes a request on when its body is complete.

    Requests without a body, and websockets, pass at once. most: the largest body in bytes for a
    path. waiting: bytes of bodies that were passed on and still wait to be worked on; they count
    with those in transfer.
    """

    def __init__(
        self,
        app: ASGIApp,
        most: Callable[[str], int] = lambda _: MOST_UPLOAD_BYTES,
        waiting: Callable[[], int] = lambda: 0,
    ) -> None:
        self.app, self.most, self.waiting = app, most, waiting
        self.held: Counter[str] = Counter()  # bytes received, by address
        self.arriving: dict[str, list[_Body]] = {}  # bodies in transfer by address, oldest first

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
        """Register a body in transfer; above the limit of one address, give up its smallest."""
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
        """Refuse a body of this size in bytes where the bodies in memory leave no room for it."""
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
        """The pieces of a body, within the limits of time and size.

        Raises RefusedError at a limit, and _LeftError when the client disconnects.
        """
        most = self.most(scope["path"].removeprefix(scope.get("root_path", "")))
        too_large = f"a body of {most:,} bytes at most is read here"
        # Empty where the body comes in chunks.
        announced = dict(scope["headers"]).get(b"content-length", b"")
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
