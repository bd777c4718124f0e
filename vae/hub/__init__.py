"""Weights folders on disk and on the Hugging Face Hub; `resolve` chooses which of them serves."""

from vae.hub.folder import WeightsError
from vae.hub.sources import PinnedCommit, Resolved, bundled, forget, load, names, resolve, source

__all__ = [
    "PinnedCommit",
    "Resolved",
    "WeightsError",
    "bundled",
    "forget",
    "load",
    "names",
    "resolve",
    "source",
]
