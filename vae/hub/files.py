"""Bounded reading of a file, and strict parsing of JSON into a data class.

Nothing that is read here can wait for ever (a FIFO), fill the memory (a device, a file that grows)
or hold another thing than was declared (a list where a number should be).
"""

import os
import reprlib
import stat
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import FailFast, Field, TypeAdapter, ValidationError

Value = TypeVar("Value")
# stop at the first error of a list: the sentence names only one, and a million errors would not
# fit into memory
FAIL_FAST = FailFast()
MAX_LISTS = 10_000  # lists and objects: an empty one, two bytes, takes half a kilobyte of memory
MAX_ERRORS = 100  # beyond which no place is named: each unknown field is an error
MAX_BETA, MIN_BETA = 1e6, 1e-6  # beyond these, its logarithm is useless in float32
Count = Annotated[int, Field(ge=1, le=10**12)]
WholeNumber = Annotated[int, Field(ge=0, le=10**12)]
Seed = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Beta = Annotated[float, Field(ge=0, le=MAX_BETA, allow_inf_nan=False)]
Nats = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


def read_bounded(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file, or of one that a link names.

    Raises OSError; and ValueError, a sentence without the path, where it is a folder, a FIFO or a
    device, or has more than `max_bytes` bytes.
    """
    # checked before opening, because opening a device may already have an effect
    _require_regular(os.stat(path))
    descriptor = os.open(
        path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    )
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)  # of the open file: by now the path may name another one
        _require_regular(status)
        if status.st_size > max_bytes:
            raise ValueError(f"it has {status.st_size:,} bytes; at most {max_bytes:,} are read")
        content = file.read(status.st_size + 1)
    if len(content) != status.st_size:
        raise ValueError("it changed while it was read; try again")
    return content


def parse_json(
    adapter: TypeAdapter[Value], content: bytes, *, ignore_unknown: bool = False
) -> Value:
    """Parse JSON strictly into its data class: no value converted, no field missing.

    ignore_unknown: whether unknown fields are allowed. Raises ValueError, one sentence that names
    the place.
    """
    if (count := content.count(b"[") + content.count(b"{")) > MAX_LISTS:
        raise ValueError(f"it has {count:,} lists and objects; at most {MAX_LISTS:,} are read")
    try:
        return adapter.validate_json(
            content, strict=True, extra="ignore" if ignore_unknown else "forbid"
        )
    except ValidationError as error:
        raise ValueError(_sentence(error)) from None


def _require_regular(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise ValueError(f"it is {kind}; a regular file is read, or a link to one")


def _sentence(error: ValidationError) -> str:
    if (count := error.error_count()) > MAX_ERRORS:
        return f"it is something else than this version reads ({count:,} differences)"
    first_error = error.errors(include_url=False, include_input=False)[0]
    kind, reason = first_error["type"], first_error["msg"].removeprefix("Value error, ")
    if kind == "json_invalid":
        return f"it is not JSON ({reason.removeprefix('Invalid JSON: ')})"
    place = (
        "".join(
            f"[{part}]" if isinstance(part, int) else f".{_quoted_key(part)}"
            for part in first_error["loc"]
        ).lstrip(".")
        or "it"
    )
    if kind == "missing":
        return f"{place} is missing"
    if kind == "unexpected_keyword_argument":
        return f"{place} is unknown to this version"
    if kind == "value_error":
        return reason if place == "it" else f"{place}: {reason}"
    # only here: in the cases above the value may be the whole file
    value = error.errors(include_url=False, include_context=False)[0]["input"]
    return f"{place} holds {_abbreviation(value)}; {reason.replace('Input should', 'it should')}"


def _quoted_key(key: str) -> str:
    return key if key.isidentifier() and len(key) <= 40 else _abbreviation(key)


def _abbreviation(value: object) -> str:
    """The value on one line, cut where it is long or deep."""
    return reprlib.repr(value)[:80]
