"""Playground: one picture, every beta, and every result that depends on them."""

import streamlit as st

from ui.film import frames
from ui.film.frames import Film, GallerySettings
from ui.service import cache
from ui.service.validation import GALLERY_COUNTS
from ui.text import Text
from ui.view import pictures, sentences
from ui.view.digest import digest
from ui.view.pictures import THUMBNAIL
from ui.view.source_picture import SourcePicture
from ui.widgets import concurrency, film, link, picture_input, sidebar
from ui.widgets.sidebar import SidebarSelection
from vae import experiments


def main() -> None:
    text = link.current_text()
    choice = sidebar.show(text, beta_on_page=True)
    with st.container(border=True, gap="xsmall", key="your_picture"):
        source = picture_input.row(text, choice.model, text("picture.heading"))
        shown = _film(text, choice, source)
        film.carry(shown, key="film")
        if not link.is_hidden("beta") and len(frames.stops(choice.model)) > 1:
            _beta(text, choice)
        film.flow(
            text,
            choice.model,
            shown,
            source,
            at=choice.beta,
            scope=_scope(choice),
            use_mean=choice.use_mean,
        )
        with st.container(horizontal=True, vertical_alignment="center", key="under_flow"):
            if not choice.autoencoder:
                st.button(
                    text("picture.new_eps"),
                    icon=":material/casino:",
                    on_click=link.next_eps,
                    disabled=choice.use_mean,
                    help=text("picture.new_eps_help"),
                    key="new_eps",
                )
            _steps(text, choice, source)
    left, right = st.columns(2, border=not choice.autoencoder)
    with (
        left,
        st.container(gap="medium" if choice.autoencoder else "xsmall", border=choice.autoencoder),
    ):
        if choice.autoencoder:
            st.subheader(text("plane.heading"), anchor=False)
            st.write(text("plane.no_point"))
        else:
            _plane(text, choice, shown)
    with right, st.container(gap="xsmall", border=choice.autoencoder):
        _gallery(text, choice)
    if text.has(f"use.{choice.model.name}"):
        st.caption(text(f"use.{choice.model.name}"))


def _scope(choice: SidebarSelection) -> str:
    """The name of the views that move together: another model has other stops of beta."""
    return f"playground {choice.model.name}"


def _film(text: Text, choice: SidebarSelection, source: SourcePicture) -> Film:
    """The picture's film: an example's is computed once for all, a visitor's for the session."""
    settings = (choice.model, choice.seed, link.eps_number(), choice.use_mean, text.language)
    if source.is_example:
        return cache.example_film(source.image, *settings)
    key = (digest(source.image), choice.model.network, *settings[1:])
    if st.session_state.get("own_film", (None,))[0] != key:
        # One assignment: at each of them another run may break in.
        st.session_state["own_film"] = key, cache.film(source.image, *settings)
    return st.session_state["own_film"][1]


@concurrency.fragment
def _beta(text: Text, choice: SidebarSelection) -> None:
    film.beta_bar(text, choice.model, at=choice.beta, scope=_scope(choice))


def _steps(text: Text, choice: SidebarSelection, source: SourcePicture) -> None:
    steps = dict(source.thumbnails)
    if choice.model.network.config.binarised:
        observed = experiments.observation(choice.model.network, source.image, seed=choice.seed)
        steps["binarised"] = pictures.picture_uri(observed, THUMBNAIL)
    with st.container(horizontal=True, gap="xsmall", key="steps"):
        for number, (step, uri) in enumerate(steps.items(), start=1):
            name = text(f"steps.{step}")
            st.image(uri, caption=name, width=40, alt=text("alt.step", number=number, name=name))


def _plane(text: Text, choice: SidebarSelection, shown: Film) -> None:
    st.subheader(text("plane.heading"), anchor=False, help=text("plane.help"))
    film.plane(
        text,
        choice.model,
        shown,
        at=choice.beta,
        scope=_scope(choice),
        still=link.is_hidden("beta"),
    )
    if choice.model.dedicated:
        st.caption(
            sentences.regret(text, choice.model), help=sentences.regret_help(text, choice.model)
        )


@concurrency.fragment
def _gallery(text: Text, choice: SidebarSelection) -> None:
    st.subheader(
        text("gallery.point_heading") if choice.autoencoder else text("gallery.heading"),
        anchor=False,
    )
    shown = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        count = link.choice(
            st.segmented_control,
            text("gallery.count"),
            GALLERY_COUNTS,
            key="count",
            default=32,
            required=True,
        )
        pixels = link.choice(
            st.segmented_control,
            text("gallery.pixels"),
            ("mean", "draw"),
            key="pixels",
            default="mean",
            required=True,
            format_func=lambda kind: text(f"gallery.pixels_{kind}"),
            help=text("gallery.pixels_help"),
        )
        temperature = link.quantity(
            st.slider,
            text("gallery.temperature"),
            0.0,
            1.5,
            step=0.1,
            key="temperature",
            default=1.0,
            width=104,
            help=text("gallery.point_temperature_help")
            if choice.autoencoder
            else text("gallery.temperature_help"),
        )
    settings = GallerySettings(count, choice.seed, temperature, pixels == "draw")
    with shown:
        _frames(text, choice, settings)
    if note := sentences.gallery_note(text, choice.model, temperature):
        st.caption(note)


@concurrency.fragment
def _frames(text: Text, choice: SidebarSelection, settings: GallerySettings) -> None:
    """Draw the gallery: at first the frame at the present beta; then the others.

    A fragment of its own: what the browser asks for comes right after a run, and to draw the
    controls again, before the browser has shown them, would begin them anew.
    """
    stops = frames.stops(choice.model)
    named = (choice.model, settings, text.language)
    gallery_id = frames.gallery_id(text, choice.model, settings)
    wanted = film.gallery(text, choice.model, gallery_id, at=choice.beta, scope=_scope(choice))
    if cache.is_kept(cache.gallery_film, *named):
        film.carry(cache.gallery_film(*named), key="gallery_film")
        index = None
    elif wanted == "film":
        with concurrency.released_slot():
            film.carry(cache.gallery_film(*named), key="gallery_film")
        index = None
    else:
        index = stops.index(choice.beta)
    if isinstance(wanted, int) and wanted < len(stops):
        index = wanted
    if index is not None:
        film.carry(cache.gallery_frame(*named, index), key="gallery_frame")


if __name__ == "__main__":
    main()
