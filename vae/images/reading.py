"""From an untrusted file to what the model sees, step by step.

`read` takes the bytes of a picture as a student uploads, draws or photographs it, and either
answers with a View or raises an ImageError whose one sentence names what is wrong and what would
work. Nothing else comes out of it, whatever the bytes are: size and cost are known before a pixel
is decoded (`vae.images.headers`), the picture is made small as soon as it is decoded, one that
takes too long is refused, and only one is decoded or viewed at a time in the whole process.
"""

import contextlib
import ctypes
import functools
import io
import math
import os
import re
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, _imaging
from PIL.JpegImagePlugin import JpegImageFile

from vae.images import digit, framing, garment, headers
from vae.images.errors import ERROR_SENTENCES, ImageError
from vae.images.framing import WHOLE, Framing
from vae.model import VAEConfig

__all__ = [
    "ERROR_SENTENCES",
    "MAX_BYTES",
    "MAX_PIXELS",
    "Framing",
    "ImageError",
    "Step",
    "View",
    "decode",
    "read",
    "view",
]

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
MIN_SIDE = 8  # pixels; a digit needs them
MAX_ASPECT = 50  # ratio of the longer side to the shorter
WORKING_PIXELS = 800_000  # a thin pen line in a phone's photo is still about a pixel wide
DECODING_SECONDS = 1.5  # of processor time
MAX_READS = 200_000  # from one file; a sound one of 20 MB takes a few thousand
# bytes read, as a multiple of the file's length: metadata entries may all point to the same bytes
MAX_READ_FACTOR = 6
FORMATS = ("PNG", "JPEG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF")

_UPRIGHT = {  # the transposition that undoes each value of EXIF's orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIGNATURES = re.compile(
    rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|....ftyp(hei|hev|mif1|msf1|avi[fs])|GIF8|BM|II\*\0|MM\0\*",
    re.DOTALL,
)
_ORIENTATION_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')

Result = TypeVar("Result")
Pipeline = Callable[[np.ndarray, int, int, Framing], list[tuple[str, np.ndarray]]]
_PIPELINES: dict[str, Pipeline] = {
    # a digit is found without a framing by hand
    "ink": lambda picture, height, width, _: digit.digit(picture, height, width),
    "garment": garment.garment,
    "photo": framing.framed,
}


@dataclass(frozen=True)
class Step:
    """One stage on the way from the file to the model.

    name: stable key, translated by the app: "file", "grey", "ink", "cut_out", "light", "cropped",
    "centred", "small". image: (H, W) grey or (H, W, 3) colour, uint8, ready to display.
    """

    name: str
    image: np.ndarray


@dataclass(frozen=True)
class View:
    """What the model sees, and how it came about.

    image: (C, H, W) float32 in [0, 1], grey or colour; binarising is done elsewhere. steps: the
    stages in order, from the upright file, made small, to the picture that `image` holds.
    """

    image: torch.Tensor
    steps: tuple[Step, ...]


def read(file: bytes, config: VAEConfig, framing: Framing = WHOLE) -> View:
    """Read a file's bytes into a View for the model with this config.

    The config's image_shape and preprocess count. Reads PNG, JPEG, WebP, HEIC, AVIF, GIF, BMP and
    TIFF, of an animation the first frame. A picture that is in the data set's own form already
    comes through unchanged. framing: which part of a photo; a garment is found anywhere and uses
    only `mirrored`, a digit is found anywhere and uses nothing of it. Raises ImageError, and
    nothing else, for bytes it can't use.
    """
    return view(decode(file), config, framing)


def view(picture: np.ndarray, config: VAEConfig, framing: Framing = WHOLE) -> View:
    """A View of a picture that `decode` has returned: another framing needs no decoding.

    Raises ImageError as `read` does.
    """
    return _run_in_worker(_view, picture, config, framing)


def _view(picture: np.ndarray, config: VAEConfig, framing: Framing) -> View:
    channels, height, width = config.image_shape
    steps = [Step("file", picture)] + [
        Step(*stage) for stage in _PIPELINES[config.preprocess](picture, height, width, framing)
    ]
    return View(image=_tensor(steps[-1].image, channels), steps=tuple(steps))


def _tensor(picture: np.ndarray, channels: int) -> torch.Tensor:
    """(H, W) or (H, W, 3) uint8 -> (channels, H, W) float32 in [0, 1].

    A model without colour gets a photo's luminance.
    """
    if picture.ndim == 3 and channels == 1:
        picture = np.asarray(Image.fromarray(picture).convert("L"))
    planes = np.atleast_3d(picture).transpose(2, 0, 1).astype(np.float32) / 255
    return torch.from_numpy(planes).expand(channels, -1, -1).contiguous()


