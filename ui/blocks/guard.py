"""What strangers may ask of the Gradio server, and how much: only what the page and the API need is open.

Gradio serves more than that: an upload address that writes files, addresses that fetch others, a store of sessions. None of
them is used here.
"""

import re
from urllib.parse import parse_qs

from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import vae
from ui.text import LANGUAGES

MOST_BODY_BYTES = vae.images.MAX_BYTES * 4 // 3 + 65_536  # the largest picture in base64, and the other arguments
OPEN = re.compile(
    r"(?!.*\.\.)(/?|/config/?|/theme\.css|/robots\.txt|/favicon\.ico|/manifest\.json|/(static|assets|svelte)/.*"
    r"|/gradio_api/(app_id|startup-events|info|openapi\.json|cancel|reset|login_check|token|user|heartbeat/\w+)/?"
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


def middleware() -> list[Middleware]:
    """For the Gradio app, from the outside in."""
    return [Middleware(Headers), Middleware(OnlyWhatIsNeeded), Middleware(LanguageOfTheLink),
            Middleware(RequestBodyLimitMiddleware, max_body_size=MOST_BODY_BYTES)]
