"""Calls of strangers to the servers: nothing is read, fetched, kept or logged.

Every call is answered; a hostile message closes its own connection, with a line in the log, and no
other.
"""

import asyncio
import contextlib
import http.server
import json
import os
import re
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect
from websockets.frames import CloseCode

from benchmarks.students import STREAM, SUBPROTOCOLS, Student
from tests.hostile import calls
from tests.processes import HANGING, SLACK
from tests.servers import ROOT, UVICORN, running
from ui.text import Text

# What Gradio does without anything of ours before it, asked in a process that mounts its
# application in another one and serves both afterwards.
CHECKED_BEFORE = """
import asyncio, os, sys
import asgi, gradio as gr, uvicorn
from gradio_app import demo
function = next(fn for fn in demo.fns.values() if fn.api_name == "sample")
with open(os.environ["CHECKED"], "w") as said:
    for path in ("/etc/passwd", os.environ["SECRET"]):
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        try:
            asyncio.run(gr.Blocks.process_api(demo, function, [file, 1.0, 8, 7, 1.0, False]))
        except gr.exceptions.InvalidPathError:
            print("refused", file=said)
        try:
            asyncio.run(demo.process_api(function, [file, 1.0, 8, 7, 1.0, False]))
        except gr.Error as error:
            print(error.message, error.print_exception, file=said)
uvicorn.main(sys.argv[1:])
"""
ASGI = ("-c", CHECKED_BEFORE, *UVICORN[2:])
GRADIO = ("gradio_app.py", "--mcp", "--port", "{port}")
STREAMLIT = (
    "-m",
    "streamlit",
    "run",
    "app.py",
    "--server.headless",
    "true",
    "--server.port",
    "{port}",
)
LONGEST = 5.0  # seconds until an answer begins
# A folder of this machine, wherever it stands: in quotes, in brackets, at the beginning.
FOLDER = re.compile(r"(?<![\w.:/])/(?:tmp|etc|usr|home|root|opt|var|work|dev|proc)\b")


@dataclass(frozen=True)
class Server:
    """A started front end.

    site: its address. address: that of its API. kept: the folder in which Gradio would keep files.
    log: its output. checked: what was said to calls before it was started.
    """

    site: str
    address: str
    kept: Path
    log: Path
    checked: Path


@contextlib.contextmanager
def started(folder: Path, *command: str, health: str, below: str = "") -> Iterator[Server]:
    """A server that this command starts. below: path of the Gradio page."""
    checked, secret = folder / "checked", folder / "secret"
    secret.write_text("nobody's business")
    environment = os.environ | {
        "GRADIO_TEMP_DIR": str(folder / "kept"),
        "CHECKED": str(checked),
        "SECRET": str(secret),
    }
    with running(*command, health=health, environment=environment, log=folder / "log") as site:
        yield Server(site, f"{site}{below}/gradio_api", folder / "kept", folder / "log", checked)


@pytest.fixture(scope="module")
def asgi(tmp_path_factory) -> Iterator[Server]:
    """Both front ends in one process, as in the container."""
    with started(
        tmp_path_factory.mktemp("asgi"), *ASGI, health="/gradio/", below="/gradio"
    ) as server:
        yield server


@pytest.fixture(scope="module")
def gradio_app(tmp_path_factory) -> Iterator[Server]:
    with started(tmp_path_factory.mktemp("gradio_app"), *GRADIO, health="/") as server:
        yield server


@pytest.fixture(scope="module")
def streamlit(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("streamlit")
    with started(folder, *STREAMLIT, health="/_stcore/health") as server:
        yield server


@pytest.fixture(params=["asgi", "gradio_app"])
def server(request) -> Server:
    """One of those with an API."""
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["streamlit", "asgi"])
def page_server(request) -> Server:
    """One of those with Streamlit's pages."""
    return request.getfixturevalue(request.param)


def asked(server: Server, path: str, body: bytes) -> tuple[int, str]:
    """Status and answer, that of the function itself where the call was let in."""
    request = urllib.request.Request(
        f"{server.address}/{path}", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=HANGING) as answer:
            said, status = answer.read().decode(), answer.status
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    event = json.loads(said).get("event_id") if path.startswith("call/") else None
    if event is None:
        return status, said
    name = path.split("/")[-1]
    with urllib.request.urlopen(f"{server.address}/call/{name}/{event}", timeout=HANGING) as answer:
        return status, answer.read().decode()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module")
def bait() -> Iterator[tuple[str, list[str]]]:
    """An address that somebody could be made to fetch, and which paths were asked for there."""
    fetched: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", fetched
        server.shutdown()


