"""Streamlit components of the film of beta: what is carried to the browser, and its views.

Moving beta is answered in the browser; the server hears of it when the hand rests.
"""

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from ui.film import frames, views
from ui.film.frames import Film
from ui.service import received
from ui.text import Text
from ui.view.source_picture import SourcePicture
from ui.widgets import link
from vae.hub.sources import Resolved


def _view(name: str) -> Callable[..., Any]:
    """A component that draws: its page, style and script."""
    return st.components.v2.component(
        f"vae_lab_film_{name}",
        html=views.content(f"{name}.html"),
        css=views.content(f"{name}.css"),
        js=views.content(f"{name}.js"),
    )


_carrier = st.components.v2.component("vae_lab_film", js=views.content("film.js"))
_beta_bar, _flow, _plane, _gallery = map(_view, ("beta_bar", "flow", "plane", "gallery"))


def carry(film: Film, *, key: str) -> None:
    """Send a film to the browser: an element of its own, so that it is sent once."""
    _carrier(key=key, data=film.content, height=1)


def beta_bar(text: Text, model: Resolved, *, at: float, scope: str) -> float:
    """Draw the slider of beta, linked as the side bar's is; returns its value.

    at: beta when the page was drawn. A later one is the slider's own, and a message that stays as
    it is is not sent again. scope: the name of the page's views, which follow it.
    """

    def slider(_: str, stops: Sequence[float], *, key: str) -> float:
        beta = st.session_state[key]
        # Its state ends with its model: to send the same beta again would be no change.
        bar_key = f"{key}_bar_{model.name}"

        def keep() -> None:
            value = received.beta(st.session_state[bar_key].get("beta"))
            if value is not None:
                link.put(key, link.nearest(stops)(value))

        _beta_bar(
            key=bar_key,
            data=views.beta_bar(text, model, at=stops.index(at), scope=scope),
            on_beta_change=keep,
        )
        return beta

    return link.stop(
        slider,
        text("sidebar.beta"),
        frames.stops(model),
        key="beta",
        default=model.metrics.at(1.0).beta,
    )


def flow(
    text: Text,
    model: Resolved,
    film: Film,
    source: SourcePicture,
    *,
    at: float,
    scope: str,
    use_mean: bool,
) -> None:
    """Draw the picture's way through the network, and its loss. at: beta, where none is moved."""
    stop = frames.stops(model).index(at)
    data = views.flow(text, model, film.id, source, at=stop, scope=scope, use_mean=use_mean)
    _flow(key="flow", data=data)


def plane(
    text: Text, model: Resolved, film: Film, *, at: float, scope: str, still: bool = False
) -> None:
    """Draw the rate–distortion plane. still: whether its points move no beta."""
    stop = frames.stops(model).index(at)
    _plane(key="plane", data=views.plane(text, film.id, at=stop, scope=scope, still=still))


def gallery(
    text: Text, model: Resolved, gallery_id: str, *, at: float, scope: str
) -> int | str | None:
    """Draw the gallery of a film; returns what the browser asked for.

    That is "film" for the frames of all stops, the number of a stop for its exact frame, or None.
    """
    stop = frames.stops(model).index(at)
    asked = _gallery(
        key="gallery",
        data=views.gallery(text, gallery_id, at=stop, scope=scope),
        on_wanted_change=lambda: None,
    )
    return received.wanted_frame(asked.get("wanted"))
