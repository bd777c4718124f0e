"""Our servers, each in a process of its own, as a person starts it."""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.serving import free_port
from tests.processes import serving

ROOT = Path(__file__).parents[1]


def container_command() -> tuple[str, ...]:
    """What the container starts, as arguments of Python, here on a port of our own."""
    (command,) = re.findall(r"^CMD (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    with_port = command.replace("0.0.0.0", "127.0.0.1").replace('"7860"', '"{port}"')
    return ("-m", *json.loads(with_port))


UVICORN = container_command()


@contextlib.contextmanager
def running(
    *arguments: str,
    health: str,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    user: int | None = None,
    log: Path | None = None,
) -> Iterator[str]:
    """Start Python with these arguments and yield the address once `health` answers 200.

    "{port}" in them is a free port. log: a file for the server's output; it is thrown away
    otherwise.
    """
    port = free_port()
    command = [python, *(argument.replace("{port}", str(port)) for argument in arguments)]
    address = f"http://127.0.0.1:{port}"
    # A pipe that nobody reads would fill up and stop the server.
    with (
        log.open("w+") if log else tempfile.TemporaryFile("w+") as output,
        serving(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, user=user
        ) as process,
    ):
        while not _healthy(address + health):
            if process.poll() is not None:
                output.seek(0)
                raise RuntimeError(f"the server ended at once:\n{output.read()}")
            time.sleep(0.1)
        yield address


def _healthy(address: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=2) as answer:
        return answer.status == 200
    return False
