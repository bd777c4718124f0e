"""The page: where the controls stand, and what answers to which. Static labels follow the browser, sentences the request."""

import uuid
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import gradio as gr

import vae
from ui import arguments, endpoints, sentences
from ui.arguments import DEFAULT_SEED, GALLERY_COUNTS, LARGEST_SEED, InputError
from ui.blocks import answers, html
from ui.blocks.answers import Photo
from ui.blocks.picture_source import KINDS, picture_source
from ui.chosen import Chosen
from ui.text import LANGUAGES, Text, preferred, strings
from vae import hub, photo
from vae.images import WHOLE, Framing
from vae.weights import WeightsError

CSS = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
# The address bar always holds the link to what is shown; and a slider that counts stops says its beta to a screen reader.
SHOW_LINK = """() => setTimeout(() => {  // when the answer that brings the link has been drawn
  const query = document.querySelector('.languages a[aria-current]').search;
  history.replaceState(null, '', query + location.hash);
  document.querySelector('#beta input[type=range]')?.setAttribute('aria-valuetext', new URLSearchParams(query).get('beta'));
}, 100)"""
MOST_EXAMPLES = 12  # of a model
MOST_STOPS = 200  # betas of a model; ten a decade are measured
PAGE = {"api_visibility": "private", "show_progress": "hidden", "concurrency_id": "page"}


def translations() -> gr.I18n:
    """Every string that has no numbers in it; the others are filled in on the server."""
    return gr.I18n(**{language: {key: value for key, value in strings(language).items() if "{" not in value}
                      for language in LANGUAGES})


def language(request: gr.Request) -> str:
    """?lang= of the link, else what the browser prefers."""
    named = request.query_params.get("lang")
    if named in LANGUAGES:
        return named
    accepted = (request.headers.get("accept-language") or "").split(",")[0].split(";")[0].strip()
    return preferred(accepted or None)


def saying_what_is_wrong(function: Callable) -> Callable:
    """The same function, with everything that can be wrong with what it is given as one sentence in the visitor's language."""
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
            sentence = text("problems.weights", reason=sentences.without_folders(str(error)))
        raise gr.Error(sentence, print_exception=False)

    return careful


