"""A log filter for invalid websocket messages.

The servers would write a traceback for each; here it is one line now and then.
"""

import logging
import time

from google.protobuf.message import DecodeError

SECONDS_BETWEEN = 10.0
LOGGERS = ("streamlit.web.server.starlette.starlette_websocket", "uvicorn.error")


class InvalidMessageFilter(logging.Filter):
    """Filter that shortens records of invalid messages and drops those that follow too soon."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if not _is_garbage(error):
            return True
        if time.monotonic() < self.next:
            return False
        self.next = time.monotonic() + SECONDS_BETWEEN
        record.msg, record.args = "a websocket sent what no page sends; it was closed", ()
        record.exc_info = record.exc_text = None
        return True


def _is_garbage(error: BaseException | None) -> bool:
    """Whether an error comes from a message that is not of Streamlit's protocol.

    For text in place of bytes, versions of Starlette raise different errors.
    """
    is_text = isinstance(error, KeyError) and error.args == ("bytes",)
    return (
        is_text
        or isinstance(error, DecodeError)
        or (isinstance(error, TypeError) and "WebSocket text frames" in str(error))
    )


def set_up() -> None:
    """Add the filter to the servers' loggers; a second call changes nothing."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, InvalidMessageFilter) for one in logger.filters):
            logger.addFilter(InvalidMessageFilter())
