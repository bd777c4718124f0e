"""TIFF files written byte for byte."""

import struct
from collections.abc import Sequence
from pathlib import Path

PICTURES = Path(__file__).parent / "pictures"


def tiff(layout: tuple, height: int, width: int, data: bytes, compression: int = 1) -> bytes:
    """A TIFF in one strip; uncompressed, or the data are."""
    mark, photometric, sample_format, fill_order, bits, extra = layout
    order = "<" if mark == b"II" else ">"
    tags = {
        256: (width,),
        257: (height,),
        258: bits,
        259: (compression,),
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


def in_parts(
    size: tuple[int, int],
    part: tuple[int, int],
    packed: Sequence[bytes],
    compression: int,
    samples: int = 1,
) -> bytes:
    """A TIFF of 8 bits in tiles, or in strips where they have its full width.

    size, part: width and height of all and of a part. packed: what stands in the parts, one after
    the other, or in all of them where it is one.
    """
    width, height = part
    count = -(-size[0] // width) * -(-size[1] // height)
    is_tiled = width != size[0]
    place, sizes = 400, [len(data) for data in packed] * (count if len(packed) == 1 else 1)
    table = place + 8 * count
    places = [table + (0 if len(packed) == 1 else sum(sizes[:number])) for number in range(count)]
    tags: dict[int, tuple[int, int]] = {
        256: (1, size[0]),
        257: (1, size[1]),
        258: (1, 8),
        259: (1, compression),
        262: (1, 1 if samples == 1 else 2),
        277: (1, samples),
        278: (1, height),
        (324 if is_tiled else 273): (count, places[0] if count == 1 else place),
        (325 if is_tiled else 279): (count, sizes[0] if count == 1 else place + 4 * count),
    }
    if samples > 1:
        tags[258] = (samples, 380)
    if is_tiled:
        del tags[278]
        tags |= {322: (1, width), 323: (1, height)}
    directory = struct.pack("<H", len(tags)) + b"".join(
        struct.pack("<HHII", tag, 3 if tag == 258 else 4, number, value)
        for tag, (number, value) in sorted(tags.items())
    )
    head = (b"II*\0\x08\0\0\0" + directory + bytes(4)).ljust(380, b"\0")
    head += struct.pack("<4H", 8, 8, 8, 8).ljust(20, b"\0")
    return head + struct.pack(f"<{2 * count}I", *places, *sizes) + b"".join(packed)
