"""Dimensions: the KL of each, the effect of moving one, and which are active at which beta."""

import streamlit as st

from ui.film import dimensions, frames
from ui.service import cache
from ui.service.cache import MovedDimension
from ui.text import Text
from ui.view.digest import digest
from ui.view.source_picture import SourcePicture
from ui.widgets import concurrency, film, film_parts, link, picture_input, sidebar
from ui.widgets.film_parts import Follow
from ui.widgets.sidebar import SidebarSelection

LONGEST_NAME = 40


def main() -> None:
    text = link.current_text()
    choice = sidebar.show(text, beta_on_page=True)
    if choice.autoencoder:
        st.subheader(text("dimensions.heading"), anchor=False)
        st.info(text("dimensions.no_rate", map=text("pages.map")))
        return
    with st.container(border=True, gap="xsmall", key="your_picture"):
        given = picture_input.row(text, choice.model, text("picture.heading"))
    rates = dimensions.rates(text, choice.model)
    film.carry(rates, key="carried_rates")
    follow = film_parts.follow(choice, "dimensions")
    _dimensions(text, choice, given, follow, rates.id)
    with st.container(border=True, gap="xsmall"):
        st.subheader(
            text("dimensions.alive_heading"), anchor=False, help=text("dimensions.alive_help")
        )
        film_parts.heat(text, choice.model, follow.showing(rates.id), key="alive")


@concurrency.fragment
def _dimensions(
    text: Text, choice: SidebarSelection, given: SourcePicture, follow: Follow, rates: str
) -> None:
    """Draw what follows beta, and the slider with it: at rest the exact answer comes."""
    choice = film_parts.beta(text, choice, follow.scope)
    names = st.session_state.setdefault("dimension_names", {}).setdefault(choice.model.name, {})
    bars, below = st.container(border=True, gap="xsmall"), st.container(border=True, gap="small")
    with below:
        st.subheader(text("dimensions.strip_heading"), anchor=False)
        left, right = st.columns([1, 2])
        with left:
            dimension = link.choice(
                st.selectbox,
                text("dimensions.choose"),
                tuple(range(choice.model.network.config.latent_dim)),
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
        moved = MovedDimension(
            dimension, choice.seed, link.eps_number(), choice.use_mean, text.language
        )
        shown = cache.dimension_name(given.image, choice.model, moved)
        of_picture = follow.showing(shown)
        _strips(of_picture)
        _film(text, choice, given, moved, follow, shown)
    with bars:
        _bars(text, follow.showing(shown, rates), dimension, names)


def _bars(text: Text, follow: Follow, dimension: int, names: dict[int, str]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            text("dimensions.heading"), anchor=False, help=text("dimensions.help"), width="content"
        )
        st.caption(text("dimensions.click"), width="content")
    film_parts.bars(
        text, follow, dimension, names, on_choice=lambda chosen: link.put("dimension", chosen)
    )
    film_parts.sentences(follow, "activity", key="activity")


def _strips(follow: Follow) -> None:
    film_parts.sentences(follow, "value", key="value", caption=True)
    film_parts.strip(follow, "traversal", key="traversal")
    film_parts.sentences(follow, "difference", key="difference", caption=True)
    film_parts.strip(follow, "changes", key="changes")
    film_parts.sentences(follow, "change", key="change")


@concurrency.fragment
def _film(
    text: Text,
    choice: SidebarSelection,
    given: SourcePicture,
    moved: MovedDimension,
    follow: Follow,
    shown: str,
) -> None:
    """Carry what the views show: at first at the present beta; then at the others.

    A fragment of its own: what the browser asks for comes right after a run.
    """
    stops = frames.stops(choice.model)
    with st.container(gap=None):
        wanted = film_parts.awaited(follow, (shown,), text("film.waiting"), stops)
        is_kept = _is_kept(choice, given, moved)
        if wanted is not None or is_kept:
            with concurrency.released_slot():
                whole = _whole(choice, given, moved)
            film.carry(whole, key="carried_film")
        # A film in colour has lost a little.
        if not (wanted is not None or is_kept) or choice.model.network.config.image_shape[0] > 1:
            at = stops.index(choice.beta)
            one = cache.dimension_frame(given.image, choice.model, moved, at)
            film.carry(one, key="carried_frame")


def _key(choice: SidebarSelection, given: SourcePicture, moved: MovedDimension) -> tuple:
    return digest(given.image), choice.model.network, moved


def _is_kept(choice: SidebarSelection, given: SourcePicture, moved: MovedDimension) -> bool:
    if given.is_example:
        return cache.is_kept(cache.example_dimension_film, given.image, choice.model, moved)
    return st.session_state.get("own_dimension", (None,))[0] == _key(choice, given, moved)


def _whole(choice: SidebarSelection, given: SourcePicture, moved: MovedDimension) -> frames.Film:
    """The film: an example's is computed once for all, a visitor's for the session."""
    if given.is_example:
        return cache.example_dimension_film(given.image, choice.model, moved)
    if not _is_kept(choice, given, moved):
        # One assignment: at each of them another run may break in.
        st.session_state["own_dimension"] = (
            _key(choice, given, moved),
            cache.dimension_film(given.image, choice.model, moved),
        )
    return st.session_state["own_dimension"][1]


if __name__ == "__main__":
    main()
