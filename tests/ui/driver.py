"""Streamlit's test driver: pages opened in it, and what they show."""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlencode

import pytest
from streamlit.components.v2 import manifest_scanner
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from benchmarks import film
from tests.processes import HANGING
from vae.hub import sources

ROOT = Path(__file__).parents[2]
MAP_NUMBERS = "vae_lab_map_numbers"
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


def elements(app: AppTest) -> Iterator:
    """All elements of the main part, in the order of the page."""

    def walk(block):
        for child in getattr(block, "children", {}).values():
            yield child
            yield from walk(child)

    return walk(app.main)


def components(app: AppTest, name: str = "") -> list[BidiComponent]:
    """The page's components in JavaScript, in its order: all, or those of a name."""
    found = [element.proto for element in elements(app) if element.type == "bidi_component"]
    return [component for component in found if name in ("", component.component_name)]


def shown_film(app: AppTest) -> film.Shown:
    """The film's views at the beta that the link names, which is where the slider stands."""
    query = urlencode(app.query_params, doseq=True)
    for bar in components(app, film.BETA_BAR):
        data = json.loads(bar.json)
        assert data["at"] == film.stop(data["betas"], query)
    return film.Shown(components(app), query)


def move_beta(app: AppTest, beta: float) -> AppTest:
    """Move the page's slider: its component tells the server where the hand rests."""
    return tell(app, film.BETA_BAR, "beta", beta)


def tell(app: AppTest, name: str, state: str, value: object) -> AppTest:
    """Let a component tell the server a value, as the browser does."""
    (component,) = components(app, name)
    states = app._tree.get_widget_states()
    states.widgets.add(id=component.id, json_value=json.dumps({state: value}))
    return good(app._run(states))


def beta_of(app: AppTest) -> float:
    """The beta at which the page's slider stands."""
    (bar,) = components(app, film.BETA_BAR)
    data = json.loads(bar.json)
    return data["betas"][data["at"]]


def numbers(app: AppTest) -> str:
    """The playground's sentence with distortion, rate and their sum."""
    return shown_film(app).sentences()["loss"]


def alternative_texts(app: AppTest) -> list[str]:
    """Alternative texts of all pictures and charts, in the order of the page."""
    found, shown = [], shown_film(app)
    for element in elements(app):
        proto = getattr(element, "proto", None)
        if element.type == "image":
            found.extend(image.alt for image in proto.imgs)
        elif element.type == "plotly_chart":
            found.append(proto.alt)
        elif element.type == "bidi_component":
            found.extend(shown.alternative_texts(proto))
            if proto.component_name == MAP_NUMBERS:
                data = json.loads(proto.json)
                found += [data[name]["alt"] for name in ("seen", "reconstruction")]
    return found


def alternative_text(app: AppTest, beginning: str) -> str:
    return next(alt for alt in alternative_texts(app) if alt.startswith(beginning))


def shown_map(app: AppTest) -> dict:
    """Data of the page's first map in the browser."""
    return shown_maps(app)[0]


def shown_maps(app: AppTest) -> list[dict]:
    """Data of each of the page's maps in the browser."""
    return data_of(app, "vae_lab_map")


def shown_formulas(app: AppTest) -> list[dict]:
    """Data of each formula in the browser, from top to bottom."""
    return data_of(app, "vae_lab_formula")


def data_of(app: AppTest, name: str) -> list[dict]:
    """Data of the components of that name, in the order of the page."""
    return [json.loads(component.json) for component in components(app, name)]


def signed(numbers: str) -> str:
    """Numbers with true minus signs, as the pages write them."""
    return numbers.replace("-", "−")


def said(app: AppTest) -> str:
    """What the page says in sentences, in Markdown but for those of views."""
    beside = [film.text(one) for data in data_of(app, MAP_NUMBERS) for one in data["says"].values()]
    written = [entry.value for entry in (*app.markdown, *app.caption, *app.info)]
    return " ".join([*written, *beside, *shown_film(app).said()])


def upload(app: AppTest, content: bytes, name: str = "digit.png") -> AppTest:
    return good(app.file_uploader(key="upload").set_value((name, content, "image/png")).run())
