"""Updates of the page's components, from a link's values or a model."""

import uuid
from typing import TypeGuard
from urllib.parse import urlencode

import gradio as gr

import vae
from ui.gradio_page import answers, html
from ui.gradio_page.answers import Photo
from ui.service import validation
from ui.service.selection import Selection
from ui.service.validation import LARGEST_SEED, InputError
from ui.text import LANGUAGES, Text
from vae.hub import sources

OWN = "own"  # ?picture= of a link to a view of the student's own file, which no link holds


def is_seed(value: object) -> TypeGuard[int | float]:
    """Whether a value is a seed; a field that is being typed in is empty."""
    try:
        return validation.integer("seed", value, 0, LARGEST_SEED) >= 0
    except InputError:
        return False


def new_token() -> str:
    """A new token: its change tells the page to show what was prepared."""
    return uuid.uuid4().hex


def link_number(query: dict[str, str], key: str, default: float, high: float = 1e9) -> float:
    """A number from the link, or the default where none fits."""
    try:
        return validation.number(key, float(query[key]), 0, high)
    except (KeyError, ValueError):
        return default


def examples(
    text: Text, model: sources.Resolved, choice: str | None, photo: Photo | None = None
) -> gr.Radio:
    """The examples to choose from; while a file is shown none is selected, so that each can be."""
    names = model.examples.names
    labels = [
        (text(f"examples.{name}") if text.has(f"examples.{name}") else name, place)
        for place, name in enumerate(names)
    ]
    return gr.Radio(labels, value=None if photo else names.index(choice) if choice in names else 0)


def example_name(at: Selection, place: int | None) -> str | None:
    """Name of the example at this place; of the first where the model has fewer."""
    names = at.model.examples.names
    return None if place is None else names[place] if place < len(names) else names[0]


def model_updates(text: Text, model: sources.Resolved) -> list[object]:
    """Updates that depend on the model alone.

    In order: button for a new eps, heading, what is said of the noise, of the plane and of
    the gallery, foot.
    """
    config, point = model.network.config, model.network.config.autoencoder
    of_noise = "" if point else text("sidebar.noise_help")
    temperature = (
        text("gallery.point_temperature_help") if point else text("gallery.temperature_help")
    )
    return [
        gr.Button(visible=not point),
        html.heading(text("picture.heading"))
        + html.paragraphs(text(f"upload.{config.preprocess}")),
        html.paragraphs(of_noise, text("sidebar.seed_help")),
        *answers.plane_texts(text, model),
        html.paragraphs(temperature, text("gallery.pixels_help")),
        answers.foot(text, model),
    ]


def noise(text: Text, model: sources.Resolved, choice: str) -> gr.Radio:
    """The choice between a drawn z and the mean, for models that have both."""
    return gr.Radio(
        [(text(f"sidebar.noise_{kind}"), kind) for kind in ("draw", "mean")],
        value="mean" if choice == "mean" else "draw",
        visible=not model.network.config.autoencoder,
    )


def framing(text: Text, model: sources.Resolved, photo: Photo | None) -> list[object]:
    """The framing controls that this model uses: row, guide, zoom, across, down, mirrored."""
    kind = model.network.config.preprocess
    places = kind == "photo"
    return [
        gr.Row(visible=photo is not None and kind != "ink"),
        guide(text, model, photo),
        *(gr.Slider(value=value, visible=places) for value in (1.0, 50, 50)),
        gr.Checkbox(value=False),
    ]


def guide(text: Text, model: sources.Resolved, photo: Photo | None) -> str:
    """The framed square with its guide lines; empty for models without a guide."""
    if photo is None or model.network.config.preprocess != "photo":
        return ""
    return html.guide(
        photo.given.guide,
        text("alt.framing", eyes=vae.images.framing.EYES, mouth=vae.images.framing.MOUTH),
        text("framing.guide"),
    )


def top(text: Text, link: dict[str, object]) -> str:
    """The title, the view's own link, and the same view in the other languages."""
    links = [
        ("?" + urlencode(link | {"lang": code}), name, code) for code, name in LANGUAGES.items()
    ]
    return html.top(text("app.title"), links, text.language, text("source.link"))
