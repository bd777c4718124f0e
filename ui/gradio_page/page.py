"""The page: its components and their events.

Static labels are in the browser's language, sentences in the request's.
"""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import gradio as gr

from ui.gradio_page import controls, film, handlers
from ui.gradio_page.picture_source import KINDS, picture_source
from ui.gradio_page.scripts import script
from ui.service import api
from ui.service.validation import DEFAULT_SEED, GALLERY_COUNTS, LARGEST_SEED
from vae.hub import sources
from vae.images.framing import LARGEST_ZOOM

CSS = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
MOST_EXAMPLES = 12  # of a model
HIDDEN: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
PAGE = HIDDEN | {"concurrency_id": "page"}


def options(handler: Callable) -> dict[str, Any]:
    """Options of an event: while its handler computes, the last one is deferred.

    One with data of its own is not: Gradio 6.31 would send those of the event before it.
    """
    hints = get_type_hints(inspect.unwrap(handler))
    return PAGE | {"trigger_mode": "multiple" if gr.EventData in hints.values() else "always_last"}


class Page:
    """The page's components, and their events; built inside a gr.Blocks.

    view_token, gallery_token: a new value shows what a handler has prepared. query: the view's
    link. beta: the one at which the hand rests.
    """

    def __init__(self, blocks: gr.Blocks, translate: gr.I18n) -> None:
        self.blocks, self.t = blocks, translate
        self.view_token, self.gallery_token = gr.State(""), gr.State("")
        self.photo, self.eps, self.beta = gr.State(None), gr.State(0), gr.State(1.0)
        self.query = gr.Textbox(visible="hidden", elem_id="query")
        with gr.Row(elem_id="page"):
            with gr.Column(scale=1, min_width=260, elem_id="controls"):
                self._controls()
            with gr.Column(scale=4, min_width=320):
                self._picture()
                with gr.Row():
                    with gr.Column(min_width=320, elem_classes="card"):
                        gr.Markdown(f"### {translate('plane.heading')}", elem_id="plane-heading")
                        self.plane, self.plane_text = film.view("plane"), gr.HTML()
                        self.plane_accordion, self.plane_help = self._explanation()
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
        with gr.Column(elem_id="seldom"):
            self.seed = gr.Number(DEFAULT_SEED, label=t("sidebar.seed"), elem_id="seed")
            self.noise = gr.Radio(
                ["draw", "mean"], value="draw", label=t("sidebar.noise"), elem_id="noise"
            )
            self.new_eps = gr.Button(t("picture.new_eps"), elem_id="new-eps")
            _, self.noise_help = self._explanation()
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
            self.film = film.carrier("film")
            self.beta_bar, self.flow = film.view("beta_bar"), film.view("flow")
            self.steps = gr.HTML()

    def _explanation(self) -> tuple[gr.Accordion, gr.HTML]:
        """A closed accordion, and the explanation in it."""
        with gr.Accordion(self.t("source.explain"), open=False) as accordion:
            return accordion, gr.HTML()

    def _gallery(self) -> None:
        t = self.t
        self.gallery_heading = gr.HTML()
        self.gallery_film = film.carrier("gallery-film")
        self.gallery, self.gallery_note = film.view("gallery"), gr.HTML()
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
        _, self.gallery_help = self._explanation()

    def _events(self) -> None:
        """Connect the controls to their events.

        Whatever changes the view ends in `update_view` or `update_gallery`, where the last change
        wins. What has to be prepared first, such as a new picture, changes a token when it is done.
        """
        link_inputs = [self.model, self.beta, self.seed, self.noise, self.eps, self.example]
        gallery_inputs: list[Any] = [self.count, self.pixels, self.temperature]
        framing_outputs = [
            self.framing,
            self.guide,
            self.zoom,
            self.across,
            self.down,
            self.mirrored,
        ]
        framing_inputs: list[Any] = [
            self.photo,
            self.model,
            self.zoom,
            self.across,
            self.down,
            self.mirrored,
        ]
        gallery_changes = [control.input for control in gallery_inputs]
        model_outputs = [
            self.new_eps,
            self.heading,
            self.noise_help,
            self.plane_text,
            self.plane_accordion,
            self.plane_help,
            self.gallery_help,
            self.foot,
        ]
        self.blocks.load(
            handlers.open_page,
            None,
            [
                self.view_token,
                self.gallery_token,
                self.model,
                self.beta,
                self.beta_bar,
                self.seed,
                self.noise,
                self.eps,
                self.example,
                *gallery_inputs,
                *model_outputs,
            ],
            **PAGE,
        )
        self.blocks.load(None, None, None, js=script("arrow_keys"), **HIDDEN)
        # The model is no dropdown: that of Gradio 6.31 sends its `input` twice, and no `select` to
        # somebody who chooses by the keyboard.
        self.model.input(
            handlers.choose_model,
            [self.model, self.beta, self.query, self.photo],
            [
                self.view_token,
                self.gallery_token,
                self.beta_bar,
                self.example,
                self.noise,
                *model_outputs,
                self.photo,
                *framing_outputs,
            ],
            **options(handlers.choose_model),
        )
        self.example.input(
            handlers.choose_example,
            None,
            [self.view_token, self.photo, self.framing],
            **options(handlers.choose_example),
        )
        for source in self.sources:
            source.input(
                handlers.take_picture,
                [self.model],
                [self.view_token, self.example, self.photo, *framing_outputs],
                **options(handlers.take_picture)
                | {"show_progress": "minimal", "show_progress_on": [self.flow]},
            )
        gr.on(
            [control.input for control in framing_inputs[2:]],
            handlers.frame_photo,
            framing_inputs,
            [self.view_token, self.photo, self.guide],
            **options(handlers.frame_photo),
        )
        # Every press counts, in order.
        self.new_eps.click(
            lambda eps: [controls.new_token(), (eps + 1) % (LARGEST_SEED + 1)],
            [self.eps],
            [self.view_token, self.eps],
            trigger_mode="multiple",
            concurrency_limit=1,
            **PAGE | {"concurrency_id": "eps"},
        )
        self.beta_bar.input(handlers.move_beta, None, [self.beta], **options(handlers.move_beta))
        gr.on(
            [self.view_token.change, self.noise.input, self.seed.input],
            handlers.update_view,
            [*link_inputs, self.photo],
            [self.film, self.flow, self.steps, self.plane, self.example],
            **options(handlers.update_view),
        )
        gr.on(
            [self.gallery_token.change, self.seed.input, *gallery_changes],
            handlers.update_gallery,
            [self.model, self.beta, self.seed, *gallery_inputs],
            [self.gallery_heading, self.gallery_film, self.gallery, self.gallery_note],
            **options(handlers.update_gallery),
        )
        self.gallery.input(
            handlers.carry_gallery,
            [self.model, self.seed, *gallery_inputs],
            [self.gallery_film],
            # Of seconds: it leaves the page's other handlers alone.
            **options(handlers.carry_gallery) | {"concurrency_id": "gallery"},
            concurrency_limit=1,
        )
        gr.on(
            [
                self.view_token.change,
                self.beta.change,
                self.noise.input,
                self.seed.input,
                *gallery_changes,
            ],
            handlers.update_link,
            [*link_inputs, *gallery_inputs],
            [self.top, self.query, self.new_eps],
            **options(handlers.update_link),
        ).success(None, None, None, js=script("show_link"), **HIDDEN)