def baits(path: str) -> dict[str, object]:
    """Bodies by path in which Gradio would find this file or address."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    with_url = file | {"url": path}
    return {
        "call/v2/sample": {"model": file},
        "call/v2/encode": {"picture": with_url},
        "call/v2/decode": {"latents": [[0.0, [file]]]},
        "call/sample": {"data": [file, 1.0, 8, 7, 1.0, False]},
        "call/encode": {"data": [[[[with_url]]], "mnist", 1.0, 7]},
        "call/v2/models": {"nonsense": {"deep": [{"deeper": file}]}},
        **{
            f"queue/join?of={number}": {"data": [file] * 6, "fn_index": number, "session_hash": "s"}
            for number in range(16)
        },
        "queue/join": {
            "data": [],
            "fn_index": 3,
            "session_hash": "s",
            "event_data": {"picture": file},
        },
    }


@pytest.mark.parametrize("escape", [False, True])
def test_no_argument_makes_the_server_read_a_file_or_fetch_an_address(server, bait, escape):
    address, fetched = bait
    for path in (
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        str(ROOT / "README.md"),
        f"{address}/bait.png",
    ):
        for place, body in baits(path).items():
            text = json.dumps(body)
            status, said = asked(server, place, (calls.escaped(text) if escape else text).encode())
            assert (status, json.loads(said)["error"]) == (
                400,
                "no argument is a JSON object here; send numbers, words, lists of numbers, and "
                "pictures in base64",
            ), place
    assert fetched == files(server.kept) == []
    assert asked(server, "call/v2/sample", b'{"count": 1}')[1].startswith("event: complete")


def test_a_tool_of_a_language_model_takes_no_file_either(server, bait):
    address, fetched = bait
    file = {"path": f"{address}/tool", "meta": {"_type": "gradio.FileData"}}
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "sample", "arguments": {"model": file}},
    }
    for body in (
        message,
        [message],
        message | {"params": message["params"] | {"arguments": [file]}},
    ):
        assert asked(server, "mcp/", json.dumps(body).encode())[0] == 400
    assert fetched == files(server.kept) == []


def test_two_values_of_one_name_are_refused(server):
    """A parser may take the first and another one the last."""
    status, said = asked(server, "call/sample", b'{"data": [], "data": [{"path": "/etc/passwd"}]}')
    assert status == 400
    assert "not JSON" in said


def test_gradios_own_check_of_paths_holds_where_it_is_mounted_in_another_app(asgi):
    """Without anything of ours before it."""
    unusable = f"{Text('en')('api.unusable')} False"
    assert asgi.checked.read_text().splitlines() == ["refused", unusable] * 2
    assert files(asgi.kept) == []


def test_whatever_is_called_is_answered_in_words_and_nothing_is_kept_or_logged(
    server, dice, attempts
):
    longest = 0.0
    for _ in range(attempts):
        path, body = calls.call(dice)
        start = time.monotonic()
        status, said = asked(server, path, body)
        longest = max(longest, time.monotonic() - start)
        told = (path, body[:300], status, said[:300])
        assert status in (200, 400, 404, 405, 413, 422, 503), told
        assert "Traceback" not in said, told
        if status >= 400 and said.startswith("{"):
            sentence = json.loads(said)["error"]
            assert isinstance(sentence, str), told
            assert len(sentence) > 10, told
            # which is what we sent
            assert not FOLDER.search(sentence.replace("/etc/passwd", "")), told
        if "event: error" in said:
            sentence = json.loads(said.partition("event: error\ndata: ")[2])["error"]
            assert isinstance(sentence, str), told
            assert len(sentence) > 10, told
            assert not FOLDER.search(sentence.replace("/etc/passwd", "")), told
    assert longest < LONGEST + SLACK
    assert files(server.kept) == []
    assert "Traceback" not in server.log.read_text()
    assert asked(server, "call/v2/sample", b'{"count": 1}')[1].startswith("event: complete")


def test_idle_connections_shut_nobody_out(server):
    """Each announces twenty megabytes and sends nothing."""
    host, _, port = server.address.removeprefix("http://").partition("/")[0].partition(":")
    path = "/" + server.address.removeprefix("http://").partition("/")[2] + "/call/encode"
    idle = []
    try:
        for _ in range(150):
            idle.append(socket.create_connection((host, int(port))))
            idle[-1].sendall(
                f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                "Content-Length: 20000000\r\n\r\n".encode()
            )
        body = json.dumps({"picture": "A" * 1_000_000}).encode()
        status, said = asked(server, "call/v2/encode", body)
        assert status == 200
        assert "event: error" in said  # read, and found to be no picture
    finally:
        for connection in idle:
            connection.close()
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    "path",
    ["call/sample/nothing", "call/v2/sample/nothing", "queue/data?session_hash=zz", "queue/data"],
)
def test_an_answer_that_nobody_asked_for_is_not_there(server, path):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.address}/{path}", timeout=HANGING)
    assert refused.value.code == 404
    assert len(json.load(refused.value)["error"]) > 10
    assert "Traceback" not in server.log.read_text()


def test_every_answer_of_the_application_tells_browsers_to_be_careful(server):
    """Pages, files, answers and refusals, of Streamlit too where both are one application."""
    root = server.address.removesuffix("/gradio_api")
    requests = [
        (f"{root}/", None),
        (f"{root}/config", None),
        (f"{root}/nothing", None),
        (f"{server.address}/call/v2/sample", b"{}"),
        (f"{server.address}/call/v2/sample", b"no JSON"),
        (f"{server.address}/call/v2/sample", b"x" * 300_000),
    ]
    if root.endswith("/gradio"):
        whole = root.removesuffix("/gradio")
        requests += [
            (f"{whole}/", None),
            (f"{whole}/_stcore/health", None),
            (f"{whole}/_stcore/upload_file/a/b", b"x"),
            (f"{whole}/gradio", None),
        ]
    for address, body in requests:
        try:
            with urllib.request.urlopen(
                urllib.request.Request(address, body), timeout=HANGING
            ) as answer:
                headers = answer.headers
        except urllib.error.HTTPError as error:
            headers = error.headers
        assert headers["X-Content-Type-Options"] == "nosniff", address
        assert headers["Referrer-Policy"] == "same-origin", address
        assert headers["Permissions-Policy"], address
        assert "X-Frame-Options" not in headers, address


# --- messages on a page's websocket


def frame(dice, valid: bytes) -> bytes | str:
    """Noise, text, or a page's own message with some of its bytes changed."""
    kind = dice.randrange(4)
    if kind == 0:
        return dice.choice(["", "{}", "hello", "<script>", "\x00" * 100])
    if kind == 1:
        return dice.randbytes(dice.randrange(2_000))
    changed = bytearray(valid)
    for _ in range(dice.randrange(1, 12)):
        changed[dice.randrange(len(changed))] = dice.randrange(256)
    return bytes(changed) if kind == 2 else bytes(changed[: dice.randrange(len(changed))])


