"""Our servers, each in a process of its own, as a person starts it."""

import contextlib
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from benchmarks.serving import free_port

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def running(*arguments: str, health: str, python: str = sys.executable, environment: Mapping[str, str] | None = None,
            folder: Path = ROOT, user: int | None = None) -> Iterator[str]:
    """Start Python with these arguments, "{port}" in them a free port, and yield the address once `health` answers 200."""
    port = free_port()
    output = tempfile.TemporaryFile("w+")  # noqa: SIM115 – a pipe that nobody reads would fill up and stop the server
    command = [python, *(argument.replace("{port}", str(port)) for argument in arguments)]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, user=user)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_healthy(address + health, process, output)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        finally:
            process.kill()
            process.wait()
            output.close()


def _wait_until_healthy(address: str, process: subprocess.Popen, output: IO[str]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            output.seek(0)
            raise RuntimeError(f"the server ended at once:\n{output.read()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not answer within 60 seconds")
