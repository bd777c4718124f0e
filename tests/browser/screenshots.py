"""Pictures of the app for README and review: python -m tests.browser.screenshots FOLDER.

Writes FOLDER/playground.png, FOLDER/map.png and FOLDER/step5.png and, with --all, every page in
every combination of width, theme and language.
"""

import itertools
import sys
from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.app import open_page, running_app, running_browser, settle
from ui.service import navigation

PAGES = {
    "playground": "?example=5",
    "map": "map?example=3&pin=1.3,-0.9&posteriors=100",
    "dimensions": "dimensions?example=3&beta=4",
    "path": "path?example=3&example2=8",
    **{step: f"{step}?seen={step}" for step in navigation.STEPS},
    "misconceptions": "misconceptions?topic=blur",
    "teacher": "teacher?to_hide=beta",
}


def main(folder: Path, everything: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_app() as address, running_browser() as browser:
        for name in ("playground", "map", "step5"):
            file = folder / f"{name}.png"
            _take(
                browser,
                f"{address}/{PAGES[name]}&lang=en",
                file,
                width=1440,
                whole=name == "playground",
            )
        if not everything:
            return
        for name, width, dark, language in itertools.product(
            PAGES, (1440, 390), (False, True), ("en", "ko")
        ):
            _take(
                browser,
                f"{address}/{PAGES[name]}&lang={language}",
                folder / f"{name}-{width}-{'dark' if dark else 'light'}-{language}.png",
                width=width,
                dark=dark,
                whole=True,
            )


def _take(
    browser: Browser, address: str, file: Path, *, whole: bool = False, **look: object
) -> None:
    page = open_page(browser, address, **look)
    # The page scrolls inside its main element: a window as tall as its content shows all of it.
    if whole:
        content = page.evaluate("document.querySelector('.stMain').scrollHeight")
        page.set_viewport_size({"width": look["width"], "height": max(900, content)})
        settle(page)
    page.wait_for_timeout(500)
    page.screenshot(path=file)
    page.close()


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    main(Path(arguments[0] if arguments else "docs"), "--all" in sys.argv)
