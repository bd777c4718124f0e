"""Arrays become pictures that can be seen: sharp enlargements, differences in two colours."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from ui.view import pictures


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def from_uri(uri: str) -> np.ndarray:
    return opened(base64.b64decode(uri.split(",")[1]))


def test_pixels_are_enlarged_by_a_whole_factor_and_never_smoothed():
    pixels = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)
    large = opened(pictures.png(pixels, 448))
    assert large.shape == (448, 448)
    assert np.array_equal(large[::16, ::16], pixels)
    assert np.array_equal(from_uri(pictures.uri("png", pictures.png(pixels, 448))), large)
    assert np.array_equal(from_uri(pictures.photo_uri(pixels, 448)), large)


@pytest.mark.parametrize("shape", [(600, 800), (3000, 60), (1, 50), (8, 8)])
def test_a_picture_of_any_shape_becomes_a_square(shape):
    square = from_uri(pictures.photo_uri(np.full((*shape, 3), 200, np.uint8), 96))
    assert square.shape[0] == square.shape[1]
    assert 96 <= square.shape[0] < 192


def test_a_photo_is_sent_small():
    photo = np.random.default_rng(0).integers(0, 256, (800, 800, 3)).astype(np.uint8)
    assert len(pictures.photo_uri(photo, 448)) < 200_000


def test_differences_are_blue_where_light_was_lost_orange_where_added_dark_where_equal():
    lost, equal, added = pictures.difference(np.array([[[-1.0, 0.0, 1.0]]]))[0].astype(int)
    assert lost[2] > lost[0] + 50
    assert added[0] > added[2] + 50
    assert equal.max() < 40


def test_a_change_of_colour_alone_shows_too():
    red_to_blue = np.array([-1.0, 0.0, 1.0])[:, None, None]
    assert np.abs(pictures.difference(red_to_blue)[0, 0].astype(int) - pictures.NEUTRAL).max() > 80


def test_tiles_lie_in_rows():
    images = np.stack([np.full((1, 4, 4), value) for value in (0.0, 0.25, 0.5, 0.75, 1.0)])
    sheet = pictures.grid(images, columns=3, gap=2)
    assert sheet.shape == (2 * 4 + 2, 3 * 4 + 2 * 2)
    assert (sheet[0, 0], sheet[0, 6], sheet[6, 6]) == (0, 64, 255)


def test_colour_comes_out_as_colour():
    red = np.zeros((3, 2, 2))
    red[0] = 1
    assert pictures.to_uint8(red)[0, 0].tolist() == [255, 0, 0]
