"""The functions of ui.service.api as Gradio endpoints: names, types and documentation."""

import inspect
from collections.abc import Callable
from functools import wraps

import gradio as gr

from ui.gradio_page import sessions
from ui.gradio_page.guard import API
from ui.gradio_page.language import error_messages
from ui.service import api


def add_endpoints(blocks: gr.Blocks) -> None:
    """Make each function an endpoint of this app, inside of its context."""
    for function in api.ENDPOINTS:
        gr.api(
            _endpoint(blocks, function),
            api_name=function.__name__,
            concurrency_id=API,
            api_description=" ".join(
                (inspect.getdoc(function) or "").replace("Args:", "Arguments –").split()
            ),
        )


def _endpoint(blocks: gr.Blocks, function: Callable) -> Callable:
    """Wrap a function as an endpoint that takes the request and leaves no session behind.

    Its error messages are in the caller's language.
    """

    @wraps(function)
    def answer(request: gr.Request, *values: object) -> object:
        try:
            return function(*values)
        finally:
            sessions.forget(blocks, request.session_hash)

    signature = inspect.signature(function)
    first = inspect.Parameter(
        "request", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=gr.Request
    )
    shown = signature.replace(parameters=[first, *signature.parameters.values()])
    answer.__signature__ = shown  # type: ignore[attr-defined]  # which inspect.signature gives back
    answer.__annotations__ = {"request": gr.Request, **function.__annotations__}
    return error_messages(answer)
