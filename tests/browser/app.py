"""The app in a process of its own, and a real Chromium that visits it."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakSet

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks import chromium, serving

# Milliseconds: longer than any page takes on any machine.
LOADED = 300_000

# Streamlit tells in an attribute whether its script runs; too early, a page still shows the
# results of the last run.
NOTE_CHANGES = """
    window.lastScriptChange = 0;
    new MutationObserver(() => { window.lastScriptChange = performance.now(); })
        .observe(document, {subtree: true, attributeFilter: ['data-test-script-state']});
"""
_RUNS: WeakKeyDictionary[Page, int] = WeakKeyDictionary()
_SHARED: WeakSet[Page] = WeakSet()
# An empty page for each locale, and whether the screen is touched; it opens the others.
_OPENERS: WeakKeyDictionary[Browser, dict[tuple[str, bool], Page]] = WeakKeyDictionary()

# The element that a page draws last; "" stands for the playground and the lesson's pages.
LAST_DRAWN = {
    "": ".film-gallery canvas, .st-key-lesson_foot",
    "path": ".st-key-download",
    "map": ".st-key-latent_map .stBidiComponent",
    "dimensions": ".st-key-alive",
    "teacher": ".st-key-worksheet",
}


@contextlib.contextmanager
def running_app() -> Iterator[str]:
    """Run the app on a free port; yields its address."""
    with serving.running_app() as app:
        yield app.address


@contextlib.contextmanager
def running_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium.path(), args=chromium.QUIET, timeout=LOADED
        )
        expect.set_options(timeout=LOADED)
        yield browser
        browser.close()


def visitor(browser: Browser, *, locale: str = "en-US", touch: bool = False) -> Page:
    """An empty page of a new visitor, with the camera allowed.

    Pages of visitors with the same settings are opened by one empty page, and so live in one
    process of the browser: scripts that one of them has compiled are ready for the next, which
    halves the processor time of loading a page. Sessions of the app are not shared.
    """
    openers = _OPENERS.setdefault(browser, {})
    opener = openers.get((locale, touch))
    if opener is None:
        context = browser.new_context(locale=locale, has_touch=touch, permissions=["camera"])
        context.set_default_timeout(LOADED)
        opener = openers[locale, touch] = context.new_page()
        _SHARED.add(opener)
    with opener.expect_popup() as opened:
        opener.evaluate("void window.open('about:blank')")
    page = opened.value
    page.set_viewport_size({"width": 1440, "height": 900})
    return page


def open_page(
    browser: Browser,
    address: str,
    *,
    width: int = 1440,
    height: int = 900,
    dark: bool = False,
    locale: str = "en-US",
    listen: Callable[[Page], None] | None = None,
) -> Page:
    """A new visitor's page at the address, completely drawn.

    listen: called with the page before it goes there.
    """
    page = visitor(browser, locale=locale, touch=width < 600)
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if dark else "light")
    page.add_init_script(NOTE_CHANGES)
    page.on(
        "websocket",
        lambda socket: socket.on("framereceived", lambda frame: _count_runs(page, frame)),
    )
    if listen:
        listen(page)
    page.goto(address)
    settle(page)
    return page


def settle(page: Page) -> None:
    """Wait until the script has ended and all pictures and charts are drawn."""
    page.wait_for_selector(
        LAST_DRAWN.get(urlsplit(page.url).path.strip("/"), ".st-key-lesson_foot")
    )
    page.wait_for_selector(".stApp[data-test-script-state='notRunning']")
    page.wait_for_function("performance.now() - window.lastScriptChange > 200")
    page.wait_for_function(
        "[...document.images].every(image => image.complete && image.naturalWidth > 0)"
    )
    page.wait_for_function("""() => {
        const charts = [...document.querySelectorAll('.stPlotlyChart')];
        const least = location.pathname === '/path' ? 2 : 0;
        return charts.length >= least && charts.every(chart => chart.querySelector('.main-svg'));
    }""")
    # Views of a film say themselves that something is still on its way.
    expect(
        page.locator(":is(.film-flow, .film-gallery, .film-strip, .map-numbers)[aria-busy=true]")
    ).to_have_count(0)
    page.wait_for_function("document.querySelector('[data-testid=stSkeleton]') === null")


def runs(page: Page) -> int:
    """How many runs of the script have ended for this page, without those that were restarted.

    The page was opened by `open_page`.
    """
    page.evaluate("0")  # Playwright passes on what has arrived while it waits for an answer
    return _RUNS.get(page, 0)


def _count_runs(page: Page, frame: bytes | str) -> None:
    """Count a run by a message of Streamlit's protocol: a short one leaves no trace in the page."""
    message = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
    if (
        message.WhichOneof("type") == "script_finished"
        and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
    ):
        _RUNS[page] = _RUNS.get(page, 0) + 1


