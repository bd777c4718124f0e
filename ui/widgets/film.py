"""Streamlit components of the film of beta: what is carried to the browser, and its views.

Moving beta is answered in the browser; the server hears of it when the hand rests.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from ui.film import frames
from ui.film.frames import Film
from ui.text import Text
from ui.view import sentences
from ui.view.source_picture import SourcePicture
from ui.widgets import link, received
from vae.hub.sources import Resolved

_FOLDER = Path(frames.__file__).parent


def _content(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _view(name: str) -> Callable[..., Any]:
    """A component that draws: its page, style and script."""
    return st.components.v2.component(
        f"vae_lab_film_{name}",
        html=_content(f"{name}.html"),
        css=_content(f"{name}.css"),
        js=_content(f"{name}.js"),
    )


_carrier = st.components.v2.component("vae_lab_film", js=_content("film.js"))
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
            data={
                "scope": scope,
                "betas": stops,
                "labels": [f"{stop:g}" for stop in stops],
                "at": stops.index(at),
                "words": {
                    "beta": text("sidebar.beta"),
                    "ends": text("sidebar.beta_ends", low=f"{stops[0]:g}", high=f"{stops[-1]:g}"),
                    "alt": text("film.beta_alt", beta="{beta}", number="{n}", count="{count}"),
                    "help": text("sidebar.beta_help"),
                },
                "hidden": False,
            },
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
    autoencoder = model.network.config.autoencoder
    if autoencoder:
        drawn = text("film.point_drawn")
    else:
        drawn = text("film.mean_drawn") if use_mean else text("film.drawn")
    _flow(
        key="flow",
        data={
            "scope": scope,
            "film": film.id,
            "at": frames.stops(model).index(at),
            "file": {"source": source.file, "alt": sentences.file_alt(text, source.view)},
            "words": {
                "file": text("picture.file"),
                "seen": text("picture.seen"),
                "reconstruction": text("picture.reconstruction"),
                "difference": text("picture.difference"),
                "key": text("picture.difference_key", stuff=sentences.pixel_meaning(text, model)),
                "interval": text("code.interval"),
                "drawn": drawn,
                "axis": text("code.point_axis" if autoencoder else "code.axis"),
                "this": text("breakdown.this"),
                "average": text("breakdown.average"),
                "distortion": text("breakdown.distortion"),
                "rate": text("breakdown.rate"),
                "close": text("film.close"),
                "point": text(
                    "film.point_hover" if autoencoder else "film.hover",
                    name="{name}",
                    mean="{mu}",
                    deviation="{sigma}",
                    z="{z}",
                ),
            },
            "colours": frames.COLOURS,
        },
    )


def plane(
    text: Text, model: Resolved, film: Film, *, at: float, scope: str, still: bool = False
) -> None:
    """Draw the rate–distortion plane. still: whether its points move no beta."""
    _plane(
        key="plane",
        data={
            "scope": scope,
            "film": film.id,
            "still": still,
            "at": frames.stops(model).index(at),
            "words": {
                "test": text("plane.test"),
                "own": text("plane.own"),
                "dedicated": text("plane.dedicated"),
                "current": text("plane.current", beta="{beta}"),
                "rate": text("plane.rate"),
                "distortion": text("plane.distortion"),
                "click": text("plane.click"),
                "point": text(
                    "film.plane_hover", beta="{beta}", distortion="{distortion}", rate="{rate}"
                ),
            },
            "colours": frames.COLOURS,
        },
    )


def gallery(
    text: Text, model: Resolved, gallery_id: str, *, at: float, scope: str
) -> int | str | None:
    """Draw the gallery of a film; returns what the browser asked for.

    That is "film" for the frames of all stops, the number of a stop for its exact frame, or None.
    """
    asked = _gallery(
        key="gallery",
        data={
            "scope": scope,
            "gallery": gallery_id,
            "at": frames.stops(model).index(at),
            "words": {"download": text("gallery.download"), "waiting": text("film.waiting")},
        },
        on_wanted_change=lambda: None,
    )
    return received.wanted_frame(asked.get("wanted"))
