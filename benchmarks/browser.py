"""The playground in a real Chromium: frames a second while beta is dragged, and how it opens.

    python -m benchmarks.browser

Frames are counted while the slider itself is moved by one stop in each frame of the screen: a mouse
that is steered from outside waits for the frame before, and would be measured with it. What a drag
sends, and when all has settled, is measured with the browser's own mouse. In turns with that, a
page of Streamlit with one chart of Plotly and nothing else is loaded anew: the ratio tells the
app's part from the machine's and the library's. Needs Chromium or Chrome ($CHROMIUM names one).
"""

import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import tyro
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks import chromium
from benchmarks.machine import machine
from benchmarks.serving import STREAMLIT, running_app

PLAIN = """import plotly.graph_objects as go
import streamlit as st

st.plotly_chart(go.Figure(go.Scatter(x=[1, 2, 3], y=[3, 1, 2])))
"""
# Moves the slider by a stop in each frame; returns the times of the frames, and how many showed it.
SWEEP = """(input, seconds) => new Promise(done => {
    const times = [], count = Number(input.max), before = window.frames_shown;
    const step = now => {
        times.push(now);
        const way = times.length % (2 * count);
        input.value = way <= count ? way : 2 * count - way;
        input.dispatchEvent(new Event('input', {bubbles: true}));
        if (now - times[0] < 1000 * seconds) requestAnimationFrame(step);
        else done([times, window.frames_shown - before]);
    };
    requestAnimationFrame(step);
})"""
SWEEPS = 2.0  # a second, from one end of the slider to the other: 76 stops of digits
THUMB = 18  # pixels
PATIENCE = 600_000  # ms
# Selectors of what has been drawn last, in the page or in a component's own tree.
PICTURE = ".film-flow[aria-busy=false] .reconstruction canvas[aria-label]"
CHART = ".stPlotlyChart .main-svg"
# Every component's tree, and the time at which what we wait for was there.
WATCH = """(selector => {
    const roots = [document], attach = Element.prototype.attachShadow;
    Element.prototype.attachShadow = function (how) {
        const root = attach.call(this, how);
        roots.push(root);
        return root;
    };
    const look = () => {
        if (roots.some(root => root.querySelector(selector))) window.drawnAt = performance.now();
        else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})"""
# Counts the frames of the player, and notes when anything that is seen changed last. What is for
# screen readers alone follows when the hand rests.
COUNT = """flow => {
    window.frames_shown = 0;
    window.changed = 0;
    const [scope] = vaeLabFilm.scopes.keys();
    vaeLabFilm.subscribe(scope, () => {
        window.frames_shown += 1;
        window.changed = performance.now();
    });
    const seen = new MutationObserver(() => { window.changed = performance.now(); });
    const plane = document.querySelector('.st-key-plane [data-testid=stBidiComponentIsolated]');
    for (const root of [flow.getRootNode(), plane?.shadowRoot]) if (root)
        seen.observe(root, {subtree: true, childList: true, characterData: true,
            attributeFilter: ['style', 'transform', 'visibility']});
    addEventListener('pointerup', () => { window.released = performance.now(); }, true);
}"""


@dataclass(frozen=True)
class Arguments:
    """Measure what a student sees of the playground."""

    drags: int = 3
    """Drags of beta at each speed; the median counts."""
    seconds: float = 2.0
    """Of a drag."""
    slowed: float = 4.0
    """Times that the browser's processor is slowed in the second half of the drags."""
    reloads: int = 5
    """Reloads of each page, in turns; medians count."""
    query: str = "lang=en"
    """Of the playground's address, such as lang=en&model=faces."""


@dataclass
class Drag:
    """One drag of beta.

    frames: a second, the median of those between two frames. shown: share of the frames that showed
    another stop. settled: ms from release until nothing that is seen changed any more.
    """

    frames: float
    shown: float
    messages: int
    settled: float


@dataclass
class Traffic:
    """What a page sends, and the bytes that it receives."""

    sent: int = 0
    loaded: int = 0
    received: list[int] = field(default_factory=list)

    def listen(self, page: Page, session: CDPSession) -> None:
        """Write down what this page does from now on."""

        def sent(_: object) -> None:
            self.sent += 1

        def received(frame: bytes | str) -> None:
            self.received.append(len(frame))

        def loaded(event: dict[str, float]) -> None:
            self.loaded += int(event["encodedDataLength"])

        def connected(socket: object) -> None:
            socket.on("framesent", sent)  # type: ignore[attr-defined]
            socket.on("framereceived", received)  # type: ignore[attr-defined]

        page.on("websocket", connected)
        session.send("Network.enable")
        session.on("Network.loadingFinished", loaded)


