"""Plotly figures: data classes of vae.experiments and vae.hub.metrics in, a figure out.

Pure; words come in as a Text.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import plotly.io as pio
from plotly.basedatatypes import BaseFigure

from ui.text import Text
from vae.experiments import Breakdown, Reconstruction, TradeOff
from vae.hub.metrics import Dedicated, Metrics

# One colour for distortion and one for rate, everywhere: legible on white and on near-black, and
# different for colour-blind people.
DISTORTION, RATE = "#2474B5", "#C4581A"
CURVE, OWN, RIVAL = "#8A8F98", "#9160CF", "#009E73"
POSTERIOR = "#E07B00"
# The ten classes on the map: contrast at least 3 : 1 on white and on near-black. Each is also drawn
# as its own digit.
DIGITS = [
    "#3B7DD8",
    "#D9542B",
    "#2E9E5B",
    "#C23B8E",
    "#8A8420",
    "#7A8797",
    "#1795A5",
    "#B0762B",
    "#D8415A",
    "#6C8F2C",
]


TEMPLATE = "plotly"  # Plotly's own


class Drawing(BaseFigure):
    """A Plotly figure as its complete description, as Streamlit and Gradio send it.

    Plotly's own figure checks each value and copies it twice: for three figures that is a third of
    the processor time of a move of beta. A test checks the descriptions with it instead. template:
    the name of Plotly's template for what the layout leaves open.
    """

    def __init__(self, traces: list[dict], layout: dict, template: str = TEMPLATE) -> None:
        self._traces, self._layout = traces, layout
        self._description = {
            "data": traces,
            "layout": {"template": _template(template), **layout},
        }

    def with_template(self, name: str) -> "Drawing":
        """This figure in the template of a front end that has one of its own."""
        return Drawing(self._traces, self._layout, name)

    def to_dict(self) -> dict:
        """The description that the browser draws."""
        return self._description


@cache
def _template(name: str) -> dict:
    """The description of one of Plotly's templates."""
    return pio.templates[name].to_plotly_json()


def build(traces: list[dict], height: int, *, x: dict, y: dict, **layout: Any) -> Drawing:
    """A figure with the layout that all share. x, y: the axes. height: pixels."""
    fixed = {"fixedrange": True, "automargin": True}
    margins = {"l": 0, "r": 8, "t": 8, "b": 0} | layout.pop("margin", {})
    return Drawing(
        traces,
        {
            "height": height,
            "margin": margins,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "hovermode": "closest",
            "dragmode": False,
            "xaxis": x | fixed,
            "yaxis": y | fixed,
            **layout,
        },
    )


def posterior(text: Text, code: Reconstruction, order: Sequence[int]) -> Drawing:
    """Mean ± standard deviation of each dimension as bars, and the drawn z as dots.

    order: dimensions from left to right. A plain autoencoder's code is the dots alone.
    """
    mean, deviation, z = (
        values[list(order)] for values in (code.posterior_mean, code.posterior_deviation, code.z)
    )
    names = [text("code.hover", dimension=dimension + 1) for dimension in order]
    place = np.arange(len(order))
    few = len(order) <= 4
    intervals = {
        "type": "bar",
        "x": place,
        "y": 2 * deviation,
        "base": mean - deviation,
        "name": text("code.interval"),
        "marker": {"color": RATE},
        "opacity": 0.55,
        "width": 0.2 if few else 0.7,
        "customdata": np.stack([mean, deviation], axis=1),
        "hovertext": names,
        "hovertemplate": (
            "%{hovertext}<br>mu %{customdata[0]:.2f}, sigma %{customdata[1]:.2f}<extra></extra>"
        ),
    }
    drawn = {
        "type": "scatter",
        "x": place,
        "y": z,
        "name": text("code.drawn"),
        "mode": "markers",
        "marker": {"color": OWN, "size": 9 if few else 5},
        "hovertext": names,
        "hovertemplate": "%{hovertext}<br>z %{y:.2f}<extra></extra>",
    }
    # A rare z lies far out.
    limit = max(3.4, 1.1 * np.abs(z).max(), 1.1 * (np.abs(mean) + deviation).max())
    axis = text("code.axis") if deviation.any() else text("code.point_axis")
    return build(
        [intervals, drawn] if deviation.any() else [drawn],
        188,
        legend=legend_above(),
        bargap=0.2,
        x={"showticklabels": False, "title": {"text": axis, "font": {"size": 12}}},
        y={"range": [-limit, limit], "tickvals": [-2, 0, 2], "zeroline": True},
    )


