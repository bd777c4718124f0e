"""TIFF in every order of bytes and layout of colours that Pillow knows; the small copy of a scan
that was called damaged."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin
from scipy import ndimage

from tests.vae.drawn import FIVE, alike, encoded, seen
from vae import images

PICTURES = Path(__file__).parent / "pictures"
NOT_BY_PILLOW = {
    ("L", "L;IR"),
    ("P", "P;1R"),
    ("P", "P;2R"),
    ("P", "P;4R"),
}  # it lists them, and has no decoder
LAYOUTS = [
    layout
    for layout, modes in TiffImagePlugin.OPEN_INFO.items()
    if modes not in NOT_BY_PILLOW and layout[1:] != (6, (1,), 1, (8, 8, 8), ())
]  # which is in truth a JPEG


def tiff(layout: tuple, height: int, width: int, data: bytes) -> bytes:
    """An uncompressed TIFF in one strip."""
    mark, photometric, sample_format, fill_order, bits, extra = layout
    order = "<" if mark == b"II" else ">"
    tags = {
        256: (width,),
        257: (height,),
        258: bits,
        259: (1,),
        262: (photometric,),
        266: (fill_order,),
        273: (0,),
        277: (len(bits),),
        278: (height,),
        279: (len(data),),
        338: extra,
        339: sample_format * len(bits),
    }
    if photometric == 3:
        tags[320] = tuple(
            65535 * entry // 2 ** bits[0]
            for entry in range(3 * 2 ** bits[0])
            if entry < 3 * 2 ** bits[0]
        )
        tags[320] = tuple(value % 65536 for value in tags[320])
    tags = {tag: values for tag, values in sorted(tags.items()) if values}
    place = 8 + 2 + 12 * len(tags) + 4
    lists = {
        tag: struct.pack(f"{order}{len(values)}I", *values)
        for tag, values in tags.items()
        if len(values) > 1
    }
    start = place + sum(map(len, lists.values()))
    directory = struct.pack(order + "H", len(tags))
    for tag, values in tags.items():
        value = start if tag == 273 else place if tag in lists else values[0]
        place += len(lists.get(tag, b""))
        directory += struct.pack(order + "HHII", tag, 4, len(values), value)
    return (
        mark
        + struct.pack(order + "HI", 42, 8)
        + directory
        + bytes(4)
        + b"".join(lists.values())
        + data
    )


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_that_pillow_reads_is_read(layout):
    random = np.random.default_rng(0)
    data = random.integers(0, 256, 12 * -(-16 * sum(layout[4]) // 8), dtype=np.uint8).tobytes()
    file = tiff(layout, 12, 16, data)
    Image.open(io.BytesIO(file)).load()
    assert images.opened(file).shape == (12, 16, 3)


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
    assert images.opened(encoded(Image.fromarray(numbers), "TIFF")).shape == (280, 280, 3)
    numbers[:3] = np.inf
    assert images.opened(encoded(Image.fromarray(numbers), "TIFF")).shape == (280, 280, 3)


def test_the_scanned_8_of_16_bits_in_motorolas_order_is_an_8():
    file = (PICTURES / "11_scan_16bit_motorola.tif").read_bytes()
    found = seen(file)
    _, parts = ndimage.label(found < 0.5)
    assert parts == 3  # around it and in its two rings
    with Image.open(io.BytesIO(file)) as scan:
        assert scan.mode == "I;16B"
        plain = Image.fromarray((np.asarray(scan) // 257).astype(np.uint8))
    assert np.array_equal(found, seen(encoded(plain)))
