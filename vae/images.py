"""An untrusted file -> what the model sees, step by step.

`read` takes the bytes of a picture as a student uploads, draws or photographs it, and either answers with a View or
raises an ImageError whose one sentence names what is wrong and what would work. Nothing else comes out of it, whatever
the bytes are: the size is known before a pixel is unpacked, the picture is made small as soon as it is unpacked, only
one is unpacked at a time, and one that takes too long is given up.
"""

import functools
import io
import math
import re
import struct
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from vae import garment, ink, photo
from vae.image_error import ERROR_SENTENCES, ImageError
from vae.model import VAEConfig
from vae.photo import WHOLE, Framing

__all__ = ["ERROR_SENTENCES", "MAX_BYTES", "MAX_PIXELS", "Framing", "ImageError", "Step", "View", "opened", "read", "view"]

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000
LEAST_SIDE = 8  # pixels; a digit needs them
LONGEST_STRIP = 50  # times as long as wide
WORKING_PIXELS = 800_000  # a thin pen line in a phone's photo is still about a pixel wide
DECODING_SECONDS = 2.5  # of computing, not waiting
MOST_SCANS = 40  # of a progressive JPEG; cameras write about ten, and each costs a pass over the whole picture
MOST_STRIPS = 100_000  # of a TIFF, which Pillow lists before it looks at the size
FORMATS = ("PNG", "JPEG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF")

_ORIENTATION = 0x0112  # the EXIF tag, and what undoes each of its values
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_BEGINNINGS = re.compile(
    rb"\x89PNG|\xff\xd8\xff|RIFF....WEBP|....ftyp(hei|hev|mif1|msf1|avi[fs])|GIF8|BM|II\*\0|MM\0\*", re.DOTALL
)
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
_ONE_AT_A_TIME = threading.Lock()  # a class that uploads at once must not need the memory of thirty pictures

Pipeline = Callable[[np.ndarray, int, int, Framing], list[tuple[str, np.ndarray]]]
_PIPELINES: dict[str, Pipeline] = {
    "ink": lambda picture, height, width, _: ink.digit(picture, height, width),  # finds its digit by itself
    "garment": garment.garment,
    "photo": photo.framed,
}


@dataclass(frozen=True)
class Step:
    """One stage on the way from the file to the model.

    name: stable key, translated by the app: "file", "grey", "ink", "cut_out", "light", "cropped", "centred", "small".
    image: (H, W) grey or (H, W, 3) colour, uint8, ready to display.
    """

    name: str
    image: np.ndarray


@dataclass(frozen=True)
class View:
    """What the model sees, and how it came about.

    image: (C, H, W) float32 in [0, 1], grey or colour; binarising is done elsewhere. steps: the stages in order, from the
    upright file, made small, to the picture that `image` holds.
    """

    image: torch.Tensor
    steps: tuple[Step, ...]


def read(file: bytes, config: VAEConfig, framing: Framing = WHOLE) -> View:
    """A file's bytes -> a View for the model with this config (its image_shape and preprocess).

    Reads PNG, JPEG, WebP, HEIC, AVIF, GIF, BMP and TIFF, of an animation the first frame. A picture that is in the data
    set's own form already comes through unchanged. framing: which part of a photo; a garment is found anywhere and heeds
    only `mirrored`, a digit nothing of it. Raises ImageError, and nothing else, for bytes it can't use.
    """
    return view(opened(file), config, framing)


def view(picture: np.ndarray, config: VAEConfig, framing: Framing = WHOLE) -> View:
    """The same for a picture that `opened` has given: framing it anew costs no decoding. Raises ImageError as `read` does."""
    channels, height, width = config.image_shape
    steps = [Step("file", picture)] + [Step(*stage) for stage in _PIPELINES[config.preprocess](picture, height, width, framing)]
    return View(image=_tensor(steps[-1].image, channels), steps=tuple(steps))


def _tensor(picture: np.ndarray, channels: int) -> torch.Tensor:
    """(H, W) or (H, W, 3) uint8 -> (channels, H, W) float32 in [0, 1]; luminance where a model without colour gets a photo."""
    if picture.ndim == 3 and channels == 1:
        picture = np.asarray(Image.fromarray(picture).convert("L"))
    planes = np.atleast_3d(picture).transpose(2, 0, 1).astype(np.float32) / 255
    return torch.from_numpy(planes).expand(channels, -1, -1).contiguous()


# --- from bytes to a small, upright picture without transparency ------------------------------------------------------


def opened(file: bytes) -> np.ndarray:
    """The picture (H, W, 3) uint8: upright, at most WORKING_PIXELS large, laid on paper where it is transparent.

    Raises ImageError, and nothing else, for bytes that it can't use.
    """
    if not file:
        raise ImageError("empty")
    if len(file) > MAX_BYTES:
        raise ImageError("too_many_bytes", megabytes=_megabytes(len(file)), limit_megabytes=_megabytes(MAX_BYTES))
    _learn_heic()
    try:
        with _ONE_AT_A_TIME, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what is refused or mended here anyway
            return _on_paper(np.asarray(_unpacked(file)))
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except Exception as error:  # decoders of untrusted bytes raise whatever they like
        raise ImageError("damaged" if _BEGINNINGS.match(file) else "not_a_picture") from error


def _megabytes(count: int) -> float:
    return math.ceil(count / 1024 / 1024 * 10) / 10


