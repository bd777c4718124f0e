"""One app and one browser for all browser tests. Without a Chromium they are skipped, but never in CI."""

import os

import pytest

from tests.browser.app import chromium, running_app, running_browser


@pytest.fixture(scope="session")
def address():
    with running_app() as address:
        yield address


@pytest.fixture(scope="session")
def browser():
    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: CI must not skip the browser tests")
        pytest.skip("no Chromium or Chrome found; set CHROMIUM to its path")
    with running_browser() as browser:
        yield browser