def stream(address: str, compression: str | None = None) -> connect:
    """A websocket of a page's own kind."""
    return connect(
        address.replace("http", "ws") + STREAM,
        origin=address,
        subprotocols=SUBPROTOCOLS,
        compression=compression,
        proxy=None,
    )


def in_a_thread(work) -> None:
    """Run in another thread: a browser of other tests runs this thread's loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


def test_garbage_closes_its_own_connection_and_writes_no_traceback(page_server, dice, attempts):
    async def send(address: str) -> None:
        async with Student(address, "lang=en") as student:
            message = BackMsg()
            message.rerun_script.widget_states.widgets.extend(student.widgets.values())
            message.rerun_script.query_string = student.query
            valid = message.SerializeToString()
            for _ in range(attempts // 4):
                async with stream(address) as socket:
                    try:
                        for _ in range(3):
                            await socket.send(frame(dice, valid))
                    except websockets.ConnectionClosed:
                        continue
            assert any(
                alt.startswith("Reconstruction at beta 10:")
                for alt in (await student.choose("beta", "10")).alts()
            )

    in_a_thread(send(page_server.site))
    said = page_server.log.read_text()
    assert "Traceback" not in said, said[-3_000:]


def test_a_message_of_which_no_end_comes_is_bounded(page_server):
    """In parts of a megabyte: by themselves the servers keep 200 of them, or 16."""

    async def send(address: str) -> None:
        async with stream(address) as socket:
            sent = 0

            async def parts() -> AsyncIterator[bytes]:
                nonlocal sent
                for sent in range(1, 13):  # noqa: B007
                    yield bytes(1_000_000)
                    await asyncio.sleep(0.2)

            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.send(parts())
            assert closed.value.rcvd.code == CloseCode.MESSAGE_TOO_BIG
            assert 4 <= sent <= 8

    in_a_thread(send(page_server.site))


def test_nothing_is_unpacked(page_server):
    """A thousand bytes could be a megabyte."""

    async def extensions(address: str) -> None:
        async with stream(address, compression="deflate") as socket:
            assert socket.protocol.extensions == []

    in_a_thread(extensions(page_server.site))