@contextlib.contextmanager
def answered(page: Page) -> Iterator[None]:
    """Context manager for a student's action: waits for the script's run and a settled page."""
    settle(page)  # an earlier run may still draw
    before = runs(page)
    yield
    give_up = time.monotonic() + LOADED / 1000
    while runs(page) == before:
        assert time.monotonic() < give_up, "the app did not answer"
        page.wait_for_timeout(20)
    # The answer has come; from now on it is drawn.
    page.evaluate("window.lastScriptChange = performance.now()")
    settle(page)


class SharedPage:
    """A page on which the tests of a module go on one after another, as a student would.

    To load a page's scripts takes longer than most tests. After a test that failed, the next one
    begins on a new page.

    open: a new page. failures: what has failed on a page; nothing may have at the end of a test.
    """

    def __init__(self, open: Callable[[], Page], failures: Callable[[Page], list[str]]) -> None:
        self._open, self._failures = open, failures
        self._page: Page | None = None

    @contextlib.contextmanager
    def test(self, session: pytest.Session) -> Iterator[Page]:
        """Context manager for one test: yields the page."""
        if self._page is None:
            self._page = self._open()
            _SHARED.add(self._page)
        page, failed = self._page, session.testsfailed
        yield page
        failures = self._failures(page)
        if failures or session.testsfailed > failed:
            self.close()
        assert failures == []

    def close(self) -> None:
        if self._page is not None:
            self._page.close()
        self._page = None


def close_pages(browser: Browser) -> None:
    """Close all pages but the shared ones, which their modules close."""
    for context in browser.contexts:
        for page in context.pages:
            if page not in _SHARED:
                page.close()


def exceptions(page: Page) -> list[str]:
    """The exceptions that a page of Streamlit shows."""
    return page.locator("[data-testid=stException]").all_inner_texts()


@dataclass
class Journal:
    """What a browser says of its pages: errors, and the sizes of the server's messages in bytes."""

    problems: list[str] = field(default_factory=list)
    received: list[int] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Write down what happens on this page from now on."""

        def received(frame: bytes | str) -> None:
            self.received.append(len(frame))

        page.on("websocket", lambda socket: socket.on("framereceived", received))
        page.on("console", lambda message: message.type == "error" and self._note(message.text))
        page.on("pageerror", lambda error: self._note(str(error)))

    def _note(self, problem: str) -> None:
        # Streamlit looks for its server below the page's own address first.
        if "404" not in problem:
            self.problems.append(problem)


def look_around(page: Page, journal: Journal, most_bytes: int = 200_000) -> None:
    """Look at a page narrow and dark, then wide and light, and check what holds for all pages.

    Nothing fails, nothing is wider than the screen, every picture is described, and no message is
    too large for a phone's network.

    most_bytes: of one message.
    """
    for dark, width in ((True, 390), (False, 1440)):
        page.emulate_media(color_scheme="dark" if dark else "light")
        page.set_viewport_size({"width": width, "height": 844})
        settle(page)
        assert page.evaluate("document.querySelector('.stMain').scrollWidth") <= width
        colour = "rgb(20, 22, 26)" if dark else "rgb(255, 255, 255)"
        expect(page.locator(".stApp")).to_have_css("background-color", colour)
    assert exceptions(page) == []
    assert journal.problems == []
    # Also in the components' own trees.
    assert all(
        page.locator("img").evaluate_all(
            "all => all.filter(image => image.getAttribute('src')).map(image => image.alt)"
        )
    )
    labels = "all => all.map(canvas => canvas.getAttribute('aria-label'))"
    assert all(page.locator("canvas[role=img]").evaluate_all(labels))
    assert max(journal.received) < most_bytes
