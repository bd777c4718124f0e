"""Parts of a page's film: what its strips, sentences and charts show at each stop. Pure.

A page is carried as a whole and known by its name. One that has few of the stops is shown until the
one that has all of them has come.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.film.frames import QUALITIES, Film
from ui.film.packing import packed
from ui.view import pictures
from ui.view.markup import marked

Part = dict[str, Any]
GREYS = 3  # frames in one sheet, one in each colour channel
MOST_BYTES = 400_000  # of a strip in colour, for a phone's network
SAME = 127  # the grey of no difference


@dataclass(frozen=True)
class Row:
    """A row of pictures at one stop.

    images: (N, C, H, W) in [0, 1]; of differences in [-1, 1]. numbers: below the tiles, one each or
    none. alt: its alternative text.
    """

    images: np.ndarray
    numbers: tuple[str, ...]
    alt: str


def name(*what: object) -> str:
    """The name of a page whose content is determined by these."""
    return hashlib.sha256(repr(what).encode()).hexdigest()


def present(named: str) -> str:
    """The name of the page that has the present stop alone, exactly."""
    return f"{named} now"


def page(named: str, stops: Sequence[float], known: Iterable[int], **parts: Part) -> Film:
    """A packed page. known: the numbers of the stops that it has."""
    content = {"count": len(stops), "known": list(known), **parts}
    return Film(named, packed({"id": named, "page": content}))


def strip(count: int, rows: Mapping[int, Row], *, exactly: bool = True) -> Part:
    """Rows of pictures by the numbers of their stops; count: of all stops.

    Equal rows are sent once. exactly: whether pictures in colour keep every pixel; else they may
    lose a little to be small enough.
    """
    images = {stop: _uint8(row.images) for stop, row in rows.items()}
    sheets, places = _distinct(images)
    if sheets[0].ndim == 2:
        return _strip(count, rows, places, "grey", _in_channels(sheets))
    column = np.concatenate(sheets)
    content = pictures.lossless_webp(column) if exactly else _small(column)
    return _strip(count, rows, places, "plain", (content, len(sheets)))


def differences(count: int, rows: Mapping[int, Row]) -> Part:
    """Rows of signed differences, which the browser colours as `pictures.difference` does."""
    sheets, places = _distinct({stop: _signed(row.images) for stop, row in rows.items()})
    return _strip(count, rows, places, "signed", _in_channels(sheets))


def says(count: int, sentences: Mapping[int, str]) -> list[str | None]:
    """A sentence at each stop as HTML, None where it is not known."""
    return [marked(sentences[stop]) if stop in sentences else None for stop in range(count)]


def values(count: int, rows: Mapping[int, np.ndarray]) -> Part:
    """Numbers (N,) at stops, as float32."""
    places = {stop: number for number, stop in enumerate(sorted(rows))}
    return {
        "stops": [places.get(stop) for stop in range(count)],
        "values": np.stack([rows[stop] for stop in sorted(rows)]).astype("<f4").tobytes(),
    }


def _strip(
    count: int,
    rows: Mapping[int, Row],
    places: Mapping[int, int],
    packing: str,
    source: tuple[bytes, int],
) -> Part:
    tiles, _, height, width = next(iter(rows.values())).images.shape
    shown = [rows.get(stop) for stop in range(count)]
    return {
        "tiles": tiles,
        "width": width,
        "height": height,
        "packing": packing,
        "source": source[0],
        "sheets": source[1],
        "stops": [places.get(stop) for stop in range(count)],
        "numbers": [row and row.numbers for row in shown],
        "alts": [row and row.alt for row in shown],
    }


def _uint8(images: np.ndarray) -> np.ndarray:
    return pictures.grid(images, columns=len(images), gap=0)


def _signed(images: np.ndarray) -> np.ndarray:
    """(N, C, H, W) in [-1, 1] -> (H, N * W) uint8: the mean strength, signed by the mean."""
    amount = np.where(images.mean(1) < 0, -1, 1) * np.abs(images).mean(1)
    return (SAME + SAME * np.concatenate(list(amount), axis=1)).round().astype(np.uint8)


def _distinct(frames: Mapping[int, np.ndarray]) -> tuple[list[np.ndarray], dict[int, int]]:
    """The different frames, and the number of each stop's."""
    numbers: dict[bytes, int] = {}
    different: list[np.ndarray] = []
    places = {}
    for stop in sorted(frames):
        key = frames[stop].tobytes()
        if key not in numbers:
            numbers[key] = len(different)
            different.append(frames[stop])
        places[stop] = numbers[key]
    return different, places


def _in_channels(frames: list[np.ndarray]) -> tuple[bytes, int]:
    """Grey frames (H, W) as a WebP without loss, three to a sheet, and the number of sheets.

    Neighbouring betas look alike, and WebP predicts one colour channel from another.
    """
    padded = np.stack([*frames, *[frames[-1]] * (-len(frames) % GREYS)])
    triples = padded.reshape(-1, GREYS, *padded.shape[1:]).transpose(0, 2, 3, 1)
    return pictures.lossless_webp(np.concatenate(list(triples))), len(triples)


def _small(column: np.ndarray) -> bytes:
    for quality in (90, *QUALITIES):
        content = pictures.webp(column, quality)
        if len(content) <= MOST_BYTES:
            break
    return content
