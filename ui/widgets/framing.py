"""Controls that frame a photograph: zoom, position, mirror, guide for eyes and mouth."""

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.text import Text
from vae.images import framing
from vae.images.reading import Framing
from vae.model import VAEConfig


def controls(
    text: Text, config: VAEConfig, picture: np.ndarray, before: Framing, key: str
) -> tuple[Framing, DeltaGenerator | None]:
    """Draw this kind of model's framing controls; returns the framing and the guide's place.

    The place is None for models without a guide. key: of this picture and kind of model; a new key
    starts at `before`.
    """
    if config.preprocess == "photo":
        return _photo(text, config, picture, before, key)
    if config.preprocess == "garment":
        return Framing(
            mirrored=_mirrored(text, before, key, help=text("framing.mirrored_garment_help"))
        ), None
    return before, None


def _photo(
    text: Text, config: VAEConfig, picture: np.ndarray, before: Framing, key: str
) -> tuple[Framing, DeltaGenerator]:
    _, height, width = config.image_shape
    preview, left, right = st.columns([1.1, 2, 2], gap="medium", vertical_alignment="center")
    with left:
        zoom = st.slider(
            text("framing.zoom"),
            1.0,
            framing.LARGEST_ZOOM,
            before.zoom,
            0.1,
            format="%.1f×",
            key=f"zoom-{key}",
        )
        mirrored = _mirrored(text, before, key)
        st.caption(text("framing.guide"))
    with right:
        room_across, room_down = framing.room(picture, height, width, zoom)
        across = _position(text("framing.across"), before.across, room_across, key=f"across-{key}")
        down = _position(text("framing.down"), before.down, room_down, key=f"down-{key}")
    return Framing(zoom, across, down, mirrored), preview


def _position(label: str, before: float, room: float, key: str) -> float:
    """A slider's value from 0 to 1; disabled where there is less than a pixel of room."""
    return (
        st.slider(label, 0, 100, round(100 * before), format="%d %%", key=key, disabled=room < 1)
        / 100
    )


def _mirrored(text: Text, before: Framing, key: str, help: str | None = None) -> bool:
    return st.toggle(text("framing.mirrored"), before.mirrored, key=f"mirrored-{key}", help=help)
