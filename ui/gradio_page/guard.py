"""Middleware in front of the Gradio server: only what the page and the API need is open.

Gradio also serves an upload address that writes files, addresses that fetch others, and a store of
sessions. None of them is used here.
"""

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs

import gradio as gr
from gradio.queueing import Event
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import vae
from ui.gradio_page.scripts import script
from ui.gradio_page.sessions import SessionExpiry
from ui.server.bodies import BodyMiddleware, receive_whole, refuse
from ui.server.quotas import MOST_SMALL_BYTES, Quotas, RefusedError, require
from ui.text import DEFAULT, LANGUAGES, Text

# The largest picture in base64, and the other arguments.
MOST_BODY_BYTES = vae.images.MAX_BYTES * 4 // 3 + 65_536
MOST_CALLS_WAITING = 200  # of the API; the rest of the queue is the pages'
API = "api"  # concurrency_id of its functions
MOST_VALUES = 20_000  # in one body; parsed, a million empty lists take a hundred times their bytes
MESSAGE_LENGTH = 300  # characters of a library's message
UNUSABLE = Text(DEFAULT)("api.unusable")
_WITH_A_PICTURE = re.compile(
    r"/gradio_api/(queue/join|call/(v2/)?(encode|reconstruct|rate_distortion)|mcp(/(http|messages))?)/?"
)
_STREAM = re.compile(r"/gradio_api/call/(?:v2/)?[\w-]+/([\w-]+)/?")
ALLOWED_PATHS = re.compile(
    r"(?!.*\.\.)(/?|/config/?|/theme\.css|/robots\.txt|/favicon\.ico|/manifest\.json|/(static|assets|svelte)/.*"
    r"|/gradio_api/(app_id|startup-events|info|cancel|reset|login_check|token|user|heartbeat/\w+)/?"
    r"|/gradio_api/queue/(join|data|status)/?|/gradio_api/call/[\w/]+|/gradio_api/mcp(/.*)?)"
)
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"permissions-policy": b"geolocation=(), microphone=(), payment=(), usb=()",
}


class PathFilter:
    """Middleware: answers 404 to addresses that neither the page nor the API needs.

    It surrounds the Gradio app, wherever that is mounted.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", ""))
            if not ALLOWED_PATHS.fullmatch(path):
                await PlainTextResponse("Not found", 404)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class LinkLanguage:
    """Middleware: makes the page take the link's language for the browser's.

    Gradio labels a page in the browser's language; ?lang= may name another.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        language = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[-1]
        if scope["type"] != "http" or language not in LANGUAGES:
            await self.app(scope, receive, send)
            return
        settings = {"language": {"value": language}}
        element = f"<script>\n{script('page_language', settings)}</script>".encode()
        start: Message = {}

        async def send_with_script(message: Message) -> None:
            """Add the script to a page, which comes in one piece; pass everything else on."""
            nonlocal start
            if message["type"] == "http.response.start" and b"text/html" in dict(
                message["headers"]
            ).get(b"content-type", b""):
                start = message
                return
            if start:
                message["body"] = message["body"].replace(b"<head>", b"<head>" + element, 1)
                length = str(len(message["body"])).encode()
                start["headers"] = [
                    (key, length if key == b"content-length" else value)
                    for key, value in start["headers"]
                ]
                await send(start)
                start = {}
            await send(message)

        await self.app(scope, receive, send_with_script)


class Headers:
    """Middleware: adds security headers to each answer.

    None forbids frames: a hosted Space is shown in one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((k, v) for k, v in HEADERS.items() if k not in present),
                ]
            await send(message)

        await self.app(scope, receive, send_with_headers)


class CallValidation:
    """Middleware: refuses unusable calls before Gradio sees them.

    Those are too many calls at once, too many values, or arguments that no function of ours takes.
    Gradio looks for descriptions of files, JSON objects with a path or an address, in every
    argument and however deep, and copies or downloads what they name. No argument of ours is an
    object, so none is let in. A refusal of Gradio's own, a list or a bare 500, becomes one sentence
    here. A body is expected in one piece: ui.server.bodies.
    """

    def __init__(self, app: ASGIApp, blocks: Callable[[], gr.Blocks]) -> None:
        self.app, self.blocks = app, blocks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        has_begun = False

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            if scope["method"] == "GET":
                self._require_known(path, scope.get("query_string", b""))
                await self.app(scope, receive, send)
                return
            body = (await receive()).get("body", b"")
            self._require_room(path, validate_body(path, body))
            await self.app(scope, receive_whole(body, receive), _with_sentences(send_and_note))
        except RefusedError as error:
            await refuse(error, send)
        except Exception as error:  # raised by Gradio for names and numbers that it doesn't know
            if has_begun or scope["method"] == "GET":
                raise
            await refuse(RefusedError(422, _reason(error)), send)

    def _require_room(self, path: str, function: object) -> None:
        """Refuse a call of the API where enough calls wait. function: a page's fn_index."""
        known = self.blocks().fns.get(function) if isinstance(function, int) else None
        is_api = path.startswith("/gradio_api/call/") or (
            known is not None and known.concurrency_id == API
        )
        free = not is_api or len(_waiting(self.blocks(), API)) < MOST_CALLS_WAITING
        require(free, 503, "too many calls are waiting; try again in some seconds")

    def _require_known(self, path: str, query: bytes) -> None:
        """Refuse to stream the answer of an unknown call.

        Gradio notices it only when its response has begun.
        """
        queue = self.blocks()._queue
        if match := _STREAM.fullmatch(path):
            is_known = (
                match[1] in queue.event_ids_to_events
                or match[1] in queue.pending_messages_per_session
                or any(match[1] in ids for ids in list(queue.pending_event_ids_session.values()))
            )
            require(is_known, 404, "there is no such call, or its answer was fetched already")
        elif path.rstrip("/") == "/gradio_api/queue/data":
            session = parse_qs(query.decode("latin-1")).get("session_hash", [""])[-1]
            require(
                session in queue.pending_messages_per_session,
                404,
                "no call of this session is waiting for an answer",
            )


