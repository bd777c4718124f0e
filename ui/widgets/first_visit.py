"""Cache warming: a visitor without a browser opens each page once.

Whatever a page computes for everybody is then there when the first student comes. The visit is a
session of Streamlit's own runtime, so that no list of computations has to follow the pages; only
what a browser asks for later is listed.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable

from streamlit import runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.session_manager import SessionClient, SessionClientDisconnectedError

SETTING = "VAE_LAB_WARM"  # "0": no visit
LONGEST = 120.0  # seconds for a page; then the visit is over
PAUSE = 0.2  # seconds between pages: whoever waits is drawn first
_LOG = logging.getLogger("vae_lab")
_started = threading.Event()
_starting = threading.Lock()


class _Visitor(SessionClient):
    """A client that looks at nothing, and notes when its page is drawn."""

    def __init__(self) -> None:
        self.drawn, self.left = threading.Event(), False

    def write_forward_msg(self, msg: ForwardMsg) -> None:
        if self.left:
            raise SessionClientDisconnectedError
        if (
            msg.WhichOneof("type") == "script_finished"
            and msg.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        ):
            self.drawn.set()


def start(
    views: Callable[[], Iterable[tuple[str, str]]],
    computations: Callable[[], Iterable[Callable[[], object]]] = tuple,
    *,
    after: float = 0,
) -> None:
    """Visit the pages in the background, once in the life of a process, then compute the rest.

    views: returns the name of each page, and the query of a link to it. computations: returns what
    browsers ask for later. after: seconds, for a visitor who is there already. Without a server,
    and where the setting VAE_LAB_WARM is 0, nothing happens.
    """
    with _starting:
        if _started.is_set() or os.environ.get(SETTING) == "0" or not runtime.exists():
            return
        _started.set()
    visit = threading.Timer(after, _visit, args=(views, computations))
    visit.daemon, visit.name = True, "first visit"
    visit.start()


def _visit(
    views: Callable[[], Iterable[tuple[str, str]]],
    computations: Callable[[], Iterable[Callable[[], object]]],
) -> None:
    try:
        for name, query in views():
            if not _open(name, query):
                _LOG.warning("the visit ended at a page that was not drawn in time: %r", name)
                return
            time.sleep(PAUSE)
        for compute in computations():
            compute()
            time.sleep(PAUSE)
    except Exception as error:  # whoever comes computes it, and is told what is wrong
        _LOG.warning("the visit ended early: %s", type(error).__name__)


def _open(name: str, query: str) -> bool:
    """Open a page in a session of its own; returns whether it was drawn."""
    server, visitor, sessions = runtime.get_instance(), _Visitor(), list[str]()

    def connect() -> None:
        if visitor.left:
            return
        sessions.append(server.connect_session(visitor, {}))
        message = BackMsg()
        message.rerun_script.page_name = name
        message.rerun_script.query_string = query
        server.handle_backmsg(sessions[0], message)

    def leave() -> None:
        visitor.left = True
        for session in sessions:
            server.close_session(session)

    loop = server._get_async_objs().eventloop
    loop.call_soon_threadsafe(connect)
    try:
        return visitor.drawn.wait(LONGEST)
    finally:
        loop.call_soon_threadsafe(leave)
