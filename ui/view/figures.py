"""Plotly figures: data classes of vae.experiments and vae.hub.metrics in, a figure out.

Pure; words come in as a Text.
"""

from functools import cache
from typing import Any

import plotly.io as pio
from plotly.basedatatypes import BaseFigure

from ui.text import Text
from vae.experiments import Breakdown

# One colour for distortion and one for rate, everywhere: legible on white and on near-black, and
# different for colour-blind people.
DISTORTION, RATE = "#2474B5", "#BD5317"
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
    """A Plotly figure as its complete description, as Streamlit sends it.

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
