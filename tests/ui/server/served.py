"""A real server with an application of a test's own, in a thread."""

import contextlib
import threading
import time
from collections.abc import Iterator

import uvicorn

from tests.processes import HANGING
from tests.servers import free_port


@contextlib.contextmanager
def served(app) -> Iterator[int]:
    """The port of a real server with this application."""
    server = uvicorn.Server(
        uvicorn.Config(app, port=free_port(), log_level="critical", lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield server.config.port
    finally:
        server.should_exit = True
        thread.join(HANGING)
