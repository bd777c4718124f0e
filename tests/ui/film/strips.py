"""Strips of a page's film as the browser shows them."""

import io

import numpy as np
from PIL import Image

from ui.film import parts
from ui.view import pictures


def frames(strip: parts.Part) -> list[np.ndarray]:
    """The frames of a strip as the browser takes them from their sheets, (F, H, W) or in colour."""
    pixels = np.asarray(Image.open(io.BytesIO(strip["source"])).convert("RGB"))
    assert pixels.shape[:2] == (
        strip["sheets"] * strip["height"],
        strip["tiles"] * strip["width"],
    )
    sheets = pixels.reshape(strip["sheets"], strip["height"], -1, 3)
    if strip["packing"] == "plain":
        return list(sheets)
    return [sheet[..., channel] for sheet in sheets for channel in range(3)]


def coloured(signed: np.ndarray) -> np.ndarray:
    """Colours of signed differences, as ui/film/strip.js gives them."""
    amount = np.abs(signed.astype(float) - parts.SAME)[..., None] / parts.SAME
    colour = np.where(signed[..., None] < parts.SAME, pictures.LOST, pictures.ADDED)
    return (pictures.NEUTRAL + amount.clip(0, 1) * (colour - pictures.NEUTRAL)).round()
