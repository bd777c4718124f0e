"""Plotly figures, pure: data classes of vae.experiments and vae.metrics in, a figure out. Text comes in as a Text."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ui.text import Text
from vae.experiments import Breakdown, Reconstruction, TradeOff
from vae.metrics import Dedicated, Metrics

# One colour for distortion, one for rate, everywhere. Both read on white and on near-black, and apart for colour-blind people.
DISTORTION, RATE = "#2474B5", "#C4581A"
CURVE, OWN, RIVAL = "#8A8F98", "#9160CF", "#009E73"


def _finish(figure: go.Figure, height: int, **layout: object) -> go.Figure:
    figure.update_layout(
        height=height, margin={"l": 0, "r": 8, "t": 8, "b": 0}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest", dragmode=False, **layout,
    )
    figure.update_xaxes(fixedrange=True, automargin=True)
    figure.update_yaxes(fixedrange=True, automargin=True)
    return figure


def posterior(text: Text, code: Reconstruction, order: Sequence[int]) -> go.Figure:
    """mu ± sigma of each dimension as a bar, the z that was drawn as a dot. order: dimensions from left to right.

    A plain autoencoder's code is the dots alone.
    """
    mean, deviation, z = (values[list(order)] for values in (code.posterior_mean, code.posterior_deviation, code.z))
    names = [text("code.hover", dimension=dimension + 1) for dimension in order]
    place = np.arange(len(order))
    few = len(order) <= 4
    figure = go.Figure()
    if deviation.any():
        figure.add_bar(
            x=place, y=2 * deviation, base=mean - deviation, name=text("code.interval"), marker_color=RATE, opacity=0.55,
            width=0.2 if few else 0.7, customdata=np.stack([mean, deviation], axis=1), hovertext=names,
            hovertemplate="%{hovertext}<br>mu %{customdata[0]:.2f}, sigma %{customdata[1]:.2f}<extra></extra>",
        )
    figure.add_scatter(
        x=place, y=z, name=text("code.drawn"), mode="markers", marker={"color": OWN, "size": 9 if few else 5},
        hovertext=names, hovertemplate="%{hovertext}<br>z %{y:.2f}<extra></extra>",
    )
    limit = max(3.4, 1.1 * np.abs(z).max(), 1.1 * (np.abs(mean) + deviation).max())  # a rare z lies far out
    figure.update_yaxes(range=[-limit, limit], tickvals=[-2, 0, 2], zeroline=True)
    axis = text("code.axis") if deviation.any() else text("code.point_axis")
    figure.update_xaxes(showticklabels=False, title={"text": axis, "font": {"size": 12}})
    return _finish(figure, 200, legend=_legend_above(), bargap=0.2)


def loss_bars(text: Text, loss: Breakdown) -> go.Figure:
    """Distortion and rate stacked, of this picture and of the test set's average, in nats.

    A plain autoencoder's loss is distortion alone.
    """
    rows = [text("breakdown.average"), text("breakdown.this")]
    terms = [(text("breakdown.distortion"), [loss.average_distortion, loss.distortion], DISTORTION)]
    if loss.beta:
        terms.append((text("breakdown.rate"), [loss.average_rate, loss.rate], RATE))
    totals = [sum(values) for values in zip(*(values for _, values, _ in terms), strict=True)]
    longest = max(totals)
    figure = go.Figure([
        go.Bar(y=rows, x=values, name=name, orientation="h", marker_color=colour,
               text=[f"{value:,.1f}" if value > 0.04 * longest else "" for value in values],
               textposition="inside", insidetextanchor="middle", textangle=0,
               insidetextfont={"color": "white"}, hovertemplate=f"{name}: %{{x:,.1f}} nats<extra></extra>")
        for name, values, colour in terms
    ])
    for row, total in zip(rows, totals, strict=True):
        figure.add_annotation(x=total, y=row, text=f" = {total:,.1f}", showarrow=False, xanchor="left")
    figure.update_xaxes(range=[0, longest], showgrid=False, zeroline=False, showticklabels=False)
    _finish(figure, 58, barmode="stack", bargap=0.2, showlegend=False)
    return figure.update_layout(margin_r=58 if longest < 10_000 else 80)  # for the sums at the ends of the bars


def plane(
    text: Text, metrics: Metrics, dedicated: tuple[Dedicated, ...], own: TradeOff, loss: Breakdown
) -> go.Figure:
    """The test set's rate–distortion curve, this picture's own, networks trained for one beta, and the current beta.

    Every trace that can be clicked carries its beta as customdata.
    """
    beta_hover = "beta %{customdata:g}<br>%{x:,.2f} + %{y:,.2f} nats<extra>%{fullData.name}</extra>"
    figure = go.Figure(go.Scatter(
        x=[entry.rate for entry in metrics.betas], y=[entry.distortion for entry in metrics.betas],
        customdata=[entry.beta for entry in metrics.betas], name=text("plane.test"), mode="lines+markers",
        line={"color": CURVE, "width": 2}, marker={"size": 7}, hovertemplate=beta_hover,
    ))
    figure.add_scatter(
        x=own.rate, y=own.distortion, customdata=own.betas, name=text("plane.own"), mode="lines+markers",
        line={"color": OWN, "width": 1.5, "dash": "dot"}, marker={"size": 5}, hovertemplate=beta_hover,
    )
    if dedicated:
        figure.add_scatter(
            x=[entry.rate for entry in dedicated], y=[entry.distortion for entry in dedicated],
            customdata=[entry.beta for entry in dedicated], name=text("plane.dedicated"), mode="markers",
            marker={"color": RIVAL, "size": 10, "symbol": "circle-open", "line": {"width": 2}}, hovertemplate=beta_hover,
        )
    figure.add_scatter(
        x=[loss.average_rate], y=[loss.average_distortion], customdata=[loss.beta], mode="markers",
        name=text("plane.current", beta=f"{loss.beta:g}"),
        marker={"color": CURVE, "size": 16, "line": {"color": OWN, "width": 2}}, hovertemplate=beta_hover,
    )
    figure.add_scatter(
        x=[loss.rate], y=[loss.distortion], customdata=[loss.beta], showlegend=False, mode="markers",
        name=text("plane.own"), marker={"color": OWN, "size": 15, "symbol": "diamond"}, hovertemplate=beta_hover,
    )
    figure.update_xaxes(title=text("plane.rate"), rangemode="tozero")
    distortions = [entry.distortion for entry in metrics.betas]
    # A colour picture's distortion never comes near zero: from there the curve would look flat.
    from_zero = min(distortions) < max(distortions) / 2
    figure.update_yaxes(title=text("plane.distortion"), rangemode="tozero" if from_zero else "normal")
    height = 302 if dedicated else 344  # of rivals a sentence stands below
    return _finish(figure, height, clickmode="event+select", legend=_legend_above())


def _legend_above() -> dict[str, object]:
    return {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}}
