"""Handlers of the page's events: the browser's values in, updates of the components out."""

from urllib.parse import parse_qsl, urlencode

import gradio as gr

import vae
from ui.gradio_page import answers, controls
from ui.gradio_page.answers import Photo
from ui.gradio_page.language import error_messages, language
from ui.service import api, validation
from ui.service.validation import DEFAULT_SEED, GALLERY_COUNTS, LARGEST_SEED
from ui.text import Text
from ui.view import sentences
from vae.hub import sources
from vae.images.reading import WHOLE, Framing


@error_messages
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

    return [
        controls.new_token(),
        controls.new_token(),
        gr.Radio(titles, value=model.name),
        controls.stop(model, number("beta", 1.0)),
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


@error_messages
def choose_model(
    request: gr.Request, name: str, query: str | None, photo: Photo | None
) -> list[object]:
    """Controls of another model, at the same beta.

    The picture stays where this model can read it too.
    """
    text, model = Text(language(request)), api.resolve(name)
    values = dict(parse_qsl((query or "").removeprefix("?")))
    try:
        photo = photo and photo.framed(model, WHOLE)
    except vae.ImageError as error:
        reason = text(f"errors.{error.code}", **error.details)
        gr.Warning(f"{reason} {text('source.put_aside')}")
        photo = None
    return [
        controls.new_token(),
        controls.new_token(),
        controls.stop(model, controls.link_number(values, "beta", 1.0) or 1.0),
        controls.examples(text, model, values.get("example"), photo),
        controls.noise(text, model, values.get("noise", "draw")),
        *controls.model_updates(text, model),
        photo,
        *controls.framing(text, model, photo),
    ]


def choose_example() -> list[object]:
    """Show an example in place of a file."""
    return [controls.new_token(), None, gr.Row(visible=False)]


@error_messages
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


@error_messages
def frame_photo(
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
    return [controls.new_token(), photo, controls.guide(Text(language(request)), model, photo)]


@error_messages
def update_view(
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
    example_update = gr.skip()
    if example is None and photo is None:  # a file was shown, and the server no longer has it
        gr.Warning(text("source.gone"))
        example, example_update = 0, gr.Radio(value=0)
    named = controls.example_name(at, example)
    return [
        *answers.view(text, at, seed, noise, eps, named, photo),
        controls.beta_text(text, at),
        example_update,
    ]


@error_messages
def update_gallery(
    request: gr.Request,
    name: str,
    stop: int,
    seed: object,
    count: int,
    pixels: str,
    temperature: float,
) -> object:
    """The gallery; `update_view` reports an unusable seed."""
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


@error_messages
def update_link(
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
