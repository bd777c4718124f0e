"""The page: its components and their events.

Static labels are in the browser's language, sentences in the request's.
"""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import gradio as gr

import vae
from ui.gradio_page import answers, controls
from ui.gradio_page.answers import Photo
from ui.gradio_page.picture_source import KINDS, picture_source
from ui.gradio_page.scripts import script
from ui.service import api, validation
from ui.service.validation import DEFAULT_SEED, GALLERY_COUNTS, LARGEST_SEED, InputError
from ui.text import LANGUAGES, Text, preferred, strings
from ui.view import sentences
from vae.hub import sources
from vae.hub.folder import WeightsError
from vae.images.framing import LARGEST_ZOOM
from vae.images.reading import WHOLE, Framing

CSS = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
MOST_EXAMPLES = 12  # of a model
MOST_STOPS = 200  # betas of a model; ten a decade are measured
HIDDEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
PAGE = HIDDEN | {"concurrency_id": "page"}


def translations() -> gr.I18n:
    """All strings without numbers, for the browser; the others are filled in on the server."""
    return gr.I18n(
        **{
            language: {key: value for key, value in strings(language).items() if "{" not in value}
            for language in LANGUAGES
        }
    )


def language(request: gr.Request) -> str:
    """The link's language (?lang=), else the one that the browser prefers."""
    named = request.query_params.get("lang")
    if named in LANGUAGES:
        return named
    accepted = (request.headers.get("accept-language") or "").split(",")[0].split(";")[0].strip()
    return preferred(accepted or None)


def error_messages(function: Callable) -> Callable:
    """Decorator: an unusable argument becomes one sentence in the visitor's language."""

    @wraps(function)
    def careful(request: gr.Request, *values: object, **named: object) -> object:
        text = Text(language(request))
        try:
            return function(request, *values, **named)
        except vae.ImageError as error:
            sentence = text(f"errors.{error.code}", **error.details)
        except InputError as error:
            sentence = text(error.key, **error.values)
        except WeightsError as error:
            sentence = text("problems.weights", reason=sentences.public_reason(str(error)))
        raise gr.Error(sentence, print_exception=False)

    return careful


