"""How much memory the Streamlit app takes: python -m tests.browser.memory, on Linux. For docs/hosting/streamlit-cloud.md.

Resident memory of the server's process, after each step: started; one visitor; every model looked at; then more visitors, each
in a browser of their own, with a photograph of twelve megapixels.
"""

import io
import os
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.app import answered, open_page, running_app, running_browser
from vae import hub

VISITORS = 30


def resident_megabytes() -> float:
    """Of the server that this process has started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, status = (folder / "cmdline").read_bytes(), (folder / "status").read_text()
        except OSError:  # ended meanwhile
            continue
        if f"PPid:\t{os.getpid()}\n" in status and b"streamlit\0run" in command:
            return int(status.partition("VmRSS:")[2].split()[0]) / 1024
    raise RuntimeError("the app does not run")


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
        page.wait_for_selector(".st-key-file img[alt*='1032 × 774']", timeout=60_000)
    return page


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_app() as address, running_browser() as browser:
        file = Path(folder) / "photograph.jpg"
        file.write_bytes(photograph())
        print(f"{'started':<40}{resident_megabytes():>8.0f} MB")
        page = open_page(browser, f"{address}/?lang=en")
        print(f"{'one visitor':<40}{resident_megabytes():>8.0f} MB")
        page.context.close()
        for name in hub.names():
            open_page(browser, f"{address}/?lang=en&model={name}").context.close()
        print(f"{f'all {len(hub.names())} models looked at':<40}{resident_megabytes():>8.0f} MB")
        for visitor in range(1, VISITORS + 1):
            visit(browser, address, file)
            if visitor in (1, 10, VISITORS):
                print(f"{f'and {visitor} open with a photograph each':<40}{resident_megabytes():>8.0f} MB", flush=True)


if __name__ == "__main__":
    main()
