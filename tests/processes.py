"""Child processes of tests. Whatever a test starts has ended when the test ends, also when it fails in the middle."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

HANGING = 900.0  # seconds. What a test waits for takes less on any machine: only what hangs is ended by it
SLACK = 20.0  # seconds that any machine may take on top of a wait that the product promises to end

Process = subprocess.Popen[str]


@contextlib.contextmanager
def started(command: str | Sequence[str | Path], **options) -> Iterator[Process]:
    """subprocess.Popen with these options. At the end of the block the process is killed, with all that it has started
    itself, and its pipes are closed."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            if os.name == "nt":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
            pipe.close()
        process.wait()


@contextlib.contextmanager
def serving(command: Sequence[str | Path], **options) -> Iterator[Process]:
    """A process as started, which at the end is asked to end by itself first, as a server is stopped."""
    with started(command, **options) as process:
        yield process
        process.terminate()
        process.wait(HANGING)


def completed(command: str | Sequence[str | Path], *, check: bool = False, **options) -> subprocess.CompletedProcess[str]:
    """A process from its start to its end, with its output as text. Raises TimeoutExpired where it hangs, and with check
    CalledProcessError where it fails."""
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options) as process:
        output, errors = process.communicate(timeout=HANGING)
    done = subprocess.CompletedProcess(command, process.returncode, output, errors)
    if check:
        done.check_returncode()
    return done
