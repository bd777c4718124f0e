"""Figures of "What people get wrong": data classes of vae.experiments in, a drawing out. Pure."""

import numpy as np

from ui.text import Text
from ui.view.figures import (
    CURVE,
    DISTORTION,
    OWN,
    POSTERIOR,
    RATE,
    RIVAL,
    Drawing,
    build,
    legend_above,
    vertical_line,
)
from vae.experiments.lesson.decoders import BlankPage, CodeNoise, GreyBce
from vae.experiments.lesson.misconceptions import (
    Axes,
    Collapse,
    LogVariances,
    Mixture,
    Spreads,
    WhichKL,
)

HEIGHT = 260
ELBO, EVIDENCE = "ELBO", "log p(x)"
DIVERGENCES = ("KL(q ‖ p(z))", "KL(p(z|x) ‖ q)", "KL(q ‖ p(z|x))")  # from bottom to top
COLOURS = (RATE, CURVE, POSTERIOR)  # as in steps 4 and 5


def divergences(text: Text, found: WhichKL) -> Drawing:
    """Three bars that begin at the ELBO; only one ends at log p(x)."""
    rows = (found.to_prior, found.from_posterior, found.to_posterior)
    bars = [
        {
            "type": "scatter",
            "x": [found.elbo, found.elbo + nats],
            "y": [name, name],
            "mode": "lines+markers",
            "line": {"color": colour, "width": 8, "dash": dash},
            "marker": {
                "color": colour,
                "size": [1, 18],
                "symbol": "line-ns-open",
                "line": {"width": 3, "color": colour},
            },
            "hovertemplate": f"{name}: {nats:.2f} nats<extra></extra>",
        }
        for name, nats, colour, dash in zip(
            DIVERGENCES, rows, COLOURS, ("solid", "4px,2px", "solid"), strict=True
        )
    ]
    ends = [found.elbo + nats for nats in rows]
    low, high = min(found.elbo, found.log_evidence), max(*ends, found.log_evidence)
    room = 0.3 * (high - low)
    notes = [
        {
            "x": end,
            "y": name,
            "text": f"  +{nats:.2f}",
            "showarrow": False,
            "xanchor": "left",
            "xshift": 6,
        }
        for end, nats, name in zip(ends, rows, DIVERGENCES, strict=True)
    ]
    # The two lines may lie close together: their names stand on different sides.
    notes += [
        {
            "x": place,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "text": name,
            "showarrow": False,
            "xanchor": side,
        }
        for place, name, side in (
            (found.elbo, ELBO, "right"),
            (found.log_evidence, EVIDENCE, "left"),
        )
    ]
    lines = [
        vertical_line(found.elbo, CURVE, 2.5, "dot"),
        vertical_line(found.log_evidence, POSTERIOR, 2.5),
    ]
    return build(
        bars,
        210,
        showlegend=False,
        annotations=notes,
        shapes=lines,
        margin={"t": 24},
        x={
            "title": {"text": text("wrong.kl_axis")},
            "range": [low - room, high + room],
            "zeroline": False,
        },
        y={"type": "category", "range": [-0.6, 2.6], "ticksuffix": "  "},
    )


def spreads(text: Text, found: Spreads) -> Drawing:
    """Measured spread against sigma, on logarithmic axes; equal values lie on the diagonal."""
    ends = [float(found.claimed.min()), float(found.claimed.max())]
    line = {
        "type": "scatter",
        "x": ends,
        "y": ends,
        "mode": "lines",
        "line": {"color": CURVE, "width": 1.5, "dash": "dot"},
        "showlegend": False,
        "hoverinfo": "skip",
    }
    marks = [
        {
            "type": "scatter",
            "x": found.claimed,
            "y": measured,
            "mode": "markers",
            "name": name,
            "marker": {
                "color": colour,
                "symbol": symbol,
                "size": 9,
                "line": {"width": 2, "color": colour},
            },
            "hovertemplate": "sigma %{x:.3f}: %{y:.4f}<extra></extra>",
        }
        for measured, name, colour, symbol in (
            (found.by_sigma, text("wrong.factor_sigma"), OWN, "circle-open"),
            (found.by_variance, text("wrong.factor_variance"), RIVAL, "x-thin-open"),
        )
    ]
    return build(
        [line, *marks],
        300,
        legend=legend_above(),
        x={
            "type": "log",
            "title": {"text": text("wrong.factor_claimed")},
            "tickvals": [0.05, 0.1, 0.2, 0.5, 1],
        },
        y={
            "type": "log",
            "title": {"text": text("wrong.factor_measured")},
            "tickvals": [0.001, 0.01, 0.1, 1],
        },
    )


