"""Plotly figures of the pages about the latent space. Pure."""

import html
from collections.abc import Mapping

import numpy as np
from plotly.colors import get_colorscale

from ui.text import Text
from ui.view.figures import CURVE, OWN, RATE, RIVAL, Drawing, build, legend_above, vertical_line
from vae.experiments import Path, Reconstruction
from vae.hub.metrics import ACTIVE_NATS, BetaMetrics, Metrics

FAINT = 1e-3  # nats; less is drawn like zero


def rates(
    text: Text, now: BetaMetrics, seen: Reconstruction, chosen: int, names: Mapping[int, str]
) -> Drawing:
    """KL of each dimension: the test set's mean beside this picture's, most used first.

    Every bar carries its dimension. chosen: the marked dimension. names: the student's names of
    dimensions.
    """
    order = now.dimensions_by_rate
    means, own = (
        np.array(values)[list(order)]
        for values in (now.rate_per_dimension, seen.rate_per_dimension)
    )
    numbers = [str(dimension + 1) for dimension in order]
    bars = [
        {
            "type": "bar",
            "x": numbers,
            "y": values,
            "name": label,
            "marker": {"color": colour},
            "customdata": list(order),
            "hovertext": [_named(text, dimension, names) for dimension in order],
            "hovertemplate": f"%{{hovertext}}<br>{label}: %{{y:.3f}} nats<extra></extra>",
            "unselected": {"marker": {"opacity": 1}},
        }
        for label, values, colour in (
            (text("dimensions.test"), means, RATE),
            (text("dimensions.own"), own, OWN),
        )
    ]
    mark = order.index(chosen)
    notes = [
        {
            "x": mark,
            "y": max(means[mark], own[mark]),
            "text": "▼",
            "showarrow": False,
            "yanchor": "bottom",
            "font": {"size": 16},
        }
    ]
    shapes = []
    if now.active_units < len(order):
        edge = now.active_units - 0.5
        shapes = [vertical_line(edge, CURVE, 1.5)]
        notes.append(
            {
                "x": edge,
                "y": 1,
                "yref": "paper",
                "yanchor": "top",
                "showarrow": False,
                "text": f"{text('dimensions.unused')} →",
                "xanchor": "left" if now.active_units < len(order) / 2 else "right",
            }
        )
    return build(
        bars,
        300,
        clickmode="event+select",
        barmode="group",
        bargap=0.15,
        legend=legend_above(),
        annotations=notes,
        shapes=shapes,
        # Categories, of which Plotly leaves some labels out where they have no room.
        x={
            "title": {"text": text("dimensions.axis")},
            "type": "category",
            "tickangle": 0,
            "tickfont": {"size": 10},
        },
        y={"title": {"text": text("dimensions.nats")}, "rangemode": "tozero"},
    )


def alive(text: Text, metrics: Metrics, now: BetaMetrics) -> Drawing:
    """Heat map of the test set's mean KL: dimensions by betas, on a logarithmic scale.

    A line stands at the current beta.
    """
    order = metrics.dimensions_by_use
    values = np.array([entry.rate_per_dimension for entry in metrics.betas]).T[list(order)]
    betas = [entry.beta for entry in metrics.betas]
    ticks = list(range(0, len(betas), max(1, len(betas) // 8)))
    hover = (
        f"{text('dimensions.dimension')} %{{y}}, beta %{{text}}<br>"
        "%{customdata:.3f} nats<extra></extra>"
    )
    strip = {
        "type": "heatmap",
        "z": np.log10(values.clip(FAINT)).round(2),
        "zmin": np.log10(FAINT),
        "zmax": 1,
        "colorscale": get_colorscale("Cividis"),
        "x": list(range(len(betas))),
        "y": [str(dimension + 1) for dimension in order],
        "customdata": values.round(4),
        "text": [[f"{beta:g}" for beta in betas]] * len(order),
        "hovertemplate": hover,
        "colorbar": {
            "title": {"text": text("dimensions.nats"), "side": "right"},
            "thickness": 10,
            "tickvals": [-3, -2, -1, 0, 1],
            "ticktext": ["≤ 0.001", str(ACTIVE_NATS), "0.1", "1", "10"],
        },
    }
    few = len(order) <= 4
    return build(
        [strip],
        120 if few else 260,
        shapes=[vertical_line(betas.index(now.beta), OWN, 3)],
        x={
            "title": {"text": text("dimensions.beta_axis")},
            "tickvals": ticks,
            "ticktext": [f"{betas[tick]:g}" for tick in ticks],
        },
        y={
            "title": {"text": text("dimensions.dimension")},
            "autorange": "reversed",
            "type": "category",
            "tickfont": {"size": 9},
        },
    )


def radii(text: Text, path: Path) -> Drawing:
    """Each step's distance from the origin, and the shell that holds 95 % of the prior."""
    steps, (low, high) = _steps(path), path.shell
    line = {
        "type": "scatter",
        "x": steps,
        "y": path.radii,
        "mode": "lines+markers",
        "line": {"color": OWN, "width": 2},
        "marker": {"size": 8},
        "hovertemplate": f"{text('path.step')} %{{x}}: %{{y:.2f}}<extra></extra>",
    }
    band = {
        "type": "rect",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": low,
        "y1": high,
        "fillcolor": RIVAL,
        "opacity": 0.18,
        "line": {"width": 0},
        "layer": "below",
    }
    note = {
        "x": 1,
        "xref": "paper",
        "xanchor": "right",
        "y": high,
        "yanchor": "bottom",
        "showarrow": False,
        "text": text("path.shell", low=low, high=high),
    }
    return build(
        [line],
        260,
        shapes=[band],
        annotations=[note],
        x={"title": {"text": text("path.step")}, "tickvals": steps},
        y={
            "title": {"text": text("path.radius")},
            "range": [0, 1.15 * float(max(high, path.radii.max()))],
        },
    )


def path_losses(text: Text, path: Path) -> Drawing:
    """The negative ELBO along both paths."""
    steps = _steps(path)
    lines = [
        {
            "type": "scatter",
            "x": steps,
            "y": values,
            "name": label,
            "mode": "lines+markers",
            "line": {"color": colour, "width": 2, "dash": dash},
            "marker": {"size": 8},
            "hovertemplate": f"{text('path.step')} %{{x}}: %{{y:,.1f}} nats<extra>{label}</extra>",
        }
        for label, values, colour, dash in (
            (text("path.latent"), path.negative_elbo, OWN, "solid"),
            (text("path.pixels"), path.cross_fade_negative_elbo, CURVE, "dot"),
        )
    ]
    return build(
        lines,
        260,
        legend=legend_above(),
        x={"title": {"text": text("path.step")}, "tickvals": steps},
        y={"title": {"text": text("path.negative_elbo")}},
    )


def _steps(path: Path) -> list[int]:
    return list(range(1, len(path.radii) + 1))


def _named(text: Text, dimension: int, names: Mapping[int, str]) -> str:
    """A dimension's number, and the student's name for it, escaped for a hover text."""
    number = text("code.hover", dimension=dimension + 1)
    return f"{number}: {html.escape(names[dimension])}" if dimension in names else number
