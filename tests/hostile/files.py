"""A seeded generator of hostile picture files.

    python -m tests.hostile.files SEED COUNT

Reads COUNT of them one after the other, as `vae.images.read` does for each kind of model, and
prints a line of JSON for each: what it was, and its cost (tests/vae/images/appetite.py).
"""

import io
import json
import math
import random
import re
import struct
import sys
import zlib
from collections.abc import Callable
from dataclasses import asdict

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from pillow_heif import register_heif_opener

from tests.vae.images import appetite
from vae.images.framing import Framing

KINDS = ("PNG", "JPEG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF")
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "HEIF": ("L", "RGB", "RGBA"),
    "AVIF": ("L", "RGB", "RGBA"),
    "GIF": ("1", "L", "P", "RGB"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "YCbCr", "I;16", "I;16B", "I", "F"),
}


# --- pictures


def sides(dice: random.Random) -> tuple[int, int]:
    """Width and height: small, odd, very long, at most 960 pixels."""
    longer = int(8 * 120 ** dice.random())
    ratio = dice.choice((1, 1, 1.5, 8, 49, 51))
    size = longer, max(1, round(longer / ratio))
    return size if dice.random() < 0.5 else size[::-1]


def strokes(dice: random.Random, size: tuple[int, int]) -> Image.Image:
    """Few or very many lines, arcs and dots of any thickness, in any tones."""
    picture = Image.new("L", size, dice.choice((255, 230, 0, 128)))
    brush = ImageDraw.Draw(picture)
    for _ in range(dice.choice((1, 3, 30, 300))):
        ends = [
            (dice.randrange(size[0]), dice.randrange(size[1]))
            for _ in range(dice.choice((2, 2, 5)))
        ]
        box = (*np.min(ends, axis=0), *np.max(ends, axis=0))
        pen = dice.choice((1, 2, 5, max(size) // 20 + 1))
        if dice.random() < 0.3:
            brush.arc(
                tuple(map(int, box)),
                dice.randrange(360),
                dice.randrange(360),
                fill=dice.choice((0, 60, 255)),
                width=pen,
            )
        else:
            brush.line(ends, fill=dice.choice((0, 60, 255)), width=pen)
    return picture


def pattern(dice: random.Random, size: tuple[int, int]) -> Image.Image:
    """Stripes, rings, spirals and sticks: shapes that lie within one another.

    As many as there is room for.
    """
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32)
    pitch = dice.choice((2, 4, 7, 14, 40))
    radius = np.hypot(rows - size[1] / 2, columns - size[0] / 2)
    angle = np.arctan2(rows - size[1] / 2, columns - size[0] / 2)
    spiral = radius + pitch * angle / math.tau
    phase = dice.choice(
        (rows, columns, rows + columns, rows + dice.random() * columns, radius, spiral)
    )
    lines = phase % pitch < pitch * dice.choice((0.2, 0.5, 0.8))
    margin = dice.choice((0, 0.05, 0.2))
    lines &= (
        (rows > margin * size[1])
        & (rows < (1 - margin) * size[1])
        & (abs(angle) < dice.choice((4, 3)))
    )
    return Image.fromarray(
        np.where(lines, dice.choice((0, 40, 255)), dice.choice((255, 200, 0))).astype(np.uint8)
    )


def noise(dice: random.Random, size: tuple[int, int]) -> Image.Image:
    """Grain of any coarseness, dense or sparse."""
    grain = dice.choice((1, 1, 3, 10, 50))
    values = np.random.default_rng(dice.getrandbits(32)).random(
        (size[1] // grain + 1, size[0] // grain + 1)
    )
    values = values > dice.choice((0.5, 0.9, 0.99)) if dice.random() < 0.5 else values
    method = dice.choice((Image.Resampling.NEAREST, Image.Resampling.BICUBIC))
    return Image.fromarray((values * 255).astype(np.uint8)).resize(size, method)


def picture(dice: random.Random) -> Image.Image:
    """Grey, of any content."""
    drawn = dice.choice((strokes, strokes, pattern, pattern, noise))(dice, sides(dice))
    return drawn.filter(ImageFilter.GaussianBlur(3)) if dice.random() < 0.2 else drawn


def in_mode(drawn: Image.Image, mode: str, dice: random.Random) -> Image.Image:
    """The picture in any of Pillow's modes, also those it doesn't convert to."""
    if mode in ("I;16", "I;16B", "I", "F"):
        scale = dice.choice((1, 16, 257, 70_000))
        kind = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}[mode]
        numbers = np.asarray(drawn).astype(np.float64) * scale / dice.choice((1, 255))
        if mode == "F" and dice.random() < 0.3:
            numbers[::3] = dice.choice((np.nan, np.inf, -np.inf, -1e38))
        return Image.fromarray(np.clip(numbers, -2e9, 65535 if "16" in mode else 2e9).astype(kind))
    return drawn.convert("RGB").convert(mode) if mode == "LAB" else drawn.convert(mode)


def encoded(dice: random.Random, kind: str) -> bytes:
    """A sound file, with whatever this kind may carry."""
    drawn = in_mode(picture(dice), dice.choice(MODES[kind]), dice)
    options: dict = (
        {"quality": dice.choice((1, 40, 95))} if kind in ("JPEG", "WEBP", "HEIF", "AVIF") else {}
    )
    if kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF") and dice.random() < 0.4:
        notes = Image.Exif()
        notes[0x0112] = dice.randrange(10)
        notes[0x010E] = "x" * dice.choice((1, 60_000))
        options["exif"] = notes
    if kind == "JPEG":
        options |= {"progressive": dice.random() < 0.5, "comment": bytes(dice.choice((0, 60_000)))}
    elif kind == "TIFF":
        packed = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "lzma", "zstd")
        # of others the encoder may end the process
        packed += ("jpeg",) * (drawn.mode in ("L", "RGB"))
        options |= {"compression": dice.choice(packed)}
    elif kind == "AVIF":
        options |= {"speed": 9}
        # its encoder ends the process on smaller ones
        drawn = drawn.resize([max(16, side) for side in drawn.size])
    elif kind == "WEBP":
        options |= {"method": 0, "lossless": dice.random() < 0.5}
    if kind in ("PNG", "GIF", "WEBP", "TIFF") and dice.random() < 0.2:
        options |= {
            "save_all": True,
            "append_images": [drawn.transpose(Image.Transpose.ROTATE_180)] * dice.choice((1, 20)),
        }
    file = io.BytesIO()
    try:
        drawn.save(file, kind, **options)
    # Pillow does not write every mode with every option.
    except (
        OSError,
        ValueError,
        SystemError,
        RuntimeError,
        struct.error,
    ):
        file = io.BytesIO()
        drawn.convert("RGB").save(file, kind)
    return file.getvalue()


