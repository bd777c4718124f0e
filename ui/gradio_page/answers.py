"""Answers to the page's controls: values in, HTML and data of the film's views out.

Numbers come from vae.experiments, figures and sentences from ui.film and ui.view.
"""

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np

import vae
from ui.film import frames, views
from ui.film.frames import GallerySettings
from ui.gradio_page import film, html
from ui.service import api, cache, validation
from ui.service.selection import Selection
from ui.service.validation import InputError
from ui.text import Text
from ui.view import pictures, sentences, source_picture
from ui.view.pictures import THUMBNAIL
from ui.view.source_picture import SourcePicture
from vae import experiments
from vae.hub.sources import Resolved
from vae.images.reading import WHOLE, Framing


@dataclass(frozen=True)
class Photo:
    """A session's own picture: opened, framed, and preprocessed for a model, which it names."""

    model: str
    opened: np.ndarray
    framing: Framing
    given: SourcePicture

    def fits(self, model: Resolved) -> bool:
        """Whether it was preprocessed for this model."""
        return self.model == model.name

    def framed(self, model: Resolved, framing: Framing) -> "Photo":
        """This picture with another framing. Raises ImageError."""
        given = SourcePicture(vae.images.view(self.opened, model.network.config, framing))
        return replace(self, model=model.name, framing=framing, given=given)


def chosen(name: object, beta: float) -> Selection:
    """The selected model, at the measured beta that is nearest; an autoencoder has one."""
    model = api.resolve(name)
    return Selection(model, model.metrics.at(beta or model.metrics.betas[0].beta))


def photo(event: gr.EventData, model: Resolved) -> Photo:
    """The picture sent by picture_source, opened and preprocessed.

    Raises ImageError, and InputError also for a problem that the browser found.
    """
    data = event._data if isinstance(event._data, dict) else {}
    if data.get("problem") == "no_camera":
        raise InputError("source.no_camera")
    if data.get("problem") == "too_large":
        raise InputError("source.too_large", megabytes=vae.images.MAX_BYTES >> 20)
    opened = vae.images.decode(validation.file(data.get("picture"), model))
    given = SourcePicture(vae.images.view(opened, model.network.config))
    return Photo(model.name, opened, WHOLE, given)


def view(
    text: Text,
    at: Selection,
    seed: int,
    noise: str,
    eps: int,
    example: str | None,
    photo: Photo | None,
) -> list[object]:
    """All answers to the picture's controls, in the order of the page's components."""
    model, source = at.model, photo.given if photo else source_picture.example(at.model, example)
    use_mean = noise == "mean" and not at.autoencoder
    draw = cache.film if photo else cache.example_film
    shown = draw(source.image, model, seed, eps, use_mean, text.language)
    place = _place(at)
    return [
        film.carried(shown),
        film.data(views.flow(text, model, shown.id, source, use_mean=use_mean, **place)),
        _steps(text, at, source, seed),
        gr.HTML(
            film.data(views.plane(text, shown.id, **place)),
            visible="hidden" if at.autoencoder else True,
        ),
    ]


def _place(at: Selection) -> dict[str, Any]:
    """The views that move together, another model's others, and the stop that they begin with."""
    stops = frames.stops(at.model)
    return {"scope": f"gradio {at.model.name}", "at": stops.index(at.beta)}


def beta_bar(text: Text, at: Selection) -> gr.HTML:
    """The slider of beta; hidden where there is one beta."""
    several = len(frames.stops(at.model)) > 1
    return gr.HTML(
        film.data(views.beta_bar(text, at.model, **_place(at))),
        visible=True if several else "hidden",
    )


def _steps(text: Text, at: Selection, source: SourcePicture, seed: int) -> str:
    steps = dict(source.thumbnails)
    network = at.model.network
    if network.config.binarised:
        observed = experiments.observation(network, source.image, seed=seed)
        steps["binarised"] = pictures.picture_uri(observed, THUMBNAIL)
    named = {text(f"steps.{step}"): address for step, address in steps.items()}
    return html.steps(
        {
            name: (address, text("alt.step", number=number, name=name))
            for number, (name, address) in enumerate(named.items(), start=1)
        }
    )


def plane_texts(text: Text, model: Resolved) -> list[object]:
    """What stands below the plane, and its explanation; of an autoencoder, why it has none."""
    if model.network.config.autoencoder:
        return [html.paragraphs(text("plane.no_point")), gr.Accordion(visible=False), ""]
    return [
        html.paragraphs(sentences.regret(text, model)),
        gr.Accordion(visible=True),
        html.paragraphs(text("plane.help"), sentences.regret_help(text, model)),
    ]


def samples(text: Text, at: Selection, settings: GallerySettings) -> list[str]:
    """The gallery of samples: its heading, what is carried to the browser, its view, a note.

    Carried are all frames where another visitor has had them drawn, else the one at this beta: the
    browser then asks for the others.
    """
    named = (at.model, settings, text.language)
    place = _place(at)
    if cache.is_kept(cache.gallery_film, *named):
        shown = cache.gallery_film(*named)
    else:
        shown = cache.gallery_frame(*named, place["at"])
    heading = text("gallery.point_heading") if at.autoencoder else text("gallery.heading")
    return [
        html.heading(heading),
        film.carried(shown),
        film.data(views.gallery(text, shown.id, **place)),
        html.paragraphs(sentences.gallery_note(text, at.model, settings.temperature)),
    ]


def wanted_samples(
    text: Text, model: Resolved, settings: GallerySettings, wanted: int | str | None
) -> object:
    """What the gallery's view asked for: "film" or the number of a stop; else nothing."""
    named = (model, settings, text.language)
    if wanted == "film":
        return film.carried(cache.gallery_film(*named))
    if isinstance(wanted, int) and wanted < len(frames.stops(model)):
        return film.carried(cache.gallery_frame(*named, wanted))
    return gr.skip()


def foot(text: Text, model: Resolved) -> str:
    """Sources of the weights and of the training pictures, and improper uses of the model."""
    said = (
        text(f"{kind}.{model.name}")
        for kind in ("credit", "use")
        if text.has(f"{kind}.{model.name}")
    )
    return html.paragraphs(sentences.source(text, model), *said)
