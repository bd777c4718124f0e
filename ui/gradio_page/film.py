"""Gradio components of the film of beta, from the files that the Streamlit page also shows.

Their values are text: a carrier's is a film in base64, a view's its data in JSON.
"""

import base64
import json

import gradio as gr

from ui.film import views
from ui.film.frames import Film
from ui.gradio_page.scripts import script

VIEWS = ("beta_bar", "flow", "plane", "gallery")
# In the page's head, since Gradio drops container queries from its own style.
HEAD = f"<style>{''.join(views.content(f'{name}.css') for name in VIEWS)}</style>"


def carrier(name: str) -> gr.HTML:
    """A component that takes a film to the browser and shows nothing."""
    return _component("film", name, "", binary=True)


def view(name: str) -> gr.HTML:
    """A view of the film, one of VIEWS; its `input` event brings what the browser asks for."""
    return _component(name, name.replace("_", "-"), views.content(f"{name}.html"), binary=False)


def carried(film: Film) -> str:
    """A carrier's value."""
    return base64.b64encode(film.content).decode()


def data(values: views.Data) -> str:
    """A view's value."""
    return json.dumps(values, ensure_ascii=False)


def _component(name: str, element: str, page: str, *, binary: bool) -> gr.HTML:
    settings = {"script": views.content(f"{name}.js"), "binary": binary}
    return gr.HTML(
        html_template=page,
        js_on_load=script("film_view", settings),
        apply_default_css=False,
        elem_id=element,
    )
