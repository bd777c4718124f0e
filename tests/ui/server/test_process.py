"""The process settings of both front ends, seen from outside."""

import sys

import pytest

from tests.processes import completed

PROGRAM = """
import resource
before = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
import gc
from ui.server import process
import torch
process.configure()
print(gc.get_freeze_count(), torch.get_num_threads(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
blocks = []
def resident():
    return int(open("/proc/self/status").read().partition("VmRSS:")[2].split()[0]) // 1024
for _ in range(3):  # by itself glibc keeps such blocks after the first that was freed
    blocks = [torch.ones(6 << 18) for _ in range(40)]  # 6 MB each
    full = resident()
    blocks.clear()
print(full - resident())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's /proc")
def test_libraries_are_frozen_files_allowed_and_large_tensors_given_back():
    done = completed([sys.executable, "-W", "ignore", "-c", PROGRAM], check=True)
    (frozen, threads, files), (freed,) = [
        list(map(int, line.split())) for line in done.stdout.splitlines()
    ]
    assert frozen > 100_000
    assert threads == 1
    assert files > 1024
    assert freed > 200
