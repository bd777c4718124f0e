"""A test that fails in the middle leaves no process behind, and no warning for later tests."""

import gc
import itertools
import os
import subprocess
import sys
import warnings

import psutil
import pytest

from tests import processes
from tests.processes import completed, started

# A parent and its own child, which both would run for ever; the child in a session of its own, as
# torchrun's workers are.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(10**6)"], \
start_new_session=True)
print(child.pid, flush=True)
time.sleep(10**6)
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a shell of Unix")


def alive(pid: int) -> bool:
    """Whether the process still runs; one that has ended and was not yet waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_block_that_fails_ends_the_process_and_what_it_has_started():
    family = []

    def fails() -> None:
        with started(
            [sys.executable, "-c", FAMILY],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            family.extend([process.pid, int(process.stdout.readline())])
            assert all(map(alive, family))
            raise AssertionError("in the middle")

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with pytest.raises(AssertionError, match="in the middle"):
            fails()
        gc.collect()
    assert not any(map(alive, family))
    assert [str(one.message) for one in said if issubclass(one.category, ResourceWarning)] == []


def test_a_process_that_hangs_is_ended_with_what_it_has_started(monkeypatch, tmp_path):
    command, child = (
        f"{sys.executable} -c 'import time; time.sleep(10**6)' & echo $! > child; wait",
        tmp_path / "child",
    )
    for seconds in (0.2 * 2**attempt for attempt in itertools.count()):
        monkeypatch.setattr(processes, "HANGING", seconds)
        with pytest.raises(subprocess.TimeoutExpired):
            completed(command, shell=True, cwd=tmp_path)
        if child.exists() and child.read_text():  # else it was ended before it came so far
            break
    assert not alive(int(child.read_text()))


def test_what_a_command_says_comes_back_and_its_failure_is_an_error_where_that_is_asked_for():
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = completed([sys.executable, "-c", code])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    with pytest.raises(subprocess.CalledProcessError):
        completed([sys.executable, "-c", code], check=True)
    assert (
        completed("echo $NAME", shell=True, env={**os.environ, "NAME": "ours"}).stdout == "ours\n"
    )
