"""A student's browser without the drawing: a session of the Streamlit app over its own websocket.

It sends what Chromium was seen to send – every widget's value, the query string, the hashes of the
messages that it keeps – and keeps what a browser keeps: a message of which only the hash comes
again is taken from there.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import httpx
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ButtonGroup_pb2 import ButtonGroup
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.FileUploader_pb2 import FileUploader
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.NumberInput_pb2 import NumberInput
from streamlit.proto.Selectbox_pb2 import Selectbox
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from benchmarks import film

STREAM = "/_stcore/stream"
# without XSRF protection there is no token, and the browser says so
SUBPROTOCOLS = (Subprotocol("streamlit"), Subprotocol("PLACEHOLDER_AUTH_TOKEN"))
SECONDS_TO_WAIT = 120.0
Path = tuple[int, ...]


class RunError(Exception):
    """A run that ended in an error, in silence, or with another result than was asked for."""


@dataclass
class Run:
    """The messages of one run of the script, from the student's message to the script's end.

    seconds: between the two. messages, size, largest: how many came, and their bytes on the wire,
    in all and the most of one. places: the elements at the places of the page, what was kept
    included, in the order of the page. query: of the link afterwards. overtaken: whether a newer
    run ended it.
    """

    seconds: float = 0.0
    messages: int = 0
    size: int = 0
    largest: int = 0
    places: dict[Path, Element] = field(default_factory=dict)
    query: str = ""
    overtaken: bool = False

    def elements(self, kind: str) -> Iterator:
        """All elements of one kind, such as "imgs", "plotly_chart" or "markdown"."""
        for path in sorted(self.places):
            if self.places[path].WhichOneof("type") == kind:
                yield getattr(self.places[path], kind)

    def alts(self) -> list[str]:
        """The alternative texts of pictures and charts: they name beta and the numbers."""
        pictures = [image.alt for images in self.elements("imgs") for image in images.imgs]
        components = list(self.elements("bidi_component"))
        shown = film.Shown(components, self.query)
        views = [alt for component in components for alt in shown.alternative_texts(component)]
        return pictures + [chart.alt for chart in self.elements("plotly_chart")] + views

    def words(self) -> str:
        """All text: headings, sentences, notices."""
        return "\n".join(
            piece.body for kind in ("heading", "markdown", "alert") for piece in self.elements(kind)
        )


class Student:
    """A student's session: an async context manager, within which it is open and has run once.

    address: of the app, without a path. query: of the link that is opened. page: its name in the
    link, empty for the first. cookies: what the browser would send to the server.
    """

    def __init__(
        self,
        address: str,
        query: str = "",
        *,
        page: str = "",
        cookies: Mapping[str, str] | None = None,
    ) -> None:
        self.address, self.query, self.name = address.rstrip("/"), query, page
        self.cookies = dict(cookies or {})
        self.session = self.page = ""
        self.widgets: dict[str, WidgetState] = {}  # by key, as the page calls it
        self.options: dict[str, list[str]] = {}
        self._fragments: dict[str, str] = {}  # by key: the part of the page that answers alone
        # message by hash, and the run that it was last part of
        self._messages: dict[str, tuple[int, Delta]] = {}
        self._max_message_age = 0  # runs for which a message is kept
        self._runs = 0
        self.last = Run()  # the latest

    async def __aenter__(self) -> Self:
        address = urlsplit(self.address)
        headers = (
            {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            if self.cookies
            else {}
        )
        self._socket = await connect(
            f"{'wss' if address.scheme == 'https' else 'ws'}://{address.netloc}{STREAM}",
            origin=Origin(self.address),
            subprotocols=SUBPROTOCOLS,
            additional_headers=headers,
            max_size=None,
            open_timeout=SECONDS_TO_WAIT,
            compression=None,  # the server refuses it anyhow
            proxy=None,
        )
        try:
            await self.rerun()
        except BaseException:
            await self._socket.close()
            raise
        return self

    async def __aexit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()

    async def choose(self, key: str, value: str | int | float) -> Run:
        """Set a widget and wait for the answer.

        value: as the widget shows it, "0.1" on the slider for beta.
        """
        widget = self.widgets[key]
        kind = widget.WhichOneof("value")
        if kind in ("string_array_value", "double_array_value"):
            getattr(widget, kind).data[:] = [value]
        elif kind == "json_value":
            widget.json_value = json.dumps({key: float(value) if key == "beta" else value})
        else:
            setattr(widget, str(kind), value)
        return await self.rerun(self._fragments.get(key, ""))

    async def upload(self, name: str, content: bytes, key: str = "upload") -> Run:
        """Upload a file as a browser does.

        It asks for an address, puts the file there, and names it in the next run.
        """
        request = str(uuid.uuid4())
        message = BackMsg()
        message.file_urls_request.request_id = request
        message.file_urls_request.file_names.append(name)
        message.file_urls_request.session_id = self.session
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(SECONDS_TO_WAIT):
            while True:
                answer_message = ForwardMsg.FromString(await self._socket.recv())
                if answer_message.file_urls_response.response_id == request:
                    break
        (urls,) = answer_message.file_urls_response.file_urls
        async with httpx.AsyncClient(
            base_url=self.address, cookies=self.cookies, trust_env=False, timeout=SECONDS_TO_WAIT
        ) as client:
            answer = await client.put(urls.upload_url, files={"file": (name, content)})
        if answer.status_code != 204:
            raise RunError(f"the upload was answered with {answer.status_code}: {answer.text}")
        file = self.widgets[key].file_uploader_state_value.uploaded_file_info
        del file[:]
        file.add(file_id=urls.file_id, name=name, size=len(content), file_urls=urls)
        return await self.rerun()

    async def rerun(self, fragment: str = "") -> Run:
        """Send all widgets' values and wait until the script that they start has ended.

        fragment: the part of the page that runs; empty: all of it. Raises RunError.
        """
        start = time.perf_counter()
        try:
            async with asyncio.timeout(SECONDS_TO_WAIT):
                await self._send(fragment)
                self.last = await self._answer(fragment)
        except websockets.ConnectionClosed as error:
            raise RunError(f"lost socket: {error}") from error
        except TimeoutError as error:
            raise RunError(f"no answer within {SECONDS_TO_WAIT:g} seconds") from error
        self.last.seconds = time.perf_counter() - start
        self._drop_old_messages()
        return self.last

    async def hurry(self, key: str, values: Sequence[int], pause: float) -> list[tuple[int, Run]]:
        """Set a number field again and again, without waiting for answers, until the last is there.

        pause: seconds between two values. Returns the values that were answered, each with its run;
        a value that a newer one has overtaken may have no answer. Raises RunError.
        """
        sent: dict[int, float] = {}

        async def send() -> None:
            for value in values:
                widget = self.widgets[key]
                setattr(widget, str(widget.WhichOneof("value")), value)
                sent[value] = time.perf_counter()
                await self._send(self._fragments.get(key, ""))
                await asyncio.sleep(pause)

        sending = asyncio.create_task(send())
        answered: list[tuple[int, Run]] = []
        try:
            while not answered or answered[-1][0] != values[-1]:
                async with asyncio.timeout(SECONDS_TO_WAIT):
                    run = await self._answer(self._fragments.get(key, ""), overtaken=True)
                shown = int(parse_qs(run.query.removeprefix("?")).get(key, [-1])[0])
                if shown in sent and not run.overtaken:
                    run.seconds = time.perf_counter() - sent[shown]
                    answered.append((shown, run))
        except websockets.ConnectionClosed as error:
            raise RunError(f"lost socket: {error}") from error
        except TimeoutError as error:
            raise RunError(f"no answer within {SECONDS_TO_WAIT:g} seconds") from error
        finally:
            sending.cancel()
        self.last = answered[-1][1]
        self._drop_old_messages()
        return answered

    async def _send(self, fragment: str) -> None:
        """Send all widgets' values, for a run of the page or of a fragment."""
        message = BackMsg()
        state = message.rerun_script
        state.fragment_id = fragment
        state.query_string, state.page_script_hash, state.page_name = (
            self.query,
            self.page,
            "" if self.page else self.name,
        )
        state.widget_states.widgets.extend(self.widgets.values())
        state.cached_message_hashes.extend(self._messages)
        state.context_info.locale, state.context_info.timezone, state.context_info.url = (
            "en-US",
            "UTC",
            f"{self.address}/",
        )
        await self._socket.send(message.SerializeToString())

    async def _answer(self, fragment: str, overtaken: bool = False) -> Run:
        """Read messages to the end of the run that begins next.

        overtaken: whether that may be a run that a newer one ends.
        """
        run, run_id = Run(), ""
        states: dict[str, WidgetState] = {}
        if fragment:  # the rest of the page stays
            run.places.update(self.last.places)
            states.update(self.widgets)
        self._runs += 1
        while True:
            data = await self._socket.recv()
            message = ForwardMsg.FromString(data)
            run.messages, run.size, run.largest = (
                run.messages + 1,
                run.size + len(data),
                max(run.largest, len(data)),
            )
            kind = message.WhichOneof("type")
            if kind == "delta":
                self._delta(run, states, message)
            elif kind == "ref_hash":
                if message.ref_hash not in self._messages:
                    raise RunError("the server names a message that the browser no longer keeps")
                delta = self._messages[message.ref_hash][1]
                self._messages[message.ref_hash] = self._runs, delta
                self._element(run, states, tuple(message.metadata.delta_path), delta)
            elif kind == "new_session":
                run_id = message.metadata.run.script_run_id
                self.page = message.new_session.page_script_hash
                self._max_message_age = message.new_session.config.max_cached_message_age
                self.session = message.new_session.initialize.session_id or self.session
            elif kind == "page_info_changed":
                self.query = message.page_info_changed.query_string
            elif (
                kind == "script_finished"
                and run_id
                and message.metadata.run.script_run_id == run_id
            ):
                if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN and overtaken:
                    run.overtaken = True
                    return run
                if message.script_finished not in _FINISHED:
                    raise RunError(
                        "the script ended as "
                        f"{ForwardMsg.ScriptFinishedStatus.Name(message.script_finished)}"
                    )
                self.widgets = (
                    states  # a widget that is gone from the page is gone from the browser
                )
                run.query = self.query
                return run

    def _delta(self, run: Run, states: dict[str, WidgetState], message: ForwardMsg) -> None:
        if message.delta.WhichOneof("type") != "new_element":
            return  # a container, or a spinner that has gone again
        if message.metadata.cacheable:
            self._messages[message.hash] = self._runs, message.delta
        self._element(run, states, tuple(message.metadata.delta_path), message.delta)

    def _element(self, run: Run, states: dict[str, WidgetState], path: Path, delta: Delta) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RunError(
                f"the page shows an error: {element.exception.type} {element.exception.message}"
            )
        run.places[path] = element
        if kind in _VALUES:
            widget = getattr(element, kind)
            name = getattr(widget, "component_name", "")
            if kind == "bidi_component" and name not in film.STATES:
                return  # it tells the server nothing
            key = film.STATES.get(name) or widget.id.rpartition("-")[2]
            self._fragments[key] = delta.fragment_id
            previous = self.widgets.get(key)
            if (
                previous is not None
                and previous.id == widget.id
                and not getattr(widget, "set_value", False)
            ):
                states[key] = previous
            else:
                states[key] = WidgetState(id=widget.id)
                _VALUES[kind](widget, states[key])
            if name == film.BETA_BAR:
                self.options[key] = json.loads(widget.json)["labels"]
            if hasattr(widget, "options"):
                self.options[key] = [
                    getattr(option, "content", option) for option in widget.options
                ]

    def _drop_old_messages(self) -> None:
        """Drop messages that were last part of a run some runs ago, as a browser does."""
        self._messages = {
            digest: entry
            for digest, entry in self._messages.items()
            if self._runs - entry[0] < self._max_message_age
        }


