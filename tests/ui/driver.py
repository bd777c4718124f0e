"""Streamlit's test driver: pages opened in it, and what they show."""

import functools
import json
from pathlib import Path
from unittest.mock import patch

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.processes import HANGING
from vae.hub import sources

ROOT = Path(__file__).parents[2]
# Each new app looks through all installed packages, which takes longer than the page itself.
installed_components = functools.cache(manifest_scanner.scan_component_manifests)


def open_app(**query: str) -> AppTest:
    """The app's first page, opened by a link with this query."""
    return opened(None, query)


def open_page(page: str, **query: str) -> AppTest:
    """A page, opened by a link to it and not by way of the first page."""
    return opened(page, query)


def opened(page: str | None, query: dict[str, str]) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=HANGING)
    if page:  # switch_page() knows the pages' addresses only after a run
        app._page_hash = calc_hash(page)
    app.query_params["lang"] = "en"
    for name, value in query.items():
        app.query_params[name] = value
    with patch.object(manifest_scanner, "scan_component_manifests", installed_components):
        return good(app.run())


def look_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `sources` know no model, as in a new process.

    After the test those come back that it knew, and with them what the app's caches hold of them.
    """
    monkeypatch.setattr(sources, "_resolved", {})
    monkeypatch.setattr(sources, "_failures", {})
    monkeypatch.setattr(sources, "_no_answer", [])


def good(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def numbers(app: AppTest) -> str:
    """The sentence with distortion, rate and their sum."""
    return next(entry.value for entry in app.markdown if ":blue[" in entry.value)


def alternative_texts(app: AppTest) -> list[str]:
    """Alternative texts of all pictures and charts, in the order of the page."""
    found = []

    def walk(block):
        for child in getattr(block, "children", {}).values():
            proto = getattr(child, "proto", None)
            if child.type == "image":
                found.extend(image.alt for image in proto.imgs)
            elif child.type == "plotly_chart":
                found.append(proto.alt)
            walk(child)

    walk(app.main)
    return found


def alternative_text(app: AppTest, beginning: str) -> str:
    return next(alt for alt in alternative_texts(app) if alt.startswith(beginning))


def shown_map(app: AppTest) -> dict:
    """Data of the page's first map in the browser."""
    return shown_maps(app)[0]


def shown_maps(app: AppTest) -> list[dict]:
    """Data of each of the page's maps in the browser."""
    return components(app, "vae_lab_map")


def shown_formulas(app: AppTest) -> list[dict]:
    """Data of each formula in the browser, from top to bottom."""
    return components(app, "vae_lab_formula")


def components(app: AppTest, name: str) -> list[dict]:
    """Data of the components of that name, in the order of the page."""
    found = []

    def walk(block):
        for child in getattr(block, "children", {}).values():
            proto = getattr(child, "proto", None)
            if child.type == "bidi_component" and proto.component_name == name:
                found.append(json.loads(proto.json))
            walk(child)

    walk(app.main)
    return found


def signed(numbers: str) -> str:
    """Numbers with true minus signs, as the pages write them."""
    return numbers.replace("-", "−")


def said(app: AppTest) -> str:
    return " ".join(entry.value for entry in (*app.markdown, *app.caption, *app.info))


def upload(app: AppTest, content: bytes, name: str = "digit.png") -> AppTest:
    return good(app.file_uploader(key="upload").set_value((name, content, "image/png")).run())
