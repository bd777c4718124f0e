"""The film of beta on a page: what its views show, and the hand that moves it."""

import base64
import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlparse

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.app import answered
from vae.hub.sources import resolve

# ms without an input after which the bar takes the hand for resting, though the button is down.
REST = 590

PIXELS = """shown => {
    const width = shown.naturalWidth || shown.width, height = shown.naturalHeight || shown.height;
    const canvas = Object.assign(document.createElement('canvas'), {width, height});
    canvas.getContext('2d').drawImage(shown, 0, 0);
    return canvas.toDataURL();
}"""


def picture(page: Page, name: str) -> Locator:
    """A picture of the flow: file, seen, reconstruction or difference."""
    return page.locator(f".film-flow .{name} :is(img, canvas)")


def described(page: Page, name: str) -> str:
    """The alternative text of a picture of the flow, which holds the picture's numbers."""
    shown = picture(page, name)
    return shown.get_attribute("aria-label") or shown.get_attribute("alt") or ""


def pixels(page: Page, name: str) -> str:
    """A picture of the flow as a data URI: all of its pixels."""
    return picture(page, name).evaluate(PIXELS)


def array(shown: Locator) -> np.ndarray:
    """The pixels of a canvas, (H, W, 3)."""
    png = base64.b64decode(shown.evaluate(PIXELS).partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def numbers(page: Page) -> str:
    """The sentences below the loss."""
    return page.locator(".film-flow .says").inner_text()


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlparse(page.url).query)


def bar(page: Page) -> Locator:
    return page.locator(".film-bar input")


def shows_beta(page: Page, beta: str) -> None:
    """Wait for the picture of that beta; its alternative text names it in every language."""
    alternative = re.compile(rf"beta {re.escape(beta)}(?![.\d])")
    expect(picture(page, "reconstruction")).to_have_attribute("aria-label", alternative)


def linked_beta(page: Page, beta: str, default: str = "1") -> None:
    """Wait until the address has that beta; it leaves out the default."""
    page.wait_for_function(
        "([beta, rest]) => (new URL(location).searchParams.get('beta') ?? rest) === beta",
        arg=[beta, default],
    )


def move_beta(page: Page, to: str, model: str = "mnist") -> None:
    """Move beta by the keyboard, as without a mouse, until the page and the link have `to`."""
    stops = [f"{entry.beta:g}" for entry in resolve(model).metrics.betas]
    steps = stops.index(to) - int(bar(page).input_value())
    if not steps:
        return
    bar(page).focus()
    with answered(page):
        for _ in range(abs(steps)):
            page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
        shows_beta(page, to)
        linked_beta(page, to)


@dataclass
class Sent:
    """What a page has sent to the server on its websocket."""

    messages: list[bytes | str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Write down what this page sends from now on."""
        page.on("websocket", lambda socket: socket.on("framesent", self._note))

    def _note(self, frame: bytes | str) -> None:
        self.messages.append(frame)

    def count(self, page: Page) -> int:
        page.evaluate("0")  # Playwright passes on what has been sent while it waits for an answer
        return len(self.messages)


NOTE_INPUTS = """input => {
    window.inputs = [performance.now()];
    input.addEventListener('input', () => window.inputs.push(performance.now()));
}"""


def drag(page: Page, seconds: float, looked: Callable[[], None], looks: int = 5) -> int:
    """Drag beta to and fro with the mouse, from where it is; the button stays down.

    looked: called at `looks` places on the way. Returns how often the hand has rested: a machine
    that is busy with other things holds it up, and a hand that rests long enough is answered.
    """
    handle = bar(page)
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    assert box
    count = int(handle.get_attribute("max") or 0)
    thumb = 18  # pixels: its centre goes from one half of it to the other
    middle = box["y"] + box["height"] / 2

    def place(stop: float) -> float:
        return box["x"] + thumb / 2 + stop / count * (box["width"] - thumb)

    start = int(handle.input_value())
    handle.evaluate(NOTE_INPUTS)
    page.mouse.move(place(start), middle)
    page.mouse.down()
    begun, moves = time.monotonic(), 0
    while time.monotonic() - begun < seconds or moves < 3 * count:
        moves += 1
        way = (start + moves) % (2 * count)
        page.mouse.move(place(way if way <= count else 2 * count - way), middle)
        if moves % (3 * count // looks) == 0:
            page.evaluate(
                "new Promise(drawn => "
                "requestAnimationFrame(() => requestAnimationFrame(() => drawn())))"
            )
            looked()
    times = page.evaluate("[...window.inputs, performance.now()]")
    return int((np.diff(times) >= REST).sum())
