"""From a file that anybody may have sent to what a model sees: `read`."""

from vae.images.errors import ERROR_SENTENCES, ImageError
from vae.images.framing import WHOLE, Framing
from vae.images.reading import MAX_BYTES, Step, View, decode, read, view

__all__ = [
    "ERROR_SENTENCES",
    "MAX_BYTES",
    "WHOLE",
    "Framing",
    "ImageError",
    "Step",
    "View",
    "decode",
    "read",
    "view",
]