class Page:
    """The components, and the functions that the browser calls with their values. Built inside a gr.Blocks."""

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
                        self.plane, self.plane_said = gr.Plot(show_label=False, elem_id="plane"), gr.HTML()
                        self.plane_help = self._explanation()
                    with gr.Column(min_width=320, elem_classes="card"):
                        self._gallery()
        self._events()

    def _controls(self) -> None:
        t, names = self.t, list(hub.names())
        # What a page sends is checked against these when its session is no longer known: a server that was started anew.
        self.top = gr.HTML(elem_id="top")
        self.model = gr.Radio(names, value=endpoints.DEFAULT_MODEL, label=t("sidebar.model"), elem_id="model")
        self.stop = gr.Slider(0, MOST_STOPS, 0, step=1, label=t("sidebar.beta"), elem_id="beta", buttons=[])
        self.beta_said = gr.HTML()
        self.beta_help = self._explanation()
        self.seed = gr.Number(DEFAULT_SEED, label=t("sidebar.seed"), elem_id="seed")
        self.noise = gr.Radio(["draw", "mean"], value="draw", label=t("sidebar.noise"), elem_id="noise")
        self.new_eps = gr.Button(t("picture.new_eps"), elem_id="new-eps")
        self.foot = gr.HTML()

    def _picture(self) -> None:
        t = self.t
        with gr.Column(elem_classes="card"):
            with gr.Tabs(elem_id="sources"):
                with gr.Tab(t("picture.source_example"), id="example"):
                    # By position: what is under way while another model is chosen then names an example of that one.
                    self.example = gr.Radio(list(range(MOST_EXAMPLES)), label=t("picture.example"), show_label=False,
                                            container=False, elem_id="example")
                self.sources = []
                for kind in KINDS:
                    with gr.Tab(t(f"picture.source_{kind}"), id=kind):
                        self.sources.append(picture_source(kind))
            with gr.Row(visible=False, elem_id="framing") as self.framing:
                self.guide = gr.HTML()
                self.zoom = gr.Slider(1.0, photo.LARGEST_ZOOM, 1.0, step=0.1, label=t("framing.zoom"), buttons=[])
                self.across = gr.Slider(0, 100, 50, step=1, label=t("framing.across"), buttons=[])
                self.down = gr.Slider(0, 100, 50, step=1, label=t("framing.down"), buttons=[])
                self.mirrored = gr.Checkbox(False, label=t("framing.mirrored"))
            with gr.Row(elem_id="way"):
                with gr.Column(min_width=240):
                    self.before = gr.HTML()
                with gr.Column(min_width=260):
                    self.code, self.code_said = gr.Plot(show_label=False, elem_id="code"), gr.HTML()
                with gr.Column(min_width=240):
                    self.after = gr.HTML()
            self.loss, self.loss_said = gr.Plot(show_label=False, elem_id="loss"), gr.HTML(elem_id="numbers")
            self.loss_help = self._explanation()

    def _explanation(self) -> gr.HTML:
        """One click away, and it stays open while beta moves."""
        with gr.Accordion(self.t("source.explain"), open=False):
            return gr.HTML()

    def _gallery(self) -> None:
        t = self.t
        self.gallery = gr.HTML(elem_id="gallery")
        with gr.Row():
            self.count = gr.Radio(list(GALLERY_COUNTS), value=32, label=t("gallery.count"), min_width=120, elem_id="count")
            self.pixels = gr.Radio(["mean", "draw"], value="mean", label=t("gallery.pixels"), min_width=120, elem_id="pixels")
            self.temperature = gr.Slider(0, 1.5, 1.0, step=0.1, label=t("gallery.temperature"), min_width=120, buttons=[],
                                         elem_id="temperature")

    def _events(self) -> None:
        """Whatever changes what is shown ends in one of two events, `view` and `samples`, of which the last one always wins.

        What has to be prepared first, such as a new picture, says that it is done by another `turn`.
        """
        latest = {"trigger_mode": "always_last", **PAGE}
        link = [self.model, self.stop, self.seed, self.noise, self.eps, self.example]
        gallery = [self.count, self.pixels, self.temperature]
        framing = [self.framing, self.guide, self.zoom, self.across, self.down, self.mirrored]
        frame = [self.photo, self.model, self.zoom, self.across, self.down, self.mirrored]
        moved = [self.stop.input, self.seed.input]

        self.blocks.load(self.open, None, [self.turn, self.turn_of_samples, *link, *gallery, self.new_eps, self.foot], **PAGE)
        # A dropdown of Gradio 6.31 sends its `input` twice, and no `select` to somebody who chooses by the keyboard.
        self.model.input(self.choose_model, [self.model, self.query, self.photo], [
            self.turn, self.turn_of_samples, self.stop, self.example, self.noise, self.new_eps, self.foot, self.photo, *framing,
        ], **latest)
        self.example.input(self.choose_example, None, [self.turn, self.photo, self.framing], **latest)
        for source in self.sources:
            source.input(self.take, [self.model], [self.turn, self.example, self.photo, *framing],
                         **latest | {"show_progress": "minimal", "show_progress_on": [self.before]})
        gr.on([control.input for control in frame[2:]], self.frame, frame, [self.turn, self.photo, self.guide], **latest)
        # Every press counts, in order.
        self.new_eps.click(lambda eps: [_turn(), (eps + 1) % (LARGEST_SEED + 1)], [self.eps], [self.turn, self.eps],
                           trigger_mode="multiple", concurrency_limit=1, **PAGE | {"concurrency_id": "eps"})
        gr.on([self.turn.change, self.noise.input, *moved], self.view, [*link, self.photo], [
            self.before, self.code, self.code_said, self.after, self.loss, self.loss_said, self.plane, self.plane_said,
            self.beta_help, self.loss_help, self.plane_help, self.beta_said], **latest)
        gr.on([self.turn_of_samples.change, *moved, *(control.input for control in gallery)], self.samples,
              [self.model, self.stop, self.seed, *gallery], [self.gallery], **latest)
        gr.on([self.turn.change, self.noise.input, *moved, *(control.input for control in gallery)], self.link,
              [*link, *gallery], [self.top, self.query, self.new_eps], **latest
              ).success(None, None, None, js=SHOW_LINK, show_progress="hidden", api_visibility="private")

    # --- what the browser calls ---------------------------------------------------------------------------------------

    @staticmethod
    @saying_what_is_wrong
    def open(request: gr.Request) -> list[object]:
        """The controls as the link says; what it leaves out or what no longer fits is as at first."""
        text, asked = Text(language(request)), dict(request.query_params)
        names = hub.names()
        name = asked.get("model") if asked.get("model") in names else endpoints.DEFAULT_MODEL
        model = endpoints.resolve(name if name in names else names[0])
        titles = [(sentences.title(text, name), name) for name in names]
        return [
            _turn(), _turn(), gr.Radio(titles, value=model.name), _stop(model, _asked(asked, "beta", 1.0)),
            int(_asked(asked, "seed", DEFAULT_SEED, high=LARGEST_SEED)),
            _noise(text, model, asked.get("noise", "draw")), int(_asked(asked, "eps", 0, high=LARGEST_SEED)),
            _examples(text, model, asked.get("example")),
            int(asked["count"]) if asked.get("count") in map(str, GALLERY_COUNTS) else 32,
            gr.Radio([(text(f"gallery.pixels_{kind}"), kind) for kind in ("mean", "draw")],
                     value="draw" if asked.get("pixels") == "draw" else "mean"),
            _asked(asked, "temperature", 1.0, high=1.5), gr.Button(visible=not model.model.config.autoencoder),
            answers.foot(text, answers.chosen(model.name, 0)),
        ]

    @staticmethod
    @saying_what_is_wrong
    def choose_model(request: gr.Request, name: str, query: str | None, photo: Photo | None) -> list[object]:
        """Controls of another model, at the same beta; the picture stays where this model can read it too."""
        text, model = Text(language(request)), endpoints.resolve(name)
        asked = dict(parse_qsl((query or "").removeprefix("?")))
        try:
            photo = photo and photo.framed(model, WHOLE)
        except vae.ImageError as error:
            gr.Warning(f"{text(f'errors.{error.code}', **error.details)} {text('source.put_aside')}")
            photo = None
        autoencoder, beta = model.model.config.autoencoder, _asked(asked, "beta", 1.0) or 1.0
        return [_turn(), _turn(), _stop(model, beta), _examples(text, model, asked.get("example"), photo),
                _noise(text, model, asked.get("noise", "draw")), gr.Button(visible=not autoencoder),
                answers.foot(text, answers.chosen(name, 0)), photo, *_framing(text, model, photo)]

    @staticmethod
    def choose_example() -> list[object]:
        """An example takes the place of a file."""
        return [_turn(), None, gr.Row(visible=False)]

    @staticmethod
    @saying_what_is_wrong
    def take(request: gr.Request, event: gr.EventData, name: str) -> list[object]:
        """A new picture; one that cannot be read leaves the last one where it is."""
        model = endpoints.resolve(name)
        taken = answers.photo(event, model)
        text = Text(language(request))
        return [_turn(), _examples(text, model, None, taken), taken, *_framing(text, model, taken)]

    @staticmethod
    @saying_what_is_wrong
    def frame(request: gr.Request, photo: Photo | None, name: str, zoom: float, across: float, down: float, mirrored: bool
              ) -> list[object]:
        """The photograph that is shown, framed anew."""
        if photo is None:
            return [gr.skip(), gr.skip(), gr.skip()]
        model = endpoints.resolve(name)
        photo = photo.framed(model, Framing(zoom, across / 100, down / 100, mirrored))
        return [_turn(), photo, _guide(Text(language(request)), model, photo)]

    @staticmethod
    @saying_what_is_wrong
    def view(request: gr.Request, name: str, stop: int, seed: object, noise: str, eps: int, example: int | None,
             photo: Photo | None) -> list[object]:
        """Everything that answers to the picture and to beta."""
        text, at = Text(language(request)), answers.chosen(name, stop)
        if seed is None:  # about to be typed
            return [gr.skip()] * 12
        seed = arguments.whole(text("sidebar.seed"), seed, 0, LARGEST_SEED)
        if example is None and photo is None:  # a file was shown, and the server no longer has it
            gr.Warning(text("source.put_aside"))
        return [*answers.view(text, at, seed, noise, eps, _example(at, example), photo), _beta_said(text, at)]

    @staticmethod
    @saying_what_is_wrong
    def samples(request: gr.Request, name: str, stop: int, seed: object, count: int, pixels: str, temperature: float) -> object:
        """The gallery. What is wrong with the seed, `view` says."""
        if not _is_seed(seed):
            return gr.skip()
        return answers.samples(Text(language(request)), answers.chosen(name, stop), int(seed), count, pixels, temperature)

    @staticmethod
    @saying_what_is_wrong
    def link(request: gr.Request, name: str, stop: int, seed: object, noise: str, eps: int, example: int | None, count: int,
             pixels: str, temperature: float) -> list[object]:
        """The link that opens what is shown, but for a file of one's own; and whether there is an eps to draw anew."""
        text, at = Text(language(request)), answers.chosen(name, stop)
        if not _is_seed(seed):
            return [gr.skip()] * 3
        values = {"model": name, "beta": f"{at.beta:g}", "seed": int(seed), "noise": noise, "eps": eps,
                  "example": _example(at, example), "count": count, "pixels": pixels, "temperature": f"{temperature:g}"}
        values = {key: value for key, value in values.items() if value is not None}
        query = "?" + urlencode(values | {"lang": text.language})
        return [_top(text, values), query, gr.Button(interactive=noise != "mean")]


