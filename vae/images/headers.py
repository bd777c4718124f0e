"""The headers of a picture file, checked before any decoder gets it.

Pillow and the libraries beneath it believe a file: they copy what each of 65,000 metadata entries
points to, keep every scan of a JPEG, and decode a part as often as the file asks for it. So
unneeded metadata is hidden from them, and the cost of a picture is estimated from its headers: the
decoder is stopped where the file costs more.
"""

import math
import re
import struct
import zlib

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

from vae.images import av1
from vae.images.errors import ImageError

MAX_MEMORY = 250_000_000  # bytes that unpacking may take, above the file itself
# of a progressive JPEG; cameras write about ten, and each is a pass over the whole picture
MAX_SCANS = 40
MAX_SCANNED_PIXELS = 600_000_000  # pixels of all scans together
# in one entry of a TIFF, such as the places of its strips: Pillow lists them before it checks the
# size
MAX_NUMBERS = 100_000
MAX_PARTS = 1000  # of one HEIC picture; a phone's has about 200
# bytes of the table of contents of a HEIC or AVIF, which holds colour profiles too
MAX_CONTENTS = 1_000_000

_ORIENTATION = 0x0112  # the tag of EXIF and TIFF
_OLD_JPEG, _JPEG, _LZMA, _ZSTANDARD = 6, 7, 34925, 50000  # compressions of a TIFF
# The work that libtiff does in about a second; nothing stops it before a file's end: megabytes
# unpacked, strips, megabytes read, and megabytes read of slow compressions
_UNPACKED, _STRIPS, _PACKED = 450, 60_000, 40
_PACKED_BY_COMPRESSION: dict[object, int] = {_LZMA: 13, _ZSTANDARD: 28}
# bytes a pixel of Pillow's modes; any other has 4
_MODE_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
_AVIF_PIXEL_BYTES = 16  # for each pixel of an AVIF, or of a WebP
# kinds of a TIFF's entries that stay bytes; all others Pillow converts to numbers, one by one
_TEXT = (1, 2, 7)
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)")
# arithmetic coding, rare in JPEGs and ten times as slow
_ARITHMETIC = re.compile(rb"\xff[\xc9-\xcb\xcd-\xcf]\x00[\x0b\x0e\x11\x14]\x08")
_JPEG_METADATA = re.compile(rb"(\xff\xe1..)Exif(?=\0\0)|(\xff\xe2..)MPF\0", re.DOTALL)
# in a PNG: for each frame Pillow makes two more pictures
_ANIMATION = re.compile(rb"(\0{3}\x08)acTL(.{8}).{4}", re.DOTALL)
_AVIF_METADATA = re.compile(rb"(infe\x02.{7}|infe\x03.{9})Exif", re.DOTALL)


def strip_metadata(file: bytes) -> tuple[bytes, bytes]:
    """The file without metadata that is costly to read, and the EXIF of a JPEG separately.

    Raises ImageError or ValueError where the file is too costly or damaged.
    """
    if file[:2] in (b"II", b"MM"):
        _check_tiff(file)
    elif file[:2] == b"\xff\xd8":
        exif = next(
            (
                file[match.end() + 2 : match.end() + 65536]
                for match in _JPEG_METADATA.finditer(file)
                if match[1]
            ),
            b"",
        )
        return _JPEG_METADATA.sub(lambda match: b"%bnone" % (match[1] or match[2]), file), exif
    elif file[:4] == b"\x89PNG":
        return _ANIMATION.sub(
            lambda match: match[1] + _with_checksum(b"none" + match[2]), file
        ), b""
    elif file[4:8] == b"ftyp":
        contents = _box_contents(file)
        _check_parts(contents)
        # an AVIF's orientation is in boxes of its own, whatever its EXIF says
        if b"av01" in contents:
            if av1.frame_pixels(file, contents) > MAX_MEMORY / _AVIF_PIXEL_BYTES:
                raise ImageError(
                    "too_many_pixels", limit_megapixels=MAX_MEMORY // _AVIF_PIXEL_BYTES // 1_000_000
                )
            return _AVIF_METADATA.sub(rb"\1none", file), b""
    return file, b""


