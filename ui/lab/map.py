"""Map: the plane of a two-dimensional code, decoded at each point, with pictures' codes."""

import streamlit as st

from ui.service import cache
from ui.text import Text
from ui.view import latent_sentences, map_tiles, pictures, sentences
from ui.view.source_picture import SourcePicture
from ui.widgets import concurrency, latent_map, link, picture_input, sidebar
from ui.widgets.sidebar import ReferenceSelection
from vae import experiments
from vae.experiments import WHOLE_PLANE, Codes, PosteriorMap, Reconstruction, Window

MODELS = {"vae": "mnist-2d", "autoencoder": "mnist-2d-autoencoder"}
COUNTS = (0, 10, 100, 1000)
KINDS = ("none", "true", "tempered")


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
        choice = sidebar.show(text, only=MODELS[kind], noise=False)
        given = picture_input.choose(text, choice.model, below)
    _plane(text, sidebar.select_with_reference(text, choice, "map.no_reference"), given)


@concurrency.fragment
def _plane(text: Text, choice: ReferenceSelection, given: SourcePicture) -> None:
    seen = experiments.reconstruct(
        choice.model.network, given.image, choice.beta, seed=choice.seed, use_mean=True
    )
    left, right = st.columns([2.4, 1], gap="medium")
    with right:
        window, count, kind = _controls(text, choice, seen)
        posterior = _posterior(text, choice, seen, kind)
    drawn = cache.map_atlas(choice.model, choice.beta, window)
    with left:
        map_view = map_tiles.view(
            drawn,
            choice.model,
            window,
            seen,
            count=count,
            posterior=posterior,
            pin=_pinned(text, choice, window),
            pinned=link.pin() is not None,
            rings=map_tiles.DASHED if choice.autoencoder else map_tiles.SOLID,
            legend=latent_sentences.legend(
                text, autoencoder=choice.autoencoder, count=count, posterior=posterior
            ),
            text={"live": text("map.live"), "pinned": text("map.pinned")},
            alt=latent_sentences.plane_alt(
                text, choice.beta_metrics, drawn.codes, seen, window, count, posterior
            ),
        )
        latent_map.show(drawn, map_view, key="latent_map", on_pin=link.set_pin)
        st.caption(text("map.use", spacing=map_tiles.spacing(window)))
    with right:
        _numbers(text, choice, seen, drawn.codes, posterior, window)


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


def _pinned(text: Text, choice: ReferenceSelection, window: Window) -> dict[str, object] | None:
    """The pinned point and its picture; None where it lies outside the window."""
    pin = link.pin()
    if pin is None or not window.covers(pin):
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


def _numbers(
    text: Text,
    choice: ReferenceSelection,
    seen: Reconstruction,
    codes: Codes,
    posterior: PosteriorMap | None,
    window: Window,
) -> None:
    left, right = st.columns(2, wrap=False)
    with left, st.container(gap="xsmall"):
        st.caption(text("picture.seen"))
        st.image(
            pictures.picture_uri(seen.observed),
            width="stretch",
            alt=sentences.seen_alt(text, choice.model, seen),
        )
    with right, st.container(gap="xsmall"):
        st.caption(text("picture.reconstruction"))
        st.image(
            pictures.picture_uri(seen.mean),
            width="stretch",
            alt=sentences.reconstruction_alt(text, choice.model, choice.beta, seen),
        )
    st.markdown(latent_sentences.own(text, seen))
    if posterior:
        st.markdown(latent_sentences.posterior(text, choice.beta, posterior))
        if not posterior.visible(window):
            st.caption(text("map.tiny"))
    st.caption(latent_sentences.aggregate(text, codes))
    if note := latent_sentences.outlier_count(text, codes, window):
        st.caption(note)


if __name__ == "__main__":
    main()