def _button_group(widget: ButtonGroup, state: WidgetState) -> None:
    value = (
        list(widget.raw_values)
        if widget.set_value
        else [widget.options[index].content for index in widget.default]
    )
    state.string_array_value.data.extend(value)


def _selectbox(widget: Selectbox, state: WidgetState) -> None:
    state.string_value = widget.raw_value if widget.set_value else widget.options[widget.default]


def _slider(widget: Slider, state: WidgetState) -> None:
    if widget.options:
        value = (
            widget.raw_value
            if widget.set_value
            else [widget.options[int(index)] for index in widget.default]
        )
        state.string_array_value.data.extend(value)
    else:
        state.double_array_value.data.extend(widget.value if widget.set_value else widget.default)


def _number_input(widget: NumberInput, state: WidgetState) -> None:
    value = widget.value if widget.set_value else widget.default
    if widget.data_type == widget.INT:
        state.int_value = int(value)
    else:
        state.double_value = value


def _component(widget: Any, state: WidgetState) -> None:
    state.json_value = "{}"


def _file_uploader(widget: FileUploader, state: WidgetState) -> None:
    state.file_uploader_state_value.SetInParent()


_VALUES: dict[str, Callable[[Any, WidgetState], None]] = {
    "button_group": _button_group,
    "selectbox": _selectbox,
    "slider": _slider,
    "number_input": _number_input,
    "file_uploader": _file_uploader,
    "bidi_component": _component,
}
_FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
