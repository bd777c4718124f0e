"""Middleware that receives request bodies whole, within limits of size, time and memory.

Both front ends stand behind it: Streamlit's uploads and Gradio's calls. A server by itself reads
every body at once and waits for it as long as the client pleases. Here a large one waits for its
turn, which ui.server.quotas give.
"""

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import vae
from ui.server import quotas
from ui.server.quotas import TOO_SLOW, Body, Quotas, RefusedError

MOST_UPLOAD_BYTES = vae.images.MAX_BYTES + 65_536  # a file, and what a form writes around it
# For a client to read its refusal, which most do only after they have sent everything.
LINGERING_SECONDS = 30.0
LINGERING_SILENCE = 2.0  # seconds without a piece of the body: then it has stopped sending


class _DisconnectedError(Exception):
    """The client closed the connection before its request was complete."""


async def refuse(error: RefusedError, send: Send, receive: Receive | None = None) -> None:
    """Send the sentence as JSON, under the keys that Gradio's and FastAPI's clients read.

    receive: where the body is not complete. Its rest is received and thrown away before the
    connection is closed: one that is closed on unread bytes is reset, and the answer may be lost.
    """
    content = {"error": error.sentence, "detail": error.sentence}
    # Close the connection: the rest of the body must not be read as the next request.
    headers = {"connection": "close"} | ({"retry-after": "10"} if error.status == 503 else {})
    answer = JSONResponse(content, error.status, headers)
    await send(
        {"type": "http.response.start", "status": error.status, "headers": answer.raw_headers}
    )
    await send({"type": "http.response.body", "body": answer.body, "more_body": bool(receive)})
    if receive:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGERING_SECONDS):
                while await _has_more(receive):
                    pass
        await send({"type": "http.response.body", "body": b""})


async def _has_more(receive: Receive) -> bool:
    """Receive a piece of the body; returns whether there will be more."""
    async with asyncio.timeout(LINGERING_SILENCE):
        return (await receive()).get("more_body", False)


def receive_whole(body: bytes | bytearray, receive: Receive) -> Receive:
    """A receive function that yields the whole body at once, then the client's later messages."""
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_once() -> Message:
        return whole.pop() if whole else await receive()

    return receive_once


def address(scope: Scope) -> str:
    """The address that a request counts for: IPv4, or the network of an IPv6 address.

    A subscriber has up to 256 networks of 2⁶⁴ addresses.
    """
    host = (scope.get("client") or ("",))[0]
    try:
        number = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(number, ipaddress.IPv4Address):
        return str(number)
    if number.ipv4_mapped:
        return str(number.ipv4_mapped)
    return str(ipaddress.ip_network((int(number) >> 72 << 72, 56)))


class BodyMiddleware:
    """Middleware that passes a request on when its body is complete.

    Requests without a body, and websockets, pass at once where their address has not too many.
    quotas: the process' own. most: the largest body in bytes, by path.
    """

    def __init__(
        self, app: ASGIApp, quotas: Quotas, most: Callable[[str], int] = lambda _: MOST_UPLOAD_BYTES
    ) -> None:
        self.app, self.quotas, self.most = app, quotas, most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(
                    self.quotas.count_request(
                        address(scope), is_socket=scope["type"] == "websocket"
                    )
                )
            except RefusedError as error:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1013, "reason": error.sentence})
                else:
                    await refuse(error, send)
                return
            if scope["type"] == "websocket" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
                await self.app(scope, receive, send)
            else:
                await self._pass(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive a request's body, and pass the request on."""
        most = self.most(scope["path"].removeprefix(scope.get("root_path", "")))
        announced = dict(scope["headers"]).get(b"content-length", b"")
        # Where it comes in chunks its size is not announced.
        body = Body(address(scope), int(announced) if announced.isdigit() else most)
        too_large = RefusedError(413, f"a body of {most:,} bytes at most is read here")
        try:
            try:
                if body.size > most:
                    raise too_large
                self.quotas.enter(body)
                await self._receive(body, receive, too_large)
            except RefusedError as error:
                self.quotas.leave(body)
                await refuse(error, send, receive)
                return
            await self.app(scope, receive_whole(body.take(), receive), send)
        except _DisconnectedError:
            return
        finally:
            self.quotas.leave(body)

    async def _receive(self, body: Body, receive: Receive, too_large: RefusedError) -> None:
        """Receive the body. Raises RefusedError; _DisconnectedError where the client has left."""
        clock = asyncio.get_running_loop()
        end = clock.time() + quotas.SECONDS
        more = True
        while more:
            more, piece = await self._piece(body, receive, end)
            body.content += piece
            if len(body.content) > body.size:
                raise too_large
            if body.is_small:
                self.quotas.grow(body)
                if body.refusal:
                    raise body.refusal
            elif more and piece:
                if body.admission is None:
                    await self.quotas.wait_for_admission(body)
                end = min(clock.time() + quotas.SECONDS, body.admitted + quotas.LONGEST_SECONDS)
        self.quotas.complete(body)

    async def _piece(self, body: Body, receive: Receive, end: float) -> tuple[bool, bytes]:
        """The next piece, and whether there will be more."""
        try:
            async with asyncio.timeout_at(end) as body.wait:
                message = await receive()
        except TimeoutError:
            raise body.refusal or RefusedError(503, TOO_SLOW) from None
        finally:
            body.wait = None
        if body.refusal:  # while its piece was on the way
            raise body.refusal
        if message["type"] == "http.disconnect":
            raise _DisconnectedError
        return message.get("more_body", False), message.get("body", b"")
