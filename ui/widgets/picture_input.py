"""Streamlit's picture input: example, upload, drawing or camera.

There is always a picture: a file that cannot be read leaves the last good one, or the example.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit_drawable_canvas import st_canvas

import vae
from ui.service import received
from ui.text import Text
from ui.view import pictures, source_picture
from ui.view.digest import digest
from ui.view.source_picture import SourcePicture
from ui.widgets import link, uploads
from ui.widgets.framing import controls
from vae.hub.sources import Resolved
from vae.images.framing import EYES, MOUTH
from vae.images.reading import WHOLE, Framing
from vae.model import VAEConfig

SOURCES = ("example", "upload", "draw", "camera")
CANVAS = 200  # pixels a side


@dataclass(frozen=True)
class _File:
    """A picture file. name: a new one for each file. forget: called when it was read."""

    name: str
    content: Callable[[], bytes]
    forget: Callable[[], None] = lambda: None


@dataclass
class _Opened:
    """The session's last file from a source: its name, and its picture or error."""

    file: str | None = None
    picture: np.ndarray | None = None  # in the last file that could be opened
    error: vae.ImageError | None = None
    is_forgotten: bool = True  # of that file nothing is left but this


@dataclass
class _Kept:
    """The last picture from a source that this kind of model could read."""

    file: str | None = None  # name of the last file
    error: vae.ImageError | None = None  # why it could not be read
    shown: str | None = None  # name of the file that `opened`, `framing` and `given` belong to
    opened: np.ndarray | None = None
    framing: Framing = WHOLE
    given: SourcePicture | None = None


def row(text: Text, model: Resolved, heading: str | None = None) -> SourcePicture:
    """Draw a heading and the source's controls in a row, and the framing controls below it.

    Returns as `choose` does.
    """
    with source_row(heading) as below:
        return choose(text, model, below)


@contextmanager
def source_row(
    heading: str | None = None, explained: str | None = None
) -> Iterator[DeltaGenerator]:
    """A row with a heading, for the source's controls and what stands before them.

    Gives the place below it, for the framing controls. explained: help behind the question mark.
    """
    controls, below = st.container(horizontal=True, key="source_row"), st.container()
    with controls:
        if heading:
            st.subheader(heading, anchor=False, width="content", help=explained)
        yield below


def choose(
    text: Text, model: Resolved, below: DeltaGenerator, slot: str = "", first: int = 0
) -> SourcePicture:
    """Draw the source's controls; returns the current picture, the last good one, or the example.

    below: place for the framing controls, which need the whole width. slot: which of a page's
    pictures this is, a suffix of its controls' keys. first: number of the initial example.
    """
    source = link.choice(
        st.segmented_control,
        text("picture.source"),
        SOURCES,
        key=f"source{slot}",
        default="example",
        required=True,
        label_visibility="collapsed",
        format_func=lambda source: text(f"picture.source_{source}"),
    )
    if source == "example":
        link.set_own_picture(slot, shown=False)
        return _example(text, model, slot, first)
    file = {"upload": _upload, "draw": _draw, "camera": _camera}[source](
        text, model.network.config, slot
    )
    kept = _read(text, model, source + slot, file, below)
    if kept is not None:
        link.set_own_picture(slot, shown=True)
        return kept
    gone = link.expects_own_picture(slot) and not _had_own(slot)
    link.set_own_picture(slot, shown=gone)
    st.caption(text("source.gone") if gone else text(f"picture.waiting_{source}"))
    return source_picture.example(
        model, st.session_state.get(f"example{slot}", link.in_link(f"example{slot}")), first
    )


def _example(text: Text, model: Resolved, slot: str, first: int) -> SourcePicture:
    names = model.examples.names
    name = link.choice(
        st.pills,
        text("picture.example"),
        names,
        key=f"example{slot}",
        default=names[first % len(names)],
        required=True,
        label_visibility="collapsed",
        wrap=True,
        format_func=lambda name: text(f"examples.{name}") if text.has(f"examples.{name}") else name,
    )
    return source_picture.example(model, name)


def _upload(text: Text, config: VAEConfig, slot: str) -> _File | None:
    megabytes = vae.images.MAX_BYTES >> 20
    file = st.file_uploader(
        text(f"upload.{config.preprocess}"),
        key=f"upload{slot}",
        help=text("picture.upload_help", megabytes=megabytes),
        max_upload_size=megabytes,
    )
    if file is None:
        return None
    return _File(file.file_id, file.getvalue, lambda: uploads.drop(file, f"upload{slot}"))


