"""Step 6: figures and sentences of the reparameterisation trick. Pure."""

import itertools

import numpy as np

from ui.text import Text, number
from ui.view.figures import CURVE, OWN, POSTERIOR, RIVAL, Drawing, build, legend_above
from vae.experiments.lesson.reparameterisation import WITHIN, Estimate, Gradients, OneDraw, Spread

SIGNS = {"deviation": "σ", "variance": "σ²", "log_variance": "log σ²"}
PARAMETERS = {"mean": "μ", "log_deviation": "log σ"}
STEPS = ("ε", "σ · ε", "μ + σ · ε")
DOTS = 300  # of each estimator; more would hide each other
NARROWEST = 3.2  # half of the number line
GOLDEN = 0.6180339887  # its multiples, modulo 1, never come near each other


def one_draw(text: Text, draw: OneDraw) -> Drawing:
    """Three number lines with a distribution on each, and one draw that passes through them."""
    values = (draw.eps, draw.scaled, draw.z)
    sides = [
        "bottom right" if after <= before else "bottom left"
        for before, after in itertools.pairwise(values)
    ]
    reach = 1.06 * max(
        NARROWEST, *map(abs, values), *(float(np.abs(curve.x).max()) for curve in draw.steps)
    )
    traces = [
        {
            "type": "scatter",
            "x": curve.x,
            "y": row + 0.72 * curve.y,
            "mode": "lines",
            "fill": "toself",
            "hoverinfo": "skip",
            "line": {"color": colour, "width": 1.5},
            "fillcolor": _faint(colour),
            "showlegend": False,
        }
        for row, curve, colour in zip((2, 1, 0), draw.steps, (CURVE, RIVAL, OWN), strict=True)
    ]
    traces.append(
        {
            "type": "scatter",
            "x": values,
            "y": [2, 1, 0],
            "mode": "lines+markers+text",
            "text": [number(one, ".3f") for one in values],
            "textposition": [*sides, "bottom center"],
            "line": {"color": OWN, "width": 1.5, "dash": "dot"},
            "cliponaxis": False,
            "marker": {"color": OWN, "size": 11, "line": {"color": "white", "width": 1}},
            "customdata": STEPS,
            "showlegend": False,
            "hovertemplate": "%{customdata} = %{x:.4f}<extra></extra>",
        }
    )
    lines = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": row,
            "y1": row,
            "line": {"color": CURVE, "width": 1},
        }
        for row in range(3)
    ]
    return build(
        traces,
        330,
        shapes=lines,
        x={"range": [-reach, reach], "title": {"text": text("step6.value_axis")}, "zeroline": True},
        y={
            "range": [-0.42, 2.9],
            "tickvals": [2, 1, 0],
            "ticktext": STEPS,
            "showgrid": False,
            "zeroline": False,
            "tickfont": {"size": 14},
        },
    )


def one_draw_alt(text: Text, draw: OneDraw) -> str:
    return text(
        "alt_step6.one_draw",
        eps=draw.eps,
        scaled=draw.scaled,
        z=draw.z,
        mean=draw.mean,
        deviation=draw.deviation,
    )


def one_draw_numbers(text: Text, draw: OneDraw) -> str:
    """The three steps in numbers."""
    return text(
        "step6.numbers",
        eps=draw.eps,
        scaled=draw.scaled,
        z=draw.z,
        mean=draw.mean,
        deviation=draw.deviation,
        log_variance=draw.log_variance,
        signed=signed_term(draw.scaled),
    )


def signed_term(value: float) -> str:
    """A number as a term of a sum: sign, space, absolute value."""
    return f"{'−' if value < 0 else '+'} {abs(value):.3f}"


def draws(text: Text, found: Spread) -> Drawing:
    """A histogram of the draws and the claimed density, each with its peak at 1."""
    traces: list[dict] = [
        {
            "type": "bar",
            "x": found.histogram.x,
            "y": found.histogram.y,
            "name": text("step6.drawn", draws=found.draws),
            "marker": {"color": CURVE},
            "opacity": 0.75,
            "hoverinfo": "skip",
        },
        {
            "type": "scatter",
            "x": found.curve.x,
            "y": found.curve.y,
            "name": text("step6.claimed"),
            "mode": "lines",
            "line": {"color": OWN, "width": 3},
            "hoverinfo": "skip",
        },
    ]
    low, high = float(found.histogram.x[0]), float(found.histogram.x[-1])
    return build(
        traces,
        260,
        bargap=0,
        legend=legend_above(),
        x={"title": {"text": "z"}, "range": [low, high]},
        y={
            "title": {"text": text("step6.height_axis")},
            "range": [0, 1.25],
            "showticklabels": False,
            "showgrid": False,
        },
    )


def draws_alt(text: Text, found: Spread) -> str:
    return text(
        "alt_step6.draws",
        draws=found.draws,
        factor=SIGNS[found.factor],
        value=found.value,
        measured=found.measured,
        claimed=found.claimed,
        within=found.within,
    )


def draws_numbers(text: Text, found: Spread) -> str:
    """The measured standard deviation beside the claimed one."""
    return text(
        "step6.measured",
        factor=SIGNS[found.factor],
        value=found.value,
        measured=found.measured,
        claimed=found.claimed,
        chance=found.chance,
        draws=found.draws,
    )


