"""The Streamlit app in a process of its own, and the resources that it takes.

Started as a person starts it.
"""

import contextlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 120.0


@dataclass(frozen=True)
class App:
    """A running app.

    pid: of its process, None where somebody else has started it.
    """

    address: str
    pid: int | None = None

    def megabytes(self) -> float:
        """Resident memory.

        Linux only; nan where the process is not ours or the system does not tell.
        """
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return float("nan")
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def processor_seconds(self) -> float:
        """Processor time of all cores together since the start; nan as for megabytes."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return float("nan")
        # hundredths of a second on every Linux that Python runs on
        return (int(fields[11]) + int(fields[12])) / 100


# Arguments of Python that start the app on the port that follows: as a person types it, but without
# opening a browser, and both front ends in one process, as the container does.
STREAMLIT = (
    "-m streamlit run app.py --server.headless true --server.address 127.0.0.1 --server.port"
)
BOTH = "-m uvicorn asgi:app --host 127.0.0.1 --port"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def healthy(address: str) -> bool:
    """Whether the app answers."""
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"{address}/_stcore/health", timeout=2) as answer,
    ):
        return answer.status == 200
    return False


@contextlib.contextmanager
def running_app(
    environment: Mapping[str, str] | None = None, command: str = STREAMLIT
) -> Iterator[App]:
    """Start the app on a free port and yield it once it answers.

    command: arguments of Python, up to the port. Raises RuntimeError with its output where it does
    not.
    """
    port = free_port()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, *command.split(), str(port)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            app = App(f"http://127.0.0.1:{port}", process.pid)
            deadline = time.monotonic() + SECONDS_TO_START
            while not healthy(app.address):
                if process.poll() is not None or time.monotonic() > deadline:
                    output.seek(0)
                    raise RuntimeError(f"the app does not answer:\n{output.read()}")
                time.sleep(0.02)
            yield app
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