def _camera(text: Text, config: VAEConfig, slot: str) -> _File | None:
    photograph = st.camera_input(text(f"camera.{config.preprocess}"), key=f"camera{slot}")
    if photograph is None:
        return None
    return _File(
        photograph.file_id, photograph.getvalue, lambda: uploads.drop(photograph, f"camera{slot}")
    )


def _draw(text: Text, config: VAEConfig, slot: str) -> _File | None:
    content = received.drawing(
        lambda: st_canvas(
            stroke_width=14,
            stroke_color="#111111",
            background_color="#FFFFFF",
            width=CANVAS,
            height=CANVAS,
            drawing_mode="freedraw",
            key=f"canvas{slot}",
            return_image_data=True,
        )
    )
    if content is None:
        return None
    return _File(digest(content).hex(), lambda: content)


def _had_own(slot: str) -> bool:
    """Whether this session has had a visitor's own picture in this slot, from any source."""
    here = {f"{source}{slot}" for source in SOURCES}
    return any(
        kept.given
        for (source, *_), kept in st.session_state.get("pictures", {}).items()
        if source in here
    )


def _read(
    text: Text, model: Resolved, source: str, file: _File | None, below: DeltaGenerator
) -> SourcePicture | None:
    """The picture in a file, or an error message and the last picture that could be read."""
    config = model.network.config
    last: _Opened = st.session_state.setdefault("opened", {}).setdefault(source, _Opened())
    store: dict[tuple, _Kept] = st.session_state.setdefault("pictures", {})
    kept = store.setdefault((source, config.preprocess, config.image_shape), _Kept())
    if file is not None:
        _open(file, last)
        _prepare(last, kept, config)
    if file is not None and kept.error:
        st.error(
            text(f"errors.{kept.error.code}", **kept.error.details),
            icon=":material/image_not_supported:",
        )
    if kept.given and (file is None or kept.error):
        st.caption(text("picture.kept"))
    if kept.given and kept.opened is not None and not source.startswith("draw"):
        with below:
            _frame(
                text,
                config,
                kept,
                kept.opened,
                key="-".join(
                    map(str, (source, config.preprocess, *config.image_shape, kept.shown))
                ),
            )
    return kept.given


def _open(file: _File, last: _Opened) -> None:
    """Open a file once for all kinds of models; nothing is kept of the file itself."""
    if file.name != last.file:
        try:
            last.picture, last.error = vae.images.decode(file.content()), None
        except vae.ImageError as error:
            last.error = error  # kept, or every move of beta would read the bad file again
        last.file, last.is_forgotten = file.name, False
    # After that, and again where it did not end: a newer run may end this one at any moment.
    if not last.is_forgotten:
        file.forget()
        last.is_forgotten = True


def _prepare(last: _Opened, kept: _Kept, config: VAEConfig) -> None:
    """Preprocess the opened picture for this kind of model."""
    if last.file == kept.file:
        return
    kept.file, kept.error = last.file, last.error
    # After a bad file, a kind of model without a picture takes the last good one.
    if last.picture is not None and (last.error is None or kept.given is None):
        try:
            kept.given = SourcePicture(vae.images.view(last.picture, config))
            kept.opened, kept.framing, kept.shown = last.picture, WHOLE, last.file
        except vae.ImageError as error:
            kept.error = kept.error or error


def _frame(text: Text, config: VAEConfig, kept: _Kept, opened: np.ndarray, key: str) -> None:
    """Draw the framing controls, and preprocess the photograph again where they changed."""
    framing, preview = controls(text, config, opened, kept.framing, key)
    if framing != kept.framing:
        try:
            kept.given = SourcePicture(vae.images.view(opened, config, framing))
            kept.framing = framing
        except vae.ImageError as error:
            st.error(
                text(f"errors.{error.code}", **error.details), icon=":material/image_not_supported:"
            )
    if preview is not None and kept.given is not None:
        preview.image(
            kept.given.guide,
            width=pictures.GUIDE_SIDE,
            alt=text("alt.framing", eyes=EYES, mouth=MOUTH),
        )
