"""The visitor's language: of the page's labels, of sentences, and of error messages."""

from collections.abc import Callable
from functools import wraps

import gradio as gr

import vae
from ui.service.validation import InputError
from ui.text import LANGUAGES, Text, preferred, strings
from ui.view import sentences
from vae.hub.folder import WeightsError

_UNUSABLE = (vae.ImageError, InputError, WeightsError)


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
    """Decorator of an endpoint: an unusable argument is an error of one sentence."""

    @wraps(function)
    def answer(request: gr.Request, *values: object, **named: object) -> object:
        try:
            return function(request, *values, **named)
        except _UNUSABLE as error:
            sentence = _sentence(Text(language(request)), error)
        raise gr.Error(sentence, print_exception=False)

    return answer


def warnings(function: Callable) -> Callable:
    """Decorator of a page's handler: an unusable value is a warning, and changes nothing.

    After an error Gradio 6.31 would forget that the same event has come again meanwhile.
    """

    @wraps(function)
    def answer(request: gr.Request, *values: object) -> object:
        try:
            return function(request, *values)
        except _UNUSABLE as error:
            gr.Warning(_sentence(Text(language(request)), error))
            return gr.skip()

    return answer


def _sentence(text: Text, error: Exception) -> str:
    if isinstance(error, vae.ImageError):
        return text(f"errors.{error.code}", **error.details)
    if isinstance(error, InputError):
        return text(error.key, **error.values)
    return text("problems.weights", reason=sentences.public_reason(str(error)))
