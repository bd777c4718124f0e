"""Pictures that tests give: drawn here, never read from a data set."""

import io

import numpy as np
from PIL import Image, ImageDraw


def digit_png(shape: str = "7", paper: str = "#F5F0E0", ink: str = "#203060") -> bytes:
    """A digit in thick strokes on paper."""
    image = Image.new("RGB", (300, 400), paper)
    draw = ImageDraw.Draw(image)
    strokes = {"7": [(80, 100), (220, 100), (130, 310)], "1": [(150, 90), (150, 310)]}[shape]
    draw.line(strokes, fill=ink, width=22, joint="curve")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def portrait(width: int = 300, height: int = 400) -> bytes:
    """A bright disc with two dark dots, right of the middle."""
    rows, columns = np.indices((height, width))
    pixels = np.full((height, width, 3), (70, 90, 120), np.uint8)
    pixels[(rows - 150) ** 2 + (columns - 190) ** 2 < 80**2] = (220, 180, 150)
    for x in (165, 215):
        pixels[(rows - 135) ** 2 + (columns - x) ** 2 < 9**2] = 20
    return png(pixels)
