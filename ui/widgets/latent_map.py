"""Streamlit components: the map of the latent plane, and the numbers beside it.

Pointing decodes at once, in the browser; a pin asks the server.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from ui.service import received
from ui.view.map_tiles import Atlas

_FOLDER = Path(__file__).parent / "components"


def _content(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_carrier = st.components.v2.component("vae_lab_map_tiles", js=_content("map_tiles.js"))
_map = st.components.v2.component(
    "vae_lab_map",
    html=_content("latent_map.html"),
    css=_content("latent_map.css"),
    js=_content("latent_map.js"),
)
_numbers = st.components.v2.component(
    "vae_lab_map_numbers",
    html=_content("map_numbers.html"),
    css=_content("map_numbers.css"),
    js=_content("map_numbers.js"),
)


def show(
    atlas: Atlas,
    view: dict[str, object],
    *,
    key: str,
    on_pin: Callable[[tuple[float, float] | None], None],
) -> None:
    """Draw the map. view: from ui.view.map_tiles.view.

    on_pin: called with the pinned point, or with None when the pin is taken away.
    """
    _carrier(key=f"{key}_tiles", data=atlas.data, height=1)
    _map(
        key=key,
        data=view,
        on_pin_change=lambda: on_pin(received.pin(st.session_state[key].get("pin"))),
    )


def numbers(data: dict[str, Any], *, key: str) -> None:
    """Draw the numbers beside the map. data: from ui.film.map_frames.numbers."""
    _numbers(key=key, data=data)
