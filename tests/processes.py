"""Child processes of tests.

Whatever a test starts has ended when the test ends, also when it fails in the middle.
"""

import contextlib
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

# seconds. What a test waits for takes less on any machine: only what hangs is ended by it
HANGING = 900.0
SLACK = 20.0  # seconds that any machine may take on top of a wait that the product promises to end
Process = subprocess.Popen[str]
_MARK = "STARTED_BY_A_TEST"  # environment variable that a process hands on to all that it starts


@contextlib.contextmanager
def started(
    command: str | Sequence[str | Path], *, env: Mapping[str, str] | None = None, **options
) -> Iterator[Process]:
    """subprocess.Popen with these options, killed at the end of the block.

    So is everything that it has started itself, in whatever session or process group; its pipes are
    closed.
    """
    mark = uuid.uuid4().hex
    environment = {**(os.environ if env is None else env), _MARK: mark}
    process = subprocess.Popen(command, env=environment, **options)
    try:
        yield process
    finally:
        process.kill()
        process.wait(SLACK)
        for _ in range(10):  # once more: one of them may just have started another
            family = _marked(mark)
            for member in family:
                with contextlib.suppress(psutil.Error):
                    member.kill()
            psutil.wait_procs(family, timeout=SLACK)
            if not family:
                break
        for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
            pipe.close()


def _marked(mark: str) -> list[psutil.Process]:
    """Running processes with this mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # it has ended, or is not ours
            if process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


@contextlib.contextmanager
def serving(command: Sequence[str | Path], **options) -> Iterator[Process]:
    """A process as by started(), which at the end is asked to end by itself first.

    A server is stopped so.
    """
    with started(command, **options) as process:
        yield process
        process.terminate()
        process.wait(HANGING)


def completed(
    command: str | Sequence[str | Path], *, check: bool = False, **options
) -> subprocess.CompletedProcess[str]:
    """A process from its start to its end, with its output as text.

    Raises TimeoutExpired where it hangs, and with check CalledProcessError where it fails.
    """
    with started(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    ) as process:
        output, errors = process.communicate(timeout=HANGING)
    done = subprocess.CompletedProcess(command, process.returncode, output, errors)
    if check:
        done.check_returncode()
    return done
