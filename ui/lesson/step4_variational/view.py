"""Figures and sentences of step 4: a Gaussian moved by hand, the amortisation gap. Pure."""

from collections.abc import Sequence

import numpy as np

from ui.text import Text, number
from ui.view import pictures
from ui.view.figures import CURVE, DISTORTION, OWN, POSTERIOR, RATE, RIVAL, Drawing, build
from ui.view.map_tiles import Ellipse
from vae.experiments import PosteriorMap
from vae.experiments.lesson.variational import Amortisation, Gaussian

HAND, BEST = RIVAL, CURVE  # colours of the two Gaussians that are not the encoder's
GAP, EVIDENCE = "KL(q ‖ p(z|x))", "log p(x)"
WIDE_ENOUGH = 0.07  # share of the longest bar that has room for a number
MOST_ATTEMPTS = 60  # Gaussians that are kept, drawn and read out


def ellipse(q: Gaussian, colour: str = HAND) -> Ellipse:
    return Ellipse(q.mean, q.deviation, colour)


def trail(tried: Sequence[Gaussian]) -> list[tuple[float, float]]:
    """The means of the tried Gaussians, in order."""
    return [q.mean for q in tried]


def hand_legend(text: Text) -> list[dict[str, str]]:
    return [
        {"shape": "prior", "colour": "", "label": text("map.legend_prior")},
        {"shape": "own", "colour": HAND, "label": text("step4.legend_hand")},
        {"shape": "area", "colour": POSTERIOR, "label": text("map.legend_true")},
    ]


def pinned(q: Gaussian, image: np.ndarray, alt: str) -> dict[str, object]:
    """The mean of q as a pin, for the map. image: decoded from it, (C, H, W)."""
    x, y = q.mean
    return {
        "x": x,
        "y": y,
        "picture": pictures.picture_uri(image),
        "alt": alt,
    }


def hand_alt(text: Text, q: Gaussian, posterior: PosteriorMap) -> str:
    (x, y), (across, down) = posterior.mean, posterior.deviation
    return f"{q_alt(text, q)}. {text('alt.true', x=x, y=y, across=across, down=down)}"


def q_alt(text: Text, q: Gaussian) -> str:
    (x, y), (across, down) = q.mean, q.deviation
    return text("alt_step4.hand", x=x, y=y, across=across, down=down, elbo=q.elbo)


def elbo_summary(text: Text, q: Gaussian, evidence: float) -> str:
    """The current Gaussian's ELBO, and its gap to log p(x)."""
    return text("step4.now", elbo=q.elbo, gap=q.gap(evidence), evidence=evidence)


def position_text(text: Text, q: Gaussian) -> str:
    """Mean and standard deviation of the current Gaussian."""
    (x, y), (across, down) = q.mean, q.deviation
    return text("step4.where", x=x, y=y, across=across, down=down)


def bars(text: Text, q: Gaussian, evidence: float) -> Drawing:
    """Two bars of one length: distortion + rate = -ELBO, and -log p(x) + KL(q || p(z|x))."""
    rows = [text("step4.row_evidence"), text("step4.row_elbo")]
    longest = -q.elbo
    parts = [
        (text("breakdown.distortion"), rows[1], q.distortion, DISTORTION, ""),
        (text("breakdown.rate"), rows[1], q.rate, RATE, ""),
        (text("step4.evidence"), rows[0], -evidence, CURVE, ""),
        (GAP, rows[0], q.gap(evidence), POSTERIOR, "/"),
    ]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [row],
            "x": [value],
            "name": name,
            "marker": _marker(colour, pattern),
            "text": [
                f"{name} {value:,.1f}" if value > WIDE_ENOUGH * longest * len(name) / 8 else ""
            ],
            "textposition": "inside",
            "insidetextanchor": "middle",
            "textangle": 0,
            "insidetextfont": {"color": "black" if pattern else "white"},
            "hovertemplate": f"{name}: %{{x:,.2f}} nats<extra></extra>",
        }
        for name, row, value, colour, pattern in parts
    ]
    return build(
        traces,
        110,
        barmode="stack",
        bargap=0.25,
        showlegend=False,
        x={"range": [0, longest], "showgrid": False, "zeroline": False, "showticklabels": False},
        y={},
    )


def bars_alt(text: Text, q: Gaussian, evidence: float) -> str:
    return text(
        "alt_step4.bars",
        distortion=q.distortion,
        rate=q.rate,
        negative=-q.elbo,
        evidence=-evidence,
        gap=q.gap(evidence),
    )


