"""Limits on what Streamlit keeps of visitors: uploads and sessions.

Uploads are dropped when they were read, sessions end when their time is over.
"""

import functools
from concurrent.futures import Future
from typing import Any, cast

import streamlit as st
from starlette.types import Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec
from streamlit.web.server.starlette.starlette_path_security_middleware import (
    PathSecurityMiddleware,
)

from ui.server.bodies import MOST_UPLOAD_BYTES, BodyMiddleware
from ui.server.quotas import MOST_BYTES, MOST_SMALL_BYTES, Quotas

MOST_UNREAD = 4  # files of one session; a page reads one before the next can be chosen
# Of all sessions. Half of what the quotas let in, so that files which nobody reads leave room.
MOST_UNREAD_BYTES = MOST_BYTES // 2
SECONDS_TO_END = 30.0


def drop(file: UploadedFile, key: str) -> None:
    """Drop an uploaded file's bytes; the widget of this key goes on naming it.

    Streamlit would keep them until the session ends, though nobody reads them again.
    """
    # The widget's own copy, and the one that it returned. Streamlit's record last: asking for the
    # session's state may end this run, and the next one begins with the record.
    for copy in (file, st.session_state.get(key)):
        if copy is not None:
            copy.truncate(0)
    if context := get_script_run_ctx():
        empty = UploadedFileRec(file_id=file.file_id, name=file.name, type=file.type, data=b"")
        manager = context.uploaded_file_mgr
        assert isinstance(manager, MemoryUploadedFileManager)
        manager.add_file(context.session_id, empty)


def end_expired_sessions() -> bool:
    """End the sessions left longer ago than server.disconnectedSessionTTL.

    Returns whether there were any. Streamlit looks for them only when another visitor leaves: after
    the last one all would stay. Runs in the server's own thread, where sessions begin and end.
    """
    if not runtime.exists():
        return False
    done: Future[bool] = Future()

    def end() -> None:
        try:
            manager = runtime.get_instance()._session_mgr
            storage = cast(Any, manager)._session_storage
            ended = [
                info
                for name, info in storage._cache.expire()
                if not manager.is_active_session(name)
            ]
            for info in ended:
                info.session.shutdown()
                # The server's loop keeps a reference to the last session that it looked at.
                info.session.session_state.clear()
            done.set_result(bool(ended))
        except BaseException as error:
            done.set_exception(error)

    runtime.get_instance()._get_async_objs().eventloop.call_soon_threadsafe(end)
    return done.result(SECONDS_TO_END)


def most_bytes(path: str) -> int:
    """The largest body in bytes of a request to Streamlit, by its path."""
    return MOST_UPLOAD_BYTES if "/_stcore/upload_file/" in path else MOST_SMALL_BYTES


def install_limits(quotas: Quotas | None = None) -> None:
    """Limit what visitors may send to Streamlit: the bodies in transfer, and the unread files.

    An open page may send any number of files, even under names that no widget knows. Done here, on
    classes, since `streamlit run` builds its server before it runs a line of ours. Only the first
    call changes anything.

    quotas: the process' own, where another server shares it.
    """
    if getattr(MemoryUploadedFileManager.add_file, "is_bounded", False):
        return
    quotas = quotas or Quotas()
    quotas.other_bytes.append(unread_bytes)
    plain, add = PathSecurityMiddleware.__call__, MemoryUploadedFileManager.add_file

    async def complete(
        self: PathSecurityMiddleware, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Receive the whole body before Streamlit handles its request."""
        inner = functools.partial(plain, self)
        await BodyMiddleware(inner, quotas, most_bytes)(scope, receive, send)

    def add_bounded(
        self: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec
    ) -> None:
        add(self, session_id, file)
        for old in _unread(self, session_id)[:-MOST_UNREAD]:
            self.remove_file(session_id, old.file_id)
        while sum((sizes := _sizes(self)).values()) > MOST_UNREAD_BYTES:
            largest = max(sizes, key=sizes.__getitem__)
            for old in _unread(self, largest)[:1]:  # none, where a page has just read it
                self.remove_file(largest, old.file_id)

    bounded: Any = add_bounded
    bounded.is_bounded = True
    PathSecurityMiddleware.__call__ = complete  # type: ignore[method-assign]
    MemoryUploadedFileManager.add_file = bounded  # type: ignore[method-assign]


def unread_bytes() -> int:
    """The bytes of all uploads that no page has read."""
    if not runtime.exists():
        return 0
    manager = runtime.get_instance().uploaded_file_mgr
    assert isinstance(manager, MemoryUploadedFileManager)
    return sum(_sizes(manager).values())


def _sizes(manager: MemoryUploadedFileManager) -> dict[str, int]:
    """The unread bytes of each session."""
    return {
        session: sum(len(file.data) for file in _unread(manager, session))
        for session in list(manager.file_storage)
    }


def _unread(manager: MemoryUploadedFileManager, session: str) -> list[UploadedFileRec]:
    """A session's files that no page has read, the oldest first."""
    return [file for file in list(manager.file_storage.get(session, {}).values()) if file.data]
