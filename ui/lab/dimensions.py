"""Dimensions: the KL of each, the effect of moving one, and which are active at which beta."""

import streamlit as st

from ui.service import received
from ui.text import Text
from ui.view import latent_figures, latent_sentences, pictures, sentences
from ui.widgets import chart, concurrency, link, picture_input, sidebar, strip
from ui.widgets.sidebar import SidebarSelection
from vae import experiments
from vae.experiments import Reconstruction

LONGEST_NAME = 40


def main() -> None:
    text = link.current_text()
    choice = sidebar.show(text)
    if choice.autoencoder:
        st.subheader(text("dimensions.heading"), anchor=False)
        st.info(text("dimensions.no_rate", map=text("pages.map")))
        return
    with st.container(border=True, gap="xsmall", key="your_picture"):
        given = picture_input.row(text, choice.model, text("picture.heading"))
    seen = experiments.reconstruct(
        choice.model.network,
        given.image,
        choice.beta,
        seed=choice.seed,
        draw=link.eps_number(),
        use_mean=choice.use_mean,
    )
    _dimensions(text, choice, seen)
    with st.container(border=True, gap="xsmall"):
        st.subheader(
            text("dimensions.alive_heading"), anchor=False, help=text("dimensions.alive_help")
        )
        chart.show(
            latent_figures.alive(text, choice.model.metrics, choice.beta_metrics),
            key="alive",
            alt=latent_sentences.alive_alt(text, choice.model),
        )


@concurrency.fragment
def _dimensions(text: Text, choice: SidebarSelection, seen: Reconstruction) -> None:
    names = st.session_state.setdefault("dimension_names", {}).setdefault(choice.model.name, {})
    order = choice.beta_metrics.dimensions_by_rate
    bars, below = st.container(border=True, gap="xsmall"), st.container(border=True, gap="small")
    with below:
        st.subheader(text("dimensions.strip_heading"), anchor=False)
        left, right = st.columns([1, 2])
        with left:
            dimension = link.choice(
                st.selectbox,
                text("dimensions.choose"),
                tuple(range(len(order))),
                key="dimension",
                default=choice.model.metrics.at(1.0).dimensions_by_rate[0],
                format_func=lambda dimension: text("code.hover", dimension=dimension + 1),
            )
        with right:
            name = st.text_input(
                text("dimensions.name"),
                names.get(dimension, ""),
                LONGEST_NAME,
                key=f"name-{choice.model.name}-{dimension}",
                help=text("dimensions.name_help"),
            ).strip()
        names.pop(dimension, None)
        if name:
            names[dimension] = name
        _strip(text, choice, seen, dimension)
    with bars:
        _bars(text, choice, seen, dimension, names)


def _bars(
    text: Text,
    choice: SidebarSelection,
    seen: Reconstruction,
    dimension: int,
    names: dict[int, str],
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            text("dimensions.heading"), anchor=False, help=text("dimensions.help"), width="content"
        )
        st.caption(text("dimensions.click"), width="content")
    # A new key after each click forgets the selection, or the same bar could not be clicked twice.
    key = f"rates-{st.session_state.get('rates_clicks', 0)}"
    chart.show(
        latent_figures.rates(text, choice.beta_metrics, seen, dimension, names),
        key=key,
        selection_mode="points",
        on_select=lambda: _go_to_clicked(key),
        alt=latent_sentences.rates_alt(text, choice.beta_metrics, seen, dimension),
    )
    st.markdown(latent_sentences.activity(text, choice.beta_metrics, seen))


def _go_to_clicked(key: str) -> None:
    clicked = received.click(st.session_state[key])
    if clicked is not None:
        st.session_state["dimension"] = int(clicked)
        st.session_state["rates_clicks"] = st.session_state.get("rates_clicks", 0) + 1


def _strip(text: Text, choice: SidebarSelection, seen: Reconstruction, dimension: int) -> None:
    moved = experiments.traverse(choice.model.network, seen, choice.beta, dimension)
    st.caption(
        text("dimensions.value", low=moved.values[0], high=moved.values[-1], own=moved.own_value)
    )
    strip.show(
        pictures.strip(moved.images),
        [f"{value:.1f}" for value in moved.values],
        latent_sentences.traversal_alt(text, moved),
        key="traversal",
    )
    st.caption(
        text(
            "dimensions.difference",
            own=moved.own_value,
            stuff=sentences.pixel_meaning(text, choice.model),
        )
    )
    strip.show(
        pictures.difference_strip(moved.differences),
        [f"{change:.1f}" for change in moved.changes],
        latent_sentences.changes_alt(text, choice.model, moved),
        key="changes",
    )
    st.markdown(latent_sentences.change(text, choice.model, choice.beta_metrics, moved))


if __name__ == "__main__":
    main()
