"""Packing of a film into bytes: a header in JSON, then its pictures and numbers as they are. Pure.

Text in JSON would make them a third larger, and the browser would take them apart again.
"""

import json
import struct
from typing import Any

LENGTH = struct.Struct("<I")  # of the header, in front of it
ALIGNMENT = 4  # bytes, so that the browser reads float32 in place


def packed(content: dict[str, Any]) -> bytes:
    """A dictionary of JSON values and bytes, as bytes.

    In the header, {"offset": o, "length": n} stands for bytes, counted from the header's end.
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

    header = json.dumps(referenced(content), ensure_ascii=False, separators=(",", ":")).encode()
    header += b" " * (-len(header) % ALIGNMENT)
    return b"".join([LENGTH.pack(len(header)), header, *parts])
