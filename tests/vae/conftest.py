"""What the tests of the package share: a drawn picture, and weights on a Hub of this machine."""

import pytest

from tests.conftest import files_of
from tests.vae.hub.published import NAME
from tests.vae.images.drawn import FIVE, encoded, seen


@pytest.fixture(scope="session")
def five():
    """A clean drawn 5 as the model sees it."""
    return seen(encoded(FIVE))


@pytest.fixture
def published(local_hub, weights) -> str:
    """The commit of a repository that holds a weights folder."""
    return local_hub.add(NAME, files_of(weights))
