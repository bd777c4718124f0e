"""The visitor's language: of the page's labels, of sentences, and of error messages."""

from collections.abc import Callable
from functools import wraps

import gradio as gr

import vae
from ui.service.validation import InputError
from ui.text import LANGUAGES, Text, preferred, strings
from ui.view import sentences
from vae.hub.folder import WeightsError


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
    def answer(request: gr.Request, *values: object, **named: object) -> object:
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

    return answer
