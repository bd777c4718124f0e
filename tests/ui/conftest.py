"""Models that the pages' tests open."""

import pytest

from tests.ui.driver import look_anew
from tests.ui.small_models import small_models
from vae.hub import sources


@pytest.fixture(scope="session")
def small_bundle(tmp_path_factory):
    """Folder of the bundled models with small untrained networks, and what was resolved of them."""
    bundle = tmp_path_factory.mktemp("small") / "weights"
    with small_models(bundle):
        return bundle, {name: sources.resolve(name) for name in sources.bundled()}


@pytest.fixture
def small_networks(small_bundle, monkeypatch):
    """Serve the bundled models with small networks: for tests that do not look at numbers.

    All tests share them, and what the app's caches hold of them.
    """
    bundle, resolved = small_bundle
    look_anew(monkeypatch)
    monkeypatch.setattr(sources, "BUNDLE", bundle)
    monkeypatch.setattr(sources, "_resolved", dict(resolved))