def validate_body(path: str, body: bytes) -> object:
    """The fn_index of a page's call; other calls have none.

    Raises RefusedError for a body that no function behind this path takes.
    """
    values = sum(map(body.count, (b",", b"[", b"{")))
    require(values <= MOST_VALUES, 400, f"a body of {MOST_VALUES:,} values at most is read here")
    if not body:
        return None
    try:
        parsed = json.loads(body, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        raise RefusedError(
            400, 'the body is not JSON; send an object such as {"data": []}'
        ) from None
    if path.startswith("/gradio_api/mcp"):
        messages = parsed if isinstance(parsed, list) else [parsed]
        arguments = [value for message in messages for value in _arguments_of_a_tool(message)]
    else:
        require(
            isinstance(parsed, dict), 400, 'the body must be a JSON object such as {"data": []}'
        )
        event = parsed.pop("event_data", None) if path.startswith("/gradio_api/queue/") else None
        arguments = [*parsed.values(), *(event.values() if isinstance(event, dict) else [event])]
    require(
        not any(map(_holds_an_object, arguments)),
        400,
        "no argument is a JSON object here; "
        "send numbers, words, lists of numbers, and pictures in base64",
    )
    return parsed.get("fn_index") if isinstance(parsed, dict) else None


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """A JSON object without repeated names, of which parsers may take different values."""
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name stands twice")
    return values


def _arguments_of_a_tool(message: object) -> list[object]:
    """The arguments of a tool call in the Model Context Protocol.

    Its other messages nest objects of their own.
    """
    parameters = message.get("params") if isinstance(message, dict) else message
    arguments = parameters.get("arguments") if isinstance(parameters, dict) else None
    return list(arguments.values()) if isinstance(arguments, dict) else [arguments]


def _holds_an_object(value: object) -> bool:
    """Whether there is a JSON object in a value, however deep."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            return True
        if isinstance(value, list):
            left += value
    return False


def _with_sentences(send: Send) -> Send:
    """Wrap `send` so that a refusal in JSON becomes one sentence.

    FastAPI repeats everything that it was sent, Gradio may say nothing.
    """
    start: Message = {}
    body = bytearray()

    async def send_sentence(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and message["status"] >= 400:
            is_json = (
                dict(message["headers"]).get(b"content-type", b"").startswith(b"application/json")
            )
            if is_json:
                start = message
                return
        if not start:
            await send(message)
            return
        body.extend(message.get("body", b""))
        if not message.get("more_body", False):
            sentence = _sentence(bytes(body))
            content = json.dumps({"error": sentence, "detail": sentence}).encode()
            headers = [
                (name, value) for name, value in start["headers"] if name != b"content-length"
            ]
            await send(
                {**start, "headers": [*headers, (b"content-length", str(len(content)).encode())]}
            )
            await send({"type": "http.response.body", "body": content})

    return send_sentence


def _sentence(answer: bytes) -> str:
    """The message of a refusal by Gradio or FastAPI, shortened."""
    content = json.loads(answer)
    detail = content.get("detail") or content.get("error") if isinstance(content, dict) else None
    # pydantic's list of errors: where, and what is wrong there.
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        where = ".".join(str(part) for part in detail[0].get("loc", ()) if part != "body")
        detail = f"{where or 'the body'}: {detail[0].get('msg', 'cannot be used')}"
    return detail[:MESSAGE_LENGTH] if isinstance(detail, str) and detail else UNUSABLE


def _reason(error: Exception) -> str:
    """Gradio's message about a call's argument names, shortened.

    Messages of other errors may name folders, so a fixed sentence replaces them.
    """
    return (
        str(error)[:MESSAGE_LENGTH]
        if isinstance(error, TypeError) and "arameter" in str(error)
        else UNUSABLE
    )


def _waiting(blocks: gr.Blocks, kind: str | None = None) -> list[Event]:
    """Waiting calls in Gradio's queue: all, or those of one concurrency_id."""
    return [
        event
        for name, queue in list(blocks._queue.event_queue_per_concurrency_id.items())
        if kind in (None, name)
        for event in list(queue.queue)
    ]


def queued_bytes(blocks: gr.Blocks) -> int:
    """Bytes that waiting calls hold: each keeps its request's body, and what was read from it."""
    return sum(2 * len(getattr(event.request, "_body", b"")) for event in _waiting(blocks))


def most_bytes(path: str) -> int:
    """The largest body of a request to this path, in bytes."""
    return MOST_BODY_BYTES if _WITH_A_PICTURE.fullmatch(path) else MOST_SMALL_BYTES


def middleware(blocks: Callable[[], gr.Blocks], quotas: Quotas) -> list[Middleware]:
    """The Gradio app's middleware, from the outside in.

    blocks: returns the app's Blocks, which do not exist yet.
    """
    return [
        Middleware(Headers),
        Middleware(PathFilter),
        Middleware(LinkLanguage),
        Middleware(SessionExpiry, blocks=blocks),
        Middleware(BodyMiddleware, quotas=quotas, most=most_bytes),
        Middleware(CallValidation, blocks=blocks),
    ]
