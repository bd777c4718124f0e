"""What Streamlit keeps of visitors: uploads, dropped once they were read, and sessions, ended when their time is over."""

import contextlib

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.session_manager import SessionInfo
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec


def drop(file: UploadedFile, key: str) -> None:
    """Forget its bytes, not that it was given to the widget of this key, which goes on naming it.

    Streamlit would keep them until the session ends, though nobody reads them again.
    """
    if context := get_script_run_ctx():
        empty = UploadedFileRec(file_id=file.file_id, name=file.name, type=file.type, data=b"")
        context.uploaded_file_mgr.add_file(context.session_id, empty)
    for copy in (file, st.session_state.get(key)):  # the widget's own, and the one that it has given
        if copy is not None:
            copy.truncate(0)


def end_expired_sessions() -> bool:
    """End the sessions whose visitors left longer ago than server.disconnectedSessionTTL; whether there were any.

    Streamlit looks for them only when another visitor leaves: after the last one all would stay.
    """
    if not runtime.exists():
        return False
    ended: list[tuple[str, SessionInfo]] = []
    with contextlib.suppress(AttributeError, RuntimeError):  # another version's; a visitor who comes or goes at this moment
        ended += runtime.get_instance()._session_mgr._session_storage._cache.expire()
    for _, info in ended:
        info.session.shutdown()
        info.session.session_state.clear()  # the server's loop goes on holding the last session that it has looked at
    return bool(ended)
