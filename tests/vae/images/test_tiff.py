"""TIFF in every byte order and colour layout that Pillow knows.

Also the small copy of a scan that was once refused as damaged.
"""

import io

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin
from scipy import ndimage

from tests.vae.images.drawn import FIVE, alike, encoded, seen
from tests.vae.images.tiff import PICTURES, in_parts, tiff
from vae.images import reading

# it lists them, and has no decoder
NOT_BY_PILLOW = {("L", "L;IR"), ("P", "P;1R"), ("P", "P;2R"), ("P", "P;4R")}
# without one that is in truth a JPEG
LAYOUTS = [
    layout
    for layout, modes in TiffImagePlugin.OPEN_INFO.items()
    if modes not in NOT_BY_PILLOW and layout[1:] != (6, (1,), 1, (8, 8, 8), ())
]


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_that_pillow_reads_is_read(layout):
    random = np.random.default_rng(0)
    data = random.integers(0, 256, 12 * -(-16 * sum(layout[4]) // 8), dtype=np.uint8).tobytes()
    file = tiff(layout, 12, 16, data)
    Image.open(io.BytesIO(file)).load()
    assert reading.decode(file).shape == (12, 16, 3)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kind", "sample_format", "white"),
    [
        ("u2", 1, 65535),
        ("u2", 1, 4095),
        ("i2", 2, 32767),
        ("i4", 2, 2**31 - 1),
        ("i4", 2, 255),
        ("f4", 3, 1.0),
        ("f4", 3, 1e30),
    ],
)
def test_greys_of_more_than_8_bits_are_read_in_either_order_of_bytes(
    order, kind, sample_format, white, five
):
    numbers = (np.asarray(FIVE) * (white / 255)).astype(order + kind)
    layout = (b"II" if order == "<" else b"MM", 1, (sample_format,), 1, (8 * numbers.itemsize,), ())
    assert alike(seen(tiff(layout, *numbers.shape, numbers.tobytes())), five) > 0.99


def test_numbers_that_are_none_are_no_reason_to_fail(five):
    numbers = np.asarray(FIVE).astype(np.float32)
    numbers[:3], numbers[3:6] = np.nan, -np.inf
    assert seen(encoded(Image.fromarray(numbers[6:]), "TIFF")).max() == 1
    assert reading.decode(encoded(Image.fromarray(numbers), "TIFF")).shape == (280, 280, 3)
    numbers[:3] = np.inf
    assert reading.decode(encoded(Image.fromarray(numbers), "TIFF")).shape == (280, 280, 3)


def test_the_scanned_8_of_16_bits_in_motorolas_order_is_an_8():
    file = (PICTURES / "11_scan_16bit_motorola.tif").read_bytes()
    found = seen(file)
    _, parts = ndimage.label(found < 0.5)
    assert parts == 3  # around it and in its two rings
    with Image.open(io.BytesIO(file)) as scan:
        assert scan.mode == "I;16B"
        plain = Image.fromarray((np.asarray(scan) // 257).astype(np.uint8))
    assert np.array_equal(found, seen(encoded(plain)))


def test_damage_is_written_to_no_log(capfd):
    """libtiff has a line for every row."""
    rows = [bytes((200, 7 * row % 256)) for row in range(64)]
    with pytest.raises(reading.ImageError):
        reading.decode(in_parts((64, 64), (64, 1), rows, compression=8))
    assert capfd.readouterr() == ("", "")
