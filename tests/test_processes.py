"""A test that fails in the middle leaves no process behind, and no warning for the tests after it."""

import gc
import os
import subprocess
import sys
import time
import warnings

import pytest

from tests import processes
from tests.processes import SLACK, completed, started

# A parent and its own child, which both would run for ever, as a launcher and its worker.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(10**6)"])
print(child.pid, flush=True)
time.sleep(10**6)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def alive(pid: int) -> bool:
    """Whether the process still runs; one that has ended and was not yet waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


def ended(pid: int) -> bool:
    """Whether it ends within a moment: a signal is not obeyed at once."""
    deadline = time.monotonic() + SLACK
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_a_block_that_fails_ends_the_process_and_what_it_has_started():
    family = []

    def fails() -> None:
        with started([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            family.extend([process.pid, int(process.stdout.readline())])
            assert all(map(alive, family))
            raise AssertionError("in the middle")

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(AssertionError, match="in the middle"):
            fails()
        gc.collect()
    assert all(map(ended, family))
    assert [str(one.message) for one in said if issubclass(one.category, ResourceWarning)] == []


def test_a_process_that_hangs_is_ended_with_what_it_has_started(monkeypatch, tmp_path):
    monkeypatch.setattr(processes, "HANGING", 0.2)
    command, child = f"{sys.executable} -c 'import time; time.sleep(10**6)' & echo $! > child; wait", tmp_path / "child"
    while not (child.exists() and child.read_text()):  # ended before it came so far: once more
        with pytest.raises(subprocess.TimeoutExpired):
            completed(command, shell=True, cwd=tmp_path)
    assert ended(int(child.read_text()))


def test_what_a_command_says_comes_back_and_its_failure_is_an_error_where_that_is_asked_for():
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = completed([sys.executable, "-c", code])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    with pytest.raises(subprocess.CalledProcessError):
        completed([sys.executable, "-c", code], check=True)
    assert completed("echo $NAME", shell=True, env={**os.environ, "NAME": "ours"}).stdout == "ours\n"
