"""Playground: one picture, one beta, and every result that depends on them."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.service.cache import trade_off
from ui.service.validation import GALLERY_COUNTS
from ui.text import Text
from ui.view import figures, pictures, sentences
from ui.view.pictures import SHARP, THUMBNAIL
from ui.view.source_picture import SourcePicture
from ui.widgets import chart, concurrency, link, picture_input, received, sidebar
from ui.widgets.sidebar import SidebarSelection
from vae import experiments
from vae.experiments import Breakdown, Reconstruction, TradeOff
from vae.hub.metrics import Metrics


def main() -> None:
    text = link.current_text()
    choice = sidebar.show(text)
    with st.container(border=True, gap="xsmall", key="your_picture"):
        given = picture_input.row(text, choice.model, text("picture.heading"))
        image = given.image
        seen = experiments.reconstruct(
            choice.model.network,
            image,
            choice.beta,
            seed=choice.seed,
            draw=link.eps_number(),
            use_mean=choice.use_mean,
        )
        _picture(text, choice, given, seen)
        own = trade_off(choice.model, image, choice.seed)
        loss = experiments.breakdown(own, choice.beta_metrics)
        _loss(text, choice, own, loss)
    left, right = st.columns(2, border=not choice.autoencoder)
    with (
        left,
        st.container(gap="medium" if choice.autoencoder else "xsmall", border=choice.autoencoder),
    ):
        if choice.autoencoder:
            st.subheader(text("plane.heading"), anchor=False)
            st.write(text("plane.no_point"))
        else:
            _plane(text, choice, own, loss)
    with right, st.container(gap="xsmall", border=choice.autoencoder):
        _gallery(text, choice)
    if text.has(f"use.{choice.model.name}"):
        st.caption(text(f"use.{choice.model.name}"))


def _picture(
    text: Text, choice: SidebarSelection, given: SourcePicture, seen: Reconstruction
) -> None:
    """Draw the picture's way: file, model's input, q(z|x), reconstruction, difference."""
    before, code, after = st.columns([1.7, 2.6, 1.7])
    with before, st.container(gap="xsmall"):
        left, right = st.columns(2, wrap=False)
        _labelled(
            left, "file", text("picture.file"), given.file, sentences.file_alt(text, given.view)
        )
        _labelled(
            right,
            "seen",
            text("picture.seen"),
            pictures.picture_uri(seen.observed),
            sentences.seen_alt(text, choice.model, seen),
        )
        binarised = (
            {"binarised": pictures.picture_uri(seen.observed, THUMBNAIL)}
            if choice.model.network.config.binarised
            else {}
        )
        _steps(text, given.thumbnails | binarised)
    with code, st.container(gap="xsmall"):
        st.caption(text("picture.point_code") if choice.autoencoder else text("picture.code"))
        order = choice.model.metrics.at(1.0).dimensions_by_rate
        chart.show(
            figures.posterior(text, seen, order),
            key="code",
            alt=sentences.code_alt(text, choice.model, choice.beta, seen),
        )
    with after, st.container(gap="xsmall"):
        reconstruction, difference = st.columns(2, wrap=False)
        _labelled(
            reconstruction,
            "reconstruction",
            text("picture.reconstruction"),
            pictures.picture_uri(seen.mean),
            sentences.reconstruction_alt(text, choice.model, choice.beta, seen),
        )
        _labelled(
            difference,
            "difference",
            text("picture.difference"),
            pictures.photo_uri(pictures.difference(seen.difference), SHARP),
            sentences.difference_alt(text, choice.model, seen),
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            if not choice.autoencoder:
                st.button(
                    text("picture.new_eps"),
                    icon=":material/casino:",
                    on_click=link.next_eps,
                    disabled=choice.use_mean,
                    help=text("picture.new_eps_help"),
                    key="new_eps",
                )
            st.caption(
                text("picture.difference_key", stuff=sentences.pixel_meaning(text, choice.model)),
                width="content",
            )


def _labelled(place: DeltaGenerator, key: str, label: str, uri: str, alt: str) -> None:
    with place, st.container(key=key, gap="xsmall"):
        st.caption(label)
        st.image(uri, width="stretch", alt=alt)


def _steps(text: Text, steps: dict[str, str]) -> None:
    with st.container(horizontal=True, gap="xsmall", key="steps"):
        for number, (step, uri) in enumerate(steps.items(), start=1):
            name = text(f"steps.{step}")
            st.image(uri, caption=name, width=40, alt=text("alt.step", number=number, name=name))


def _loss(text: Text, choice: SidebarSelection, own: TradeOff, loss: Breakdown) -> None:
    chart.show(figures.loss_bars(text, loss), key="loss", alt=sentences.loss_alt(text, loss))
    with st.container(horizontal=True, vertical_alignment="center", key="numbers"):
        st.markdown(
            sentences.loss(text, loss),
            help=sentences.loss_help(text, choice.model, own),
            width="content",
        )
        if not choice.model.network.config.binarised:
            st.markdown(
                sentences.bits(text, loss), help=sentences.bits_help(text, loss), width="content"
            )
        st.caption(sentences.verdict(text, loss), width="content")


def _plane(text: Text, choice: SidebarSelection, own: TradeOff, loss: Breakdown) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(text("plane.heading"), anchor=False, help=text("plane.help"), width="content")
        st.caption(text("plane.click"), width="content")
    metrics = choice.model.metrics
    # A new key after each click forgets the selection, or the same point could not be clicked
    # twice.
    key = f"plane-{st.session_state.get('plane_clicks', 0)}"
    chart.show(
        figures.plane(text, metrics, choice.model.dedicated, own, loss),
        key=key,
        selection_mode="points",
        on_select=lambda: _go_to_clicked(key, metrics),
        alt=sentences.plane_alt(text, choice.model, loss),
    )
    if choice.model.dedicated:
        st.caption(
            sentences.regret(text, choice.model), help=sentences.regret_help(text, choice.model)
        )


def _go_to_clicked(key: str, metrics: Metrics) -> None:
    beta = received.click(st.session_state[key])
    if beta:  # a click beside the points has none, and no network a beta of 0
        st.session_state["beta"] = metrics.at(beta).beta
        st.session_state["plane_clicks"] = st.session_state.get("plane_clicks", 0) + 1


@concurrency.fragment
def _gallery(text: Text, choice: SidebarSelection) -> None:
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.subheader(
            text("gallery.point_heading") if choice.autoencoder else text("gallery.heading"),
            anchor=False,
            width="content",
        )
        download = st.empty()
    shown = st.empty()
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
    drawn = experiments.gallery(
        choice.model.network,
        choice.beta,
        count=count,
        seed=choice.seed,
        temperature=temperature,
        draw_pixels=pixels == "draw",
    )
    alt = sentences.gallery_alt(
        text, choice.model, choice.beta, count=count, temperature=temperature, seed=choice.seed
    )
    content = pictures.sheet(drawn.images)
    shown.image(pictures.uri("png", content), width="stretch", alt=alt)
    if note := sentences.gallery_note(text, choice.model, temperature):
        st.caption(note)
    download.download_button(
        text("gallery.download"),
        content,
        icon=":material/download:",
        mime="image/png",
        file_name=sentences.gallery_file(choice.model, choice.beta, choice.seed),
        on_click="ignore",
        key="download",
    )


if __name__ == "__main__":
    main()