def _too_many_pixels() -> ImageError:
    return ImageError("too_many_pixels", limit_megapixels=MAX_PIXELS // 1_000_000)


def _unpacked(file: bytes) -> Image.Image:
    """The picture in mode RGBa (colours already multiplied by their opacity), upright and small."""
    if file[:2] in (b"II", b"MM") and _tiff_strips(file) > MOST_STRIPS:
        raise ImageError("too_slow")
    image = Image.open(_Patience(file), formats=FORMATS)
    _check_size(image)
    if isinstance(image, JpegImageFile):
        if len(_SCAN.findall(file)) > MOST_SCANS:
            raise ImageError("too_slow")
        factor = _factor(image)
        image.draft(None, (image.width // factor, image.height // factor))
    image.load()
    if image.width * image.height > MAX_PIXELS:  # some headers lie
        raise _too_many_pixels()
    small, orientation = _shrunk(image), _orientation(image, file)
    return small.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else small


@functools.cache
def _learn_heic() -> None:
    import pillow_heif  # here, because it takes its time and the app should start without it

    pillow_heif.register_heif_opener()


def _tiff_strips(file: bytes) -> int:
    """The number of strips or tiles that the first directory of a TIFF lists. Raises where there is no directory."""
    order = "<" if file[:2] == b"II" else ">"
    version, directory = struct.unpack_from(order + "HI", file, 2)
    if version != 42:  # BigTIFF, for files of many gigabytes, is laid out otherwise
        raise ValueError("not a plain TIFF")
    (entries,) = struct.unpack_from(order + "H", file, directory)
    tags = [struct.unpack_from(order + "HHI", file, directory + 2 + 12 * entry) for entry in range(entries)]
    return sum(count for tag, _, count in tags if tag in (273, 324))  # StripOffsets, TileOffsets


class _Patience(io.BytesIO):
    """A file in memory that refuses to be read on when its decoding has taken too long.

    Pillow reads chunk after chunk in Python; a file of a million empty chunks would hold it for a minute.
    """

    def __init__(self, file: bytes) -> None:
        super().__init__(file)
        self._end = time.thread_time() + DECODING_SECONDS

    def read(self, size: int | None = -1, /) -> bytes:
        if time.thread_time() > self._end:
            raise ImageError("too_slow")
        return super().read(size)


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise _too_many_pixels()
    least = max(LEAST_SIDE, math.ceil(max(width, height) / LONGEST_STRIP))
    if min(width, height) < least:
        raise ImageError("too_small", width=width, height=height, least=least)


def _factor(image: Image.Image) -> int:
    """By how much each side can be divided so that at least WORKING_PIXELS remain."""
    return max(1, math.isqrt(image.width * image.height // WORKING_PIXELS))


def _shrunk(image: Image.Image) -> Image.Image:
    """The picture in mode RGBa with at most WORKING_PIXELS, averaged over areas so that thin lines fade but stay.

    Converted band by band: the large picture exists once, as it was unpacked.
    """
    factor = _factor(image)
    white = _white(image)
    small = Image.new("RGBa", (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(1, 1_000_000 // (image.width * factor))
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows)))
        small.paste(_with_opacity(band, white).reduce(factor), (0, top // factor))
    rest = math.sqrt(WORKING_PIXELS / (small.width * small.height))
    if rest >= 1:
        return small
    return small.resize((max(1, int(small.width * rest)), max(1, int(small.height * rest))), Image.Resampling.BOX)


def _white(image: Image.Image) -> float:
    """The number that stands for white in greys of more than 8 bits, which the file does not tell."""
    if image.mode[0] not in "IF":
        return 255
    _, top = image.getextrema()
    usual = (1.0, 255.0, 65535.0) if image.mode == "F" else (255.0, 65535.0)
    return next((white for white in usual if top <= white), float(top))


def _with_opacity(band: Image.Image, white: float) -> Image.Image:
    """Any of Pillow's modes -> RGBa."""
    if band.mode[0] in "IF":
        grey = np.nan_to_num(np.asarray(band, dtype=np.float32)) * (255 / white)
        band = Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))
    elif band.mode == "LAB":
        band = band.getchannel("L")
    elif not band.has_transparency_data:
        band = band.convert("RGB")
    return band.convert("RGBA").convert("RGBa")


def _orientation(image: Image.Image, file: bytes) -> int:
    """How the camera was held, 1 to 8, as far as the decoder has not turned the picture already."""
    try:
        # By its standard HEIC is turned by boxes of its own, which the decoder heeds, and EXIF is but a note, which the
        # decoder blanks. Phones and editors that write the note alone mean it.
        if image.format == "HEIF" and not re.search(b"irot|imir", file[:65536]):
            return image.info.get("original_orientation") or 1
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken notes beside a sound picture
        return 1


def _on_paper(picture: np.ndarray) -> np.ndarray:
    """(H, W, 4) with opacity -> (H, W, 3), laid on black or white so that the ink shows.

    What covers most of the frame is paper, and goes on with its like; what covers little is ink, and needs contrast.
    """
    colours, opacity = picture[..., :3], picture[..., 3:] / np.float32(255)
    if opacity.min() == 1:
        return np.ascontiguousarray(colours)
    is_bright = colours.mean() > 127 * opacity.mean()
    is_paper = opacity.mean() > 0.5
    paper = 255 if is_bright == is_paper else 0
    return np.rint(colours + (1 - opacity) * paper).astype(np.uint8)
