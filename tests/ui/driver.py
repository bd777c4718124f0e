"""Streamlit's test driver: pages opened in it, and what they show."""

import json
from pathlib import Path

from streamlit.testing.v1 import AppTest

from tests.processes import HANGING
from ui.service import navigation

ROOT = Path(__file__).parents[2]


def open_app(**query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=HANGING)
    app.query_params["lang"] = "en"
    for name, value in query.items():
        app.query_params[name] = value
    return good(app.run())


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


def open_page(page: str, **query: str) -> AppTest:
    return good(open_app(**query).switch_page(navigation.file(page)).run())


def shown_map(app: AppTest) -> dict:
    """Data of the page's first map in the browser."""
    return shown_maps(app)[0]


def shown_maps(app: AppTest) -> list[dict]:
    """Data of each of the page's maps in the browser."""
    found = []

    def walk(block):
        for child in getattr(block, "children", {}).values():
            proto = getattr(child, "proto", None)
            if child.type == "bidi_component" and proto.component_name == "vae_lab_map":
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
