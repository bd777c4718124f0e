"""The pages of the latent space in a real Chromium.

Pointing needs no server, keys and touch pin, nothing overflows.
"""

import io
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.app import (
    Journal,
    SharedPage,
    exceptions,
    look_around,
    open_page,
    runs,
    settle,
)
from ui.text import LANGUAGES, Text
from vae.hub.sources import resolve

TITLES = {
    "pages.map": "/map",
    "pages.dimensions": "/dimensions",
    "pages.path": "/path",
    "pages.playground": "/",
}
MOST = 700_000  # bytes of the map at all betas, for a phone's network
RED = (
    "canvas => [...canvas.getContext('2d').getImageData(0, 0, 28, 28).data]"
    ".filter((_, index) => index % 4 === 0)"
)


def place(page, x: float, y: float) -> tuple[float, float]:
    """Where a point of the whole plane lies on the screen, in pixels."""
    box = page.locator(".plane").bounding_box()
    return box["x"] + box["width"] * (x + 4) / 8, box["y"] + box["height"] * (4 - y) / 8


def live_tile(page) -> np.ndarray:
    """Red channel of the tile under the pointer."""
    return np.array(page.locator(".live canvas").evaluate(RED))


@pytest.fixture(scope="module")
def shared(browser, address):
    shared = SharedPage(lambda: open_page(browser, f"{address}/map?lang=en"), exceptions)
    yield shared
    shared.close()


@pytest.fixture
def page(request, shared):
    """The map, without a pin."""
    with shared.test(request.session) as page:
        page.mouse.move(0, 0)
        if "pin=" in page.url:
            unpin(page)
        yield page


def unpin(page) -> None:
    page.locator(".plane").focus()
    page.keyboard.press("Escape")
    page.wait_for_function("!location.search.includes('pin')")
    settle(page)


def test_pointing_decodes_at_once_without_the_server(page):
    before = runs(page)
    tiles = []
    for point in ((-2.0, 1.2), (1.3, -0.9), (0.7, 0.3)):
        page.mouse.move(*place(page, *point))
        tiles.append(live_tile(page))
        assert (
            page.locator(".live p")
            .inner_text()
            .startswith(f"z = ({point[0]:.1f}".replace("-", "−"))
        )
    assert all(tile.max() > 100 for tile in tiles)
    assert np.abs(tiles[0] - tiles[1]).mean() > 10
    assert runs(page) == before


def test_a_click_pins_the_point_and_the_server_decodes_what_the_tile_shows(browser, address):
    journal = Journal()
    page = open_page(browser, f"{address}/map?lang=en", listen=journal.listen)
    received = journal.received
    assert 100_000 < sum(received) < MOST  # the tiles of the plane, then the film of beta
    received.clear()
    page.mouse.click(*place(page, 1.3, -0.9))
    page.wait_for_function("location.search.includes('pin=1.3')")
    page.locator(".pinned img").wait_for()
    settle(page)
    assert sum(received) < 70_000  # neither is sent again
    tile = live_tile(page).reshape(28, 28)
    content = page.locator(".pinned img").evaluate("""image => {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [28, 28];
        const context = canvas.getContext('2d');
        context.imageSmoothingEnabled = false;
        context.drawImage(image, 0, 0, 28, 28);
        return [...context.getImageData(0, 0, 28, 28).data].filter((_, i) => i % 4 === 0);
    }""")
    assert np.abs(np.array(content).reshape(28, 28) - tile).mean() < 12  # the nearest tile, lossy
    page.reload()
    settle(page)
    assert page.locator(".pinned p").inner_text().startswith("z = (1.3")
    page.close()


def pinned(page, x: float, y: float) -> None:
    """Wait until the address has a pin at this point."""
    page.wait_for_function(
        """([x, y]) => {
            const pin = new URLSearchParams(location.search).get('pin')?.split(',').map(Number);
            return pin && Math.hypot(pin[0] - x, pin[1] - y) < 0.002;
        }""",
        arg=[x, y],
    )


