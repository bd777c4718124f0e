"""The square of a colour photograph that the model sees, framed by hand."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

EYES, MOUTH = 0.4, 0.7  # of the height, where the faces of the training set have them
LARGEST_ZOOM = 8.0


@dataclass(frozen=True)
class Framing:
    """Which part of a picture the model sees.

    zoom: 1 takes the largest part of the model's shape, 2 one of half its sides, up to
    LARGEST_ZOOM. across, down: where it lies, from 0 (left, top) to 1 (right, bottom) of the room
    that there is. mirrored: left and right exchanged, first of all. Raises ValueError for numbers
    outside these ranges.
    """

    zoom: float = 1.0
    across: float = 0.5
    down: float = 0.5
    mirrored: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.zoom <= LARGEST_ZOOM:
            raise ValueError(f"zoom must lie between 1 and {LARGEST_ZOOM:g}, not {self.zoom}")
        if not (0 <= self.across <= 1 and 0 <= self.down <= 1):
            raise ValueError(
                f"across and down must lie between 0 and 1, not {self.across}, {self.down}"
            )


WHOLE = Framing()


def room(picture: np.ndarray, height: int, width: int, zoom: float) -> tuple[float, float]:
    """By how many pixels the frame of a model (height, width) can move across, and down."""
    rows, columns = picture.shape[:2]
    scale = min(rows / height, columns / width) / zoom
    # rounding may leave less than nothing
    return max(0.0, columns - scale * width), max(0.0, rows - scale * height)


def framed(
    picture: np.ndarray, height: int, width: int, framing: Framing
) -> list[tuple[str, np.ndarray]]:
    """The stages from a picture (H, W, 3) uint8 to one of the model's size, with their names.

    That one is the last. A picture that has the model's size already comes through unchanged.
    """
    if framing.mirrored:
        picture = np.ascontiguousarray(picture[:, ::-1])
    rows, columns = picture.shape[:2]
    if (rows, columns) == (height, width) and framing.zoom == 1:
        return [("small", picture)]
    across, down = room(picture, height, width, framing.zoom)
    left, top = framing.across * across, framing.down * down
    box = (left, top, min(columns, left + columns - across), min(rows, top + rows - down))
    image = Image.fromarray(picture)
    size = max(1, round(columns - across)), max(1, round(rows - down))
    # both filters as the data set was made with them
    return [
        ("cropped", np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box))),
        ("small", np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, box=box))),
    ]
