"""Packing of a film into bytes: a header in JSON, deflated, then its pictures and numbers. Pure.

Pictures and numbers as text in JSON would be a third larger, and the browser would take them apart
again. The sentences of neighbouring stops are nearly the same: deflated they take a tenth.
"""

import json
import struct
import zlib
from typing import Any

LENGTH = struct.Struct("<I")  # of the deflated header, in front of it
ALIGNMENT = 4  # bytes, so that the browser reads float32 in place


def packed(content: dict[str, Any]) -> bytes:
    """A dictionary of JSON values and bytes, as bytes.

    In the header, {"offset": o, "length": n} stands for bytes, counted from the first multiple of
    ALIGNMENT behind the header.
    """
    parts: list[bytes] = []
    size = 0

    def referenced(value: Any) -> Any:
        nonlocal size
        if isinstance(value, dict):
            return {key: referenced(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [referenced(item) for item in value]
        if not isinstance(value, bytes):
            return value
        place = {"offset": size, "length": len(value)}
        padded = value + bytes(-len(value) % ALIGNMENT)
        parts.append(padded)
        size += len(padded)
        return place

    header = json.dumps(referenced(content), ensure_ascii=False, separators=(",", ":"))
    deflated = zlib.compress(header.encode())
    gap = bytes(-(LENGTH.size + len(deflated)) % ALIGNMENT)
    return b"".join([LENGTH.pack(len(deflated)), deflated, gap, *parts])