def _with_checksum(chunk: bytes) -> bytes:
    """A PNG's chunk with its checksum."""
    return chunk + struct.pack(">I", zlib.crc32(chunk))


def _check_tiff(file: bytes) -> None:
    """Raise where the first directory of a TIFF is missing or longer than a picture needs."""
    order = "<" if file[:2] == b"II" else ">"
    version, directory = struct.unpack_from(order + "HI", file, 2)
    if version != 42:  # BigTIFF, for files of many gigabytes, is laid out otherwise
        raise ValueError("not a plain TIFF")
    (entries,) = struct.unpack_from(order + "H", file, directory)
    tags = set()
    for entry in range(entries):
        tag, kind, count = struct.unpack_from(order + "HHI", file, directory + 2 + 12 * entry)
        if kind not in _TEXT and count > MAX_NUMBERS:
            raise ImageError("too_slow")
        if tag in tags:  # Pillow believes the last one of a name, libtiff the first
            raise ValueError("two entries of one name")
        tags.add(tag)


def _box_contents(file: bytes) -> bytes:
    """The tables of contents (boxes meta and moov) of a HEIC or AVIF, one after the other."""
    contents, place, boxes = b"", 0, 0
    while place + 8 <= len(file):
        length, name = struct.unpack_from(">I4s", file, place)
        if length == 1:
            (length,) = struct.unpack_from(">Q", file, place + 8)
        end = place + length if length else len(file)
        boxes += 1
        if end < place + 8 or boxes > MAX_PARTS:
            raise ValueError("not a list of boxes")
        if name in (b"meta", b"moov"):
            contents += file[place:end]
        if len(contents) > MAX_CONTENTS:
            raise ImageError("too_slow")
        place = end
    return contents


def _check_parts(contents: bytes) -> None:
    """Raise where a HEIC or AVIF has more tiles than a camera's, or overlays pictures."""
    # a reference dimg: the picture's number in two bytes or in four, then the number of its parts
    counts = re.findall(rb"dimg(?=(..)(..)(..))", contents, re.DOTALL)
    parts = sum(
        int.from_bytes(long if picture == b"\0\0" else short, "big")
        for picture, short, long in counts
    )
    if parts > MAX_PARTS or b"iovl" in contents:
        raise ImageError("too_slow")


def bytes_per_pixel(image: Image.Image) -> float:
    """Peak memory of decoding an opened picture that is not yet read, in bytes a pixel.

    Measured, and rounded up.
    """
    mode_bytes = _MODE_BYTES.get(image.mode, 4)
    if image.format in ("WEBP", "AVIF"):  # the decoder holds several copies
        return _AVIF_PIXEL_BYTES
    if image.format == "HEIF":
        is_plain = (
            image.mode == "RGB"
            and image.info.get("bit_depth") == 8
            and image.info.get("chroma") == 420
        )
        return 8 if is_plain else 20
    if isinstance(image, TiffImageFile):
        return mode_bytes * (2 if image.tag_v2.get(_ORIENTATION, 1) != 1 else 1) + _strip_bytes(
            image
        ) / (image.width * image.height)
    if isinstance(image, JpegImageFile):
        largest = max((across * down for _, across, down, _ in image.layer), default=1)
        # a progressive JPEG keeps the coefficients of all its components, two bytes each
        return 1 + 2 * sum(across * down for _, across, down, _ in image.layer) / max(1, largest)
    return mode_bytes


def _strip_bytes(image: TiffImageFile) -> float:
    """Bytes of one strip or tile of a TIFF, which is unpacked as a whole beside the picture."""
    tags, pixels = image.tag_v2, image.width * image.height
    area = (
        tags[322] * tags[323]
        if 322 in tags and 323 in tags
        else min(pixels, max(image.size) * tags.get(278, pixels))
    )
    bits = tags.get(258, (1,))
    # 1: the samples of a pixel lie together; else each has strips of its own
    samples = tags.get(277, len(bits)) if tags.get(284, 1) == 1 else 1
    # The dictionary of LZMA or Zstandard may be as large as what it unpacks.
    copies = 2 if tags.get(259) in (_LZMA, _ZSTANDARD) else 1
    return copies * area * max(bits) * samples / 8


