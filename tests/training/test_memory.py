"""A trainer's process keeps the memory that a step frees."""

import sys

import pytest

from tests.processes import completed

PROGRAM = """
import resource, sys, torch
from training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
faults = []
for _ in range(20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(megabytes * 2**18) for megabytes in (1, 3, 40)]
    del tensors
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(sorted(faults)[10])
"""


def page_faults(mode: str) -> int:
    """The median number of page faults for 44 MB of tensors, allocated again and again."""
    return int(completed([sys.executable, "-c", PROGRAM, mode], check=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has this setting")
def test_the_same_tensors_again_cost_no_new_memory():
    assert page_faults("keep") < 10
    assert page_faults("as usual") > 1000  # or the setting would be pointless
