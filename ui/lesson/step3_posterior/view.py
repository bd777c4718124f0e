"""Figures and sentences of step 3: guesses of z, draws of the prior, true posterior. Pure."""

from collections.abc import Sequence

import numpy as np

from ui.text import Text
from ui.view import pictures
from ui.view.figures import CURVE, OWN, POSTERIOR, Drawing, build
from vae.experiments import PosteriorMap, Reconstruction
from vae.experiments.lesson.inference import SHOWN, Guess, PriorDraws, expected_hits, guess
from vae.hub.sources import Resolved

FEW = 0.0005  # a smaller share of a sum is not shown as a number
GREY = 0.5  # like the lines between tiles
JITTER = 0.16  # of the distance between places on the axis: repetitions stand side by side


def tried(
    model: Resolved, seen: Reconstruction, point: Sequence[float] | None, beta: float
) -> Guess | None:
    """The guess at a point, with its log-likelihood of the picture; None without a point."""
    return None if point is None else guess_at(model, seen, point, beta)


def guess_at(model: Resolved, seen: Reconstruction, point: Sequence[float], beta: float) -> Guess:
    """The guess at a point, with its log-likelihood of the picture."""
    x, y = (float(coordinate) for coordinate in point)
    return guess(model.network, seen.observed, (x, y), beta)


def pinned(text: Text, point: Guess | None) -> dict[str, object] | None:
    """The pinned guess, for the map; None without one."""
    if point is None:
        return None
    x, y = point.point
    return {
        "x": x,
        "y": y,
        "picture": pictures.picture_uri(point.image),
        "alt": guess_alt(text, point),
    }


def guess_alt(text: Text, point: Guess) -> str:
    x, y = point.point
    return text(
        "alt_step3.guess", x=x, y=y, share=float(point.image.mean()), nats=point.log_likelihood
    )


def search_legend(text: Text) -> list[dict[str, str]]:
    return [{"shape": "prior", "colour": "", "label": text("map.legend_prior")}]


def search_alt(text: Text, point: Guess | None) -> str:
    """Alternative text of the map without codes."""
    return (
        text("alt_step3.search")
        if point is None
        else f"{text('alt_step3.search')}. {guess_alt(text, point)}"
    )


def score(text: Text, point: Guess | None, best: Guess | None) -> str:
    """The score of this guess and of the best one so far."""
    if point is None:
        return text("step3.no_guess")
    if best is None or best.log_likelihood <= point.log_likelihood:
        return text("step3.best_score", nats=point.log_likelihood)
    return text("step3.score", nats=point.log_likelihood, best=best.log_likelihood)


def estimates_figure(text: Text, draws: Sequence[PriorDraws], truth: float) -> Drawing:
    """Every repetition's estimate of log p(x) at every K, and the truth as a line."""
    places = [
        place + offset for place, one in enumerate(draws) for offset in _beside(len(one.estimates))
    ]
    values = np.concatenate([one.estimates for one in draws])
    counts = [f"{one.count:,}" for one in draws for _ in one.estimates]
    dots = {
        "type": "scatter",
        "x": places,
        "y": values,
        "mode": "markers",
        "name": text("step3.estimate"),
        "marker": {"color": OWN, "size": 7, "opacity": 0.7},
        "customdata": counts,
        "hovertemplate": (
            f"K = %{{customdata}}: %{{y:,.1f}} nats<extra>{text('step3.estimate')}</extra>"
        ),
    }
    means = {
        "type": "scatter",
        "x": list(range(len(draws))),
        "y": [one.mean for one in draws],
        "mode": "lines+markers",
        "name": text("step3.estimate_mean"),
        "line": {"color": CURVE, "width": 1.5, "dash": "dot"},
        "marker": {"symbol": "line-ew", "size": 22, "line": {"width": 2, "color": CURVE}},
        "hovertemplate": f"%{{y:,.1f}} nats<extra>{text('step3.estimate_mean')}</extra>",
    }
    line = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": truth,
        "y1": truth,
        "line": {"color": POSTERIOR, "width": 2, "dash": "dash"},
    }
    note = {
        "x": 1,
        "xref": "paper",
        "xanchor": "right",
        "y": truth,
        "yanchor": "bottom",
        "showarrow": False,
        "text": text("step3.truth", nats=truth),
    }
    low, high = float(values.min()), max(truth, float(values.max()))
    room = max(1.0, 0.12 * (high - low))
    return build(
        [means, dots],
        320,
        shapes=[line],
        annotations=[note],
        showlegend=False,
        x={
            "title": {"text": text("step3.count_axis")},
            "tickvals": list(range(len(draws))),
            "ticktext": [f"{one.count:,}" for one in draws],
            "range": [-0.5, len(draws) - 0.5],
            "zeroline": False,
        },
        y={
            "title": {"text": text("step3.estimate_axis")},
            "range": [low - room / 2, high + room],
            "zeroline": False,
        },
    )


