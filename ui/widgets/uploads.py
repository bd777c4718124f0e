"""Limits on what Streamlit keeps of visitors: uploads and sessions.

Uploads are dropped when they were read, sessions end when their time is over.
"""

from concurrent.futures import Future

import streamlit as st
from starlette.exceptions import HTTPException
from streamlit import runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

MOST_UNREAD = 4  # files of one session; a page reads one before the next can be chosen
MOST_UNREAD_BYTES = 200_000_000  # of all sessions
SECONDS_TO_END = 30.0


def drop(file: UploadedFile, key: str) -> None:
    """Drop an uploaded file's bytes; the widget of this key goes on naming it.

    Streamlit would keep them until the session ends, though nobody reads them again.
    """
    if context := get_script_run_ctx():
        empty = UploadedFileRec(file_id=file.file_id, name=file.name, type=file.type, data=b"")
        context.uploaded_file_mgr.add_file(context.session_id, empty)
    # The widget's own copy, and the one that it returned.
    for copy in (file, st.session_state.get(key)):
        if copy is not None:
            copy.truncate(0)


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
            ended = [
                info
                for name, info in manager._session_storage._cache.expire()
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


def bound() -> None:
    """Limit the unread files that Streamlit keeps: a few of each session, some bytes of all.

    An open page may send any number of files, even under names that no widget knows. A second call
    changes nothing.
    """
    if getattr(MemoryUploadedFileManager.add_file, "bounded", False):
        return
    add = MemoryUploadedFileManager.add_file

    def add_bounded(
        self: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec
    ) -> None:
        kept = sum(
            len(one.data)
            for files in list(self.file_storage.values())
            for one in list(files.values())
        )
        if file.data and kept + len(file.data) > MOST_UNREAD_BYTES:
            raise HTTPException(503, "too many pictures are waiting; try again in some seconds")
        add(self, session_id, file)
        unread = [one for one in list(self.file_storage[session_id].values()) if one.data]
        for old in unread[:-MOST_UNREAD]:
            self.remove_file(session_id, old.file_id)

    add_bounded.bounded = True
    MemoryUploadedFileManager.add_file = add_bounded