def _is_seed(value: object) -> bool:
    try:
        return arguments.whole("seed", value, 0, LARGEST_SEED) >= 0
    except InputError:
        return False


def _turn() -> str:
    """Another one each time: what was prepared is to be shown."""
    return uuid.uuid4().hex


def _asked(asked: dict[str, str], key: str, default: float, high: float = 1e9) -> float:
    """A number from the link; the default where there is none that fits."""
    try:
        return arguments.number(key, float(asked[key]), 0, high)
    except (KeyError, ValueError):
        return default


def _stop(model: hub.Resolved, beta: float) -> gr.Slider:
    betas = [entry.beta for entry in model.metrics.betas]
    return gr.Slider(0, max(1, len(betas) - 1), betas.index(model.metrics.at(beta or betas[0]).beta), visible=len(betas) > 1)


def _examples(text: Text, model: hub.Resolved, wanted: str | None, photo: Photo | None = None) -> gr.Radio:
    """None is chosen while a file is shown, so that each can be."""
    names = model.examples.names
    said = [(text(f"examples.{name}") if text.has(f"examples.{name}") else name, place) for place, name in enumerate(names)]
    return gr.Radio(said, value=None if photo else names.index(wanted) if wanted in names else 0)


def _example(at: Chosen, place: int | None) -> str | None:
    """The name of the example at this place; the first where another model has more of them."""
    names = at.model.examples.names
    return None if place is None else names[place] if place < len(names) else names[0]


