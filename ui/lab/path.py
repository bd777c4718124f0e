"""Path: from one picture to another through the latent space, beside their cross-fade."""

import streamlit as st

from ui.text import Text
from ui.view import latent_figures, latent_sentences, pictures
from ui.view.source_picture import SourcePicture
from ui.widgets import chart, concurrency, link, picture_input, sidebar, strip
from ui.widgets.sidebar import SidebarSelection
from vae import experiments
from vae.experiments import Path, Reconstruction

# Initial examples of the two pictures, by the suffix of their controls' keys.
FIRST_EXAMPLES = {"": 0, "2": 3}
STEPS, USUAL = tuple(range(3, 16, 2)), 9  # odd, so that one step lies half-way
ROUTES = ("linear", "spherical")


def main() -> None:
    text = link.current_text()
    choice = sidebar.show(text)
    if choice.autoencoder:
        st.subheader(text("path.heading"), anchor=False)
        st.info(text("path.no_prior"))
        return
    columns = st.columns(2, border=True)
    given, ends = [], []
    for number, (column, slot) in enumerate(zip(columns, FIRST_EXAMPLES, strict=True)):
        with column:
            one = _picture(text, choice, slot)
            given.append(one)
            ends.append(
                experiments.reconstruct(
                    choice.model.network,
                    one.image,
                    choice.beta,
                    seed=choice.seed,
                    draw=number,
                    use_mean=choice.use_mean,
                )
            )
    _way(text, choice, tuple(given), tuple(ends))


def _picture(text: Text, choice: SidebarSelection, slot: str) -> SourcePicture:
    row, below = st.container(horizontal=True, vertical_alignment="center"), st.container()
    with row:
        st.subheader(
            text("path.second") if slot else text("path.first"), anchor=False, width="content"
        )
        shown = st.container(width=72)
        given = picture_input.choose(text, choice.model, below, slot, first=FIRST_EXAMPLES[slot])
    shown.image(
        pictures.picture_uri(given.image),
        width="stretch",
        alt=latent_sentences.end_alt(text, choice.model, given.image, last=bool(slot)),
    )
    return given


@concurrency.fragment
def _way(
    text: Text,
    choice: SidebarSelection,
    given: tuple[SourcePicture, SourcePicture],
    ends: tuple[Reconstruction, Reconstruction],
) -> None:
    with st.container(border=True, gap="xsmall"):
        with st.container(
            horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"
        ):
            st.subheader(text("path.heading"), anchor=False, width="content")
            route = link.choice(
                st.segmented_control,
                text("path.route"),
                ROUTES,
                key="route",
                default="linear",
                required=True,
                format_func=lambda route: text(f"path.route_{route}"),
                help=text("path.route_help"),
            )
            steps = link.choice(
                st.select_slider,
                text("path.steps"),
                STEPS,
                key="steps",
                default=USUAL,
                width=180,
            )
            download = st.empty()
        walked = experiments.path(
            choice.model.network,
            (given[0].image, given[1].image),
            ends,
            choice.beta,
            seed=choice.seed,
            steps=steps,
            spherical=route == "spherical",
        )
        _strips(text, choice, walked)
        download.download_button(
            text("path.download"),
            lambda: pictures.animation(walked.images, walked.cross_fade),
            icon=":material/download:",
            mime="image/gif",
            file_name=latent_sentences.animation_file(choice.model, choice.beta, choice.seed),
            on_click="ignore",
            key="download",
        )
    left, right = st.columns(2, border=True)
    with left:
        st.subheader(text("path.shell_heading"), anchor=False, help=text("path.shell_help"))
        chart.show(
            latent_figures.radii(text, walked),
            key="radii",
            alt=latent_sentences.radii_alt(text, walked),
        )
        st.caption(latent_sentences.shell(text, walked))
        if choice.use_mean:
            st.caption(text("path.means"))
    with right:
        st.subheader(text("path.loss_heading"), anchor=False, help=text("path.loss_help"))
        chart.show(
            latent_figures.path_losses(text, walked),
            key="path_losses",
            alt=latent_sentences.losses_alt(text, walked),
        )
        st.caption(latent_sentences.losses(text, choice.model, walked))


def _strips(text: Text, choice: SidebarSelection, walked: Path) -> None:
    st.caption(text("path.latent_strip"))
    strip.show(
        pictures.strip(walked.images),
        [f"{nats:,.0f}" for nats in walked.negative_elbo],
        latent_sentences.latent_path_alt(text, walked),
        key="latent",
    )
    st.caption(latent_sentences.pixel_path(text, choice.model))
    strip.show(
        pictures.strip(walked.cross_fade),
        [f"{nats:,.0f}" for nats in walked.cross_fade_negative_elbo],
        latent_sentences.pixel_way_alt(text, choice.model, walked),
        key="pixels",
    )


if __name__ == "__main__":
    main()
