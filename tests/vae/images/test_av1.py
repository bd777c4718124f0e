"""How large the frames of an AVIF are, whatever its table of contents says."""

import io
import struct

import pytest
from PIL import Image

import vae
from vae.images import av1, headers


def encoded(width: int, height: int, **options) -> bytes:
    buffer = io.BytesIO()
    options = {"speed": 10} | options
    Image.new("RGB", (width, height), (200, 30, 90)).save(buffer, "AVIF", **options)
    return buffer.getvalue()


def lying(file: bytes, width: int, height: int) -> bytes:
    """The file with its frames announced as 64 × 64 pixels."""
    changed = file.replace(struct.pack(">II", width, height), struct.pack(">II", 64, 64))
    assert changed != file
    return changed


@pytest.mark.parametrize(
    ("width", "height"), [(64, 64), (65, 1), (300, 200), (513, 1025), (1920, 1080), (4032, 3024)]
)
def test_the_pixels_are_those_of_the_picture(width, height):
    file = encoded(max(16, width), max(16, height))
    found = av1.frame_pixels(file, headers._box_contents(file))
    pixels = max(16, width) * max(16, height)
    assert pixels <= found < 1.01 * pixels  # no number is wider than it has to be


def test_an_animation_is_looked_at_too():
    file = encoded(
        320, 240, save_all=True, append_images=[Image.new("RGB", (320, 240))], duration=100
    )
    assert av1.frame_pixels(file, headers._box_contents(file)) >= 320 * 240
    assert vae.images.decode(file).shape == (240, 320, 3)


@pytest.mark.parametrize(
    "options", [{}, {"save_all": True, "append_images": [Image.new("RGB", (4800, 3600))]}]
)
def test_frames_that_are_larger_than_announced_are_refused_unseen(options):
    file = lying(encoded(4800, 3600, **options), 4800, 3600)
    with pytest.raises(vae.ImageError) as refused:
        vae.images.decode(file)
    assert refused.value.code == "too_many_pixels"


def test_one_with_notes_of_a_camera_is_read():
    notes = Image.Exif()
    notes[0x0112] = 6
    notes[0x010F] = "a camera"
    file = encoded(
        320,
        240,
        exif=notes.tobytes(),
        xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>",
        quality=60,
    )
    assert sorted(vae.images.decode(file).shape) == [3, 240, 320]


def test_without_a_header_it_is_damaged():
    file = encoded(64, 64)
    contents = headers._box_contents(file)
    with pytest.raises(ValueError, match="no sequence header"):
        av1.frame_pixels(bytes(len(file)), contents)
