"""Figures and sentences of step 2: pictures drawn through z, and planes of pixel space."""

from collections.abc import Mapping

import numpy as np

from ui.text import Text, number
from ui.view import pictures
from ui.view.figures import CURVE, OWN, RIVAL, Drawing, build
from ui.view.map_tiles import Ellipse
from vae.experiments import Codes, Reconstruction
from vae.experiments.lesson.plane import CODES, FULL, OTHERS, RANDOM, TEST, Crowd, PixelPlane
from vae.hub.folder import Examples

CROWDS = (TEST, CODES, OTHERS, RANDOM)
CROWD_COLOURS = {TEST: CURVE, CODES: OWN, OTHERS: RIVAL, RANDOM: RIVAL}
SHOWN = 8  # pictures of a crowd
MARK = 0.07  # size of the mark of a picture on its plane


def directions_ellipses(plane: PixelPlane) -> tuple[Ellipse, ...]:
    """Small marks at the pictures that span the plane; the student's is in the middle."""
    marks = [((0.0, 0.0), OWN)]
    if plane.directions == OTHERS:
        marks += [((FULL, 0.0), RIVAL), ((0.0, FULL), RIVAL)]
    return tuple(Ellipse(place, (MARK, MARK), colour) for place, colour in marks)


def code_legend(text: Text) -> list[dict[str, str]]:
    return [
        {"shape": "prior", "colour": "", "label": text("step2.legend_prior")},
        {"shape": "own", "colour": OWN, "label": text("step2.legend_own")},
    ]


def pixel_legend(text: Text, plane: PixelPlane) -> list[dict[str, str]]:
    marks = [
        {"shape": "dashed", "colour": "", "label": text("step2.legend_circles")},
        {"shape": "own", "colour": OWN, "label": text("step2.legend_picture")},
    ]
    if plane.directions == OTHERS:
        marks.append({"shape": "own", "colour": RIVAL, "label": text("step2.legend_others")})
    return marks


def code_alt(text: Text, seen: Reconstruction, codes: Codes) -> str:
    x, y = seen.posterior_mean
    return text("alt_step2.code", x=x, y=y, count=f"{len(codes.mean):,}")


def plane_alt(text: Text, plane: PixelPlane) -> str:
    across, up = plane.units
    return text(f"alt_step2.plane_{plane.directions}", across=across, up=up)


def pinned(
    text: Text, image: np.ndarray | None, point: tuple[float, float] | None
) -> dict[str, object] | None:
    """A pinned point and its picture (C, H, W), for the map; None without one."""
    if image is None or point is None:
        return None
    x, y = point
    return {
        "x": x,
        "y": y,
        "picture": pictures.picture_uri(image),
        "alt": text("alt_step2.pinned", x=x, y=y, share=float(image.mean())),
    }


def other_examples(examples: Examples, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The two examples after this one; the first two for a picture that is no example."""
    every = [examples.picture(name).numpy() for name in examples.names]
    place = next((place for place, one in enumerate(every) if np.array_equal(one, image)), -1)
    return every[(place + 1) % len(every)], every[(place + 2) % len(every)]


def plane_note(text: Text, plane: PixelPlane, typical: float) -> str:
    """The length of a step, and that pixels are clipped."""
    across, up = plane.units
    return text(f"step2.note_{plane.directions}", across=across, up=up, typical=typical)


def crowd_strip(crowd: Crowd) -> str:
    """The first pictures of a crowd in a row, as a data URI."""
    return pictures.strip(crowd.observed[:SHOWN])


def crowd_text(text: Text, crowd: Crowd) -> str:
    return text(
        f"step2.crowd_{crowd.kind}", mean=number(crowd.mean, ",.0f"), count=len(crowd.observed)
    )


def crowd_alt(text: Text, crowd: Crowd) -> str:
    return text(
        "alt_step2.crowd", shown=SHOWN, kind=text(f"step2.short_{crowd.kind}"), mean=crowd.mean
    )


def crowds_figure(text: Text, crowds: Mapping[str, Crowd]) -> Drawing:
    """Mean log p(x) of each crowd: bars that reach left from zero."""
    means = [crowds[kind].mean for kind in CROWDS]
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": [text(f"step2.short_{kind}") for kind in CROWDS],
        "x": means,
        "text": [number(mean, ",.0f") for mean in means],
        "textposition": "outside",
        "cliponaxis": False,
        "marker": {
            "color": [CROWD_COLOURS[kind] for kind in CROWDS],
            "pattern": {"shape": ["/" if kind == RANDOM else "" for kind in CROWDS]},
        },
        "hoverinfo": "skip",
    }
    return build(
        [bars],
        200,
        bargap=0.3,
        showlegend=False,
        x={"title": {"text": text("step2.nats_axis")}, "range": [1.15 * min(means), 0]},
        y={"autorange": "reversed"},
    )


def crowds_alt(text: Text, crowds: Mapping[str, Crowd]) -> str:
    means = "; ".join(
        f"{text(f'step2.short_{kind}')}: {number(crowds[kind].mean, ',.0f')}" for kind in CROWDS
    )
    return text("alt_step2.crowds", means=means)


def crowd_values(crowds: Mapping[str, Crowd]) -> dict[str, object]:
    """Mean log p(x) of each crowd, for sentences."""
    return {kind: crowds[kind].mean for kind in CROWDS}
