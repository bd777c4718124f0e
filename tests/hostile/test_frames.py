"""A hostile websocket message closes its own connection, with a line in the log, and no other."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.asyncio.client import connect

from benchmarks.students import STREAM, SUBPROTOCOLS, Student
from tests.servers import running

UVICORN = (
    "-m",
    "uvicorn",
    "asgi:app",
    "--port",
    "{port}",
    "--no-access-log",
    "--timeout-graceful-shutdown",
    "3",
)
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


@pytest.mark.parametrize("command", [STREAMLIT, UVICORN], ids=["streamlit", "asgi"])
def test_garbage_closes_its_own_connection_and_writes_no_traceback(
    command, dice, attempts, tmp_path
):
    async def send(address: str) -> None:
        async with Student(address, "lang=en") as student:
            message = BackMsg()
            message.rerun_script.widget_states.widgets.extend(student.widgets.values())
            message.rerun_script.query_string = student.query
            valid = message.SerializeToString()
            for _ in range(attempts // 4):
                async with connect(
                    address.replace("http", "ws") + STREAM,
                    origin=address,
                    subprotocols=SUBPROTOCOLS,
                    compression=None,
                    proxy=None,
                ) as socket:
                    try:
                        for _ in range(3):
                            await socket.send(frame(dice, valid))
                    except websockets.ConnectionClosed:
                        continue
            assert any(
                alt.startswith("Reconstruction at beta 10:")
                for alt in (await student.choose("beta", "10")).alts()
            )

    log = tmp_path / "log"
    with (
        running(*command, health="/_stcore/health", log=log) as address,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(asyncio.run, send(address)).result()
    assert "Traceback" not in log.read_text(), log.read_text()[-3_000:]
