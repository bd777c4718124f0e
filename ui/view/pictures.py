"""Arrays to PNG, WebP, GIF and data URIs: sharp enlargements, differences, grids of tiles."""

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw

# Blue and orange, bright enough on the dark ground.
LOST, ADDED = np.array([60, 150, 225]), np.array([235, 120, 40])
NEUTRAL = np.array([24, 24, 27])
# Pixels a side at least: the squares stay sharp even in a program that smooths enlargements.
SHARP = 448
THUMBNAIL = 96
GUIDE_SIDE = 176  # pixels on the screen
PIXEL_ART = 64  # pixels: a longer side belongs to a photo
# Most rows of an enlarged picture equal the row above: these settings take half of Pillow's time,
# and not a byte more.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP]
_PNG_GREY = [cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]


def to_uint8(image: np.ndarray) -> np.ndarray:
    """(C, H, W) float in [0, 1] -> (H, W) or (H, W, 3) uint8."""
    pixels = (image.clip(0, 1) * 255).round().astype(np.uint8)
    return pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)


def difference(signed: np.ndarray) -> np.ndarray:
    """(C, H, W) float in [-1, 1] -> (H, W, 3) uint8: blue for lost light, orange for gained.

    Dark where nothing changed. The strength is the mean over channels, so that a change of colour
    alone shows as well.
    """
    amount = np.abs(signed).mean(0)[..., None]
    colour = np.where(signed.mean(0)[..., None] < 0, LOST, ADDED)
    return (NEUTRAL + amount * (colour - NEUTRAL)).round().astype(np.uint8)


def grid(images: np.ndarray, columns: int, gap: int = 2) -> np.ndarray:
    """(N, C, H, W) float in [0, 1] -> one uint8 picture, `columns` tiles wide.

    gap: pixels of the mid-grey lines between the tiles.
    """
    tiles = (images.clip(0, 1) * 255).round().astype(np.uint8).transpose(0, 2, 3, 1)
    count, height, width, channels = tiles.shape
    rows = math.ceil(count / columns)
    sheet = np.full(
        (rows * (height + gap) - gap, columns * (width + gap) - gap, channels), 128, np.uint8
    )
    for index, tile in enumerate(tiles):
        top, left = (index // columns) * (height + gap), (index % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = tile
    return sheet[..., 0] if channels == 1 else sheet


def sheet(images: np.ndarray) -> bytes:
    """A gallery's (N, C, H, W) in [0, 1] as one PNG with sharp squares."""
    return png(grid(images, columns=16 if len(images) > 32 else 8), SHARP)


def framed(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture of any size, shrunk to `side` pixels and centred on a transparent square."""
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    if image.width == image.height:
        return np.asarray(image)
    square = Image.new("RGBA", (max(image.size),) * 2)
    square.paste(image, ((square.width - image.width) // 2, (square.height - image.height) // 2))
    return np.asarray(square)


def strip(images: np.ndarray) -> str:
    """A row of pictures (N, C, H, W) in [0, 1], as a data URI."""
    return _row(grid(images, columns=len(images)))


def _row(pixels: np.ndarray) -> str:
    """The data URI of a row, enlarged so that a tile is sharp at 80 pixels of the screen."""
    return uri("png", png(pixels, at_least=80))


def animation(left: np.ndarray, right: np.ndarray, milliseconds: int = 120) -> bytes:
    """An endless GIF of two rows of pictures (N, C, H, W) in [0, 1] side by side.

    It runs there and back, with sharp squares.
    """
    pairs = [grid(np.stack(pair), columns=2) for pair in zip(left, right, strict=True)]
    frames = [*pairs, *pairs[-2:0:-1]]
    factor = math.ceil(SHARP / min(frames[0].shape[:2]))
    shown = [Image.fromarray(frame.repeat(factor, 0).repeat(factor, 1)) for frame in frames]
    return _encoded(
        shown[0],
        format="GIF",
        save_all=True,
        append_images=shown[1:],
        duration=milliseconds,
        loop=0,
    )


def guide_uri(pixels: np.ndarray, heights: Sequence[float]) -> str:
    """A square photo with dashed guide lines, as a data URI.

    The lines run across at `heights` (0 to 1) and down the middle, in light and dark dashes to show
    on any photo.
    """
    side = 2 * GUIDE_SIDE
    image = Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(image)
    dash = side // 16
    for start in range(0, side, 2 * dash):
        for offset, colour in ((0, "white"), (dash, "black")):
            begin, end = start + offset, start + offset + dash - 1
            draw.line([(side // 2, begin), (side // 2, end)], colour, 1)
            for height in heights:
                draw.line([(begin, round(height * side)), (end, round(height * side))], colour, 2)
    return photo_uri(np.asarray(image), side)


def png(pixels: np.ndarray, at_least: int = 0) -> bytes:
    """uint8 pixels as a PNG, enlarged by a whole factor with sharp squares.

    at_least: pixels of the shorter side.
    """
    factor = max(1, math.ceil(at_least / min(pixels.shape[:2])))
    enlarged = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    if enlarged.ndim == 3:
        enlarged = cv2.cvtColor(
            enlarged, cv2.COLOR_RGB2BGR if enlarged.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        )
    return cv2.imencode(".png", enlarged, _PNG + (_PNG_GREY if enlarged.ndim == 2 else []))[
        1
    ].tobytes()


def webp(pixels: np.ndarray, quality: int) -> bytes:
    """uint8 pixels as a lossy WebP."""
    return _encoded(Image.fromarray(pixels), format="WEBP", quality=quality)


def enlarged(image: np.ndarray, side: int = SHARP) -> bytes:
    """A model's picture (C, H, W), float in [0, 1], as a PNG with sharp squares."""
    return png(to_uint8(image), side)


def lossless_webp(pixels: np.ndarray, *, method: int = 1) -> bytes:
    """uint8 pixels as a WebP without loss: a third smaller than a PNG.

    method: of the encoder, 0 to 6. One picture's film takes with 1 a tenth of the time of 5, and a
    hundredth more bytes; a gallery a third of the time, and a twentieth more.
    """
    return _encoded(
        Image.fromarray(pixels), format="WEBP", lossless=True, quality=50, method=method
    )


def uri(kind: str, content: bytes) -> str:
    """A picture's bytes as a data URI. kind: "png" or "webp".

    Streamlit drops a file on the server as soon as a later run no longer shows it; when controls
    move fast, the browser may ask for it just then.
    """
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def photo_uri(pixels: np.ndarray, side: int) -> str:
    """A picture of any size as a data URI.

    A photo is shrunk and framed, a model's picture enlarged with sharp squares.
    """
    square = framed(pixels, side)
    if max(pixels.shape[:2]) <= PIXEL_ART:
        return uri("png", png(square, side))
    return uri("webp", webp(square, 85))


def picture_uri(image: np.ndarray, side: int = SHARP) -> str:
    """A model's picture (C, H, W), float in [0, 1], as a data URI."""
    return photo_uri(to_uint8(image), side)


def _encoded(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()
