"""No picture file, however it is made, takes much time or memory to read.

Several at once take little more than one.
"""

import functools
import io
import lzma
import random
import struct
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.hostile.files import chunk, noted
from tests.vae.images.appetite import MOST_UNITS, Cost, costs
from tests.vae.images.drawn import FIVE, encoded
from tests.vae.images.tiff import PICTURES, in_parts, tiff

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
SIDE = 7000  # 49 megapixels


def seven() -> bytes:
    """One large 7 on an ordinary screenshot."""
    screen = Image.new("RGB", (1920, 1080), "white")
    ImageDraw.Draw(screen).line([(560, 60), (1360, 60), (860, 1020)], fill=0, width=50)
    return encoded(screen)


def sticks() -> bytes:
    """56 long thin strokes side by side, all within one another's boxes."""
    picture = Image.new("L", (894, 894), 255)
    for place in range(56):
        ImageDraw.Draw(picture).line(
            [(60 + 7 * place, 820), (440 + 7 * place, 70)], fill=0, width=2
        )
    return encoded(picture)


def rings() -> bytes:
    """Shapes within shapes, as many as there is room for."""
    rows, columns = np.mgrid[:894, :894] - 447
    return encoded(
        Image.fromarray(np.where(np.hypot(rows, columns) % 14 < 7, 0, 255).astype(np.uint8))
    )


