"""The bundled models with small untrained networks, for tests to which numbers do not matter."""

import contextlib
import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import random_model
from tests.ui.driver import look_anew
from vae.hub import folder, sources

SMALL = {"channels": 4, "width": 16, "blocks": 1, "beta_embedding": 8}


@contextlib.contextmanager
def small_models(bundle: Path) -> Iterator[pytest.MonkeyPatch]:
    """Context manager in which the app serves the bundled models with networks of this size.

    bundle: a folder that does not exist yet, for copies. Yields what else may be changed until the
    end; no cache holds afterwards what was computed meanwhile.
    """
    shutil.copytree(sources.BUNDLE, bundle)
    for name in sources.bundled():
        config = dataclasses.replace(folder.load_model(bundle / name).config, **SMALL)
        folder.save_model(bundle / name, random_model(config))
        folder.write_checksums(bundle / name)
    with pytest.MonkeyPatch.context() as patch:
        look_anew(patch)
        patch.setattr(sources, "BUNDLE", bundle)
        yield patch
