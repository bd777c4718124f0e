"""A digest of content: its key in a cache, its name in the browser."""

import hashlib

import numpy as np


def digest(*parts: np.ndarray | bytes | str) -> bytes:
    """SHA-256 of arrays (their shape, type and numbers), bytes and words, in this order.

    Each part is hashed with its kind and size, so that no two lists of parts run into the same
    bytes.
    """
    content = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            kind, data = f"{part.dtype.str} {part.shape}", np.ascontiguousarray(part).tobytes()
        else:
            kind, data = type(part).__name__, part.encode() if isinstance(part, str) else part
        content.update(f"{kind} {len(data)}:".encode())
        content.update(data)
    return content.digest()