def verdict(text: Text, found: Spread) -> str:
    """Whether this factor gives the claimed distribution."""
    values = {
        "factor": SIGNS[found.factor],
        "ratio": found.ratio,
        "within": found.within,
        "usual": WITHIN,
        "value": found.value,
        "deviation": found.claimed,
    }
    if found.fits:
        return (
            text("step6.fits", **values) if found.right else text("step6.fits_by_chance", **values)
        )
    return (
        text("step6.too_narrow", **values) if found.ratio < 1 else text("step6.too_wide", **values)
    )


def estimates(text: Text, found: Gradients, *, close: bool) -> Drawing:
    """Each estimator as a strip of single draws, with mean, two standard errors, reference.

    close: on the scale of the best estimator, instead of one that shows all.
    """
    half = half_width(found, close=close)
    rows = (
        (2, text("step6.pathwise"), found.pathwise, OWN),
        (1, text("step6.score_baseline"), found.score_baseline, RIVAL),
        (0, text("step6.score"), found.score, CURVE),
    )
    traces = [
        {
            "type": "scatter",
            "x": one.samples[:DOTS],
            "y": row + _jitter(),
            "mode": "markers",
            "showlegend": False,
            "marker": {"color": colour, "size": 4, "opacity": 0.55},
            "hoverinfo": "skip",
        }
        for row, _, one, colour in rows
    ]
    traces.append(
        {
            "type": "scatter",
            "x": [one.mean for _, _, one, _ in rows],
            "y": [row for row, *_ in rows],
            "mode": "markers",
            "showlegend": False,
            "customdata": [(name, one.mean, one.standard_error) for _, name, one, _ in rows],
            "hovertemplate": (
                "%{customdata[0]}: %{customdata[1]:.2f} ± %{customdata[2]:.2f}<extra></extra>"
            ),
            "marker": {
                "symbol": "diamond",
                "size": 11,
                "color": "white",
                "line": {"color": "black", "width": 1.5},
            },
            "error_x": {
                "type": "data",
                "array": [2 * one.standard_error for _, _, one, _ in rows],
                "color": POSTERIOR,
                "thickness": 3,
                "width": 6,
            },
        }
    )
    line = {
        "type": "line",
        "x0": found.reference,
        "x1": found.reference,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"color": POSTERIOR, "width": 1.5, "dash": "dash"},
    }
    return build(
        traces,
        270,
        shapes=[line],
        x={
            "range": [found.reference - half, found.reference + half],
            "title": {"text": text("step6.gradient_axis")},
        },
        y={
            "range": [-0.5, 2.5],
            "tickvals": [2, 1, 0],
            "ticktext": [name for _, name, *_ in rows],
            "showgrid": False,
            "zeroline": False,
        },
    )


def half_width(found: Gradients, *, close: bool) -> float:
    """Half of the width of a strip's axis."""
    if close:
        return 4 * max(found.score_baseline.deviation, found.pathwise.deviation)
    return 1.05 * float(
        max(np.abs(one.samples[:DOTS] - found.reference).max() for one in _ways(found))
    )


def estimates_alt(text: Text, found: Gradients, *, close: bool) -> str:
    half = half_width(found, close=close)
    return text(
        "alt_step6.estimates",
        parameter=PARAMETERS[found.parameter],
        low=found.reference - half,
        high=found.reference + half,
        dots=DOTS,
        pathwise=_number(found.pathwise),
        score_baseline=_number(found.score_baseline),
        score=_number(found.score),
    )


def magnification(text: Text, found: Gradients) -> str:
    """The magnification of the close view."""
    return text("step6.close", times=half_width(found, close=False) / half_width(found, close=True))


def table(text: Text, found: Gradients) -> str:
    """Mean and standard deviation of each estimator, as a table in Markdown."""
    head = (text("step6.way"), text("step6.mean"), text("step6.deviation"), text("step6.needed"))
    rows = (
        (text("step6.pathwise_row"), found.pathwise, 1.0),
        (text("step6.score_baseline_row"), found.score_baseline, found.variance_ratio_baseline),
        (text("step6.score_row"), found.score, found.variance_ratio),
    )
    lines = [
        head,
        ("---", "---:", "---:", "---:"),
        *(
            (name, _number(one), f"{one.deviation:,.2f}", _times(times))
            for name, one, times in rows
        ),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def reference(text: Text, found: Gradients) -> str:
    """A sentence on the reference gradient, the dashed line."""
    if found.reference_error == 0:
        return text("step6.exact", value=found.reference)
    return text(
        "step6.reference",
        value=found.reference,
        error=found.reference_error,
        draws=found.reference_draws,
    )


def _ways(found: Gradients) -> tuple[Estimate, ...]:
    return found.pathwise, found.score_baseline, found.score


def _number(one: Estimate) -> str:
    return f"{number(one.mean, ',.2f')} ± {one.standard_error:,.2f}"


def _times(times: float) -> str:
    return f"{times:,.0f}" if times >= 10 or times == 1 else f"{times:.1f}"


def _jitter() -> np.ndarray:
    """Vertical offsets that keep dots apart, the same in each figure."""
    return (np.arange(DOTS) * GOLDEN % 1 - 0.5) * 0.62


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.25)"
