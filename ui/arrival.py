"""How the bodies of requests arrive: whole, within bounds of size, time and memory, before anything else looks at them.

Both front ends stand behind it: Streamlit's uploads and Gradio's calls. A server that reads by itself waits for as long as a
stranger pleases, and a limit on what was announced is used up by whoever announces much and sends nothing.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import vae

MOST_UPLOAD_BYTES = vae.images.MAX_BYTES + 65_536  # a file, and what a form writes around it
MOST_SMALL_BYTES = 262_144  # bodies as small as this are never refused for want of room
MOST_HELD_BYTES = 200_000_000  # of all bodies that have arrived and are not yet answered: a class that uploads at once
MOST_HELD_OF_ONE = MOST_HELD_BYTES // 2  # of one address; behind a school's there may be a whole class
MOST_BODIES_OF_ONE = 100  # that arrive at the same time from one address
SECONDS_TO_BEGIN = 10.0
LEAST_SPEED = 32_768  # bytes a second after that; the slowest of mobile networks is faster
SECONDS_IN_ALL = 600.0


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
    """What an application receives that is given the body at once, and afterwards what its client still says."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again


class Arrival:
    """Middleware that passes a request on when its body has arrived. Requests without one, and websockets, pass at once.

    most: the most bytes of a body for a path. waiting: bytes of bodies that were passed on and still wait to be worked on,
    which count with those that arrive.
    """

    def __init__(self, app: ASGIApp, most: Callable[[str], int] = lambda _: MOST_UPLOAD_BYTES,
                 waiting: Callable[[], int] = lambda: 0) -> None:
        self.app, self.most, self.waiting = app, most, waiting
        self.held: Counter[str] = Counter()  # bytes that have arrived, by address
        self.bodies: Counter[str] = Counter()  # that arrive or are being answered, by address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        client = (scope.get("client") or ("",))[0]
        pieces: list[bytes] = []
        size = 0
        self.bodies[client] += 1
        try:
            few = self.bodies[client] <= MOST_BODIES_OF_ONE
            require(few, 503, "too many requests of yours are open; try again in some seconds")
            async for piece in self._pieces(scope, receive):
                pieces.append(piece)
                size += len(piece)
                self.held[client] += len(piece)
                self._require_room(size, client)
            body = b"".join(pieces)
            pieces.clear()
            await self.app(scope, one_piece(body, receive), send)
        except _LeftError:
            return
        except RefusedError as error:
            await refuse(error, scope, receive, send)
        finally:
            for counter, count in ((self.held, size), (self.bodies, 1)):
                counter[client] -= count
                if not counter[client]:
                    del counter[client]

    def _require_room(self, size: int, client: str) -> None:
        """For a body of which so many bytes have arrived."""
        if size > MOST_SMALL_BYTES:
            there_is_room = self.held.total() + self.waiting() <= MOST_HELD_BYTES
            require(there_is_room, 503, "too many pictures are waiting; try again in some seconds")
            its_share = self.held[client] <= MOST_HELD_OF_ONE
            require(its_share, 503, "too many pictures of yours are on the way; try again in some seconds")

    async def _pieces(self, scope: Scope, receive: Receive) -> AsyncIterator[bytes]:
        """What arrives, in time and no more than allowed. Raises RefusedError, and _LeftError where the client has left."""
        most = self.most(scope["path"].removeprefix(scope.get("root_path", "")))
        too_large = f"a body of {most:,} bytes at most is read here"
        announced = dict(scope["headers"]).get(b"content-length", b"")  # none where it comes in chunks
        require(not announced.isdigit() or int(announced) <= most, 413, too_large)
        clock = asyncio.get_running_loop()
        begin, size, more = clock.time(), 0, True
        while more:
            patience = min(SECONDS_IN_ALL, SECONDS_TO_BEGIN + size / LEAST_SPEED)
            try:
                async with asyncio.timeout_at(begin + patience):
                    message = await receive()
            except TimeoutError:
                raise RefusedError(408, "the request came too slowly and was given up; try again") from None
            if message["type"] == "http.disconnect":
                raise _LeftError
            piece, more = message.get("body", b""), message.get("more_body", False)
            size += len(piece)
            require(size <= most, 413, too_large)
            yield piece
