"""Whatever a picture file holds, reading it gives a picture or one sentence.

Soon, and in little memory.
"""

import json
import sys
from collections import Counter

import pytest

from tests.processes import completed
from tests.vae.images.appetite import MOST_UNITS
from vae.images.errors import ERROR_SENTENCES


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_hostile_file_gives_a_picture_or_a_sentence_in_bounded_time_and_memory(attempts, dice):
    """To repeat it by itself: python -m tests.hostile.files SEED COUNT.

    The seed is what this test prints when it fails.
    """
    seed = str(dice.getrandbits(32))
    done = completed([sys.executable, "-m", "tests.hostile.files", seed, str(attempts)])
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == attempts, f"seed {seed}: ended by attempt {len(results)}\n{done.stderr}"
    for result in results:
        assert result["code"] in ("read", *ERROR_SENTENCES), f"seed {seed}: {result}"
        assert result["megabytes"] < 300, f"seed {seed}: {result}"
        assert result["units"] < MOST_UNITS, f"seed {seed}: {result}"
    codes = Counter(result["code"] for result in results)
    # they are no mere noise
    assert attempts < 100 or min(codes["read"], codes["damaged"]) > attempts / 20, codes