# --- one worker thread


def _run_in_worker(work: Callable[..., Result], *arguments: object) -> Result:
    """The result of the work, done by one worker thread for the whole process.

    One picture at a time, because a class must not need the memory of thirty. Always the same
    thread, because the allocator keeps freed memory for the thread that used it.
    """
    result = _worker().submit(_result_or_error, work, arguments).result()
    if isinstance(result, ImageError):
        raise result
    return result


@functools.cache
def _worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "pictures")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_worker.cache_clear)  # a fork has no threads


def _result_or_error(work: Callable[..., Result], arguments: tuple) -> Result | ImageError:
    """The result of the work, or the error that it raised, without its traceback.

    The traceback would keep the file in memory as long as the error.
    """
    try:
        return work(*arguments)
    except ImageError as error:
        return ImageError(error.code, **error.details)


# --- from bytes to a small, upright picture without transparency


def decode(file: bytes) -> np.ndarray:
    """The picture (H, W, 3) uint8: upright, at most WORKING_PIXELS large, without transparency.

    Transparent pictures are laid on paper. Raises ImageError, and nothing else, for bytes that it
    can't use.
    """
    if not file:
        raise ImageError("empty")
    if len(file) > MAX_BYTES:
        raise ImageError(
            "too_many_bytes", megabytes=_megabytes(len(file)), limit_megabytes=_megabytes(MAX_BYTES)
        )
    return _run_in_worker(_decode, file)


def _decode(file: bytes) -> np.ndarray:
    _prepare_decoders()
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is refused or corrected here anyway
            warnings.simplefilter("ignore")
            return _lay_on_paper(np.asarray(_decode_small(file)))
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(MAX_PIXELS) from error
    except Exception as error:  # decoders of untrusted bytes raise anything
        raise ImageError("damaged" if _SIGNATURES.match(file) else "not_a_picture") from error


def _megabytes(count: int) -> float:
    return math.ceil(count / 1024 / 1024 * 10) / 10