@contextlib.contextmanager
def plain_page() -> Iterator[str]:
    """Run a page of Streamlit with one chart; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plain.py"
        file.write_text(PLAIN)
        with running_app(command=STREAMLIT.replace("app.py", str(file))) as app:
            yield app.address


def opened(browser: Browser, address: str, drawn: str) -> tuple[Page, CDPSession, Traffic]:
    """A new visitor's page, once what `drawn` selects is there."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE)
    session, traffic = page.context.new_cdp_session(page), Traffic()
    traffic.listen(page, session)
    page.add_init_script(f"{WATCH}({drawn!r})")
    page.goto(address)
    page.wait_for_selector(drawn, state="attached")
    return page, session, traffic


def reloaded(page: Page, drawn: str) -> float:
    """Seconds from a reload to the picture."""
    page.reload(wait_until="commit")
    page.wait_for_selector(drawn, state="attached")
    page.wait_for_function("window.drawnAt")
    return float(page.evaluate("window.drawnAt")) / 1000


def drag(page: Page, traffic: Traffic, seconds: float) -> Drag:
    """Drag beta with the mouse, and let it go."""
    handle = page.locator(".film-bar input")
    box = handle.bounding_box()
    assert box
    times, shown = handle.evaluate(SWEEP, seconds)
    gaps = [end - start for start, end in pairwise(times)]
    before = traffic.sent
    height = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + THUMB / 2, height)
    page.mouse.down()
    begun = time.perf_counter()
    while (passed := time.perf_counter() - begun) < seconds:
        way = passed * SWEEPS % 2
        share = way if way <= 1 else 2 - way
        page.mouse.move(box["x"] + THUMB / 2 + share * (box["width"] - THUMB), height)
    messages = traffic.sent - before
    page.mouse.up()
    page.wait_for_timeout(200)
    settled = page.evaluate("Math.max(0, window.changed - window.released)")
    page.wait_for_timeout(1500)  # the server has answered, and the next drag begins at rest
    return Drag(1000 / statistics.median(gaps), shown / len(times), messages, settled)


def dragged(page: Page, traffic: Traffic, arguments: Arguments) -> Drag:
    """The drags of one speed: medians, and the most messages that one has sent."""
    drags = [drag(page, traffic, arguments.seconds) for _ in range(arguments.drags)]
    return Drag(
        statistics.median(one.frames for one in drags),
        min(one.shown for one in drags),
        max(one.messages for one in drags),
        statistics.median(one.settled for one in drags),
    )


def report(browser: Browser, address: str, plain: str, arguments: Arguments) -> None:
    page, session, traffic = opened(browser, f"{address}/?{arguments.query}", PICTURE)
    page.wait_for_selector(".film-gallery[aria-busy=false]")
    page.wait_for_timeout(1000)
    kilobytes = [traffic.loaded / 1000, sum(traffic.received) / 1000]
    page.locator(".film-flow").evaluate(COUNT)
    whole = dragged(page, traffic, arguments)
    session.send("Emulation.setCPUThrottlingRate", {"rate": arguments.slowed})
    slowed = dragged(page, traffic, arguments)
    session.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    other, _, _ = opened(browser, plain, CHART)
    pictures, charts = [], []
    for _ in range(arguments.reloads):
        charts.append(reloaded(other, CHART))
        pictures.append(reloaded(page, PICTURE))
    ratio = statistics.median(mine / base for mine, base in zip(pictures, charts, strict=True))
    print(f"medians, Chromium {browser.version}, on {machine()}")
    for name, found in (("", whole), (f", {arguments.slowed:g} times slower", slowed)):
        print(f"{'frames a second' + name:42}{found.frames:8.1f}")
        print(f"{'of them with another stop' + name:42}{found.shown:8.0%}")
        print(f"{'messages during a drag' + name:42}{found.messages:8d}")
        print(f"{'from release to settled' + name:42}{found.settled:8.0f} ms")
    print(f"{'opening: files':42}{kilobytes[0]:8,.0f} kB")
    print(f"{'opening: messages':42}{kilobytes[1]:8,.0f} kB")
    print(f"{'reload of a plain page to its chart':42}{statistics.median(charts):8.2f} s")
    print(f"{'reload of the playground to its picture':42}{statistics.median(pictures):8.2f} s")
    print(f"{'ratio':42}{ratio:8.2f}")


def main(argv: Sequence[str]) -> None:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.browser")
    with running_app() as app, plain_page() as plain, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=chromium.QUIET)
        report(browser, app.address, plain, arguments)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