def log_variances(text: Text, found: LogVariances) -> Drawing:
    """The range of log sigma^2 at each beta, and its median; sigma itself at the right."""
    places = list(range(len(found.betas)))
    ranges = {
        "type": "bar",
        "x": places,
        "y": found.highest - found.lowest,
        "base": found.lowest,
        "name": text("wrong.log_band"),
        "marker": {"color": OWN},
        "opacity": 0.55,
        "width": 0.5,
        "customdata": np.stack([found.lowest, found.highest], axis=1),
        "hovertemplate": "%{customdata[0]:.1f} … %{customdata[1]:.1f}<extra></extra>",
    }
    middle = {
        "type": "scatter",
        "x": places,
        "y": found.median,
        "mode": "markers",
        "name": text("wrong.log_median"),
        "marker": {"color": CURVE, "symbol": "line-ew-open", "size": 15, "line": {"width": 3}},
        "hovertemplate": "%{y:.1f}<extra></extra>",
    }
    sigmas = (1.0, 0.1, 0.01, 0.001, 0.0001)
    notes = [
        {
            "x": 1,
            "xref": "paper",
            "xanchor": "left",
            "y": float(2 * np.log(sigma)),
            "text": f" sigma {sigma:g}",
            "showarrow": False,
            "font": {"size": 11},
        }
        for sigma in sigmas
    ]
    return build(
        [ranges, middle],
        HEIGHT,
        legend=legend_above(),
        annotations=notes,
        margin={"r": 84},
        x={
            "title": {"text": text("wrong.zero_beta")},
            "tickvals": places,
            "tickangle": 0,
            "ticktext": [f"{beta:g}" for beta in found.betas],
        },
        y={
            "title": {"text": text("wrong.log_axis")},
            "tickvals": [float(2 * np.log(sigma)) for sigma in sigmas],
            "tickformat": ".1f",
            "zeroline": False,
        },
    )


def mixture(text: Text, found: Mixture) -> Drawing:
    """Mixture and prior as curves, single posteriors as short bars below."""
    curves = [
        {
            "type": "scatter",
            "x": found.places,
            "y": density,
            "mode": "lines",
            "name": name,
            "hoverinfo": "skip",
            "line": {"color": colour, "width": 2.5, "dash": dash},
        }
        for density, name, colour, dash in (
            (found.density, text("wrong.prior_mixture"), OWN, "solid"),
            (found.prior, text("wrong.prior_normal"), CURVE, "dash"),
        )
    ]
    depth = -0.02 - 0.012 * np.arange(len(found.single_mean))
    single = {
        "type": "scatter",
        "x": found.single_mean,
        "y": depth,
        "mode": "markers",
        "name": text("wrong.prior_single"),
        "marker": {"color": OWN, "size": 5},
        "error_x": {
            "type": "data",
            "array": found.single_sigma,
            "color": OWN,
            "thickness": 4,
            "width": 0,
        },
        "hovertemplate": "mu %{x:.2f}<extra></extra>",
    }
    return build(
        [*curves, single],
        300,
        legend=legend_above(),
        x={"title": {"text": text("wrong.prior_axis")}, "zeroline": False},
        y={"showticklabels": False, "showgrid": False, "zeroline": True},
    )


def losses(text: Text, found: Collapse) -> Drawing:
    """Distortion and rate stacked, at each beta."""
    places = list(range(len(found.betas)))
    bars = [
        {
            "type": "bar",
            "x": places,
            "y": values,
            "name": name,
            "marker": {"color": colour},
            "textposition": "inside",
            "text": [f"{value:,.0f}" if value > 12 else "" for value in values],
            "textangle": 0,
            "insidetextfont": {"color": "white"},
            "hovertemplate": f"{name}: %{{y:,.2f}} nats<extra></extra>",
        }
        for values, name, colour in (
            (found.distortion, text("breakdown.distortion"), DISTORTION),
            (found.rate, text("breakdown.rate"), RATE),
        )
    ]
    sums = [
        {"x": place, "y": total, "text": f"{total:,.1f}", "showarrow": False, "yanchor": "bottom"}
        for place, total in zip(places, found.negative_elbo, strict=True)
    ]
    return build(
        bars,
        HEIGHT,
        barmode="stack",
        bargap=0.35,
        legend=legend_above(),
        annotations=sums,
        x={
            "title": {"text": text("wrong.zero_beta")},
            "tickvals": places,
            "ticktext": [f"{beta:g}" for beta in found.betas],
        },
        y={
            "title": {"text": text("wrong.zero_axis")},
            "range": [0, 1.12 * float(found.negative_elbo.max())],
        },
    )