def tries_figure(text: Text, tried: Sequence[Gaussian], evidence: float) -> Drawing:
    """The ELBO of every Gaussian that was tried, in order, below log p(x)."""
    values = np.array([q.elbo for q in tried])
    line = {
        "type": "scatter",
        "x": list(range(len(tried))),
        "y": values,
        "mode": "lines+markers",
        "line": {"color": HAND, "width": 2},
        "marker": {"size": 6},
        "hovertemplate": f"{text('step4.try_axis')} %{{x}}: %{{y:,.2f}} nats<extra>ELBO</extra>",
    }
    edge = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": evidence,
        "y1": evidence,
        "line": {"color": POSTERIOR, "width": 2, "dash": "dash"},
    }
    note = {
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": evidence,
        "yanchor": "bottom",
        "showarrow": False,
        "text": text("step4.truth", nats=evidence),
    }
    low = float(values.min())
    room = max(1.0, 0.15 * (evidence - low))
    return build(
        [line],
        260,
        shapes=[edge],
        annotations=[note],
        showlegend=False,
        x={
            "title": {"text": text("step4.try_axis")},
            "range": [-0.5, max(10, len(tried)) - 0.5],
            "zeroline": False,
        },
        y={
            "title": {"text": text("step4.elbo_axis")},
            "range": [low - room / 2, evidence + room],
            "zeroline": False,
        },
    )


def tries_alt(text: Text, tried: Sequence[Gaussian], evidence: float) -> str:
    return text(
        "alt_step4.tries", tries=", ".join(number(q.elbo, ",.1f") for q in tried), evidence=evidence
    )


def table(text: Text, hand: Gaussian, found: Amortisation) -> str:
    """Place, width, ELBO and gap of each Gaussian, as a table in Markdown.

    A vertical bar in a cell must be escaped.
    """
    rows = [
        (text("step4.legend_hand"), hand),
        (text("step4.encoder"), found.encoder),
        (text("step4.best"), found.best),
    ]
    cells = [
        [
            name,
            f"({', '.join(number(one, '.3f') for one in q.mean)}) ± "
            f"({q.deviation[0]:.3f}, {q.deviation[1]:.3f})",
            number(q.elbo, ",.2f"),
            f"{q.gap(found.log_evidence):,.2f}",
        ]
        for name, q in rows
    ]
    lines = [
        [
            text("step4.column_q"),
            text("step4.column_place"),
            text("step4.elbo_axis"),
            GAP.replace("|", "\\|"),
        ],
        ["---", "---", "---:", "---:"],
        *cells,
        [EVIDENCE, "", f"**{number(found.log_evidence, ',.2f')}**", ""],
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def gaps(text: Text, found: Amortisation) -> Drawing:
    """The gap between the encoder's ELBO and log p(x), in its two parts."""
    parts = [
        (text("step4.amortisation"), found.amortisation_gap, OWN, ""),
        (text("step4.approximation"), found.approximation_gap, POSTERIOR, "/"),
    ]
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "y": [""],
            "x": [value],
            "name": f"{name}: {value:,.2f} nats",
            "marker": _marker(colour, pattern),
            "hovertemplate": f"{name}: %{{x:,.2f}} nats<extra></extra>",
        }
        for name, value, colour, pattern in parts
    ]
    return build(
        traces,
        160,
        barmode="stack",
        bargap=0.4,
        legend={"orientation": "h", "x": 0, "y": 1.05, "yanchor": "bottom", "traceorder": "normal"},
        x={"title": {"text": text("step4.gaps_axis")}, "rangemode": "tozero"},
        y={"showticklabels": False},
    )


def gaps_alt(text: Text, found: Amortisation) -> str:
    return text(
        "alt_step4.gaps", amortisation=found.amortisation_gap, approximation=found.approximation_gap
    )


def amortisation(text: Text, found: Amortisation) -> str:
    """The encoder's gaps, and a note where steps from its q would stay on a lower peak."""
    said = text("step4.amortised", **gap_values(found))
    if found.other_peak:
        x, y = found.best.mean
        return f"{said} {text('step4.other_peak', x=x, y=y, stuck=found.from_encoder.elbo)}"
    return said


def gap_values(found: Amortisation) -> dict[str, float]:
    return {
        "amortisation": found.amortisation_gap,
        "approximation": found.approximation_gap,
        "encoder": found.encoder.elbo,
        "best": found.best.elbo,
        "evidence": found.log_evidence,
    }


def encoder_legend(text: Text) -> list[dict[str, str]]:
    return [
        {"shape": "own", "colour": OWN, "label": text("step4.legend_encoder")},
        {"shape": "own", "colour": BEST, "label": text("step4.legend_best")},
        {"shape": "area", "colour": POSTERIOR, "label": text("map.legend_true")},
    ]


def encoder_alt(text: Text, found: Amortisation) -> str:
    (x, y), (best_x, best_y) = found.encoder.mean, found.best.mean
    return text(
        "alt_step4.encoder",
        x=x,
        y=y,
        best_x=best_x,
        best_y=best_y,
        elbo=found.encoder.elbo,
        best=found.best.elbo,
    )


def _marker(colour: str, pattern: str) -> dict[str, object]:
    """A bar's marker, hatched where it has a pattern: colour is never the only difference."""
    return {
        "color": colour,
        "pattern": {
            "shape": pattern,
            "fillmode": "overlay",
            "fgcolor": "white",
            "fgopacity": 0.35,
            "size": 6,
        },
    }
