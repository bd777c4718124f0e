"""What the tests of pictures share."""

import pytest

from tests.vae.drawn import FIVE, encoded, seen


@pytest.fixture(scope="session")
def five():
    """A clean drawn 5 as the model sees it."""
    return seen(encoded(FIVE))