def test_the_keyboard_alone_reaches_the_map_moves_the_pin_and_takes_it_away(page):
    page.mouse.click(*place(page, 1.0, 1.0))
    page.wait_for_function("location.search.includes('pin=')")
    settle(page)
    x, y = map(float, parse_qs(urlsplit(page.url).query)["pin"][0].split(","))
    page.evaluate("document.activeElement.blur()")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate(
            "document.activeElement?.shadowRoot?.activeElement?.className === 'plane'"
        ):
            break
    else:
        pytest.fail("Tab never reaches the map")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    pinned(page, x + 0.3, y)
    page.keyboard.press("Shift+ArrowDown")
    pinned(page, x + 0.3, y - 1)
    settle(page)
    page.keyboard.press("Escape")
    page.wait_for_function("!location.search.includes('pin')")
    settle(page)
    assert not page.locator(".pinned").is_visible()


def test_escape_takes_away_a_pin_that_came_with_the_link_also_one_that_is_out_of_view(
    browser, address
):
    page = open_page(browser, f"{address}/map?lang=en&pin=3,3&window=own")
    unpin(page)
    page.close()


def test_looking_around_with_the_button_down_or_the_right_button_pins_nothing(page):
    page.mouse.move(*place(page, -2.0, 1.0))
    page.mouse.down()
    page.mouse.move(*place(page, 1.0, 1.0), steps=5)
    page.mouse.up()
    page.mouse.click(*place(page, 1.0, 1.0), button="right")
    page.wait_for_timeout(600)
    assert "pin" not in page.url


def test_a_finger_pins_too(browser, address):
    page = open_page(browser, f"{address}/map?lang=en", width=390, height=844)
    page.locator(".plane").scroll_into_view_if_needed()
    page.touchscreen.tap(*place(page, -2.0, 1.0))
    page.wait_for_function("/pin=-(2|1.9)/.test(location.search)")
    page.close()


def test_a_click_on_a_bar_moves_its_dimension(browser, address):
    page = open_page(browser, f"{address}/dimensions?lang=en")
    chosen = page.locator(".st-key-dimension input")
    before = chosen.input_value()
    plot = page.locator(".film-bars .plot")
    box = plot.locator(".overlay .mean").nth(5).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] - 20)  # above it is its column too
    page.wait_for_function("location.search.includes('dimension=')")
    settle(page)
    fifth = chosen.input_value()
    assert fifth != before
    plot.focus()
    for key in ("ArrowRight", "Enter"):
        page.keyboard.press(key)
    expect(chosen).not_to_have_value(fifth)
    order = resolve("mnist").metrics.at(1.0).dimensions_by_rate
    expect(chosen).to_have_value(Text("en")("code.hover", dimension=order[6] + 1))
    settle(page)
    page.close()


def test_the_path_is_saved_as_an_animation_there_and_back(browser, address):
    page = open_page(browser, f"{address}/path?lang=en&steps=5")
    with page.expect_download() as download:
        page.locator(".st-key-download button").click()
    image = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert (image.format, image.n_frames, image.info["loop"]) == ("GIF", 8, 0)
    assert download.value.suggested_filename == "mnist-path-beta-1-seed-7.gif"
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_are_named_in_the_header_and_keep_what_was_chosen(browser, address, language):
    """Each page is looked at on the way."""
    journal = Journal()
    page = open_page(
        browser, f"{address}/?lang={language}&beta=0.1&example=3", listen=journal.listen
    )
    text = Text(language)
    for key, path in TITLES.items():
        page.get_by_text(text("sections.lab"), exact=True).click()
        page.get_by_role("menuitem", name=text(key), exact=True).click()
        page.wait_for_url(f"**{path}?*")
        page.wait_for_function(
            "location.search.includes('beta=0.1') && location.search.includes('example=3')"
        )
        settle(page)
        look_around(page, journal, most_bytes=400_000)
    page.close()
