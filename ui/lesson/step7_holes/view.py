"""Figures, maps and sentences of step 7: the latent space without holes. Pure."""

from collections.abc import Sequence

import cv2
import numpy as np

from ui.lesson.step6_reparameterisation.view import signed_term
from ui.text import Text
from ui.view import pictures
from ui.view.figures import CURVE, DIGITS, OWN, RATE, Drawing, build, legend_above
from vae.experiments.lesson.gaussian import Curve, GaussianKL
from vae.experiments.lesson.holes import NEAR, SHOWN, Holes, PriorPictures, Walk
from vae.hub.metrics import BetaMetrics, Metrics

HALF = 3.6  # half of a map's side, in standard deviations of the prior
SIDE = 400  # pixels of a map
FINER = 3  # supersampling: pixels painted for each pixel of a side, then averaged
QUALITY = 80


def map_picture(found: Holes, labels: np.ndarray) -> str:
    """The map of codes and holes on a transparent ground, as a data URI.

    A z of each picture is a dot in the colour of its digit; a cross is a draw of the prior without
    a dot near; circles lie at 1, 2 and 3 standard deviations of the prior.
    """
    side = SIDE * FINER
    canvas = np.zeros((side, side, 4), np.uint8)

    def place(points: np.ndarray) -> list[tuple[int, int]]:
        inside = points[(np.abs(points) < HALF).all(1)]
        return [(int(x), int(y)) for x, y in (inside * (1, -1) / HALF + 1) * side / 2]

    grey = _rgba(CURVE)
    for radius in (1, 2, 3):
        cv2.circle(canvas, (side // 2, side // 2), round(radius / HALF * side / 2), grey, FINER)
    for digit, colour in enumerate(DIGITS):
        for point in place(found.points[labels == digit]):
            cv2.circle(canvas, point, round(2.1 * FINER), _rgba(colour), cv2.FILLED)
    for point in place(found.far):
        cv2.drawMarker(canvas, point, grey, cv2.MARKER_TILTED_CROSS, 7 * FINER, FINER)
    solid = canvas[..., 3:] / 255
    colours = cv2.resize(canvas[..., :3] * solid, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(solid, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., None]
    pixels = np.concatenate([colours / np.maximum(alpha, 1 / 255), 255 * alpha], axis=2)
    return pictures.uri(
        "webp", pictures.webp(pixels.round().clip(0, 255).astype(np.uint8), QUALITY)
    )


def map_title(text: Text, found: Holes) -> str:
    return f"beta = {found.beta:g}" if found.beta else text("step7.plain")


def map_numbers(text: Text, found: Holes) -> str:
    """Share of holes and moments of a plane."""
    (mean_x, mean_y), (across, down) = found.aggregate_mean, found.aggregate_deviation
    return text(
        "step7.map_numbers",
        share=found.share,
        mean_x=mean_x,
        mean_y=mean_y,
        across=across,
        down=down,
    )


def map_alt(text: Text, found: Holes) -> str:
    (mean_x, mean_y), (across, down) = found.aggregate_mean, found.aggregate_deviation
    return text(
        "alt_step7.map",
        title=map_title(text, found),
        share=found.share,
        mean_x=mean_x,
        mean_y=mean_y,
        across=across,
        down=down,
        count=found.count,
        crosses=len(found.far),
    )


def maps_legend(text: Text, found: Holes) -> str:
    """The legend of all maps."""
    return text("step7.maps_legend", count=found.count, shown=SHOWN, near=NEAR, probes=found.probes)


def maps_verdict(text: Text, planes: Sequence[Holes]) -> str:
    """The plain autoencoder's holes beside those at the first, third and last beta of the maps."""
    plain, smallest, _, one, largest = planes
    return text(
        "step7.maps_verdict",
        plain=plain.share,
        error=plain.standard_error,
        yardstick=plain.yardstick,
        smallest=smallest.share,
        small_beta=smallest.beta,
        one=one.share,
        one_beta=one.beta,
        times=one.yardstick_ratio,
        largest=largest.share,
        large_beta=largest.beta,
    )


def end_pictures(text: Text, walk: Walk) -> str:
    """The two pictures that a walk joins."""
    return text("step7.ends", first=walk.labels[0], last=walk.labels[1])


def ends_alt(text: Text, walk: Walk) -> str:
    return text("alt_step7.ends", first=walk.labels[0], last=walk.labels[1])


def walk_title(text: Text, walk: Walk) -> str:
    return text("step7.walk_beta", beta=walk.beta) if walk.beta else text("step7.walk_plain")


def walk_numbers(text: Text, walk: Walk) -> str:
    """The emptiest step, and how undecided the decoder is there and at the ends."""
    return text(
        "step7.walk_numbers",
        step=walk.emptiest + 1,
        distance=walk.distances[walk.emptiest],
        undecided=walk.undecided[walk.emptiest],
        first=walk.undecided[0],
        last=walk.undecided[-1],
        most=walk.undecided[walk.most_undecided],
        where=walk.most_undecided + 1,
    )


def walk_alt(text: Text, walk: Walk) -> str:
    return text(
        "alt_step7.walk",
        steps=len(walk.distances),
        title=walk_title(text, walk),
        first=walk.labels[0],
        last=walk.labels[1],
        distances=", ".join(f"{distance:.2f}" for distance in walk.distances),
        undecided=", ".join(f"{nats:.0f}" for nats in walk.undecided),
    )


def rate_alt(text: Text, metrics: Metrics, now: BetaMetrics) -> str:
    rates = ", ".join(f"{entry.beta:g}: {entry.rate:.2f}" for entry in metrics.betas[::5])
    return text("alt_step7.rate", rates=rates, beta=now.beta, rate=now.rate)


def beta_numbers(text: Text, now: BetaMetrics, decoded: PriorPictures) -> str:
    """Rate, distortion and what is left of the decoded pictures' differences."""
    return text(
        "step7.beta_numbers",
        beta=now.beta,
        rate=now.rate,
        distortion=now.distortion,
        active=now.active_units,
        dimensions=len(now.rate_per_dimension),
        difference=decoded.difference,
    )


def plane_numbers(text: Text, found: Holes) -> str:
    """The aggregate posterior and the holes."""
    across, down = found.aggregate_deviation
    return text("step7.plane_numbers", beta=found.beta, across=across, down=down, share=found.share)


def prior_alt(text: Text, now: BetaMetrics, decoded: PriorPictures) -> str:
    return text(
        "alt_step7.prior", count=len(decoded.images), beta=now.beta, difference=decoded.difference
    )


def densities(text: Text, found: GaussianKL) -> Drawing:
    """The student's posterior, and the prior."""
    traces = [
        {
            "type": "scatter",
            "x": curve.x,
            "y": curve.y,
            "mode": "lines",
            "name": name,
            "fill": "tozeroy",
            "hoverinfo": "skip",
            "line": {"color": colour, "width": 2.5, "dash": dash},
            "fillcolor": f"rgba({red},{green},{blue},0.18)",
        }
        for curve, name, colour, dash in (
            (found.prior, text("step7.prior"), CURVE, "dot"),
            (found.posterior, text("step7.posterior"), OWN, "solid"),
        )
        for red, green, blue in (_rgba(colour)[:3],)
    ]
    return build(
        traces,
        250,
        legend=legend_above(),
        x={"title": {"text": "z"}, "range": [-5, 5]},
        y={"title": {"text": text("step7.density")}, "rangemode": "tozero"},
    )


def densities_alt(text: Text, found: GaussianKL) -> str:
    return text("alt_step7.densities", mean=found.mean, deviation=found.deviation, nats=found.nats)


def kl_curve(text: Text, found: GaussianKL, *, over_mean: bool) -> Drawing:
    """The KL over mu or over log sigma², with the other one fixed, and the student's point."""
    curve: Curve = found.over_mean if over_mean else found.over_log_variance
    place = found.mean if over_mean else found.log_variance
    traces = [
        {
            "type": "scatter",
            "x": curve.x,
            "y": curve.y,
            "mode": "lines",
            "line": {"color": RATE, "width": 2.5},
            "hovertemplate": "%{x:.2f}: %{y:.2f} nats<extra></extra>",
        },
        {
            "type": "scatter",
            "x": [place],
            "y": [found.nats],
            "mode": "markers",
            "hoverinfo": "skip",
            "marker": {"color": RATE, "size": 15, "line": {"color": OWN, "width": 2}},
        },
    ]
    return build(
        traces,
        250,
        showlegend=False,
        x={
            "title": {"text": "mu" if over_mean else "log sigma²"},
            "range": [float(curve.x[0]), float(curve.x[-1])],
        },
        y={"title": {"text": text("step7.kl_axis")}, "rangemode": "tozero"},
    )


def kl_curve_alt(text: Text, found: GaussianKL, *, over_mean: bool) -> str:
    curve = found.over_mean if over_mean else found.over_log_variance
    values = ", ".join(
        f"{x:.1f}: {y:.2f}" for x, y in zip(curve.x[::40], curve.y[::40], strict=True)
    )
    if over_mean:
        return text(
            "alt_step7.kl_over_mean",
            values=values,
            log_variance=found.log_variance,
            nats=found.nats,
        )
    return text("alt_step7.kl_over_log_variance", values=values, mean=found.mean, nats=found.nats)


def kl_numbers(text: Text, found: GaussianKL) -> str:
    return text(
        "step7.kl_numbers",
        mean_part=found.mean_part,
        variance_part=found.variance_part,
        log_part=signed_term(found.log_part),
        nats=found.nats,
        deviation=found.deviation,
    )


def _rgba(colour: str) -> tuple[int, int, int, int]:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue, 255
