"""A picture is gone from memory when it was read, and its results when its session has ended."""

import asyncio
import base64
import contextlib
import dataclasses
import io
import os
import random
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

import vae
from benchmarks.students import Student
from tests.processes import HANGING, serving, started
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
MARKS = 2_000  # in a file
ROWS = 200  # of pixels that are unique
# Of each. What shares a page of memory with something that lives cannot be given back, and a buffer
# of a library that has not been filled yet shows what was there before it: 130 kB were found so. Of
# a picture that is kept somewhere, of 0.9 MB as a file and 1.3 MB as pixels, all are found.
FEW, FEW_ROWS = MARKS // 2, ROWS // 2
# A sweep each second, for a minute after a visit: on a slow machine a call ends late.
PATIENCE = "from ui.server import memory; memory.SECONDS_BETWEEN, memory.ROUNDS = 1.0, 60; "
STREAMLIT = (
    PATIENCE
    + """
import sys
from streamlit.web import cli
sys.argv = ["streamlit", "run", "app.py", "--server.headless", "true", "--server.address", \
"127.0.0.1",
            "--server.port", "{port}", "--server.disconnectedSessionTTL", "1"]
cli.main()
"""
)
GRADIO = (
    PATIENCE
    + """
import os, time
from pathlib import Path
from vae import images
read = images.read
def slowly(*arguments):  # so that there is time to look
    while not Path(os.environ["LOOKED"]).exists():
        time.sleep(0.05)
    return read(*arguments)
images.read = slowly
from ui.gradio_page import sessions
sessions.SECONDS_BETWEEN_SWEEPS = 1.0
sessions.SessionExpiry.sweep.__defaults__ = 0.0, 30.0
import gradio_app
gradio_app.main(["--port", "{port}"])
"""
)

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux shows a process' memory"
)


