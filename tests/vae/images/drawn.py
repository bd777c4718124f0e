"""Digits drawn, printed and photographed for the tests of pictures. Everything is made here."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pillow_heif import register_heif_opener

from vae.images import reading
from vae.images.reading import ImageError
from vae.model import VAEConfig

register_heif_opener()

CONFIG = VAEConfig(
    image_shape=(1, 28, 28),
    latent_dim=2,
    likelihood="bernoulli",
    beta_range=(0.01, 50.0),
    preprocess="ink",
)


def arc(x, y, rx, ry, start, stop):
    angle = np.radians(np.linspace(start, stop, 40))
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], 1)


# Strokes in a box one high, from (0, 0) at the top left.
DIGITS = {
    0: [arc(0.5, 0.5, 0.3, 0.5, 0, 360)],
    1: [[(0.35, 0.2), (0.55, 0), (0.55, 1)]],
    2: [[*arc(0.5, 0.28, 0.28, 0.28, -170, 40), (0.2, 1), (0.82, 1)]],
    3: [[*arc(0.47, 0.25, 0.26, 0.25, -160, 90), *arc(0.47, 0.74, 0.3, 0.26, -90, 150)]],
    4: [[(0.55, 0), (0.15, 0.65), (0.85, 0.65)], [(0.65, 0.35), (0.65, 1)]],
    5: [[(0.78, 0.04), (0.3, 0.05), (0.25, 0.45), *arc(0.45, 0.68, 0.3, 0.32, -120, 140)]],
    6: [
        [
            (0.65, 0.02),
            *arc(0.62, 0.6, 0.42, 0.58, -110, -180),
            *arc(0.5, 0.7, 0.29, 0.3, 180, -170),
        ]
    ],
    7: [[(0.15, 0.03), (0.8, 0.03), (0.4, 1)]],
    8: [arc(0.5, 0.25, 0.24, 0.25, 90, 450), arc(0.5, 0.75, 0.3, 0.25, -90, 270)],
    9: [[*arc(0.5, 0.3, 0.27, 0.3, 0, 360), (0.7, 1)]],
}
APART = {  # one digit, whose strokes do not touch
    "a 5 with its bar torn off": [DIGITS[5][0][1:], [(0.42, -0.05), (0.9, -0.08)]],
    "an open 4": [[(0.2, 0.1), (0.15, 0.6), (0.55, 0.6)], [(0.66, 0.0), (0.62, 1)]],
    "a 0 in two halves": [arc(0.5, 0.5, 0.3, 0.5, 100, 260), arc(0.5, 0.5, 0.3, 0.5, -78, 78)],
    "an 8 in two rings": [arc(0.5, 0.22, 0.22, 0.2, 0, 360), arc(0.5, 0.76, 0.28, 0.24, 0, 360)],
    "a 1 in three pieces": [
        [(0.5, 0), (0.5, 0.3)],
        [(0.5, 0.36), (0.5, 0.7)],
        [(0.5, 0.75), (0.5, 1)],
    ],
    "a dotted 0": [[point, point + 0.01] for point in arc(0.5, 0.5, 0.3, 0.5, 0, 351)[:-1:2]],
}


def draw(strokes, size=(280, 280), height=0.7, middle=(0.5, 0.5), pen=18.0, ink=0, paper=255):
    """A grey picture of strokes.

    height: of the digit in parts of the shorter side. pen: pixels wide.
    """
    picture = Image.new("L", size, paper)
    brush = ImageDraw.Draw(picture)
    for stroke in strokes:
        path = (np.array(stroke) - 0.5) * height * min(size) + np.multiply(middle, size)
        brush.line(
            [tuple(point) for point in path], fill=ink, width=max(1, round(pen)), joint="curve"
        )
        for x, y in path if pen > 4 else ():
            brush.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=ink)
    return picture


def photo(digit, size=(900, 675), paper=(235, 232, 225), ink=(30, 30, 35), pen=4.0, height=0.5,
          middle=(0.5, 0.5), dimmer=0.0, shadow=0.0, edge=0.01, vignette=0.0, noise=4.0,
          texture=0.0, lines=0.0, grid=0.0, desk=None, dust=0, quality=80):  # fmt: skip
    """A camera's JPEG of a digit on paper.

    dimmer, shadow, vignette: parts of the light that are lost somewhere.
    """
    random = np.random.default_rng(digit)
    y, x = (along.astype(np.float32) for along in np.ogrid[0 : size[1], 0 : size[0]])
    u, v = x / size[0], y / size[1]
    scene = np.full((size[1], size[0], 3), paper, np.float32)
    if texture:
        grain = Image.fromarray(random.normal(size=(size[1] // 6, size[0] // 6)).astype(np.float32))
        scene *= 1 + texture * np.asarray(grain.resize(size, Image.Resampling.BICUBIC))[..., None]
    if spacing := (lines or grid) * size[1]:
        scene[(y + 0.03 * x) % spacing < size[0] / 1500] = (150, 180, 215)
        scene[(x - 0.03 * y) % spacing < (size[0] / 1500 if grid else 0)] = (150, 180, 215)
    covered = (
        1 - np.asarray(draw(DIGITS[digit], size, height, middle, pen), np.float32)[..., None] / 255
    )
    scene += covered * (np.array(ink, np.float32) - scene)
    for column, row in random.integers(0, size, (dust, 2)):
        scene[row : row + 2, column : column + 2] *= 0.4
    if desk:
        scene[(u + 0.06 * v < 0.08) | (v - 0.04 * u > 0.92)] = desk
    if dimmer:
        scene *= (1 - dimmer * (0.7 * u + 0.3 * v))[..., None]
    if shadow:
        scene *= (1 - shadow * np.clip((0.8 * u + 0.6 * v - 0.7) / edge + 0.5, 0, 1))[..., None]
    if vignette:
        scene *= (1 - vignette * np.clip(2 * (u - 0.5) ** 2 + 2 * (v - 0.5) ** 2, 0, 1))[..., None]
    scene += noise * random.standard_normal((*scene.shape[:2], 1), np.float32)
    picture = Image.fromarray(np.clip(scene, 0, 255, out=scene).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(0.7)
    )
    return encoded(picture, "JPEG", quality=quality)


def printed(text, bold=0):
    picture = Image.new("L", (120 + 90 * len(text), 240), 255)
    font = ImageFont.load_default(size=140)
    middle = (picture.width / 2, picture.height / 2)
    ImageDraw.Draw(picture).text(middle, text, font=font, fill=0, anchor="mm", stroke_width=bold)
    return encoded(picture)


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def seen(file, config=CONFIG):
    """What the model sees of it: (28, 28)."""
    return reading.read(file, config).image[0].numpy()


def alike(one, other):
    """Correlation of two digits, blurred by a pixel.

    1 for the same, below 0.8 for two different digits.
    """
    pictures = [Image.fromarray((picture * 255).astype(np.uint8)) for picture in (one, other)]
    blurred = [np.asarray(picture.filter(ImageFilter.GaussianBlur(0.7))) for picture in pictures]
    return np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1]


def refusal(file):
    with pytest.raises(ImageError) as caught:
        reading.read(file, CONFIG)
    return caught.value


FIVE = draw(DIGITS[5])