def loss_bars(text: Text, loss: Breakdown) -> Drawing:
    """Distortion and rate stacked, of this picture and of the test set's average, in nats.

    A plain autoencoder's loss is distortion alone.
    """
    rows = [text("breakdown.average"), text("breakdown.this")]
    terms = [(text("breakdown.distortion"), [loss.average_distortion, loss.distortion], DISTORTION)]
    if loss.beta:
        terms.append((text("breakdown.rate"), [loss.average_rate, loss.rate], RATE))
    totals = [sum(values) for values in zip(*(values for _, values, _ in terms), strict=True)]
    longest = max(totals)
    bars = [
        {
            "type": "bar",
            "y": rows,
            "x": values,
            "name": name,
            "orientation": "h",
            "marker": {"color": colour},
            "text": [f"{value:,.1f}" if value > 0.04 * longest else "" for value in values],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "insidetextfont": {"color": "white"},
            "hovertemplate": f"{name}: %{{x:,.1f}} nats<extra></extra>",
        }
        for name, values, colour in terms
    ]
    sums = [
        {"x": total, "y": row, "text": f" = {total:,.1f}", "showarrow": False, "xanchor": "left"}
        for row, total in zip(rows, totals, strict=True)
    ]
    return build(
        bars,
        58,
        barmode="stack",
        bargap=0.2,
        showlegend=False,
        annotations=sums,
        uniformtext={"mode": "hide", "minsize": 9},
        margin={"r": 58 if longest < 10_000 else 80},  # for the sums at the ends of the bars
        x={"range": [0, longest], "showgrid": False, "zeroline": False, "showticklabels": False},
        y={},
    )


def plane(
    text: Text, metrics: Metrics, dedicated: tuple[Dedicated, ...], own: TradeOff, loss: Breakdown
) -> Drawing:
    """The rate–distortion plane: curves of the test set and this picture, and the current beta.

    With points of networks trained for one beta. Every trace that can be clicked carries its beta
    as customdata.
    """
    beta_hover = "beta %{customdata:g}<br>%{x:,.2f} + %{y:,.2f} nats<extra>%{fullData.name}</extra>"
    lines: list[dict] = [
        {
            "x": [entry.rate for entry in metrics.betas],
            "y": [entry.distortion for entry in metrics.betas],
            "customdata": [entry.beta for entry in metrics.betas],
            "name": text("plane.test"),
            "mode": "lines+markers",
            "line": {"color": CURVE, "width": 2},
            "marker": {"size": 7},
        },
        {
            "x": own.rate,
            "y": own.distortion,
            "customdata": own.betas,
            "name": text("plane.own"),
            "mode": "lines+markers",
            "line": {"color": OWN, "width": 1.5, "dash": "dot"},
            "marker": {"size": 5},
        },
    ]
    rivals: list[dict] = (
        [
            {
                "x": [entry.rate for entry in dedicated],
                "y": [entry.distortion for entry in dedicated],
                "customdata": [entry.beta for entry in dedicated],
                "name": text("plane.dedicated"),
                "mode": "markers",
                "marker": {
                    "color": RIVAL,
                    "size": 10,
                    "symbol": "circle-open",
                    "line": {"width": 2},
                },
            },
        ]
        if dedicated
        else []
    )
    points: list[dict] = [
        {
            "x": [loss.average_rate],
            "y": [loss.average_distortion],
            "customdata": [loss.beta],
            "mode": "markers",
            "name": text("plane.current", beta=f"{loss.beta:g}"),
            "marker": {"color": CURVE, "size": 16, "line": {"color": OWN, "width": 2}},
        },
        {
            "x": [loss.rate],
            "y": [loss.distortion],
            "customdata": [loss.beta],
            "showlegend": False,
            "mode": "markers",
            "name": text("plane.own"),
            "marker": {"color": OWN, "size": 15, "symbol": "diamond"},
        },
    ]
    distortions = [entry.distortion for entry in metrics.betas]
    # A colour picture's distortion stays far from zero: an axis from zero would flatten the curve.
    from_zero = min(distortions) < max(distortions) / 2
    return build(
        [
            {"type": "scatter", "hovertemplate": beta_hover} | trace
            for trace in lines + rivals + points
        ],
        302 if dedicated else 344,  # below dedicated networks there is a sentence about them
        clickmode="event+select",
        legend=legend_above(),
        x={"title": {"text": text("plane.rate")}, "rangemode": "tozero"},
        y={
            "title": {"text": text("plane.distortion")},
            "rangemode": "tozero" if from_zero else "normal",
        },
    )


def vertical_line(
    place: float, colour: str, width: float, dash: str = "solid"
) -> dict[str, object]:
    """A line over the whole height of a figure at this place of its horizontal axis."""
    return {
        "type": "line",
        "x0": place,
        "x1": place,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": colour, "width": width, "dash": dash},
    }


def legend_above() -> dict[str, object]:
    """A legend in one row above the figure."""
    return {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
