"""Handlers of the page's events: the browser's values in, updates of the components out."""

from urllib.parse import parse_qsl, urlencode

import gradio as gr

import vae
from ui.film.frames import GallerySettings
from ui.gradio_page import answers, controls
from ui.gradio_page.answers import Photo
from ui.gradio_page.language import language, warnings
from ui.gradio_page.order import Order, newest_wins
from ui.service import api, received, validation
from ui.service.validation import DEFAULT_SEED, GALLERY_COUNTS, LARGEST_SEED
from ui.text import Text
from ui.view import sentences
from vae.hub import sources
from vae.images.reading import WHOLE, Framing

_pictures = Order()


@warnings
def open_page(request: gr.Request) -> list[object]:
    """The controls as the link has them; a missing or unusable value becomes the default."""
    text, query = Text(language(request)), dict(request.query_params)
    names = sources.names()
    name = query.get("model") if query.get("model") in names else api.DEFAULT_MODEL
    model = api.resolve(name if name in names else names[0])
    titles = [(sentences.title(text, name), name) for name in names]
    if query.get("picture") == controls.OWN:
        gr.Warning(text("source.gone"))

    def number(key: str, default: float, high: float = 1e9) -> float:
        return controls.link_number(query, key, default, high)

    beta = number("beta", 1.0)
    return [
        controls.new_token(),
        controls.new_token(),
        gr.Radio(titles, value=model.name),
        beta,
        answers.beta_bar(text, answers.chosen(model.name, beta)),
        int(number("seed", DEFAULT_SEED, LARGEST_SEED)),
        controls.noise(text, model, query.get("noise", "draw")),
        int(number("eps", 0, LARGEST_SEED)),
        controls.examples(text, model, query.get("example")),
        int(query["count"]) if query.get("count", "") in map(str, GALLERY_COUNTS) else 32,
        gr.Radio(
            [(text(f"gallery.pixels_{kind}"), kind) for kind in ("mean", "draw")],
            value="draw" if query.get("pixels") == "draw" else "mean",
        ),
        number("temperature", 1.0, 1.5),
        *controls.model_updates(text, model),
    ]


@newest_wins
@warnings
def choose_model(
    request: gr.Request, name: str, beta: float, query: str | None, photo: Photo | None
) -> list[object]:
    """Controls of another model, at the same beta.

    The picture stays where this model can read it too.
    """
    before = _pictures.last(request)
    text, model = Text(language(request)), api.resolve(name)
    values = dict(parse_qsl((query or "").removeprefix("?")))
    try:
        photo = photo and photo.framed(model, WHOLE)
    except vae.ImageError as error:
        reason = text(f"errors.{error.code}", **error.details)
        gr.Warning(f"{reason} {text('source.put_aside')}")
        photo = None
    example = controls.examples(text, model, values.get("example"), photo)
    picture = [photo, *controls.framing(text, model, photo)]
    if _pictures.last(request) != before:  # another has come meanwhile, and stays
        example, picture = gr.skip(), [gr.skip() for _ in picture]
    return [
        controls.new_token(),
        controls.new_token(),
        answers.beta_bar(text, answers.chosen(name, beta)),
        example,
        controls.noise(text, model, values.get("noise", "draw")),
        *controls.model_updates(text, model),
        *picture,
    ]


@_pictures.newest_wins
def choose_example(request: gr.Request) -> list[object]:
    """Show an example in place of a file."""
    return [controls.new_token(), None, gr.Row(visible=False)]


@_pictures.newest_wins
@warnings
def take_picture(request: gr.Request, event: gr.EventData, name: str) -> list[object]:
    """Show a new picture; one that cannot be read leaves the last one."""
    model = api.resolve(name)
    photo = answers.photo(event, model)
    text = Text(language(request))
    return [
        controls.new_token(),
        controls.examples(text, model, None, photo),
        photo,
        *controls.framing(text, model, photo),
    ]


