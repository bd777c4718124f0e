"""Step 2: p(x) through z.

Two numbers of a code move a digit; two directions of pixel space make noise or double exposures.
"""

import streamlit as st

from ui.lesson import frame
from ui.lesson.step2_plane import cache, view
from ui.service.cache import map_atlas
from ui.text import Text
from ui.view import map_tiles
from ui.view.source_picture import SourcePicture
from ui.widgets import chart, concurrency, latent_map, link, picture_input, strip
from ui.widgets.sidebar import ReferenceSelection
from vae import experiments
from vae.experiments import WHOLE_PLANE
from vae.experiments.lesson.plane import DIRECTIONS, PixelPlane, pixel_plane

POINT = "(a, b)"  # the two coordinates of the pixel plane, as in its note
SLOT = "2"  # of the pixel plane's pin


def main() -> None:
    text, choice = frame.begin("step2", "mnist-2d", "one_step", beta=1.0)
    with frame.experiment(text("step2.do_move"), text("step2.do_move_help")):
        given = picture_input.row(text, choice.model)
        _planes(text, choice, given)
    _revealed(text, choice, given)
    frame.foot(text, "step2")


@concurrency.fragment
def _planes(text: Text, choice: ReferenceSelection, given: SourcePicture) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(text("step2.code"))
        with st.container(key="code_note"):
            st.caption(text("step2.code_note"))
        _code(text, choice, given)
    with right:
        st.markdown(text("step2.pixels"))
        with st.container(key="directions_row"):
            directions = link.choice(
                st.segmented_control,
                text("step2.directions"),
                DIRECTIONS,
                key="directions",
                default=DIRECTIONS[0],
                required=True,
                label_visibility="collapsed",
                format_func=lambda directions: text(f"step2.directions_{directions}"),
            )
        _pixels(text, choice, _plane(choice, given, directions))
    st.caption(text("step2.use"))


def _plane(choice: ReferenceSelection, given: SourcePicture, directions: str) -> PixelPlane:
    return pixel_plane(
        given.image,
        directions,
        typical=cache.typical_distance(choice.model),
        others=view.other_examples(choice.model.examples, given.image),
        seed=choice.seed,
    )


def _code(text: Text, choice: ReferenceSelection, given: SourcePicture) -> None:
    seen = experiments.reconstruct(
        choice.model.network, given.image, choice.beta, seed=choice.seed, use_mean=True
    )
    drawn = map_atlas(choice.model, choice.beta, WHOLE_PLANE)
    pin = link.pin()
    image = (
        experiments.decode_point(choice.model.network, pin, choice.beta)
        if pin and WHOLE_PLANE.covers(pin)
        else None
    )
    map_view = map_tiles.view(
        drawn,
        choice.model,
        WHOLE_PLANE,
        seen,
        pin=view.pinned(text, image, pin),
        pinned=pin is not None,
        legend=view.code_legend(text),
        text={"live": text("step2.live"), "pinned": text("map.pinned")},
        alt=view.code_alt(text, seen, drawn.codes),
    )
    latent_map.show(drawn, map_view, key="code_map", on_pin=link.set_pin)


def _pixels(text: Text, choice: ReferenceSelection, plane: PixelPlane) -> None:
    drawn = map_tiles.of_plane(plane, WHOLE_PLANE)
    pin = link.pin(SLOT)
    image = plane.at_point(pin) if pin and WHOLE_PLANE.covers(pin) else None
    map_view = map_tiles.view(
        drawn,
        choice.model,
        WHOLE_PLANE,
        None,
        pin=view.pinned(text, image, pin),
        pinned=pin is not None,
        rings=map_tiles.DASHED,
        codes=False,
        ellipses=view.directions_ellipses(plane),
        legend=view.pixel_legend(text, plane),
        text={
            "live": text("step2.live_pixels"),
            "pinned": text("step2.pinned_pixels"),
            "point": POINT,
        },
        alt=view.plane_alt(text, plane),
    )
    latent_map.show(
        drawn, map_view, key="pixel_map", on_pin=lambda point: link.set_pin(point, SLOT)
    )
    st.caption(view.plane_note(text, plane, cache.typical_distance(choice.model)))


def _revealed(text: Text, choice: ReferenceSelection, given: SourcePicture) -> None:
    if not frame.reveal(text, "step2", "one_step", right="b"):
        return
    with concurrency.spinner(text("step2.adding")):
        planes = tuple(_plane(choice, given, directions) for directions in DIRECTIONS)
        crowds = cache.crowds(choice.model, planes, choice.beta, choice.seed)
    with frame.experiment(text("step2.crowds"), text("step2.crowds_help")):
        chart.show(
            view.crowds_figure(text, crowds),
            key="crowds",
            alt=view.crowds_alt(text, crowds),
        )
        for kind in view.CROWDS:
            st.caption(view.crowd_text(text, crowds[kind]))
            strip.show(
                view.crowd_strip(crowds[kind]),
                (),
                view.crowd_alt(text, crowds[kind]),
                key=f"crowd_{kind}",
            )
    frame.explanation(
        text,
        text("step2.why", **view.crowd_values(crowds)),
        r"p(x) = \int p(x \mid z)\, p(z)\, dz",
    )
    frame.check(text, "learned", right="b")
    frame.article(text, text("step2.article"))


if __name__ == "__main__":
    main()