def _strip_count(image: TiffImageFile) -> int:
    """Number of strips or tiles of a TIFF, by its size.

    Tiles may be far larger than the picture, and lie beside it for the most part.
    """
    tags = image.tag_v2
    width, height = tags[256], tags[257]
    if 322 in tags and 323 in tags:
        places = math.ceil(width / tags[322]) * math.ceil(height / tags[323])
    else:
        places = math.ceil(height / min(height, tags.get(278, height)))
    return places * (1 if tags.get(284, 1) == 1 else tags.get(277, 1))


def _tiff_scans(image: TiffImageFile, file: bytes) -> tuple[int, int]:
    """Scans of the JPEGs in a TIFF: the most of one, and the pixels of all together."""
    tags, pixels = image.tag_v2, image.width * image.height
    if tags.get(259) == _OLD_JPEG:  # whose header does not say where the parts are
        count = len(_SCAN.findall(file))
        return count, count * pixels
    is_tiled = 324 in tags
    area = tags[322] * tags[323] if is_tiled else image.width * tags.get(278, image.height)
    places, sizes = (tags.get(tag, ()) for tag in ((324, 325) if is_tiled else (273, 279)))
    if sum(sizes) > 2 * len(file):  # parts that are decoded more than once
        raise ImageError("too_slow")
    scans = [
        len(_SCAN.findall(file, place, place + size))
        for place, size in zip(places, sizes, strict=False)
    ]
    return max(scans, default=0), sum(scans) * min(area, pixels)


def check_time(image: Image.Image, file: bytes) -> None:
    """Raise where decoding would take too long, estimated from the file's size and kind."""
    megapixels, megabytes = image.width * image.height / 1e6, len(file) / 1e6
    if image.format == "HEIF":
        is_slow = megapixels / 32 + megabytes / 12 > 1
    elif image.format == "AVIF":
        is_slow = megapixels / 30 + megabytes / 9 > 1
    elif isinstance(image, JpegImageFile):
        scans = len(_SCAN.findall(file))
        is_slow = scans > MAX_SCANS or scans * image.width * image.height > MAX_SCANNED_PIXELS
        is_slow = is_slow or bool(megabytes > 2 and _ARITHMETIC.search(file))
    elif image.format == "WEBP":
        is_slow = megapixels / 40 + megabytes / (16 if b"VP8 " in file else 45) > 1
    elif isinstance(image, TiffImageFile):
        compression, strips = image.tag_v2.get(259), _strip_count(image)
        unpacked, packed = (
            _strip_bytes(image) * strips / 1e6,
            _PACKED_BY_COMPRESSION.get(compression, _PACKED),
        )
        is_slow = unpacked / _UNPACKED + strips / _STRIPS + megabytes / packed > 1
        if compression in (_OLD_JPEG, _JPEG) and not is_slow:
            scans, scanned = _tiff_scans(image, file)
            is_slow = scans > MAX_SCANS or scanned > MAX_SCANNED_PIXELS
            is_slow = is_slow or bool(megabytes > 2 and _ARITHMETIC.search(file))
    else:
        is_slow = False
    if is_slow:
        raise ImageError("too_slow")


def orientation(exif: bytes) -> int | None:
    """The camera's orientation, 1 to 8, from EXIF; None where it has none.

    Reads that one entry and nothing else.
    """
    while exif.startswith(b"Exif\0\0"):
        exif = exif[6:]
    if exif[:2] not in (b"II", b"MM"):
        return None
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(entries):
            tag, kind, count, value = struct.unpack_from(
                order + "HHIH", exif, directory + 2 + 12 * entry
            )
            if (tag, kind, count) == (_ORIENTATION, 3, 1):
                return value
    except struct.error:  # broken notes beside a sound picture
        pass
    return None
