"""Memory of the Streamlit app, on Linux: python -m tests.browser.memory.

For docs/hosting/streamlit-cloud.md. Resident memory of the server's process, after each step:
started; one visitor; every model looked at; then more visitors, each in a browser of their own,
with a photograph of twelve megapixels.
"""

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser

from benchmarks.serving import running_app
from tests.browser.app import answered, open_page, running_browser
from vae.hub import sources

VISITORS = 30


def photograph() -> bytes:
    """A seven on paper, 4000 × 3000 pixels, with the grain of a camera."""
    grain = np.random.default_rng(0).normal(0, 6, (3000, 4000, 3))
    paper = np.full((3000, 4000, 3), 225.0)
    paper[700:900, 1200:2600] = paper[700:2400, 2300:2600] = 40
    buffer = io.BytesIO()
    Image.fromarray((paper + grain).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def visit(browser: Browser, address: str, file: Path):
    """A visitor who uploads the photograph and stays."""
    page = open_page(browser, f"{address}/?lang=en&source=upload")
    with answered(page):
        page.locator(".st-key-upload input[type=file]").set_input_files(file)
        page.wait_for_selector(".film-flow .file img[alt*='1032 × 774']")
    return page


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app() as app,
        running_browser() as browser,
    ):
        file = Path(folder) / "photograph.jpg"
        file.write_bytes(photograph())
        print(f"{'started':<40}{app.megabytes():>8.0f} MB")
        page = open_page(browser, f"{app.address}/?lang=en")
        print(f"{'one visitor':<40}{app.megabytes():>8.0f} MB")
        page.close()
        for name in sources.names():
            open_page(browser, f"{app.address}/?lang=en&model={name}").close()
        print(f"{f'all {len(sources.names())} models looked at':<40}{app.megabytes():>8.0f} MB")
        for visitor in range(1, VISITORS + 1):
            visit(browser, app.address, file)
            if visitor in (1, 10, VISITORS):
                print(
                    f"{f'and {visitor} open with a photograph each':<40}{app.megabytes():>8.0f} MB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