class Page:
    """The page's components, and the functions that the browser calls with their values.

    Built inside a gr.Blocks.
    """

    def __init__(self, blocks: gr.Blocks, translate: gr.I18n) -> None:
        self.blocks, self.t = blocks, translate
        self.turn, self.turn_of_samples = gr.State(""), gr.State("")
        self.photo, self.eps = gr.State(None), gr.State(0)
        self.query = gr.Textbox(visible="hidden", elem_id="query")
        with gr.Row(elem_id="page"):
            with gr.Column(scale=1, min_width=260, elem_id="controls"):
                self._controls()
            with gr.Column(scale=4, min_width=320):
                self._picture()
                with gr.Row():
                    with gr.Column(min_width=320, elem_classes="card"):
                        gr.Markdown(f"### {translate('plane.heading')}", elem_id="plane-heading")
                        self.plane, self.plane_text = (
                            gr.Plot(show_label=False, elem_id="plane"),
                            gr.HTML(),
                        )
                        self.plane_help = self._explanation()
                    with gr.Column(min_width=320, elem_classes="card"):
                        self._gallery()
        self._events()

    def _controls(self) -> None:
        t, names = self.t, list(sources.names())
        # Gradio checks a page's values against these options when it does not know the session,
        # such as after a restart of the server.
        self.top = gr.HTML(elem_id="top")
        self.model = gr.Radio(
            names, value=api.DEFAULT_MODEL, label=t("sidebar.model"), elem_id="model"
        )
        self.stop = gr.Slider(
            0, MOST_STOPS, 0, step=1, label=t("sidebar.beta"), elem_id="beta", buttons=[]
        )
        self.beta_text = gr.HTML()
        self.beta_help = self._explanation()
        self.seed = gr.Number(DEFAULT_SEED, label=t("sidebar.seed"), elem_id="seed")
        self.noise = gr.Radio(
            ["draw", "mean"], value="draw", label=t("sidebar.noise"), elem_id="noise"
        )
        self.new_eps = gr.Button(t("picture.new_eps"), elem_id="new-eps")
        self.foot = gr.HTML()

    def _picture(self) -> None:
        t = self.t
        with gr.Column(elem_classes="card"):
            self.heading = gr.HTML(elem_id="picture-heading")
            with gr.Tabs(elem_id="sources"):
                with gr.Tab(t("picture.source_example"), id="example"):
                    # By position: an event that comes while the model changes then names an example
                    # of the new model.
                    self.example = gr.Radio(
                        list(range(MOST_EXAMPLES)),
                        label=t("picture.example"),
                        show_label=False,
                        container=False,
                        elem_id="example",
                    )
                self.sources = []
                for kind in KINDS:
                    with gr.Tab(t(f"picture.source_{kind}"), id=kind):
                        self.sources.append(picture_source(kind))
            with gr.Row(visible=False, elem_id="framing") as self.framing:
                self.guide = gr.HTML()
                self.zoom = gr.Slider(
                    1.0, LARGEST_ZOOM, 1.0, step=0.1, label=t("framing.zoom"), buttons=[]
                )
                self.across = gr.Slider(0, 100, 50, step=1, label=t("framing.across"), buttons=[])
                self.down = gr.Slider(0, 100, 50, step=1, label=t("framing.down"), buttons=[])
                self.mirrored = gr.Checkbox(False, label=t("framing.mirrored"))
            with gr.Row(elem_id="way"):
                with gr.Column(min_width=240):
                    self.before = gr.HTML()
                with gr.Column(min_width=260):
                    self.code, self.code_text = gr.Plot(show_label=False, elem_id="code"), gr.HTML()
                with gr.Column(min_width=240):
                    self.after = gr.HTML()
            self.loss, self.loss_text = (
                gr.Plot(show_label=False, elem_id="loss"),
                gr.HTML(elem_id="numbers"),
            )
            self.loss_help = self._explanation()

    def _explanation(self) -> gr.HTML:
        """A closed accordion for an explanation; once opened, it stays open while beta moves."""
        with gr.Accordion(self.t("source.explain"), open=False):
            return gr.HTML()

    def _gallery(self) -> None:
        t = self.t
        self.gallery = gr.HTML(elem_id="gallery")
        with gr.Row():
            self.count = gr.Radio(
                list(GALLERY_COUNTS),
                value=32,
                label=t("gallery.count"),
                min_width=120,
                elem_id="count",
            )
            self.pixels = gr.Radio(
                ["mean", "draw"],
                value="mean",
                label=t("gallery.pixels"),
                min_width=120,
                elem_id="pixels",
            )
            self.temperature = gr.Slider(
                0,
                1.5,
                1.0,
                step=0.1,
                label=t("gallery.temperature"),
                min_width=120,
                buttons=[],
                elem_id="temperature",
            )
        self.gallery_help = self._explanation()

    def _events(self) -> None:
        """Connect the controls to their events.

        Whatever changes the view ends in one of two events, `view` and `samples`, of which the last
        one always wins. What has to be prepared first, such as a new picture, changes `turn` when
        it is done.
        """
        latest: dict[str, Any] = {"trigger_mode": "always_last", **PAGE}
        link = [self.model, self.stop, self.seed, self.noise, self.eps, self.example]
        gallery: list[Any] = [self.count, self.pixels, self.temperature]
        framing = [self.framing, self.guide, self.zoom, self.across, self.down, self.mirrored]
        frame: list[Any] = [
            self.photo,
            self.model,
            self.zoom,
            self.across,
            self.down,
            self.mirrored,
        ]
        moved = [self.stop.input, self.seed.input]

        of_model = [self.new_eps, self.heading, self.beta_help, self.gallery_help, self.foot]
        self.blocks.load(
            self.open, None, [self.turn, self.turn_of_samples, *link, *gallery, *of_model], **PAGE
        )
        self.blocks.load(None, None, None, js=script("arrow_keys"), **HIDDEN)
        # The model is no dropdown: that of Gradio 6.31 sends its `input` twice, and no `select` to
        # somebody who chooses by the keyboard.
        self.model.input(
            self.choose_model,
            [self.model, self.query, self.photo],
            [
                self.turn,
                self.turn_of_samples,
                self.stop,
                self.example,
                self.noise,
                *of_model,
                self.photo,
                *framing,
            ],
            **latest,
        )
        self.example.input(
            self.choose_example, None, [self.turn, self.photo, self.framing], **latest
        )
        for source in self.sources:
            source.input(
                self.take,
                [self.model],
                [self.turn, self.example, self.photo, *framing],
                **latest | {"show_progress": "minimal", "show_progress_on": [self.before]},
            )
        gr.on(
            [control.input for control in frame[2:]],
            self.frame,
            frame,
            [self.turn, self.photo, self.guide],
            **latest,
        )
        # Every press counts, in order.
        self.new_eps.click(
            lambda eps: [controls.turn(), (eps + 1) % (LARGEST_SEED + 1)],
            [self.eps],
            [self.turn, self.eps],
            trigger_mode="multiple",
            concurrency_limit=1,
            **PAGE | {"concurrency_id": "eps"},
        )
        gr.on(
            [self.turn.change, self.noise.input, *moved],
            self.view,
            [*link, self.photo],
            [
                self.before,
                self.code,
                self.code_text,
                self.after,
                self.loss,
                self.loss_text,
                self.plane,
                self.plane_text,
                self.loss_help,
                self.plane_help,
                self.beta_text,
                self.example,
            ],
            **latest,
        )
        gr.on(
            [self.turn_of_samples.change, *moved, *(control.input for control in gallery)],
            self.samples,
            [self.model, self.stop, self.seed, *gallery],
            [self.gallery],
            **latest,
        )
        gr.on(
            [self.turn.change, self.noise.input, *moved, *(control.input for control in gallery)],
            self.link,
            [*link, *gallery],
            [self.top, self.query, self.new_eps],
            **latest,
        ).success(None, None, None, js=script("show_link"), **HIDDEN)

    # Functions that the browser calls

    @staticmethod
    @error_messages
    def open(request: gr.Request) -> list[object]:
        """The controls as the link has them; a missing or unusable value becomes the default."""
        text, asked = Text(language(request)), dict(request.query_params)
        names = sources.names()
        name = asked.get("model") if asked.get("model") in names else api.DEFAULT_MODEL
        model = api.resolve(name if name in names else names[0])
        titles = [(sentences.title(text, name), name) for name in names]
        if asked.get("picture") == controls.OWN:
            gr.Warning(text("source.gone"))

        def number(key: str, default: float, high: float = 1e9) -> float:
            return controls.link_number(asked, key, default, high)

        return [
            controls.turn(),
            controls.turn(),
            gr.Radio(titles, value=model.name),
            controls.stop(model, number("beta", 1.0)),
            int(number("seed", DEFAULT_SEED, LARGEST_SEED)),
            controls.noise(text, model, asked.get("noise", "draw")),
            int(number("eps", 0, LARGEST_SEED)),
            controls.examples(text, model, asked.get("example")),
            int(asked["count"]) if asked.get("count", "") in map(str, GALLERY_COUNTS) else 32,
            gr.Radio(
                [(text(f"gallery.pixels_{kind}"), kind) for kind in ("mean", "draw")],
                value="draw" if asked.get("pixels") == "draw" else "mean",
            ),
            number("temperature", 1.0, 1.5),
            *controls.model_updates(text, model),
        ]

    @staticmethod
    @error_messages
    def choose_model(
        request: gr.Request, name: str, query: str | None, photo: Photo | None
    ) -> list[object]:
        """Controls of another model, at the same beta.

        The picture stays where this model can read it too.
        """
        text, model = Text(language(request)), api.resolve(name)
        asked = dict(parse_qsl((query or "").removeprefix("?")))
        try:
            photo = photo and photo.framed(model, WHOLE)
        except vae.ImageError as error:
            reason = text(f"errors.{error.code}", **error.details)
            gr.Warning(f"{reason} {text('source.put_aside')}")
            photo = None
        return [
            controls.turn(),
            controls.turn(),
            controls.stop(model, controls.link_number(asked, "beta", 1.0) or 1.0),
            controls.examples(text, model, asked.get("example"), photo),
            controls.noise(text, model, asked.get("noise", "draw")),
            *controls.model_updates(text, model),
            photo,
            *controls.framing(text, model, photo),
        ]

    @staticmethod
    def choose_example() -> list[object]:
        """Show an example in place of a file."""
        return [controls.turn(), None, gr.Row(visible=False)]

    @staticmethod
    @error_messages
    def take(request: gr.Request, event: gr.EventData, name: str) -> list[object]:
        """Show a new picture; one that cannot be read leaves the last one."""
        model = api.resolve(name)
        taken = answers.photo(event, model)
        text = Text(language(request))
        return [
            controls.turn(),
            controls.examples(text, model, None, taken),
            taken,
            *controls.framing(text, model, taken),
        ]

    @staticmethod
    @error_messages
    def frame(
        request: gr.Request,
        photo: Photo | None,
        name: str,
        zoom: float,
        across: float,
        down: float,
        mirrored: bool,
    ) -> list[object]:
        """Preprocess the photograph with another framing."""
        if photo is None:
            return [gr.skip(), gr.skip(), gr.skip()]
        model = api.resolve(name)
        photo = photo.framed(model, Framing(zoom, across / 100, down / 100, mirrored))
        return [controls.turn(), photo, controls.guide(Text(language(request)), model, photo)]

    @staticmethod
    @error_messages
    def view(
        request: gr.Request,
        name: str,
        stop: int,
        seed: object,
        noise: str,
        eps: int,
        example: int | None,
        photo: Photo | None,
    ) -> list[object]:
        """All answers to the picture's controls and to beta."""
        text, at = Text(language(request)), answers.chosen(name, stop)
        if seed is None:  # the field is being typed in
            return [gr.skip()] * 12
        seed = validation.integer(text("sidebar.seed"), seed, 0, LARGEST_SEED)
        instead = gr.skip()
        if example is None and photo is None:  # a file was shown, and the server no longer has it
            gr.Warning(text("source.gone"))
            example, instead = 0, gr.Radio(value=0)
        named = controls.example_name(at, example)
        return [
            *answers.view(text, at, seed, noise, eps, named, photo),
            controls.beta_text(text, at),
            instead,
        ]

    @staticmethod
    @error_messages
    def samples(
        request: gr.Request,
        name: str,
        stop: int,
        seed: object,
        count: int,
        pixels: str,
        temperature: float,
    ) -> object:
        """The gallery; `view` reports an unusable seed."""
        if not controls.is_seed(seed):
            return gr.skip()
        return answers.samples(
            Text(language(request)),
            answers.chosen(name, stop),
            int(seed),
            count,
            pixels,
            temperature,
        )

    @staticmethod
    @error_messages
    def link(
        request: gr.Request,
        name: str,
        stop: int,
        seed: object,
        noise: str,
        eps: int,
        example: int | None,
        count: int,
        pixels: str,
        temperature: float,
    ) -> list[object]:
        """The view's link, without a visitor's own file; and whether another eps can be drawn."""
        text, at = Text(language(request)), answers.chosen(name, stop)
        if not controls.is_seed(seed):
            return [gr.skip()] * 3
        picture = (
            {"picture": controls.OWN}
            if example is None
            else {"example": controls.example_name(at, example)}
        )
        values: dict[str, object] = {
            "model": name,
            "beta": f"{at.beta:g}",
            "seed": int(seed),
            "noise": noise,
            "eps": eps,
            **picture,
            "count": count,
            "pixels": pixels,
            "temperature": f"{temperature:g}",
        }
        query = "?" + urlencode(values | {"lang": text.language})
        return [controls.top(text, values), query, gr.Button(interactive=noise != "mean")]