@dataclass(frozen=True)
class Marked:
    """A picture that can be found again in memory.

    file: full of a mark with this word. pixels: the beginning of some of its rows, two bytes before
    the number of each.
    """

    file: bytes
    word: bytes
    pixels: bytes

    def row(self, number: int) -> bytes:
        return self.pixels + bytes((200 + number // 20, 200 + number % 20))


def marked(dice: random.Random) -> Marked:
    """A stroke on paper, small enough to be opened without being made smaller."""
    noise = np.random.default_rng(dice.randrange(1 << 30))
    word = noise.bytes(9).hex().encode()
    paper = np.full((600, 700, 3), 230, np.uint8) + noise.integers(0, 8, (600, 700, 3), np.uint8)
    paper[150:450, 320:370] = 20
    pixels = noise.integers(200, 240, 3 * 64 - 2, np.uint8).tobytes()
    notes = PngImagePlugin.PngInfo()
    for number in range(MARKS):
        notes.add_text("mark", f"{word.decode()}{number:06d}" + "." * 400)
    picture = Marked(b"", word, pixels)
    for number in range(ROWS):
        paper[3 * number, 100:164] = np.frombuffer(picture.row(number), np.uint8).reshape(64, 3)
    buffer = io.BytesIO()
    Image.fromarray(paper).save(buffer, "PNG", pnginfo=notes)
    return dataclasses.replace(picture, file=buffer.getvalue())


def memory(pid: int) -> Iterator[bytes]:
    """What a process has written to, piece by piece."""
    page = os.sysconf("SC_PAGESIZE")
    with (
        open(f"/proc/{pid}/mem", "rb", buffering=0) as content,
        open(f"/proc/{pid}/pagemap", "rb", buffering=0) as pages,
    ):
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            first, last, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if not rights.startswith("rw"):
                continue
            start, count = int(first, 16), (int(last, 16) - int(first, 16)) // page
            pages.seek(8 * start // page)
            flags = np.frombuffer(pages.read(8 * count), "<u8")
            # The two highest bits: in memory, swapped out.
            used = np.concatenate([[False], flags >> 62 > 0, [False]])
            ends = (page * np.flatnonzero(np.diff(used)) + start).reshape(-1, 2)
            for begin, end in ends.tolist():
                content.seek(begin)
                with contextlib.suppress(OSError):  # the process has just given it back
                    yield content.read(end - begin)


def marks(pid: int, picture: Marked) -> int:
    """How often the file's marks stand in a process' memory, as they are or in base64.

    There three bytes are four letters, so a mark has one of three spellings.
    """
    spellings = [
        picture.word,
        *(base64.b64encode(bytes(before) + picture.word)[4:-4] for before in range(3)),
    ]
    return sum(piece.count(spelling) for piece in memory(pid) for spelling in spellings)


def rows(pid: int, picture: Marked) -> int:
    """How many of the unique rows of pixels stand in a process' memory."""
    found, length = set(), len(picture.pixels)
    for piece in memory(pid):
        at = piece.find(picture.pixels)
        while at >= 0:
            found.add(piece[at : at + length + 2])
            at = piece.find(picture.pixels, at + length)
    return len(found & {picture.row(number) for number in range(ROWS)})


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what happens once the memory is swept."""
    end = time.monotonic() + HANGING
    while not condition():
        assert time.monotonic() < end
        time.sleep(1)


@contextlib.contextmanager
def served(script: str, health: str, log: Path, **environment: str) -> Iterator[tuple[str, int]]:
    """Address and number of a process that runs this script, once `health` answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", script.replace("{port}", str(port))]
    with (
        log.open("w") as output,
        serving(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        while not _answers(address + health):
            assert process.poll() is None
            time.sleep(0.2)
        yield address, process.pid


def _answers(address: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as answer:
        return answer.status == 200
    return False


HOLDER = """
import base64, sys
kind, content = sys.stdin.readline().split()
content = bytes.fromhex(content)
kept = content if kind == "plain" else base64.b64encode(bytes(int(kind)) + content)
del content
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("kind", ["plain", "0", "1", "2"])
def test_the_search_finds_what_a_process_holds(dice, kind):
    """The file as it is, and in base64 with each of the three places where it may begin."""
    picture = marked(dice)
    pixels = b"".join(map(picture.row, range(ROWS))) if kind == "plain" else b""
    with started(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdin.write(f"{kind} {(pixels + picture.file).hex()}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        assert marks(process.pid, picture) >= MARKS * 9 // 10
        assert rows(process.pid, picture) == (ROWS if kind == "plain" else 0)


def test_an_uploaded_file_is_gone_once_it_was_read_and_its_pixels_with_the_session(dice, tmp_path):
    picture = marked(dice)

    async def visit(address: str, pid: int) -> None:
        async with Student(address, "lang=en&source=upload") as student:
            shown = await student.upload("marked.png", picture.file)
            assert "700 × 600 pixels" in " ".join(shown.alts())
            # So the search finds what is there. In a thread: the server asks who still answers.
            assert await asyncio.to_thread(rows, pid, picture) == ROWS
            await asyncio.to_thread(eventually, lambda: marks(pid, picture) < FEW)
            # What was made of it serves on: at another beta, for another kind of model, after a
            # file that is no picture.
            for key, value in (("beta", "10"), ("model", "Faces, in colour")):
                assert "700 × 600 pixels" in " ".join((await student.choose(key, value)).alts())
            shown = await student.upload("notes.txt", b"this is no picture")
            assert "700 × 600 pixels" in " ".join(shown.alts())
            assert vae.images.ERROR_SENTENCES["not_a_picture"] in shown.words()
            shown = await student.choose("model", "Garments")  # which has not seen the good one yet
            assert "700 × 600 pixels" in " ".join(shown.alts())

    log = tmp_path / "log"
    with (
        served(STREAMLIT, "/_stcore/health", log) as (address, pid),
        ThreadPoolExecutor(1) as pool,
    ):
        # In a thread of its own: a browser that other tests have opened runs this one's loop.
        pool.submit(asyncio.run, visit(address, pid)).result()
        eventually(lambda: rows(pid, picture) < FEW_ROWS)
        assert marks(pid, picture) < FEW
    assert "marked.png" not in log.read_text()
    assert picture.word.decode() not in log.read_text()


def test_a_picture_that_came_to_the_api_is_gone_once_it_is_answered(dice, tmp_path):
    picture, looked = marked(dice), tmp_path / "looked"
    encoded = base64.b64encode(picture.file)
    with served(GRADIO, "/", tmp_path / "log", LOOKED=str(looked)) as (address, pid):
        assert marks(pid, picture) == 0
        for _ in range(2):
            looked.unlink(missing_ok=True)
            answer = httpx.post(
                f"{address}/gradio_api/call/v2/encode",
                json={"picture": encoded.decode()},
                timeout=HANGING,
            )
            event = f"{address}/gradio_api/call/encode/{answer.json()['event_id']}"
            with ThreadPoolExecutor(1) as pool:
                said = pool.submit(httpx.get, event, timeout=HANGING)
                try:
                    assert marks(pid, picture) > MARKS // 2  # so the search finds what waits
                finally:
                    looked.touch()
                assert "event: complete" in said.result().text

        eventually(lambda: marks(pid, picture) < FEW and rows(pid, picture) < FEW_ROWS)
