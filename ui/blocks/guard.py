"""What strangers may ask of the Gradio server, and how much: only what the page and the API need is open.

Gradio serves more than that: an upload address that writes files, addresses that fetch others, a store of sessions. None of
them is used here.
"""

import re
from collections.abc import Callable
from urllib.parse import parse_qs

import gradio as gr
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import vae
from ui.blocks.sessions import Sweeper
from ui.text import LANGUAGES

MOST_BODY_BYTES = vae.images.MAX_BYTES * 4 // 3 + 65_536  # the largest picture in base64, and the other arguments
MOST_SMALL_BYTES = 262_144  # where no picture belongs: 64 latents of 128 numbers
MOST_HELD_BYTES = 200_000_000  # of all bodies that arrive or wait in the queue: a class that uploads at once
MOST_CALLS_WAITING = 200  # of the API; the rest of the queue is the pages'
MOST_VALUES = 20_000  # in one body; parsed, a million empty lists take a hundred times their bytes
_WITH_A_PICTURE = re.compile(r"/gradio_api/(queue/join|call/(v2/)?(encode|reconstruct|rate_distortion)|mcp)/?")
OPEN = re.compile(
    r"(?!.*\.\.)(/?|/config/?|/theme\.css|/robots\.txt|/favicon\.ico|/manifest\.json|/(static|assets|svelte)/.*"
    r"|/gradio_api/(app_id|startup-events|info|cancel|reset|login_check|token|user|heartbeat/\w+)/?"
    r"|/gradio_api/queue/(join|data|status)/?|/gradio_api/call/[\w/]+|/gradio_api/mcp(/.*)?)"
)
HEADERS = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"same-origin",
           b"permissions-policy": b"geolocation=(), microphone=(), payment=(), usb=()"}


class OnlyWhatIsNeeded:
    """Answers 404 to every address that neither the page nor the API needs. Around the Gradio app, wherever it is mounted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if not OPEN.fullmatch(path):
                await PlainTextResponse("Not found", 404)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class LanguageOfTheLink:
    """Gradio labels a page in the browser's language. A link may name another: then the page takes that for the browser's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[-1]
        if scope["type"] != "http" or wanted not in LANGUAGES:
            await self.app(scope, receive, send)
            return
        script = f"<script>Object.defineProperty(navigator, 'language', {{get: () => '{wanted}'}})</script>".encode()
        start: Message = {}

        async def with_script(message: Message) -> None:
            """The page comes in one piece; everything else passes."""
            nonlocal start
            if message["type"] == "http.response.start" and b"text/html" in dict(message["headers"]).get(b"content-type", b""):
                start = message
                return
            if start:
                message["body"] = message["body"].replace(b"<head>", b"<head>" + script, 1)
                length = str(len(message["body"])).encode()
                start["headers"] = [(key, length if key == b"content-length" else value) for key, value in start["headers"]]
                await send(start)
                start = {}
            await send(message)

        await self.app(scope, receive, with_script)


class Headers:
    """Adds to each answer what a browser should know. No word about frames: a hosted Space is shown in one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *((k, v) for k, v in HEADERS.items() if k not in given)]
            await send(message)

        await self.app(scope, receive, with_headers)


class _RefusedError(Exception):
    """With an HTTP status and a sentence."""


def _require(good: bool, status: int, sentence: str) -> None:
    if not good:
        raise _RefusedError(status, sentence)


class Limits:
    """Refuses bodies that are too large, too many at once, or of too many values, before anything parses them.

    An argument that a function does not have is one sentence, too, which Gradio would answer with a bare 500.
    """

    def __init__(self, app: ASGIApp, blocks: Callable[[], gr.Blocks]) -> None:
        self.app, self.blocks = app, blocks
        self.arriving = 0  # bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        most = MOST_BODY_BYTES if _WITH_A_PICTURE.fullmatch(path) else MOST_SMALL_BYTES
        announced = int(dict(scope["headers"]).get(b"content-length", b"0") or 0)  # none where it comes in chunks
        held = 0

        def hold(size: int) -> None:
            nonlocal held
            _require(size <= most, 413, f"a body of {most:,} bytes at most is read here")
            if size > held:
                self.arriving, held = self.arriving + size - held, size
                full = size > MOST_SMALL_BYTES and self.arriving + queued_bytes(self.blocks()) > MOST_HELD_BYTES
                _require(not full, 503, "too many pictures are waiting; try again in some seconds")

        try:
            hold(announced)
            free = not path.startswith("/gradio_api/call/") or len(_waiting(self.blocks())) < MOST_CALLS_WAITING
            _require(free, 503, "too many calls are waiting; try again in some seconds")
            body, more = bytearray(), True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                more = message.get("more_body", False)
                hold(len(body))
            values = sum(map(body.count, (b",", b"[", b"{")))
            _require(values <= MOST_VALUES, 400, f"a body of {MOST_VALUES:,} values at most is read here")
            await self._pass_on(bytes(body), scope, receive, send)
        except _RefusedError as refused:
            await self._refuse(scope, receive, send, *refused.args)
        finally:
            self.arriving -= held

    async def _pass_on(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        try:
            await self.app(scope, again, send)
        except (TypeError, ValueError, KeyError) as error:  # raised before an answer begins: names of arguments
            await self._refuse(scope, again, send, 422, str(error)[:300])

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str) -> None:
        await JSONResponse({"error": sentence, "detail": sentence}, status)(scope, receive, send)


def _waiting(blocks: gr.Blocks) -> list[object]:
    return [event for queue in blocks._queue.event_queue_per_concurrency_id.values() for event in list(queue.queue)]


def queued_bytes(blocks: gr.Blocks) -> int:
    """What the pictures of calls that wait in Gradio's queue take."""
    values = [value for event in _waiting(blocks) if event.data for value in (*event.data.data, *_of(event.data.event_data))]
    return sum(len(value) for value in values if isinstance(value, str))


def _of(event_data: object) -> tuple[object, ...]:
    return tuple(event_data.values()) if isinstance(event_data, dict) else ()


def middleware(blocks: Callable[[], gr.Blocks]) -> list[Middleware]:
    """For the Gradio app, from the outside in. blocks: the app's, which does not exist yet."""
    return [Middleware(Headers), Middleware(OnlyWhatIsNeeded), Middleware(LanguageOfTheLink),
            Middleware(Sweeper, blocks=blocks), Middleware(Limits, blocks=blocks)]
