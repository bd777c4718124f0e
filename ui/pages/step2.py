"""Step 2: p(x) through z. Two numbers of a code move a digit; two directions of pixel space make
noise or double exposures."""

import streamlit as st

from ui import atlas, latent_map, remembered, sidebar, state, strip, turns
from ui.given import Given
from ui.lesson import frame, pixels
from ui.lesson import remembered as lesson
from ui.sidebar import Choice
from ui.text import Text
from vae import experiments
from vae.experiments import WHOLE_PLANE
from vae.experiments.plane import DIRECTIONS, PixelPlane, pixel_plane

STATIC = {"displayModeBar": False}
POINT = "(a, b)"  # the two coordinates of the pixel plane, as in its note
SLOT = "2"  # of the pixel plane's pin


def main() -> None:
    text = state.current_text()
    choice = sidebar.show(text, only="mnist-2d", beta=1.0, noise=False)
    frame.head(text, "step2", text("step2.idea"))
    frame.needs_reference(text, choice.model)
    frame.predict(text, "one_step")
    with frame.experiment(text("step2.do_move"), text("step2.do_move_help")):
        given = frame.picture(text, choice.model)
        _planes(text, choice, given)
    _revealed(text, choice, given)
    frame.foot(text, "step2")


@turns.fragment
def _planes(text: Text, choice: Choice, given: Given) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(text("step2.code"))
        with st.container(key="code_note"):
            st.caption(text("step2.code_note"))
        _code(text, choice, given)
    with right:
        st.markdown(text("step2.pixels"))
        with st.container(key="directions_row"):
            directions = state.linked(
                st.segmented_control,
                text("step2.directions"),
                DIRECTIONS,
                key="directions",
                default=DIRECTIONS[0],
                accept=state.one_of(DIRECTIONS),
                required=True,
                label_visibility="collapsed",
                format_func=lambda directions: text(f"step2.directions_{directions}"),
            )
        _pixels(text, choice, _plane(choice, given, directions))
    st.caption(text("step2.use"))


def _plane(choice: Choice, given: Given, directions: str) -> PixelPlane:
    return pixel_plane(
        given.view.image,
        directions,
        typical=lesson.typical_distance(choice.model),
        others=pixels.others(choice.model.examples, given.view.image),
        seed=choice.seed,
    )


def _code(text: Text, choice: Choice, given: Given) -> None:
    seen = experiments.reconstruct(
        choice.model.model, given.view.image, choice.beta, seed=choice.seed, use_mean=True
    )
    drawn = remembered.map_atlas(choice.model, choice.beta, WHOLE_PLANE)
    pin = state.pin()
    image = (
        experiments.decode_point(choice.model.model, pin, choice.beta)
        if pin and WHOLE_PLANE.covers(pin)
        else None
    )
    view = atlas.view(
        drawn,
        choice.model,
        WHOLE_PLANE,
        seen,
        pin=pixels.pinned(text, image, pin),
        pinned=pin is not None,
        legend=pixels.code_legend(text),
        text={"live": text("step2.live"), "pinned": text("map.pinned")},
        alt=pixels.code_alt(text, seen, drawn.codes),
    )
    latent_map.show(drawn, view, key="code_map", on_pin=state.set_pin)


def _pixels(text: Text, choice: Choice, plane: PixelPlane) -> None:
    drawn = atlas.of_plane(plane, WHOLE_PLANE)
    pin = state.pin(SLOT)
    image = plane.at_point(pin) if pin and WHOLE_PLANE.covers(pin) else None
    view = atlas.view(
        drawn,
        choice.model,
        WHOLE_PLANE,
        None,
        pin=pixels.pinned(text, image, pin),
        pinned=pin is not None,
        rings=atlas.DASHED,
        codes=False,
        ellipses=pixels.directions_ellipses(plane),
        legend=pixels.pixel_legend(text, plane),
        text={
            "live": text("step2.live_pixels"),
            "pinned": text("step2.pinned_pixels"),
            "point": POINT,
        },
        alt=pixels.plane_alt(text, plane),
    )
    latent_map.show(drawn, view, key="pixel_map", on_pin=lambda point: state.set_pin(point, SLOT))
    st.caption(pixels.plane_note(text, plane, lesson.typical_distance(choice.model)))


def _revealed(text: Text, choice: Choice, given: Given) -> None:
    if not frame.reveal(text, "step2", "one_step", right="b"):
        return
    with st.spinner(text("step2.adding")), turns.aside():
        planes = tuple(_plane(choice, given, directions) for directions in DIRECTIONS)
        crowds = lesson.crowds(choice.model, planes, choice.beta, choice.seed)
    with frame.experiment(text("step2.crowds"), text("step2.crowds_help")):
        st.plotly_chart(
            pixels.crowds_figure(text, crowds),
            config=STATIC,
            key="crowds",
            alt=pixels.crowds_alt(text, crowds),
        )
        for kind in pixels.CROWDS:
            st.caption(pixels.crowd_said(text, crowds[kind]))
            strip.show(
                pixels.crowd_strip(crowds[kind]),
                (),
                pixels.crowd_alt(text, crowds[kind]),
                key=f"crowd_{kind}",
            )
    frame.why(
        text,
        text("step2.why", **pixels.crowd_values(crowds)),
        r"p(x) = \int p(x \mid z)\, p(z)\, dz",
    )
    frame.check(text, "learned", right="b")
    frame.article(text, text("step2.article"))


main()
