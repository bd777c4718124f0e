"""Pictures of the app for the README and for looking at: python -m tests.browser.screenshots docs

Writes FOLDER/playground.png and, with --all, every combination of width, theme and language.
"""

import itertools
import sys
from pathlib import Path

from tests.browser.app import open_page, running_app, running_browser, settle


def main(folder: Path, everything: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_app() as address, running_browser() as browser:
        page = open_page(browser, f"{address}/?lang=en&example=5")
        page.wait_for_timeout(500)
        page.screenshot(path=folder / "playground.png")
        page.context.close()
        if not everything:
            return
        for width, dark, language in itertools.product((1440, 390), (False, True), ("en", "ko")):
            page = open_page(browser, f"{address}/?lang={language}&example=5", width=width, dark=dark)
            # The page scrolls inside its main element: a window as tall as its content shows all of it.
            content = page.evaluate("document.querySelector('.stMain').scrollHeight")
            page.set_viewport_size({"width": width, "height": max(900, content)})
            settle(page)
            page.wait_for_timeout(500)
            page.screenshot(path=folder / f"playground-{width}-{'dark' if dark else 'light'}-{language}.png")
            page.context.close()


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--all"]
    main(Path(arguments[0] if arguments else "docs"), "--all" in sys.argv)
