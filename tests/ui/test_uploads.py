"""An uploaded file is only ever in memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import streamlit  # noqa: F401 – what it sets up, if anything, comes first
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser

import ui  # noqa: F401
import vae


async def received(size: int):
    """A form with one file of this size, as the server of either front end parses it."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'

    async def body():
        yield head
        for _ in range(size >> 16):
            yield bytes(1 << 16)
        yield b"\r\n--x--\r\n"

    form = await MultiPartParser(Headers({"content-type": "multipart/form-data; boundary=x"}), body()).parse()
    return form["file"]


def parsed(size: int):
    """In a thread of its own: a browser that other tests have opened runs this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, received(size)).result()


def test_the_largest_picture_is_never_spooled_to_a_file():
    upload = parsed(vae.images.MAX_BYTES)
    assert upload.size == vae.images.MAX_BYTES
    assert not upload.file._rolled
    upload.file.close()


def test_what_is_larger_would_be_so_the_test_above_can_fail():
    upload = parsed(vae.images.MAX_BYTES + (1 << 17))
    assert upload.file._rolled
    upload.file.close()
