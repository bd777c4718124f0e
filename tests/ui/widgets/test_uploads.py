"""An uploaded file is only ever in memory."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import streamlit  # noqa: F401 – what it sets up, if anything, comes first
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.web.server.starlette.starlette_path_security_middleware import (
    PathSecurityMiddleware,
)

import vae
from tests.pictures import digit_png
from tests.ui.driver import open_app
from tests.ui.server.line import Phone
from ui.server import process
from ui.server.bodies import MOST_UPLOAD_BYTES
from ui.server.quotas import MOST_SMALL_BYTES, Quotas
from ui.widgets import uploads


async def received(size: int):
    """A form with one file of this size, as the server of either front end parses it."""
    process.configure()
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


def in_a_thread(work):
    """Run in another thread: a browser of other tests runs this thread's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def parsed(size: int):
    return in_a_thread(received(size))


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
    """A session keeps its last few files; of too many bytes the largest session loses some.

    Files that were read no longer count.
    """
    uploads.install_limits()
    uploads.install_limits()
    monkeypatch.setattr(uploads, "MOST_UNREAD_BYTES", 1_000)
    manager = MemoryUploadedFileManager("/upload")

    def add(session: str, name: str, size: int) -> None:
        manager.add_file(session, UploadedFileRec(name, "a", "b", bytes(size)))

    def names(session: str) -> list[str]:
        return list(manager.file_storage.get(session, {}))

    for number in range(10):
        add("one", str(number), 100)
    assert names("one") == ["6", "7", "8", "9"]
    add("two", "big", 600)
    add("three", "small", 1)
    assert names("two") == []
    assert names("one") == ["6", "7", "8", "9"]
    assert names("three") == ["small"]
    add("one", "9", 0)
    add("two", "big", 600)
    assert names("two") == ["big"]


def test_a_body_for_streamlit_is_refused_by_its_size_and_path():
    assert uploads.most_bytes("/_stcore/upload_file/session/file") == MOST_UPLOAD_BYTES
    assert uploads.most_bytes("/_stcore/host-config") == MOST_SMALL_BYTES
    uploads.install_limits(Quotas())
    phone = Phone(MOST_UPLOAD_BYTES + 1, sends=0)

    async def application(scope, receive, send) -> None:
        raise AssertionError("the request was passed on")

    async def gone() -> dict:
        return {"type": "http.disconnect"}

    async def ask() -> None:
        await PathSecurityMiddleware(application)(phone.scope, gone, phone.send)

    in_a_thread(ask())
    assert phone.status == 413


class EndedError(Exception):
    """In place of Streamlit's own, which a newer run raises in this one."""


def test_a_picture_stays_where_a_newer_run_ends_the_one_that_reads_it():
    """It was opened; that its file could not be forgotten yet is made up for by the next run."""
    open_app()  # which alone can import the canvas
    from ui.widgets import picture_input

    forgotten = []

    def forget() -> None:
        forgotten.append(len(forgotten))
        if len(forgotten) == 1:
            raise EndedError

    last, contents = picture_input._Opened(), [digit_png()]
    file = picture_input._File("name", contents.pop, forget)
    with pytest.raises(EndedError):
        picture_input._open(file, last)
    for _ in range(2):
        picture_input._open(file, last)
    assert last.file == "name"
    assert last.picture is not None
    assert forgotten == [0, 1]


def test_the_record_of_a_file_is_emptied_last(monkeypatch):
    """What may end the run comes before: the next one finds its file."""
    manager = MemoryUploadedFileManager("/upload")
    record = UploadedFileRec("a", "a.png", "image/png", b"x" * 100)
    manager.add_file("one", record)
    context = SimpleNamespace(session_id="one", uploaded_file_mgr=manager)
    monkeypatch.setattr(uploads, "get_script_run_ctx", lambda: context)
    file = UploadedFile(record, FileURLs())

    def ended(key: str) -> None:
        raise EndedError

    monkeypatch.setattr(uploads.st, "session_state", SimpleNamespace(get=ended))
    with pytest.raises(EndedError):
        uploads.drop(file, "upload")
    assert manager.get_files("one", ["a"])[0].data == b"x" * 100
    monkeypatch.setattr(uploads.st, "session_state", {})
    uploads.drop(file, "upload")
    assert manager.get_files("one", ["a"])[0].data == file.getvalue() == b""
