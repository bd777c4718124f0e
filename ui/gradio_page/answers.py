"""Answers to the page's controls: values in, HTML and figures out.

Numbers come from vae.experiments, figures and sentences from ui.view.
"""

from dataclasses import dataclass, replace

import gradio as gr
import numpy as np

import vae
from ui.gradio_page import html
from ui.service import api, validation
from ui.service.cache import trade_off
from ui.service.selection import Selection
from ui.service.validation import InputError
from ui.text import Text
from ui.view import figures, pictures, sentences, source_picture
from ui.view.pictures import SHARP, THUMBNAIL
from ui.view.source_picture import SourcePicture
from vae import experiments
from vae.experiments import Breakdown, Reconstruction, TradeOff
from vae.hub.sources import Resolved
from vae.images.reading import WHOLE, Framing


@dataclass(frozen=True)
class Photo:
    """A session's own picture: opened, framed, and preprocessed for the model on the page."""

    opened: np.ndarray
    framing: Framing
    given: SourcePicture

    def framed(self, model: Resolved, framing: Framing) -> "Photo":
        """This picture with another framing. Raises ImageError."""
        given = SourcePicture(vae.images.view(self.opened, model.network.config, framing))
        return replace(self, framing=framing, given=given)


def chosen(name: object, stop: int) -> Selection:
    """The selected model and beta. stop: number of the beta among those measured."""
    model = api.resolve(name)
    last = len(model.metrics.betas) - 1
    return Selection(
        model, model.metrics.betas[validation.integer("beta", min(stop, last), 0, last)]
    )


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
    return Photo(opened, WHOLE, SourcePicture(vae.images.view(opened, model.network.config)))


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
    model, shown = at.model, photo.given if photo else source_picture.example(at.model, example)
    image = shown.image
    seen = experiments.reconstruct(
        model.network,
        image,
        at.beta,
        seed=seed,
        draw=eps,
        use_mean=noise == "mean" and not at.autoencoder,
    )
    own = trade_off(model, image, seed)
    loss = experiments.breakdown(own, at.beta_metrics)
    before, after = _before(text, at, shown, seen), _after(text, at, seen)
    return [
        before,
        *_code(text, at, seen),
        after,
        *_loss(text, at, loss),
        *_plane(text, at, own, loss),
        *_explanations(text, at, own, loss),
    ]


def _before(text: Text, at: Selection, shown: SourcePicture, seen: Reconstruction) -> str:
    steps = dict(shown.thumbnails)
    if at.model.network.config.binarised:
        steps["binarised"] = pictures.picture_uri(seen.observed, THUMBNAIL)
    named = {text(f"steps.{step}"): address for step, address in steps.items()}
    return html.pictures(
        [
            (text("picture.file"), shown.file, sentences.file_alt(text, shown.view)),
            (
                text("picture.seen"),
                pictures.picture_uri(seen.observed),
                sentences.seen_alt(text, at.model, seen),
            ),
        ]
    ) + html.steps(
        {
            name: (address, text("alt.step", number=number, name=name))
            for number, (name, address) in enumerate(named.items(), start=1)
        }
    )


def _after(text: Text, at: Selection, seen: Reconstruction) -> str:
    return html.pictures(
        [
            (
                text("picture.reconstruction"),
                pictures.picture_uri(seen.mean),
                sentences.reconstruction_alt(text, at.model, at.beta, seen),
            ),
            (
                text("picture.difference"),
                pictures.photo_uri(pictures.difference(seen.difference), SHARP),
                sentences.difference_alt(text, at.model, seen),
            ),
        ]
    ) + html.paragraphs(
        text("picture.difference_key", stuff=sentences.pixel_meaning(text, at.model))
    )


def _code(text: Text, at: Selection, seen: Reconstruction) -> tuple[figures.Drawing, str]:
    order = at.model.metrics.at(1.0).dimensions_by_rate
    return figures.posterior(text, seen, order), html.description(
        sentences.code_alt(text, at.model, at.beta, seen)
    )


def _loss(text: Text, at: Selection, loss: Breakdown) -> tuple[figures.Drawing, str]:
    bits = "" if at.model.network.config.binarised else sentences.bits(text, loss)
    said = html.paragraphs(sentences.loss(text, loss), bits, sentences.verdict(text, loss))
    return figures.loss_bars(text, loss), html.description(sentences.loss_alt(text, loss)) + said


def _plane(text: Text, at: Selection, own: TradeOff, loss: Breakdown) -> tuple[object, str]:
    """The rate–distortion plane and its sentences; for a plain autoencoder, why it has none."""
    if at.autoencoder:
        return gr.Plot(visible=False), html.paragraphs(text("plane.no_point"))
    figure = figures.plane(text, at.model.metrics, at.model.dedicated, own, loss)
    said = html.description(sentences.plane_alt(text, at.model, loss)) + html.paragraphs(
        sentences.regret(text, at.model)
    )
    return gr.Plot(figure, visible=True), said


def _explanations(text: Text, at: Selection, own: TradeOff, loss: Breakdown) -> list[str]:
    """Explanations of the loss and of the plane."""
    bits = "" if at.model.network.config.binarised else sentences.bits_help(text, loss)
    return [
        html.paragraphs(sentences.loss_help(text, at.model, own), bits),
        html.paragraphs(
            "" if at.autoencoder else text("plane.help"), sentences.regret_help(text, at.model)
        ),
    ]


def samples(
    text: Text, at: Selection, seed: int, count: int, pixels: str, temperature: float
) -> str:
    """The gallery of samples, laid out as on the Streamlit page."""
    drawn = experiments.gallery(
        at.model.network,
        at.beta,
        count=count,
        seed=seed,
        temperature=temperature,
        draw_pixels=pixels == "draw",
    )
    sheet = pictures.uri("png", pictures.sheet(drawn.images))
    alternative = sentences.gallery_alt(
        text, at.model, at.beta, count=count, temperature=temperature, seed=seed
    )
    heading = text("gallery.point_heading") if at.autoencoder else text("gallery.heading")
    return (
        html.heading(heading)
        + html.sheet(
            sheet,
            alternative,
            text("gallery.download"),
            sentences.gallery_file(at.model, at.beta, seed),
        )
        + html.paragraphs(sentences.gallery_note(text, at.model, temperature))
    )


def foot(text: Text, model: Resolved) -> str:
    """Sources of the weights and of the training pictures, and improper uses of the model."""
    said = (
        text(f"{kind}.{model.name}")
        for kind in ("credit", "use")
        if text.has(f"{kind}.{model.name}")
    )
    return html.paragraphs(sentences.source(text, model), *said)