def active(text: Text, found: Axes) -> Drawing:
    """How many dimensions are active at each beta; a ring at the betas that are shown."""
    line = {
        "type": "scatter",
        "x": found.betas,
        "y": found.active,
        "mode": "lines+markers",
        "marker": {"size": 6},
        "line": {"color": CURVE, "width": 2, "shape": "hv"},
        "hovertemplate": "beta %{x:g}: %{y}<extra></extra>",
    }
    ring = {
        "type": "scatter",
        "x": found.moved_at,
        "y": found.active_at_moved,
        "mode": "markers+text",
        "hoverinfo": "skip",
        "text": [str(count) for count in found.active_at_moved],
        "textposition": "top right",
        "marker": {"color": OWN, "size": 15, "symbol": "circle-open", "line": {"width": 3}},
    }
    return build(
        [line, ring],
        220,
        showlegend=False,
        x={
            "type": "log",
            "title": {"text": text("wrong.axes_beta")},
            "tickvals": [0.01, 0.1, 1, 10],
            "ticktext": ["0.01", "0.1", "1", "10"],
        },
        y={"title": {"text": text("wrong.axes_axis")}, "range": [0, 1.2 * found.dimensions]},
    )


def grey(text: Text, found: GreyBce) -> Drawing:
    """exp(-BCE) over the grey values with its area, and the density after normalisation."""
    hover = "x = %{x:.2f}: %{y:.3f}<extra></extra>"
    area = {
        "type": "scatter",
        "x": found.x,
        "y": found.values,
        "mode": "lines",
        "fill": "tozeroy",
        "name": text("wrong.bce_values"),
        "line": {"color": DISTORTION, "width": 2.5},
        "hovertemplate": hover,
    }
    density = {
        "type": "scatter",
        "x": found.x,
        "y": found.normalised,
        "mode": "lines",
        "name": text("wrong.bce_normalised"),
        "line": {"color": CURVE, "width": 2, "dash": "dash"},
        "hovertemplate": hover,
    }
    return build(
        [area, density],
        HEIGHT,
        legend=legend_above(),
        x={"title": {"text": text("wrong.bce_axis")}, "range": [0, 1]},
        y={"rangemode": "tozero"},
    )


def code_noise(text: Text, found: CodeNoise) -> Drawing:
    """The error of both models as codes are moved farther."""
    lines = [
        {
            "type": "scatter",
            "x": found.multiples,
            "y": values,
            "mode": "lines+markers",
            "name": name,
            "line": {"color": colour, "width": 2.5, "dash": dash},
            "marker": {"size": 9, "symbol": symbol},
            "hovertemplate": "k = %{x:g}: %{y:,.1f} nats<extra></extra>",
        }
        for values, name, colour, dash, symbol in (
            (found.plain, text("wrong.noise_plain"), RIVAL, "dot", "square"),
            (found.variational, text("wrong.noise_variational"), OWN, "solid", "circle"),
        )
    ]
    return build(
        lines,
        HEIGHT,
        legend=legend_above(),
        x={"title": {"text": text("wrong.noise_axis")}, "tickvals": list(found.multiples)},
        y={"title": {"text": text("wrong.noise_loss")}},
    )


def blank(text: Text, found: BlankPage) -> Drawing:
    """A histogram of the digits' log p(x), and the blank page as a line."""
    bars = {
        "type": "histogram",
        "x": found.pictures,
        "xbins": {"size": 10},
        "marker": {"color": CURVE},
        "name": text("wrong.blank_digits"),
        "hovertemplate": "%{x}: %{y}<extra></extra>",
    }
    note = {
        "x": found.blank,
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "text": text("wrong.blank_page"),
        "font": {"color": OWN},
    }
    return build(
        [bars],
        HEIGHT,
        annotations=[note],
        shapes=[vertical_line(found.blank, OWN, 2.5)],
        bargap=0.05,
        margin={"t": 24},
        showlegend=False,
        x={"title": {"text": text("wrong.blank_axis")}},
        y={"title": {"text": text("wrong.blank_digits")}},
    )