def png(bits: int, colour: int, samples: int, extra: bytes = b"") -> bytes:
    """49 megapixels of zeros."""
    packer, row = zlib.compressobj(1), bytes(1 + SIDE * samples * bits // 8)
    pixels = b"".join(packer.compress(row) for _ in range(SIDE)) + packer.flush()
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", pixels) + chunk(b"IEND")


def animation() -> bytes:
    """An animation whose first frame is to be wiped away after it was shown.

    Pillow holds what will be there then.
    """
    frame = struct.pack(">IIIIIHHBB", 0, SIDE, SIDE, 0, 0, 1, 1, 1, 0)
    return png(8, 6, 4, chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", frame))


def one_strip() -> bytes:
    """Four colours of 16 bits, 392 MB in a single strip.

    Refused by its header: there is no need for pixels.
    """
    return tiff((b"II", 2, (1,), 1, (16,) * 4, ()), SIDE, SIDE, b"")


def many_numbers() -> bytes:
    """A resolution of two million fractions, of each of which Pillow makes an object."""
    file = tiff((b"II", 1, (1,), 1, (8,), ()), 64, 64, bytes(4096))
    entries = struct.unpack_from("<H", file, 8)[0]
    more = file[10 : 10 + 12 * entries] + struct.pack("<HHII", 40_000, 5, 2_000_000, 8)
    return file[:8] + struct.pack("<H", entries + 1) + more + bytes(16_000_000)


def jpeg(**options) -> bytes:
    return encoded(Image.new("RGB", (SIDE, SIDE), "white"), "JPEG", **options)


def head_of_jpeg(mode: str, **options) -> bytes:
    """A progressive JPEG with 49 megapixels in its header.

    Refused by that: there is no need for pixels.
    """
    file = encoded(Image.new(mode, (64, 64)), "JPEG", progressive=True, **options)
    told = struct.pack(">HH", 64, 64)
    assert file.count(told) == 1
    return file.replace(told, struct.pack(">HH", SIDE, SIDE))


@functools.cache
def of_many_scans() -> bytes:
    """A JPEG whose last scan, which changes nothing, comes 90 times."""
    file = encoded(Image.new("L", (SIDE, SIDE), "white"), "JPEG", progressive=True, quality=75)
    last = file[file.rindex(b"\xff\xda\x00\x08\x01") : -2]
    return file[:-2] + last * 90 + b"\xff\xd9"


def jpeg_in_tiff() -> bytes:
    """A TIFF whose one strip is such a JPEG."""
    return tiff((b"II", 1, (1,), 1, (8,), ()), SIDE, SIDE, of_many_scans(), compression=7)


def large_dictionary() -> bytes:
    """35 megapixels of zeros, which LZMA unpacks from a dictionary larger than they are."""
    packer = {"id": lzma.FILTER_LZMA2, "dict_size": 1 << 27, "mode": lzma.MODE_FAST}
    packer |= {"mf": lzma.MF_HC3, "nice_len": 273, "depth": 1}
    packed = lzma.compress(bytes(5900 * 5900 * 3), lzma.FORMAT_XZ, filters=[packer])
    return tiff((b"II", 2, (1,), 1, (8,) * 3, ()), 5900, 5900, packed, compression=34925)


ROWS = 147  # in one strip of 1 megapixel, of which 48 make a picture


def noise(*shape: int) -> np.ndarray:
    """Noise in few shades, with hardly a repetition: unpacking it costs the most for each byte."""
    return np.random.default_rng(0).integers(0, 6, shape, np.uint8)


def by_lzma(data: bytes) -> bytes:
    packer = {"id": lzma.FILTER_LZMA2, "dict_size": 4096, "mode": lzma.MODE_FAST}
    packer |= {"mf": lzma.MF_HC3, "nice_len": 5, "depth": 1}
    return lzma.compress(data, lzma.FORMAT_XZ, check=lzma.CHECK_NONE, filters=[packer])


@functools.cache
def strip_by_lzma() -> bytes:
    return by_lzma(noise(ROWS, SIDE).tobytes())


def strip_by_zstandard() -> bytes:
    """In three colours, packed by libtiff: Python's own packer is too young."""
    file = encoded(
        Image.fromarray(noise(ROWS, SIDE, 3)),
        "TIFF",
        compression="zstd",
        tiffinfo={278: ROWS},
    )
    with Image.open(io.BytesIO(file)) as image:
        (place,), (size,) = image.tag_v2[273], image.tag_v2[279]
    return file[place : place + size]


def noise_by_lzma(strips: int) -> bytes:
    return in_parts((SIDE, strips * ROWS), (SIDE, ROWS), [strip_by_lzma()] * strips, 34925)


def noise_by_zstandard(height: int) -> bytes:
    """TIFF with as much packed noise as a file may hold."""
    strips = [strip_by_zstandard()] * 15
    strips += [bytes(1)] * (-(-height // ROWS) - len(strips))
    return in_parts((SIDE, height), (SIDE, ROWS), strips, 50000, samples=3)


def beside_the_picture() -> bytes:
    """438 tiles that are 28 times as high as the picture."""
    return in_parts((SIDE, SIDE), (16, 200_000), [zlib.compress(bytes(3_200_000))], 8)


def two_heights() -> bytes:
    """The same, but that its tiles are said to be as high as the picture in another place.

    Pillow believes the last one, libtiff the first.
    """
    file = beside_the_picture()
    end = 10 + 12 * struct.unpack_from("<H", file, 8)[0]
    head = file[:8] + struct.pack("<H", (end - 10) // 12 + 1) + file[10:end]
    head += struct.pack("<HHII", 323, 4, 1, 7008)
    return head + file[end + 12 :]


def many_tiles() -> bytes:
    """58,000 tiles: each begins anew."""
    return in_parts((3840, 3840), (16, 16), [by_lzma(bytes(256))], 34925)


def lossy_webp(megabytes: int) -> bytes:
    """15 megapixels in a file of so many bytes."""
    file = encoded(Image.new("RGB", (3872, 3872), "red"), "WEBP", method=0)
    more = file[12:] + b"none" + struct.pack("<I", megabytes * 10**6) + bytes(megabytes * 10**6)
    return b"RIFF" + struct.pack("<I", 4 + len(more)) + b"WEBP" + more


def ordinary_jpeg_in_tiff() -> bytes:
    """A TIFF as scanners make it: many strips, each a JPEG."""
    buffer = io.BytesIO()
    picture = Image.new("L", (3000, 4000), "white")
    ImageDraw.Draw(picture).line([(1500, 800), (1500, 3200)], fill=0, width=200)
    picture.save(buffer, "TIFF", compression="jpeg", tiffinfo={278: 16})
    return buffer.getvalue()


FILES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a line across a strip": (
        "read",
        lambda: (PICTURES / "28_line_across_strip_45to1.png").read_bytes(),
    ),
    "a 7 on a screenshot": ("read", seven),
    "sticks": ("read", sticks),
    "rings": ("too_much_ink", rings),
    "JPEG with EXIF that points at itself": (
        "read",
        lambda: noted(encoded(FIVE, "JPEG"), random.Random(1)),
    ),
    "PNG with EXIF that points at itself": ("read", lambda: noted(encoded(FIVE), random.Random(1))),
    "TIFF whose entries all point at itself": (
        "too_slow",
        lambda: noted(b"none", random.Random(1)),
    ),
    "TIFF of two million fractions": ("too_slow", many_numbers),
    "49 megapixels, a strip of 392 MB": ("too_many_pixels", one_strip),
    "JPEG of a hundred scans": ("too_slow", of_many_scans),
    "TIFF with a JPEG of a hundred scans": ("too_slow", jpeg_in_tiff),
    "TIFF with JPEGs in 250 strips": ("read", ordinary_jpeg_in_tiff),
    "TIFF with a large dictionary": ("too_many_pixels", large_dictionary),
    "TIFF of noise by LZMA": ("too_slow", lambda: noise_by_lzma(47)),
    "TIFF of less noise by LZMA": ("no_ink", lambda: noise_by_lzma(24)),
    "TIFF of noise by Zstandard": ("too_slow", lambda: noise_by_zstandard(SIDE)),
    "TIFF of less noise by Zstandard": ("no_ink", lambda: noise_by_zstandard(15 * ROWS)),
    "TIFF with tiles beside the picture": ("too_slow", beside_the_picture),
    "TIFF that gives its tiles two heights": ("damaged", two_heights),
    "TIFF of many tiles": ("too_slow", many_tiles),
    "49 megapixels with opacity": ("no_ink", lambda: png(8, 6, 4)),
    "49 megapixels, 16 bits": ("no_ink", lambda: png(16, 0, 1)),
    "49 megapixels, animated": ("no_ink", animation),
    "49 megapixels, progressive": ("no_ink", lambda: jpeg(progressive=True, quality=50)),
    "49 megapixels, progressive, every colour in full": (
        "too_many_pixels",
        lambda: head_of_jpeg("RGB", subsampling=0),
    ),
    "49 megapixels, progressive, four colours": (
        "too_many_pixels",
        lambda: head_of_jpeg("CMYK"),
    ),
    "15 megapixels, WebP": (
        "no_ink",
        lambda: encoded(Image.new("RGBA", (3872, 3872), "red"), "WEBP", method=0),
    ),
    "17 megapixels, WebP": (
        "too_many_pixels",
        lambda: encoded(Image.new("RGB", (4120, 4120), "red"), "WEBP", method=0),
    ),
    "15 megapixels, WebP of many bytes": ("too_slow", lambda: lossy_webp(14)),
    "15 megapixels, AVIF": (
        "no_ink",
        lambda: encoded(Image.new("RGBA", (3872, 3872), "red"), "AVIF", speed=10),
    ),
}


# By file that takes much memory: the kinds of models that read it at once, and what comes of it.
AT_ONCE = {
    "a 7 on a screenshot": (("ink",) * 12, "read"),
    "15 megapixels, WebP": (("ink", "garment", "photo") * 4, "no_garment no_ink read"),
}


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[tuple[str, int], Cost]:
    """The cost by file and number at once. Several at once are read first."""
    folder = tmp_path_factory.mktemp("costly")
    for name, (_, make) in FILES.items():
        (folder / name).write_bytes(make())
    jobs = [(name, kinds) for name, (kinds, _) in AT_ONCE.items()]
    jobs += [(name, ("ink",)) for name in FILES]
    found = costs([(kinds, folder / name) for name, kinds in jobs])
    return {(name, len(kinds)): cost for (name, kinds), cost in zip(jobs, found, strict=True)}


@pytest.mark.parametrize("name", FILES)
def test_no_file_takes_much_memory_or_time(name, measured):
    """Measured here, a core for itself: all below 1.4 s and 250 MB.

    Before there were limits, a strip took 27 s and 6.9 GB, sticks 55 s. No machine's speed decides:
    what counts is how many small pictures it could have decoded meanwhile.
    """
    cost = measured[name, 1]
    assert cost.code == FILES[name][0]
    assert cost.megabytes < 300
    assert cost.units < MOST_UNITS


@pytest.mark.parametrize("name", ["a line across a strip", "a 7 on a screenshot"])
def test_a_digit_however_long_takes_less_memory_than_a_photo(name, measured):
    assert measured[name, 1].megabytes < 150


@pytest.mark.parametrize("name", AT_ONCE)
def test_twelve_at_once_take_little_more_memory_than_one(name, measured):
    kinds, code = AT_ONCE[name]
    one, several = measured[name, 1], measured[name, len(kinds)]
    assert several.code == code
    assert several.megabytes < one.megabytes + 150 < len(kinds) * one.megabytes
