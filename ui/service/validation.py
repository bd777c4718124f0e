"""Validation of arguments from outside, before they reach a model.

What has the wrong kind or size raises InputError: one sentence that says so.
"""

import base64
import math
from collections.abc import Sequence

import numpy as np

from ui.text import DEFAULT, Text
from vae.hub.sources import Resolved

DEFAULT_SEED, LARGEST_SEED = 7, 99_999
MOST_PICTURES = 64
GALLERY_COUNTS = (8, 16, 32, 64)  # the choices on the pages
MOST_NUMBERS = 1 << 18  # in one answer: 64 pictures of 28 × 28, 21 in colour of 64 × 64
HIGHEST_TEMPERATURE = 10.0  # temperature of samples; far above it nothing can be seen
LARGEST_COORDINATE = (
    1e6  # a coordinate of a latent; float32 must not overflow on the way through the decoder
)
# Bytes: no picture is smaller, and a misspelt name of an example often is valid base64.
SHORTEST_FILE = 32


class InputError(ValueError):
    """An argument that cannot be used; str(error) is one English sentence.

    key and values find the sentence in another language.
    """

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(Text(DEFAULT)(key, **values))
        self.key, self.values = key, values


def number(name: str, value: object, low: float, high: float) -> float:
    """A finite number from low to high. Raises InputError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(
            "api.number", name=name, low=f"{low:g}", high=f"{high:g}", value=_shown(value)
        )
    return float(value)


def integer(name: str, value: object, low: int, high: int) -> int:
    """An integer from low to high; 7.0 is one, for JSON knows one kind of number.

    Raises InputError.
    """
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and low <= value <= high  # first: there are integers that no float holds
        and value == int(value)
    ):
        return int(value)
    raise InputError("api.whole", name=name, low=low, high=high, value=_shown(value))


def flag(name: str, value: object) -> bool:
    """A boolean. Raises InputError."""
    if not isinstance(value, bool):
        raise InputError("api.flag", name=name, value=_shown(value))
    return value


def one_of(name: str, value: object, options: Sequence[str]) -> str:
    """One of the options. Raises InputError."""
    if isinstance(value, str) and value in options:
        return value
    raise InputError("api.one_of", name=name, options=", ".join(options), value=_shown(value))


def beta(value: object, model: Resolved) -> float:
    """A beta in the range that the network was trained for. Raises InputError.

    None is 1, or the nearest end of the range. A plain autoencoder has no beta: 0.
    """
    low, high = model.network.config.beta_range
    if model.network.config.autoencoder:
        if value not in (None, 0):
            raise InputError("api.no_beta", model=model.name)
        return 0.0
    return min(max(1.0, low), high) if value is None else number("beta", value, low, high)


def most_pictures(model: Resolved) -> int:
    """The most pictures of this model in one answer."""
    return min(MOST_PICTURES, MOST_NUMBERS // math.prod(model.network.config.image_shape))


def latents(value: object, model: Resolved) -> np.ndarray:
    """Latents (N, D) in float32, N from 1 to most_pictures. Raises InputError."""
    most = most_pictures(model)
    dimensions = model.network.config.latent_dim
    try:
        array = np.array(value, dtype=np.float64)
        fits = array.ndim == 2 and 1 <= len(array) <= most and array.shape[1] == dimensions
        fits = fits and bool((np.abs(array) <= LARGEST_COORDINATE).all())
    except (TypeError, ValueError, OverflowError):  # words, lists of unequal length
        fits = False
    if not fits:
        raise InputError("api.latents", most=most, dimensions=dimensions)
    return array.astype(np.float32)


def file(value: object, model: Resolved) -> bytes:
    """The bytes of a picture file in base64, or in a data URI. Raises InputError."""
    if isinstance(value, str):
        address = value.startswith("data:")
        try:
            content = base64.b64decode(value.partition(",")[2] if address else value, validate=True)
        except ValueError:
            content = b""
        if address or len(content) >= SHORTEST_FILE:
            return content  # vae.images refuses what is no picture
    raise InputError("api.picture", examples=", ".join(model.examples.names))


def _shown(value: object) -> str:
    """A value from outside for a sentence of ours, cut to 40 characters."""
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:39]}…"