def estimates_alt(text: Text, draws: Sequence[PriorDraws], truth: float) -> str:
    parts = [
        text(
            "alt_step3.estimates_at",
            count=f"{one.count:,}",
            runs=len(one.estimates),
            low=one.estimates.min(),
            high=one.estimates.max(),
            mean=one.mean,
        )
        for one in draws
    ]
    return text("alt_step3.estimates", truth=truth, parts="; ".join(parts))


def draws_text(text: Text, draws: PriorDraws, truth: float) -> str:
    """The first repetition's estimate, and the range of all."""
    values = {
        "count": f"{draws.count:,}",
        "best": float(draws.log_likelihood.max()),
        "estimate": draws.estimates[0],
        "truth": truth,
        "runs": len(draws.estimates),
        "low": draws.estimates.min(),
        "high": draws.estimates.max(),
    }
    if draws.count == 1:
        return text("step3.one_draw", **values)
    return text("step3.draws", carriers=draws.dominant[0], effective=draws.effective[0], **values)


def bias_text(text: Text, draws: PriorDraws, truth: float) -> str:
    return text(
        "step3.bias",
        mean=draws.mean,
        runs=len(draws.estimates),
        count=f"{draws.count:,}",
        truth=truth,
    )


def best_strip(draws: PriorDraws) -> str:
    """The draws that explain the picture best, in a row as a data URI.

    Tiles without a draw stay grey.
    """
    empty = np.full((SHOWN - len(draws.images), *draws.images.shape[1:]), GREY, np.float32)
    return pictures.strip(np.concatenate([draws.images, empty]))


def shares(draws: PriorDraws) -> list[str]:
    """The share of each of the best draws in the sum."""
    return [f"{share:.1%}" if share >= FEW else "<0.1%" for share in draws.shares]


def strip_labels(draws: PriorDraws) -> list[str]:
    """The shares below their tiles; nothing below the grey ones."""
    return shares(draws) + [""] * (SHOWN - len(draws.shares))


def best_alt(text: Text, draws: PriorDraws) -> str:
    return text(
        "alt_step3.best_draws",
        shown=len(draws.shares),
        count=f"{draws.count:,}",
        shares=", ".join(shares(draws)),
    )


def posterior_legend(text: Text) -> list[dict[str, str]]:
    return [
        {"shape": "prior", "colour": "", "label": text("map.legend_prior")},
        {"shape": "own", "colour": OWN, "label": text("map.legend_own")},
        {"shape": "area", "colour": POSTERIOR, "label": text("map.legend_true")},
    ]


def posterior_alt(text: Text, posterior: PosteriorMap, seen: Reconstruction) -> str:
    (x, y), (across, down) = posterior.mean, posterior.deviation
    own_x, own_y = seen.posterior_mean
    return text("alt_step3.posterior", x=x, y=y, across=across, down=down, own_x=own_x, own_y=own_y)


def posterior_text(text: Text, posterior: PosteriorMap) -> str:
    """Place and width of p(z|x), and how seldom the prior draws a z there."""
    (x, y), (across, down) = posterior.mean, posterior.deviation
    return text(
        "step3.posterior", x=x, y=y, across=across, down=down, **posterior_values(posterior)
    )


def posterior_values(posterior: PosteriorMap) -> dict[str, object]:
    return {
        "share": posterior.prior_share,
        "hits": expected_hits(posterior, 1000),
        "evidence": posterior.log_evidence,
    }


def peak_comparison(text: Text, peak: Guess, best: Guess | None, posterior: PosteriorMap) -> str:
    """The student's best guess compared with the densest place."""
    if best is None:
        return text("step3.peak", peak=peak.log_likelihood, evidence=posterior.log_evidence)
    return text(
        "step3.peak_guess",
        peak=peak.log_likelihood,
        best=best.log_likelihood,
        evidence=posterior.log_evidence,
    )


def _beside(count: int) -> np.ndarray:
    return np.linspace(-JITTER, JITTER, count) if count > 1 else np.zeros(1)
