"""Which Chromium is driven, and how: without the network, and the same on every machine."""

import os
import shutil

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP *.example 127.0.0.1",  # several sites on one machine
    "--use-fake-device-for-media-stream",  # a camera that shows a test pattern
    "--use-fake-ui-for-media-stream",
]


def path() -> str | None:
    """Path of the installed Chromium or Chrome; $CHROMIUM names another."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
