"""One app for all browser tests."""

import pytest

from tests.browser.app import running_app


@pytest.fixture(scope="session")
def address():
    with running_app() as address:
        yield address
