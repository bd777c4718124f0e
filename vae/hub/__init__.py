"""Weights folders: on disk, on the Hugging Face Hub, and which of them serves a name: `resolve`."""

from vae.hub.folder import WeightsError
from vae.hub.sources import Pinned, Resolved, bundled, forget, load, names, resolve, source

__all__ = [
    "Pinned",
    "Resolved",
    "WeightsError",
    "bundled",
    "forget",
    "load",
    "names",
    "resolve",
    "source",
]
