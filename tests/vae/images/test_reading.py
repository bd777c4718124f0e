"""Every kind of file is read, and what can't be read is refused in one clear sentence.

All files are made here.
"""

import dataclasses
import re
import struct
import threading
import time
import traceback
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.vae.images.drawn import CONFIG, DIGITS, FIVE, alike, draw, encoded, photo, refusal, seen
from vae.images import reading
from vae.images.reading import ERROR_SENTENCES, ImageError

KINDS = ["PNG", "JPEG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_read(kind, five):
    assert np.abs(seen(encoded(FIVE.convert("RGB"), kind)) - five).max() < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
@pytest.mark.parametrize(
    ("orientation", "as_stored"), [(3, "ROTATE_180"), (6, "ROTATE_90"), (8, "ROTATE_270")]
)
def test_a_camera_held_sideways_makes_no_difference(kind, orientation, as_stored, five):
    notes = Image.Exif()
    notes[0x0112] = orientation
    stored = FIVE.convert("RGB").transpose(Image.Transpose[as_stored])
    assert np.abs(seen(encoded(stored, kind, exif=notes)) - five).max() < 0.1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_of_an_animation_the_first_frame_is_read(kind, five):
    frames = [FIVE.convert("RGB"), Image.new("RGB", FIVE.size, "white")]
    assert (
        np.abs(seen(encoded(frames[0], kind, save_all=True, append_images=frames[1:])) - five).max()
        < 0.1
    )


def test_all_depths_and_colour_models_are_read(five):
    grey = np.asarray(FIVE)
    ink = 255 - grey
    palette = FIVE.convert("P")
    files = {
        "1 bit": encoded(FIVE.convert("1", dither=Image.Dither.NONE)),
        "16 bits": encoded(Image.fromarray(grey.astype(np.uint16) * 257)),
        "12 of 16 bits": encoded(Image.fromarray(grey.astype(np.uint16) * 16), "TIFF"),
        "32 bits": encoded(Image.fromarray(grey.astype(np.int32) * 70_000), "TIFF"),
        "fractions": encoded(Image.fromarray(grey.astype(np.float32) / 255), "TIFF"),
        "CMYK JPEG": encoded(FIVE.convert("CMYK"), "JPEG"),
        "CMYK TIFF": encoded(FIVE.convert("CMYK"), "TIFF"),
        "palette": encoded(palette),
        "palette with a transparent entry": encoded(palette, transparency=255),
        "grey with a transparent tone": encoded(FIVE, transparency=255),
        "transparent GIF": encoded(palette, "GIF", transparency=255),
        "grey with opacity": encoded(
            Image.merge("LA", (Image.new("L", FIVE.size), Image.fromarray(ink)))
        ),
    }
    for name, file in files.items():
        assert np.abs(seen(file) - five).max() < 0.1, name


@pytest.mark.parametrize("ink", ["black", "white", "yellow", "navy"])
def test_ink_on_a_transparent_picture_is_seen_whatever_its_colour(ink, five):
    picture = Image.new("RGBA", FIVE.size, ink)
    picture.putalpha(FIVE.point(lambda tone: 255 - tone))
    assert alike(seen(encoded(picture)), five) > 0.99
    assert alike(seen(encoded(picture, "WEBP", lossless=True)), five) > 0.99


def test_paper_with_transparent_corners_stays_paper(five):
    picture = FIVE.convert("RGB")
    mask = Image.new("L", FIVE.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((5, 5, 275, 275), 40, fill=255)
    picture.putalpha(mask)
    assert alike(seen(encoded(picture)), five) > 0.99


# --- what can't be read


def chunk(name, data=b""):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def blank(width, height):
    """A small PNG of many black pixels, one bit each."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + width // 8) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND")


def noise(*shape):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


WHOLE = {kind: encoded(FIVE.convert("RGB"), kind) for kind in KINDS}

REFUSED = {
    "nothing": ("empty", lambda: b""),
    "text": ("not_a_picture", lambda: b"Dear teacher, my picture is attached."),
    "a web page": ("not_a_picture", lambda: b"<!doctype html><html><body>404</body></html>"),
    "SVG": (
        "not_a_picture",
        lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L9 9"/></svg>',
    ),
    "PDF": ("not_a_picture", lambda: encoded(FIVE, "PDF")),
    "PostScript": ("not_a_picture", lambda: encoded(FIVE, "EPS")),
    "a ZIP": ("not_a_picture", lambda: b"PK\x03\x04" + bytes(100)),
    "zeros": ("not_a_picture", lambda: bytes(10_000)),
    "too large a file": ("too_many_bytes", lambda: WHOLE["PNG"] + bytes(reading.MAX_BYTES)),
    "51 megapixels": ("too_many_pixels", lambda: blank(10_000, 5_100)),
    "90 megapixels, of which Pillow warns": ("too_many_pixels", lambda: blank(10_000, 9_000)),
    "400 megapixels, which Pillow refuses": ("too_many_pixels", lambda: blank(20_000, 20_000)),
    "one pixel": ("too_small", lambda: encoded(Image.new("L", (1, 1)))),
    "one pixel wide": ("too_small", lambda: encoded(Image.new("L", (1, 500), 255))),
    "seven pixels": ("too_small", lambda: encoded(Image.new("L", (7, 7), 255))),
    "a strip": ("too_small", lambda: encoded(Image.new("L", (4_000_000, 10), 255))),
    "white": ("no_ink", lambda: encoded(Image.new("L", (300, 200), 255))),
    "black": ("no_ink", lambda: encoded(Image.new("L", (28, 28), 0))),
    "red": ("no_ink", lambda: encoded(Image.new("RGB", (640, 480), "red"), "JPEG")),
    "transparent": ("no_ink", lambda: encoded(Image.new("RGBA", (300, 200)))),
    "empty paper in bad light": (
        "no_ink",
        lambda: photo(0, ink=(235, 232, 225), vignette=0.5, shadow=0.4, edge=0.2),
    ),
    "noise": ("too_much_ink", lambda: encoded(noise(400, 400))),
    **{
        f"half a {kind}": ("damaged", lambda file=file: file[: len(file) // 2])
        for kind, file in WHOLE.items()
    },
    "PNG that breaks off in its header": ("damaged", lambda: WHOLE["PNG"][:20]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(name):
    code, make = REFUSED[name]
    error = refusal(make())
    assert error.code == code
    assert str(error) == ERROR_SENTENCES[code].format(**error.details)
    assert str(error).count(". ") == 0
    assert str(error).endswith(".")


def test_a_page_of_noise_is_refused_or_read_but_never_a_crash():
    for shape in [(9, 60), (60, 60, 3), (500, 300, 3)]:
        outcome(encoded(noise(*shape)))


SCANS = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" * 1000
GIF = WHOLE["GIF"]
GIF_HEADER = 13 + 3 * (2 << (GIF[10] & 7))
STRIPS = struct.pack("<HHIIHHIIHHII", 256, 4, 1, 40, 257, 4, 1, 1000, 273, 4, 4_000_000, 50)
SLOW = {
    "PNG of a million empty chunks": lambda: (
        WHOLE["PNG"][:33] + chunk(b"prVt") * 1_000_000 + WHOLE["PNG"][33:]
    ),
    "JPEG of a million comments": lambda: (
        WHOLE["JPEG"][:2] + b"\xff\xfe\x00\x02" * 4_000_000 + WHOLE["JPEG"][2:]
    ),
    "GIF of a million comments": lambda: (
        GIF[:GIF_HEADER] + b"\x21\xfe\x01a\x00" * 3_000_000 + GIF[GIF_HEADER:]
    ),
    "JPEG of a thousand scans": lambda: (
        encoded(FIVE, "JPEG", progressive=True)[:-2] + SCANS + b"\xff\xd9"
    ),
    "TIFF of four million strips": lambda: (
        b"II*\x00\x08\x00\x00\x00\x03\x00" + STRIPS + bytes(16_000_000)
    ),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_file_made_to_take_long_is_given_up(name):
    """It is given up after so many reads, however fast the machine.

    Without that limit some of these files would take minutes.
    """
    file = SLOW[name]()
    start = time.thread_time()
    assert refusal(file).code == "too_slow"
    assert time.thread_time() - start < 20


def test_a_file_whose_decoding_takes_too_long_is_given_up(monkeypatch):
    """The limit is one of computing: whoever waits for his turn loses nothing by it."""
    file = encoded(noise(1000, 1000, 3))
    monkeypatch.setattr(reading, "DECODING_SECONDS", 0.0)
    assert refusal(file).code == "too_slow"


def outcome(file):
    """The code of the refusal, or "" for a picture that was read; anything else fails the test."""
    try:
        image = reading.read(file, CONFIG).image
    except ImageError as error:
        return error.code
    assert image.shape == (1, 28, 28)
    assert 0 <= image.min() <= image.max() <= 1
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_give_a_picture_or_a_sentence(kind):
    file = encoded(draw(DIGITS[5], (64, 64), pen=5).convert("RGB"), kind)
    random = np.random.default_rng(0)
    for attempt in range(24):
        broken = bytearray(file)
        for place in random.integers(
            0, min(len(file), 400) if attempt % 2 else len(file), random.integers(1, 10)
        ):
            broken[place] = random.integers(256)
        outcome(bytes(broken[: random.integers(len(file))] if attempt % 4 == 0 else broken))


def test_a_heic_whose_frame_is_larger_than_announced_is_refused_unseen(monkeypatch):
    """64 × 64 in its table of contents, a megapixel in the frame."""
    file = encoded(Image.new("RGB", (1000, 1000), "red"), "HEIF", quality=10)
    lying, places = re.subn(
        rb"(ispe\0{4}).{8}",
        lambda found: found[1] + struct.pack(">II", 64, 64),
        file,
        flags=re.DOTALL,
    )
    assert places == 1
    unpacked = []
    monkeypatch.setattr(reading, "_shrink", unpacked.append)
    assert refusal(lying).code == "damaged"
    assert not unpacked


# --- manners


def test_a_class_that_uploads_at_once_gets_what_each_would_get_alone(five):
    files = [encoded(draw(DIGITS[digit])) for digit in range(6)]
    alone = [seen(file) for file in files]
    together = [None] * len(files)

    def upload(index):
        together[index] = seen(files[index])

    threads = [threading.Thread(target=upload, args=(index,)) for index in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_only_one_picture_is_unpacked_or_viewed_at_a_time(monkeypatch):
    """This holds for whichever of the two a page asks for.

    More threads than one would each keep memory of their own.
    """
    inside, most = [], []

    def watched(work):
        def watching(*arguments):
            inside.append(threading.current_thread())
            most.append(len(inside))
            time.sleep(0.02)
            try:
                return work(*arguments)
            finally:
                inside.pop()

        return watching

    for name in ("_decode", "_view"):
        monkeypatch.setattr(reading, name, watched(getattr(reading, name)))
    file = encoded(FIVE)
    picture = reading.decode(file)
    threads = [
        threading.Thread(target=work, args=arguments)
        for work, arguments in [
            (reading.read, (file, CONFIG)),
            (reading.view, (picture, CONFIG)),
            (reading.decode, (file,)),
        ]
        * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 1 + 3 * (2 + 1 + 1)
    assert max(most) == 1


def test_an_error_keeps_neither_the_file_nor_what_was_made_of_it():
    with pytest.raises(ImageError) as caught:
        reading.decode(WHOLE["PNG"][:200])
    error = caught.value
    assert error.__cause__ is error.__context__ is None
    frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert "_decode" not in frames


def test_nothing_of_pillows_or_pythons_settings_is_changed():
    before = Image.MAX_IMAGE_PIXELS, warnings.filters[:]
    outcome(blank(10_000, 9_000))
    outcome(WHOLE["HEIF"])
    assert (Image.MAX_IMAGE_PIXELS, warnings.filters) == before


def test_a_model_without_colour_gets_the_luminance_of_a_photo():
    red = Image.new("RGB", (28, 28), (255, 0, 0))
    view = reading.read(encoded(red), dataclasses.replace(CONFIG, preprocess="photo"))
    assert view.image.shape == (1, 28, 28)
    assert view.image.unique().tolist() == pytest.approx([76 / 255])
