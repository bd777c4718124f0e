"""Plotly figures of the way through the latent space. Pure."""

from ui.text import Text
from ui.view.figures import CURVE, OWN, RIVAL, Drawing, build, legend_above
from vae.experiments import Path


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
