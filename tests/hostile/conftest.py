"""Seeded generators of what a stranger may send.

--hostile N attempts of each kind, --hostile-seed S.
"""

import random

import pytest


@pytest.fixture
def attempts(request: pytest.FixtureRequest) -> int:
    """How many of its kind a test tries."""
    return request.config.getoption("--hostile")


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """A random generator: the same in every run with the same seed, another for each test."""
    return random.Random(f"{request.config.getoption('--hostile-seed')} {request.node.name}")
