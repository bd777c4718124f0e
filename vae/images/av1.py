"""The size of the frames in an AVIF, from AV1's own sequence headers.

An AVIF states its size twice: in its table of contents, which Pillow reads, and in the frames,
which the decoder unpacks whatever the table says (AV1 specification, sections 5.3 to 5.5). The
places of the frames stand in the boxes iloc of ISO/IEC 14496-12 (8.11.3), and in stco and co64 of
an animation.
"""

import re
import struct
from collections.abc import Iterator

MAX_UNITS = 10_000  # of data in one picture; an encoder writes about five
_SEQUENCE_HEADER = 1  # a type of unit
# bytes of a sequence header that are read; the sizes stand at its beginning
_MAX_HEADER = 256


class _Bits:
    """A bit reader: numbers of any width, the most significant bit first.

    Raises ValueError at the end of the data.
    """

    def __init__(self, data: bytes) -> None:
        self.number, self.left = int.from_bytes(data, "big"), 8 * len(data)

    def __call__(self, width: int) -> int:
        self.left -= width
        if self.left < 0:
            raise ValueError("a header that ends too early")
        return self.number >> self.left & ((1 << width) - 1)


def frame_pixels(file: bytes, contents: bytes) -> int:
    """The most pixels that a frame of this AVIF may have.

    contents: its boxes meta and moov. The size that a header gives is the largest by the
    specification. A decoder accepts larger ones for single frames, up to the largest number that
    the header's fields can hold; an encoder needs fields for at most four times the pixels
    of the picture. Raises ValueError where there is no sequence header.
    """
    sizes = [size for data in _coded_data(file, contents) for size in _frame_sizes(data)]
    if not sizes:
        raise ValueError("no sequence header")
    return max(max(width * height, (1 << bits) // 4) for width, height, bits in sizes)


def _frame_sizes(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Largest width and height, and the bits of both, from each sequence header in the data."""
    place = 0
    for _ in range(MAX_UNITS):
        if place >= len(data):
            return
        head = data[place]
        place += 2 if head & 4 else 1
        size, place = _leb128(data, place) if head & 2 else (len(data) - place, place)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _frame_size(_Bits(data[place : place + min(size, _MAX_HEADER)]))
        place += size
    raise ValueError("too many units")


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    """A variable-length integer (leb128 of AV1), and the place behind it."""
    value = 0
    for number, byte in enumerate(data[place : place + 8]):
        value |= (byte & 127) << 7 * number
        if not byte & 128:
            return value, place + number + 1
    raise ValueError("a number that does not end")


def _frame_size(bits: _Bits) -> tuple[int, int, int]:
    """The frame size in a sequence header (section 5.5.1)."""
    bits(4)  # seq_profile, still_picture
    if bits(1):  # reduced_still_picture_header
        bits(5)
    else:
        _skip_operating_points(bits)
    across, down = bits(4) + 1, bits(4) + 1
    return bits(across) + 1, bits(down) + 1, across + down


def _skip_operating_points(bits: _Bits) -> None:
    """Skip timing information and operating points."""
    delay = 0
    if bits(1):  # timing_info_present_flag
        bits(64)
        if bits(1):  # equal_picture_interval, then a number as long as the zeros before it
            zeros = 0
            while not bits(1):
                zeros += 1
            bits(zeros)
        if bits(1):  # decoder_model_info_present_flag
            delay = bits(5) + 1
            bits(42)
    has_display_delay = bits(1)  # initial_display_delay_present_flag
    for _ in range(bits(5) + 1):
        bits(12)
        if bits(5) > 7:
            bits(1)
        if delay and bits(1):
            bits(2 * delay + 1)
        if has_display_delay and bits(1):
            bits(4)


def _coded_data(file: bytes, contents: bytes) -> Iterator[bytes]:
    """The bytes of each item, then those of an animation's frames; in all no more than the file."""
    remaining = len(file)
    idat_contents = [contents[match.end() :] for match in re.finditer(rb"idat", contents)]
    for match in re.finditer(rb"iloc", contents):
        for extents, is_in_idat in _items(contents, match.end()):
            for source in idat_contents if is_in_idat else [file]:
                data = b"".join(
                    source[start : start + size] if size else source[start:]
                    for start, size in extents
                )
                remaining -= len(data)
                if remaining < 0:
                    raise ValueError("items that overlap")
                yield data
    for match in re.finditer(rb"stco|co64", contents):
        (start,) = struct.unpack_from(
            ">I" if match[0] == b"stco" else ">Q", contents, match.end() + 8
        )
        yield file[start : start + (1 << 16)]  # headers stand before the frame


def _items(contents: bytes, place: int) -> Iterator[tuple[list[tuple[int, int]], bool]]:
    """The extents of each item in a box iloc.

    Yields place and length of each, and whether the places count within the box idat."""
    remaining = MAX_UNITS

    def number(width: int) -> int:
        nonlocal place
        place += width
        if place > len(contents):
            raise ValueError("a box that ends too early")
        return int.from_bytes(contents[place - width : place], "big")

    version = number(1)
    number(3)
    (offset, length), (base, index) = divmod(number(1), 16), divmod(number(1), 16)
    for _ in range(number(2 if version < 2 else 4)):
        number(2 if version < 2 else 4)
        method = number(2) & 15 if version else 0
        number(2)
        start, extents = number(base), []
        for _ in range(number(2)):
            remaining -= 1
            if remaining < 0:
                raise ValueError("too many pieces")
            number(index if version else 0)
            extents.append((start + number(offset), number(length)))
        yield extents, method == 1