# --- what is done to their bytes


def chunk(name: bytes, data: bytes = b"") -> bytes:
    """A PNG's chunk with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def untouched(file: bytes, dice: random.Random) -> bytes:
    return file


def truncated(file: bytes, dice: random.Random) -> bytes:
    return file[: dice.randrange(len(file) + 1)]


def mutated(file: bytes, dice: random.Random) -> bytes:
    """A few bytes changed, near the beginning more often."""
    broken = bytearray(file)
    for _ in range(dice.choice((1, 4, 30))):
        broken[dice.randrange(min(len(file), dice.choice((100, 1000, len(file)))))] = dice.choice(
            (0, 255, dice.randrange(256))
        )
    return bytes(broken)


def spliced(file: bytes, dice: random.Random) -> bytes:
    """The head of one and the tail of another kind, or of itself."""
    other = dice.choice((file, encoded(dice, dice.choice(KINDS))))
    return file[: dice.randrange(len(file) + 1)] + other[dice.randrange(len(other) + 1) :]


def repeated(file: bytes, dice: random.Random) -> bytes:
    """A short part of it thousands of times."""
    start = dice.randrange(len(file))
    part = file[start : start + dice.choice((2, 5, 12, 60))]
    return file[:start] + part * dice.choice((100, 10_000, 50_000)) + file[start:]


def lying(file: bytes, dice: random.Random) -> bytes:
    """Another size in its header than it has, with a right checksum."""
    wide, high = (dice.choice((0, 1, 8, 100, 7000, 30_000, 65_535)) for _ in range(2))
    if file[:4] == b"\x89PNG":
        header = struct.pack(">II", wide, high) + file[24:29]
        return file[:8] + chunk(b"IHDR", header) + file[33:]
    if file[:3] == b"GIF":
        return file[:6] + struct.pack("<HH", wide, high) + file[10:]
    if file[:2] == b"BM":
        return file[:18] + struct.pack("<ii", wide, dice.choice((high, -high))) + file[26:]
    if file[:2] == b"\xff\xd8":
        size = struct.pack(">HH", high, wide)
        frame = rb"(\xff[\xc0-\xc2]\x00[\x0b\x11\x14]\x08)...."
        return re.sub(frame, lambda found: found[1] + size, file, count=1, flags=re.DOTALL)
    if file[4:8] == b"ftyp":
        size = struct.pack(">II", wide, high)
        return re.sub(rb"(ispe\0{4}).{8}", lambda found: found[1] + size, file, flags=re.DOTALL)
    if file[:4] == b"II*\0":
        number = struct.pack("<I", dice.choice((0, 1, 65_535, 2**31, 2**32 - 1)))
        tag = dice.choice((256, 257, 258, 273, 277, 278, 279, 320, 322))
        return re.sub(
            struct.pack("<H", tag) + rb"(..)(....)....",
            lambda found: (
                struct.pack("<H", tag) + found[1] + dice.choice((found[2], number)) + number
            ),
            file,
            count=1,
            flags=re.DOTALL,
        )
    return mutated(file, dice)


def noted(file: bytes, dice: random.Random) -> bytes:
    """With notes each of which points at all of them, as EXIF and the directory of a TIFF may."""
    entries, length = dice.choice(((4_000, 64_000), (60_000, 1_000_000)))
    directory = b"II*\0\x08\0\0\0" + struct.pack("<H", entries)
    directory += b"".join(
        struct.pack("<HHII", 1000 + entry, 7, length - 8, 8) for entry in range(entries)
    )
    notes = directory.ljust(length, b"\0")[:length]
    if file[:4] == b"\x89PNG":
        return file[:33] + chunk(b"eXIf", notes) + file[33:]
    if file[:2] == b"\xff\xd8":
        parts = [b"Exif\0\0" + notes[start : start + 65_000] for start in range(0, length, 65_000)]
        return (
            file[:2]
            + b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in parts)
            + file[2:]
        )
    return notes


CHANGES: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    untouched,
    untouched,
    truncated,
    mutated,
    mutated,
    spliced,
    repeated,
    lying,
    lying,
    noted,
)


def hostile(dice: random.Random) -> tuple[str, bytes]:
    """A file, and in words what it is."""
    kind, change = dice.choice(KINDS), dice.choice(CHANGES)
    return f"{change.__name__} {kind}", change(encoded(dice, kind), dice)


# --- what becomes of them


def main(seed: str, count: int) -> None:
    register_heif_opener()
    appetite.warm_up()
    for attempt in range(count):
        dice = random.Random(f"{seed} {attempt}")
        name, file = hostile(dice)
        kind = dice.choice(("ink", "ink", *appetite.MODELS))
        framing = Framing(
            zoom=dice.choice((1, 8)),
            across=dice.random(),
            down=dice.random(),
            mirrored=dice.random() < 0.5,
        )
        cost = appetite.cost(file, (kind,), framing)
        print(
            json.dumps(
                {
                    "attempt": attempt,
                    "name": name,
                    "length": len(file),
                    "kind": kind,
                    **asdict(cost),
                }
            ),
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
