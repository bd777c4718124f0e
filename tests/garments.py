"""Photographs of garments: examples of the data set laid on surfaces."""

import numpy as np
from PIL import Image
from scipy import ndimage

SURFACES = {
    "white": (235, 232, 225),
    "wood": (190, 150, 110),
    "blue": (120, 150, 190),
    "dark": (35, 35, 40),
}


def photograph(example: np.ndarray, surface: str, seed: int = 0) -> np.ndarray:
    """(400, 320, 3) uint8: this garment on a table."""
    random = np.random.default_rng(seed)
    height, width, side = 400, 320, 220
    top, left = 110, 60

    def placed(values: np.ndarray) -> np.ndarray:
        large = np.asarray(
            Image.fromarray(values).resize((side, side), Image.Resampling.BICUBIC)
        ) / np.float32(255)
        canvas = np.zeros((height, width), np.float32)
        canvas[top : top + side, left : left + side] = large
        return canvas

    tone = placed(example)
    cloth = np.clip(
        (ndimage.gaussian_filter(placed(np.uint8(255) * (example > 8)), 1.5) - 0.4) * 6, 0, 1
    )
    rows, columns = np.indices((height, width))
    light = 1 - 0.2 * columns / width - 0.1 * rows / height
    table = np.array(SURFACES[surface], np.float32) * light[..., None]
    if surface == "wood":
        table = table * (1 + 0.05 * np.sin(rows / 5 + 3 * np.sin(columns / 50)))[..., None]
    shadow = ndimage.shift(ndimage.gaussian_filter(cloth, 9), (7, 5)) * (1 - cloth)
    table = table * (1 - 0.25 * shadow)[..., None]
    dye = random.uniform(0.8, 1, 3) * light[..., None]
    dyed = 255 * tone[..., None] * dye if surface == "dark" else 215 * (1 - tone)[..., None] * dye
    picture = table + (dyed - table) * cloth[..., None] + random.normal(0, 4, (height, width, 3))
    return np.clip(picture, 0, 255).astype(np.uint8)