@_pictures.while_unchanged
@newest_wins
@warnings
def frame_photo(
    request: gr.Request,
    photo: Photo | None,
    name: str,
    zoom: float,
    across: float,
    down: float,
    mirrored: bool,
) -> object:
    """Preprocess the photograph with another framing."""
    if photo is None:
        return gr.skip()
    model = api.resolve(name)
    photo = photo.framed(model, Framing(zoom, across / 100, down / 100, mirrored))
    return [controls.new_token(), photo, controls.guide(Text(language(request)), model, photo)]


@newest_wins
@warnings
def update_view(
    request: gr.Request,
    name: str,
    beta: float,
    seed: object,
    noise: str,
    eps: int,
    example: int | None,
    photo: Photo | None,
) -> object:
    """All answers to the picture's controls; to beta the browser answers by itself."""
    text, at = Text(language(request)), answers.chosen(name, beta)
    if seed is None:  # the field is being typed in
        return gr.skip()
    seed = validation.integer(text("sidebar.seed"), seed, 0, LARGEST_SEED)
    example_update = gr.skip()
    if example is None and photo is None:  # a file was shown, and the server no longer has it
        gr.Warning(text("source.gone"))
        example, example_update = 0, gr.Radio(value=0)
    if photo and not photo.fits(at.model):  # it came while the model was changing
        photo = photo.framed(at.model, WHOLE)
    named = controls.example_name(at, example)
    return [*answers.view(text, at, seed, noise, eps, named, photo), example_update]


@newest_wins
@warnings
def move_beta(request: gr.Request, event: gr.EventData) -> object:
    """Keep the beta at which the hand rests, for the link and for what is drawn next."""
    beta = received.beta(_message(event).get("beta"))
    return gr.skip() if beta is None else beta


@newest_wins
@warnings
def update_gallery(
    request: gr.Request,
    name: str,
    beta: float,
    seed: object,
    count: int,
    pixels: str,
    temperature: float,
) -> object:
    """The gallery; `update_view` reports an unusable seed."""
    settings = _gallery_settings(seed, count, pixels, temperature)
    if settings is None:
        return gr.skip()
    return answers.samples(Text(language(request)), answers.chosen(name, beta), settings)


@warnings
def carry_gallery(
    request: gr.Request,
    event: gr.EventData,
    name: str,
    seed: object,
    count: int,
    pixels: str,
    temperature: float,
) -> object:
    """Frames of the gallery that the browser asks for, while nobody waits for them."""
    settings = _gallery_settings(seed, count, pixels, temperature)
    if settings is None:
        return gr.skip()
    wanted = received.wanted_frame(_message(event).get("wanted"))
    return answers.wanted_samples(Text(language(request)), api.resolve(name), settings, wanted)


def _gallery_settings(
    seed: object, count: int, pixels: str, temperature: float
) -> GallerySettings | None:
    """The gallery's settings; None where the seed is none, such as while it is typed in."""
    if not controls.is_seed(seed):
        return None
    return GallerySettings(count, int(seed), temperature, pixels == "draw")


def _message(event: gr.EventData) -> dict[str, object]:
    """What a component in the browser has sent; empty where that is none of its messages."""
    return event._data if isinstance(event._data, dict) else {}


@newest_wins
@warnings
def update_link(
    request: gr.Request,
    name: str,
    beta: float,
    seed: object,
    noise: str,
    eps: int,
    example: int | None,
    count: int,
    pixels: str,
    temperature: float,
) -> object:
    """The view's link, without a visitor's own file; and whether another eps can be drawn."""
    text, at = Text(language(request)), answers.chosen(name, beta)
    if not controls.is_seed(seed):
        return gr.skip()
    picture = (
        {"picture": controls.OWN}
        if example is None
        else {"example": controls.example_name(at, example)}
    )
    values: dict[str, object] = {
        "model": name,
        "beta": f"{beta if at.autoencoder else at.beta:g}",  # kept for the next model
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
