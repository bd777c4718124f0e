"""Parts of a page's film: each stop's pictures, sentences and numbers come out as they went in."""

import numpy as np
import pytest

from benchmarks.film import opened
from tests.ui.film.strips import coloured, frames
from ui.film import part_views, parts
from ui.film.parts import Row
from ui.view import pictures
from ui.view.markup import marked


def row(images: np.ndarray, numbers: tuple[str, ...] = (), alt: str = "row") -> Row:
    return Row(images, numbers, alt)


def noise(tiles: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((tiles, channels, 8, 6), np.float32)


@pytest.mark.parametrize(("channels", "packing"), [(1, "grey"), (3, "plain")])
def test_each_stop_of_a_strip_has_its_pictures_to_the_pixel(channels, packing):
    images = {stop: noise(4, channels, stop) for stop in (0, 1, 3, 4)}
    strip = parts.strip(5, {stop: row(one) for stop, one in images.items()})
    assert strip["packing"] == packing
    assert strip["stops"][2] is None
    for stop, one in images.items():
        shown = frames(strip)[strip["stops"][stop]]
        assert np.array_equal(shown, pictures.grid(one, 4, gap=0))


@pytest.mark.parametrize("channels", [1, 3])
def test_differences_are_coloured_within_one_grey_level(channels):
    signed = {stop: 2 * noise(3, channels, stop) - 1 for stop in range(4)}
    signed[0][:] = 0
    strip = parts.differences(4, {stop: row(one) for stop, one in signed.items()})
    for stop, one in signed.items():
        shown = coloured(frames(strip)[strip["stops"][stop]])
        wanted = np.concatenate([pictures.difference(tile) for tile in one], axis=1)
        assert np.abs(shown - wanted).max() <= 1


def test_equal_rows_are_sent_once_with_words_of_their_own():
    same = noise(2, 1)
    rows = {stop: row(same, (f"{stop}", "x"), f"at {stop}") for stop in range(4)}
    strip = parts.strip(4, rows)
    assert strip["stops"] == [0, 0, 0, 0]
    assert strip["sheets"] == 1
    assert strip["numbers"] == [(f"{stop}", "x") for stop in range(4)]
    assert strip["alts"] == [f"at {stop}" for stop in range(4)]


def test_colours_that_are_too_large_lose_a_little(monkeypatch):
    rows = {stop: row(noise(4, 3, stop)) for stop in range(4)}
    exact = parts.strip(4, rows)
    monkeypatch.setattr(parts, "MOST_BYTES", len(exact["source"]) // 3)
    small = parts.strip(4, rows, exactly=False)
    assert len(small["source"]) <= parts.MOST_BYTES
    assert small["stops"] == exact["stops"]


def test_a_sentence_is_html_and_an_unknown_one_is_none():
    said = parts.says(3, {1: "**:orange[2 nats]** < 3"})
    assert said == [None, marked("**:orange[2 nats]** < 3"), None]
    assert "&lt;" in said[1]


def test_numbers_of_a_stop_are_found_by_their_place():
    rows = {3: np.array([1.0, 2.0]), 1: np.array([0.5, 0.25])}
    found = parts.values(5, rows)
    assert found["stops"] == [None, 0, None, 1, None]
    numbers = np.frombuffer(found["values"], "<f4").reshape(2, 2)
    assert numbers.tolist() == [[0.5, 0.25], [1.0, 2.0]]


def test_a_page_says_which_stops_it_has():
    page = parts.page("name", (0.1, 1.0, 10.0), {1: "x"}, says={"a": parts.says(3, {1: "b"})})
    content = opened(page.content)
    assert content["id"] == page.id == "name"
    assert content["page"] == {"count": 3, "known": [1], "says": {"a": [None, "b", None]}}


def test_a_name_tells_what_determines_a_page_apart():
    assert parts.name("a", 1) == parts.name("a", 1)
    assert len({parts.name("a", 1), parts.name("a", 2), parts.name("b", 1)}) == 3
    assert parts.present("a") != "a"


@pytest.mark.parametrize("view", part_views.VIEWS)
def test_the_script_of_a_view_is_one_text_without_imports(view):
    script = part_views.script(view)
    assert "import " not in script.replace("important", "")
    assert script.count("export default") == 1
    assert "class Follower" in script