def _noise(text: Text, model: hub.Resolved, wanted: str) -> gr.Radio:
    return gr.Radio([(text(f"sidebar.noise_{kind}"), kind) for kind in ("draw", "mean")],
                    value="mean" if wanted == "mean" else "draw", visible=not model.model.config.autoencoder)


def _framing(text: Text, model: hub.Resolved, photo: Photo | None) -> list[object]:
    """The controls that frame a photograph, as far as this model heeds them: row, guide, zoom, across, down, mirrored."""
    kind = model.model.config.preprocess
    places = kind == "photo"
    return [gr.Row(visible=photo is not None and kind != "ink"), _guide(text, model, photo),
            *(gr.Slider(value=value, visible=places) for value in (1.0, 50, 50)), gr.Checkbox(value=False)]


def _guide(text: Text, model: hub.Resolved, photo: Photo | None) -> str:
    if photo is None or model.model.config.preprocess != "photo":
        return ""
    return html.guide(photo.given.guide, text("alt.framing", eyes=vae.photo.EYES, mouth=vae.photo.MOUTH), text("framing.guide"))


def _beta_said(text: Text, at: Chosen) -> str:
    """The beta in words, for the slider counts the stops."""
    if at.autoencoder:
        return html.paragraphs(text("sidebar.no_beta"))
    betas = at.model.metrics.betas
    ends = text("sidebar.beta_ends", low=f"{betas[0].beta:g}", high=f"{betas[-1].beta:g}")
    return html.beta(f"{text('sidebar.beta')} = {at.beta:g}", ends)


def _top(text: Text, link: dict[str, object]) -> str:
    """The title, the view's own link, and the same view in the other languages."""
    links = [("?" + urlencode(link | {"lang": code}), name, code) for code, name in LANGUAGES.items()]
    return html.top(text("app.title"), links, text.language, text("source.link"))