def _too_many_pixels(limit: float) -> ImageError:
    return ImageError("too_many_pixels", limit_megapixels=int(limit) // 1_000_000)


def _decode_small(file: bytes) -> Image.Image:
    """The decoded picture in mode RGBa (colours multiplied by their opacity), upright and small."""
    file, exif = headers.strip_metadata(file)
    image = Image.open(_BoundedFile(file), formats=FORMATS)
    max_pixels = min(MAX_PIXELS, headers.MAX_MEMORY / headers.bytes_per_pixel(image))
    _check_size(image, max_pixels)
    headers.check_time(image, file)
    if isinstance(image, JpegImageFile):
        factor = _reduction_factor(image)
        image.draft(None, (image.width // factor, image.height // factor))
    image.load()
    if image.width * image.height > max_pixels:  # some headers lie
        raise _too_many_pixels(max_pixels)
    small, orientation = _shrink(image), _orientation(image, file, exif)
    return small.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else small


@functools.cache
def _prepare_decoders() -> None:
    import pillow_heif  # here, because it takes its time and the app should start without it

    pillow_heif.register_heif_opener()
    # libtiff logs a line for every damaged row: a megabyte for a file of a few bytes
    with contextlib.suppress(OSError, AttributeError):  # other builds go on logging
        libtiff = ctypes.CDLL(_imaging.__file__)  # a library that Pillow's module is linked with
        for handler in (libtiff.TIFFSetErrorHandler, libtiff.TIFFSetErrorHandlerExt):
            handler.restype = ctypes.c_void_p
            handler(None)


class _BoundedFile(io.BytesIO):
    """A file in memory with a time limit and a read limit.

    Pillow reads chunk after chunk in Python: a file of a million empty chunks would take a minute.
    """

    def __init__(self, file: bytes) -> None:
        super().__init__(file)
        self._end = time.thread_time() + DECODING_SECONDS
        self._reads, self._bytes = MAX_READS, MAX_READ_FACTOR * len(file) + 10_000_000

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0 or time.thread_time() > self._end:
            raise ImageError("too_slow")
        return data


def _check_size(image: Image.Image, max_pixels: float) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise _too_many_pixels(max_pixels)
    min_side = max(MIN_SIDE, math.ceil(max(width, height) / MAX_ASPECT))
    if min(width, height) < min_side:
        raise ImageError("too_small", width=width, height=height, least=min_side)


def _reduction_factor(image: Image.Image) -> int:
    """The largest factor by which each side can be divided so that WORKING_PIXELS remain."""
    return max(1, math.isqrt(image.width * image.height // WORKING_PIXELS))


def _shrink(image: Image.Image) -> Image.Image:
    """The picture in mode RGBa with at most WORKING_PIXELS, by averaging over areas.

    So thin lines fade but stay. Converted band by band, so that the large picture exists only
    once.
    """
    factor = _reduction_factor(image)
    white = _white_value(image)
    result = Image.new("RGBa", (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, 1_000_000 // (image.width * factor))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows)))
        result.paste(_reduce(band, factor, white), (0, top // factor))
    scale = math.sqrt(WORKING_PIXELS / (result.width * result.height))
    if scale >= 1:
        return result
    return result.resize(
        (max(1, int(result.width * scale)), max(1, int(result.height * scale))),
        Image.Resampling.BOX,
    )


def _white_value(image: Image.Image) -> float:
    """The value of white in greys of more than 8 bits, guessed, since the file does not tell."""
    if image.mode[0] not in "IF":
        return 255
    rows = max(1, 1_000_000 // image.width)
    bands = (
        image.crop((0, row, image.width, min(image.height, row + rows)))
        for row in range(0, image.height, rows)
    )
    # Pillow's getextrema does not know every byte order
    top = max(float(_finite_values(band).max()) for band in bands)
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next((white for white in usual if top <= white), top)


def _finite_values(band: Image.Image) -> np.ndarray:
    """The finite values (H, W) of a grey picture of more than 8 bits, in any byte order."""
    numbers = np.asarray(band)
    limit = float(np.finfo(np.float32).max)
    return (
        np.nan_to_num(numbers, posinf=limit, neginf=-limit)
        if numbers.dtype.kind == "f"
        else numbers
    )


def _reduce(band: Image.Image, factor: int, white: float) -> Image.Image:
    """Any of Pillow's modes -> RGBa, averaged over squares of factor by factor pixels."""
    if band.has_transparency_data:
        return band.convert("RGBA").convert("RGBa").reduce(factor)
    if band.mode[0] in "IF":
        grey = np.multiply(_finite_values(band), 255 / white, dtype=np.float32, casting="unsafe")
        band = Image.fromarray(np.clip(np.rint(grey, out=grey), 0, 255, out=grey).astype(np.uint8))
    elif band.mode == "LAB":
        band = band.getchannel("L")
    plain = band if band.mode == "L" else band.convert("RGB")
    return plain.reduce(factor).convert("RGBA").convert("RGBa")


def _orientation(image: Image.Image, file: bytes, exif: bytes) -> int:
    """The camera's orientation, 1 to 8, or 1 where the decoder has turned the picture already.

    exif: that of a JPEG.
    """
    if image.format == "TIFF":
        return 1
    # By its standard a HEIC is rotated by boxes of its own, which the decoder applies; it clears
    # the orientation in EXIF. Where a phone or an editor wrote EXIF alone, that counts.
    if image.format == "HEIF" and not re.search(b"irot|imir", file[:65536]):
        return image.info.get("original_orientation") or 1
    try:
        if text := image.info.get("Raw profile type exif"):  # of a PNG, as ImageMagick writes it
            exif = bytes.fromhex("".join(text.split("\n")[3:]))
        if orientation := headers.orientation(exif or image.info.get("exif") or b""):
            return orientation
        xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or b""
        match = _ORIENTATION_IN_XMP.search(xmp.encode() if isinstance(xmp, str) else xmp)
        return int(match[1]) if match else 1
    except (ValueError, TypeError, AttributeError):  # broken metadata beside a sound picture
        return 1


def _lay_on_paper(picture: np.ndarray) -> np.ndarray:
    """(H, W, 4) with opacity -> (H, W, 3), on a black or white background so that the ink shows.

    A drawing that covers most of the frame is paper, and the rest is filled to match it; one that
    covers little is ink, and gets a background of contrast.
    """
    colours, opacity = picture[..., :3], picture[..., 3:] / np.float32(255)
    if opacity.min() == 1:
        return np.ascontiguousarray(colours)
    is_bright = colours.mean() > 127 * opacity.mean()
    is_paper = opacity.mean() > 0.5
    paper = 255 if is_bright == is_paper else 0
    return np.rint(colours + (1 - opacity) * paper).astype(np.uint8)
