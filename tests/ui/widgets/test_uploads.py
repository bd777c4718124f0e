"""An uploaded file is only ever in memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit  # noqa: F401 – what it sets up, if anything, comes first
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartParser
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

import vae
from ui.widgets import uploads


async def received(size: int):
    """A form with one file of this size, as the server of either front end parses it."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n"
    )

    async def body():
        yield head
        for _ in range(size >> 16):
            yield bytes(1 << 16)
        yield b"\r\n--x--\r\n"

    form = await MultiPartParser(
        Headers({"content-type": "multipart/form-data; boundary=x"}), body()
    ).parse()
    return form["file"]


def parsed(size: int):
    """Parse in another thread: a browser of other tests runs this thread's loop."""
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


def test_files_that_no_page_reads_are_bounded(monkeypatch):
    """A session keeps its last few files, and all sessions together have a limit.

    Files that were read no longer count.
    """
    uploads.bound()
    uploads.bound()
    monkeypatch.setattr(uploads, "MOST_UNREAD_BYTES", 1_000)
    manager = MemoryUploadedFileManager("/upload")
    for number in range(10):
        manager.add_file("one", UploadedFileRec(str(number), "a", "b", b"x" * 100))
    assert list(manager.file_storage["one"]) == ["6", "7", "8", "9"]
    manager.add_file("two", UploadedFileRec("big", "a", "b", b"x" * 600))
    with pytest.raises(HTTPException) as refused:
        manager.add_file("three", UploadedFileRec("c", "a", "b", b"x"))
    assert refused.value.status_code == 503
    manager.add_file("two", UploadedFileRec("big", "a", "b", b""))
    manager.add_file("three", UploadedFileRec("c", "a", "b", b"x"))
    assert manager.get_files("two", ["big"])[0].data == b""
