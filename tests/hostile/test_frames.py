"""A hostile websocket message closes its own connection, with a line in the log, and no other."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect
from websockets.frames import CloseCode

from benchmarks.students import STREAM, SUBPROTOCOLS, Student
from tests.servers import UVICORN, running

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


@pytest.fixture(scope="module", params=[STREAMLIT, UVICORN], ids=["streamlit", "asgi"])
def server(request, tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A running app: its address, and the file of its log."""
    log = tmp_path_factory.mktemp("server") / "log"
    with running(*request.param, health="/_stcore/health", log=log) as address:
        yield address, log


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


def test_garbage_closes_its_own_connection_and_writes_no_traceback(server, dice, attempts):
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

    address, log = server
    in_a_thread(send(address))
    assert "Traceback" not in log.read_text(), log.read_text()[-3_000:]


def test_a_message_of_which_no_end_comes_is_bounded(server):
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

    in_a_thread(send(server[0]))


def test_nothing_is_unpacked(server):
    """A thousand bytes could be a megabyte."""

    async def extensions(address: str) -> None:
        async with stream(address, compression="deflate") as socket:
            assert socket.protocol.extensions == []

    in_a_thread(extensions(server[0]))
