"""Packing: whatever was packed comes out again, and numbers begin where float32 may."""

import json
import math
import struct
import zlib

import numpy as np

from benchmarks import film
from ui.film.packing import ALIGNMENT, packed

CONTENT = {
    "id": "가나다",
    "empty": b"",
    "odd": b"\x00\xff{}",
    "nested": {"list": [b"abc", {"deep": b"defgh"}, None, 1.5], "pair": (b"i", True)},
    "numbers": np.arange(7, dtype="<f4").tobytes(),
    "like": {"offset": "not a place"},
}


def test_what_was_packed_is_opened_again():
    opened = film.opened(packed(CONTENT))
    assert opened == CONTENT | {"nested": CONTENT["nested"] | {"pair": [b"i", True]}}
    assert np.array_equal(np.frombuffer(opened["numbers"], "<f4"), np.arange(7))


def test_each_part_begins_at_a_multiple_of_four_and_within_the_bytes():
    content = packed(CONTENT)
    (length,) = struct.unpack_from("<I", content)
    start = ALIGNMENT * math.ceil((4 + length) / ALIGNMENT)
    assert len(content) % ALIGNMENT == 0
    header = json.loads(zlib.decompress(content[4 : 4 + length]))
    places = [header["empty"], header["odd"], header["numbers"], header["nested"]["list"][0]]
    for place in places:
        assert place["offset"] % ALIGNMENT == 0
        assert start + place["offset"] + place["length"] <= len(content)


def test_sentences_that_repeat_take_a_tenth():
    sentences = [f"Reconstruction at beta {beta}: 12.{beta} % of it is ink" for beta in range(400)]
    assert len(packed({"alts": sentences})) < len(json.dumps(sentences)) / 8


def test_the_same_content_gives_the_same_bytes_and_another_gives_others():
    assert packed(CONTENT) == packed(dict(CONTENT))
    assert packed({"a": b"x"}) != packed({"a": b"y"})
