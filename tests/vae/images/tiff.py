"""TIFF files written byte for byte."""

import struct
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
