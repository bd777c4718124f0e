"""Map: the plane of a two-dimensional code, decoded at each point, with pictures' codes."""

import streamlit as st

from ui.film import frames, map_frames
from ui.film.frames import Film
from ui.service import cache
from ui.text import Text
from ui.view import latent_sentences, map_tiles, pictures
from ui.view.source_picture import SourcePicture
from ui.widgets import concurrency, film, latent_map, link, picture_input, sidebar
from ui.widgets.sidebar import ReferenceSelection
from vae import experiments
from vae.experiments import WHOLE_PLANE, PosteriorMap, Reconstruction, Window

MODELS = {"vae": "mnist-2d", "autoencoder": "mnist-2d-autoencoder"}
COUNTS = (0, 10, 100, 1000)
KINDS = ("none", "true", "tempered")
_SCOPE = "map"  # of the views that move with beta: one model here has it


def main() -> None:
    text = link.current_text()
    with (
        st.container(border=True, gap="xsmall", key="your_picture"),
        picture_input.source_row(text("map.heading"), text("map.help")) as below,
    ):
        kind = link.choice(
            st.segmented_control,
            text("map.kind"),
            tuple(MODELS),
            key="kind",
            default="vae",
            required=True,
            label_visibility="collapsed",
            format_func=lambda kind: text(f"map.kind_{kind}"),
        )
        choice = sidebar.show(text, only=MODELS[kind], noise=False, beta_on_page=True)
        given = picture_input.choose(text, choice.model, below)
    _plane(text, sidebar.select_with_reference(text, choice, "map.no_reference"), given)


@concurrency.fragment
def _plane(text: Text, choice: ReferenceSelection, given: SourcePicture) -> None:
    moves = not link.is_hidden("beta") and len(frames.stops(choice.model)) > 1
    if moves:  # in this fragment, which alone is drawn again where the hand rests
        choice = choice.moved(film.beta_bar(text, choice.model, at=choice.beta, scope=_SCOPE))
    seen = experiments.reconstruct(
        choice.model.network, given.image, choice.beta, seed=choice.seed, use_mean=True
    )
    left, right = st.columns([2.4, 1], gap="medium")
    with right:
        window, count, kind = _controls(text, choice, seen)
        posterior = _posterior(text, choice, seen, kind)
    drawn = cache.map_atlas(choice.model, choice.beta, window)
    pin = link.pin()
    pin = pin if pin and window.covers(pin) else None
    films = (
        map_frames.shown(text, choice.model, seen, window, count, pin, at=choice.beta, scope=_SCOPE)
        if moves
        else None
    )
    with left:
        map_view = map_tiles.view(
            drawn,
            choice.model,
            window,
            seen,
            count=count,
            posterior=posterior,
            pin=_pinned(text, choice, pin),
            pinned=link.pin() is not None,
            rings=map_tiles.DASHED if choice.autoencoder else map_tiles.SOLID,
            legend=latent_sentences.legend(
                text, autoencoder=choice.autoencoder, count=count, posterior=posterior
            ),
            text={"live": text("map.live"), "pinned": text("map.pinned")},
            alt=latent_sentences.plane_alt(
                text, choice.beta_metrics, drawn.codes, seen, window, count, posterior
            ),
            films=films,
        )
        latent_map.show(drawn, map_view, key="latent_map", on_pin=link.set_pin)
        st.caption(text("map.use", spacing=map_tiles.spacing(window)))
    with right:
        numbers = map_frames.numbers(
            text, choice.model, choice.beta, seen, drawn.codes, posterior, window, films=films
        )
        latent_map.numbers(numbers, key="map_numbers")
    if moves:
        _films(text, choice, given, seen, window, count, pin)


def _films(
    text: Text,
    choice: ReferenceSelection,
    given: SourcePicture,
    seen: Reconstruction,
    window: Window,
    count: int,
    pin: tuple[float, float] | None,
) -> None:
    """Send the map at all other betas, when what is in view has been sent."""
    model = choice.model
    if not cache.is_kept(cache.reference_codes, model):
        with concurrency.released_slot():
            cache.reference_codes(model)
    film.carry(cache.map_codes_film(model), key="map_codes_film")
    film.carry(_picture_film(text, choice, given, seen, window, count), key="map_picture_film")
    if pin:
        film.carry(cache.pin_film(model, pin, text.language), key="map_pin_film")


def _picture_film(
    text: Text,
    choice: ReferenceSelection,
    given: SourcePicture,
    seen: Reconstruction,
    window: Window,
    count: int,
) -> Film:
    """The picture's film: an example's is computed once for all, a visitor's for the session."""
    settings = (choice.model, choice.seed, window, count, text.language)
    if given.is_example:
        return cache.example_map_film(given.image, *settings)
    name = map_frames.picture_id(text, choice.model, seen.observed, window, count)
    kept = st.session_state.get("own_map_film")
    if kept is None or kept.id != name:
        # One assignment: at each of them another run may break in.
        kept = st.session_state["own_map_film"] = cache.map_film(given.image, *settings)
    return kept


def _controls(
    text: Text, choice: ReferenceSelection, seen: Reconstruction
) -> tuple[Window, int, str]:
    """Draw the map's controls: window, number of reference posteriors, kind of posterior."""
    # An autoencoder's codes are points: no posteriors to draw, and no size to zoom in on.
    if choice.autoencoder:
        return WHOLE_PLANE, 0, "none"
    shown = link.choice(
        st.segmented_control,
        text("map.window"),
        ("whole", "own"),
        key="window",
        default="whole",
        required=True,
        format_func=lambda part: text(f"map.window_{part}"),
    )
    count = link.choice(
        st.segmented_control,
        text("map.count"),
        COUNTS,
        key="posteriors",
        default=0,
        required=True,
        format_func=lambda count: f"{count:,}",
        help=text("map.count_help"),
    )
    kind = link.choice(
        st.segmented_control,
        text("map.posterior"),
        KINDS,
        key="posterior",
        default="none",
        required=True,
        format_func=lambda kind: text(f"map.posterior_{kind}"),
        help=text("map.posterior_help"),
    )
    return experiments.around(seen) if shown == "own" else WHOLE_PLANE, count, kind


def _posterior(
    text: Text, choice: ReferenceSelection, seen: Reconstruction, kind: str
) -> PosteriorMap | None:
    if kind == "none":
        return None
    with concurrency.spinner(text("map.counting")):
        return cache.posterior_map(
            choice.model, seen.observed, choice.beta, kind == "tempered" and choice.beta != 1
        )


def _pinned(
    text: Text, choice: ReferenceSelection, pin: tuple[float, float] | None
) -> dict[str, object] | None:
    """The pinned point and its picture."""
    if pin is None:
        return None
    x, y = pin
    image = experiments.decode_point(choice.model.network, pin, choice.beta)
    alt = latent_sentences.pinned_alt(text, choice.model, float(image.mean()), x, y)
    return {
        "x": x,
        "y": y,
        "picture": pictures.picture_uri(image),
        "alt": alt,
    }


if __name__ == "__main__":
    main()
