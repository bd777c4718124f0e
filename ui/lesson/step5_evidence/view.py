"""Step 5: data of the formula in the browser, and sentences about its numbers. Pure."""

from dataclasses import dataclass

import numpy as np

from ui.text import Text, number
from ui.view import pictures
from ui.view.figures import CURVE, DISTORTION, OWN, POSTERIOR, RATE
from ui.view.map_tiles import posterior_picture
from ui.view.pictures import NEUTRAL, SHARP
from vae.experiments import PosteriorMap, Reconstruction
from vae.experiments.lesson.evidence import SIDE, Balance, LogEvidence, PixelTerms
from vae.hub.metrics import BetaMetrics

NAMES = {"prior": "KL(q ‖ p(z))", "posterior": "KL(q ‖ p(z|x))"}  # what may be put into the gap
TERMS = {"evidence": CURVE, "distortion": DISTORTION, "rate": RATE, "gap": POSTERIOR}
FEW = 10.0  # effective samples: below, the bound's own standard error is too small
CHANCE = 0.1  # nats: a wrong KL that misses by less does so by chance
# Nats from the middle of the bars to either end, times a power of ten.
LADDER = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
ROOM = 1.15  # times the longest visible part
# The pixel that costs most: distortion's blue, on the dark ground of a picture.
BRIGHT = np.array([90, 180, 255])
REACH = 3.3  # standard deviations that a window shows


@dataclass(frozen=True)
class Scale:
    """The visible part of the bars in nats, with the end of −log p(x) in its middle."""

    middle: float
    half: float

    def place(self, nats: float) -> float:
        """Percent from the left, from 0 to 100."""
        return round(min(100.0, max(0.0, 50 * (1 + (nats - self.middle) / self.half))), 3)

    def ticks(self) -> list[dict[str, object]]:
        step = self.half / (
            2 if self.half / 2 % 1 == 0 or self.half < 2 else 3 if self.half % 3 == 0 else 2
        )
        low, high = self.middle - self.half, self.middle + self.half
        values = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
        return [
            {"left": self.place(float(value)), "label": f"{value:,g}"}
            for value in values + 0.0
            if value >= 0
        ]


def nats_of(value: float) -> str:
    """A number of nats with two decimals."""
    return number(value, ",.2f")


def scale(*shown: Balance) -> Scale:
    """A scale with room for the rates and gaps of these q of one picture."""
    wanted = ROOM * max(0.5, *(max(abs(sides.gap), sides.rate) for sides in shown))
    power = 10.0 ** np.floor(np.log10(wanted))
    half = next(step * power for step in (*LADDER, 10.0) if step * power >= wanted)
    return Scale(-shown[0].evidence.nats, float(half))


def bars(text: Text, sides: Balance, filler: str, own: Balance | None = None) -> dict[str, object]:
    """The two rows of bars.

    filler: what was put into the gap, "none" or one of NAMES. own: the encoder's q where another
    one is shown; its −ELBO gets a mark.
    """
    shown, evidence, total = scale(sides, own or sides), -sides.evidence.nats, sides.negative_elbo
    upper = [
        _segment(shown, "distortion", 0, sides.distortion, text("step5.bar_distortion")),
        _segment(shown, "rate", sides.distortion, total, text("step5.bar_rate")),
    ]
    length = {"none": 0.0, "prior": sides.rate, "posterior": sides.divergence}[filler]
    lower = [
        _segment(shown, "evidence", 0, evidence, "−log p(x)", open_end=not sides.evidence.exact)
    ]
    if filler != "none":
        lower.append(
            _segment(
                shown,
                "rate" if filler == "prior" else "gap",
                evidence,
                evidence + length,
                NAMES[filler],
            )
        )
    elif sides.gap > 0:
        lower.append(_segment(shown, "empty", evidence, total, "?"))
    marks = [{"left": shown.place(total), "label": "−ELBO", "faint": False}]
    if own is not None and abs(own.negative_elbo - total) > 1e-9:
        marks.append(
            {"left": shown.place(own.negative_elbo), "label": text("step5.mark_own"), "faint": True}
        )
    return {
        "rows": [
            {
                "head": text(
                    "step5.row_elbo",
                    distortion=nats_of(sides.distortion),
                    rate=nats_of(sides.rate),
                    total=nats_of(total),
                ),
                "segments": upper,
            },
            {"head": _lower_head(text, sides, filler, length), "segments": lower},
        ],
        "marks": marks,
        "ticks": shown.ticks(),
        "axis": text("step5.axis") if shown.middle > shown.half else "nats",
        "alt": bars_alt(text, sides, filler, length),
    }


def loose_bars(text: Text, sides: Balance) -> dict[str, object]:
    """Both KLs as separate bars on the rows' scale."""
    low = -sides.evidence.nats - scale(sides).half
    least = text("step5.loose_least", name=NAMES["posterior"], value=nats_of(sides.divergence))
    exact = f"{NAMES['posterior']}: {nats_of(sides.divergence)}"
    pieces = {
        "rate": (f"{NAMES['prior']}: {nats_of(sides.rate)}", sides.rate),
        "gap": (exact if sides.evidence.exact else least, max(0.0, sides.divergence)),
    }
    shown = [
        {"head": head, "segment": _segment(scale(sides), term, low, low + length, "")}
        for term, (head, length) in pieces.items()
    ]
    return {"head": text("step5.loose"), "pieces": shown}


def _segment(
    shown: Scale, term: str, begin: float, end: float, label: str, *, open_end: bool = False
) -> dict[str, object]:
    left, right = shown.place(begin), shown.place(end)
    low = shown.middle - shown.half
    return {
        "term": term,
        "left": left,
        "width": max(0.0, round(right - left, 3)),
        "label": label,
        "colour": TERMS.get(term, ""),
        "cut": begin < low - 1e-9,
        "open": open_end,
    }


def _lower_head(text: Text, sides: Balance, filler: str, length: float) -> str:
    evidence, exact = -sides.evidence.nats, sides.evidence.exact
    if filler == "none":
        return (
            f"−log p(x) **{nats_of(evidence)}** + ?"
            if exact
            else text("step5.row_bound", evidence=nats_of(evidence))
        )
    values = {
        "evidence": nats_of(evidence),
        "name": NAMES[filler],
        "value": nats_of(length),
        "total": nats_of(evidence + length),
    }
    if exact:
        return "−log p(x) {evidence} + {name} {value} = **{total}**".format(**values)
    return (
        text("step5.row_filled_bound", **values)
        if filler == "prior"
        else text("step5.row_filled_rest", **values)
    )


def bars_alt(text: Text, sides: Balance, filler: str, length: float) -> str:
    evidence, known = -sides.evidence.nats, sides.evidence.exact
    least, most = ("", "") if known else ("≥ " if filler == "posterior" else "", "≤ ")
    filled = (
        text("alt_step5.nothing")
        if filler == "none"
        else text("alt_step5.added", name=NAMES[filler], value=f"{least}{nats_of(length)}")
    )
    return text(
        "alt_step5.bars",
        distortion=nats_of(sides.distortion),
        rate=nats_of(sides.rate),
        total=nats_of(sides.negative_elbo),
        evidence=f"{most}{nats_of(evidence)}",
        filled=filled,
        end=nats_of(evidence + length),
    )


def formula(
    text: Text,
    sides: Balance,
    seen: Reconstruction,
    found: PixelTerms,
    posterior: PosteriorMap | None,
) -> list[dict[str, object]]:
    """The terms of the formula in order, each with its number and its picture.

    log p(x) = E_q[log p(x|z)] − KL(q ‖ p(z)) + KL(q ‖ p(z|x)). posterior: the true one, None where
    quadrature cannot compute it.
    """
    exact = sides.evidence.exact
    names = {
        "evidence": text("step5.term_evidence"),
        "distortion": text("step5.term_distortion"),
        "rate": text("step5.bar_rate"),
        "gap": text("step5.term_gap"),
    }
    values = {
        "evidence": sides.evidence.nats,
        "distortion": -sides.distortion,
        "rate": sides.rate,
        "gap": sides.divergence,
    }
    shows = {
        "evidence": _evidence(text, seen, exact),
        "distortion": _distortion(text, sides, seen, found),
        "rate": _rate(text, sides),
        "gap": _gap(text, sides, posterior),
    }
    said = {
        term: nats_of(value) if exact or term in ("distortion", "rate") else f"≥ {nats_of(value)}"
        for term, value in values.items()
    }
    return [
        {
            "term": term,
            "name": name,
            "value": said[term],
            "colour": TERMS[term],
            **shows[term],
            "alt": f"{'log p(x)' if term == 'evidence' else name}: {said[term]} nats",
        }
        for term, name in names.items()
    ]


def _evidence(text: Text, seen: Reconstruction, exact: bool) -> dict[str, object]:
    said = text("step5.show_evidence") if exact else text("step5.show_evidence_bound")
    return {"said": said, "pictures": [_own(text, seen)]}


def _distortion(
    text: Text, sides: Balance, seen: Reconstruction, found: PixelTerms
) -> dict[str, object]:
    costs = {"value": nats_of(sides.distortion), "dearest": nats_of(found.largest_pixel_distortion)}
    share = float(found.reconstruction.mean())
    return {
        "said": text("step5.show_distortion", pixels=f"{found.pixel_distortion.size:,}", **costs),
        "pictures": [
            _own(text, seen),
            {
                "source": pictures.picture_uri(found.reconstruction),
                "caption": text("step5.reconstruction"),
                "alt": text("alt_step5.reconstruction", share=share),
            },
            {
                "source": pictures.photo_uri(cost_picture(found.pixel_distortion), SHARP),
                "caption": text("step5.costs"),
                "alt": text("alt_step5.costs", **costs),
            },
        ],
    }


def _rate(text: Text, sides: Balance) -> dict[str, object]:
    many = len(sides.mean)
    if many > 2:
        values = sorted((float(rate) for rate in sides.rate_per_dimension), reverse=True)
        return {
            "said": text("step5.show_rate_many", dimensions=many, value=nats_of(sides.rate)),
            "columns": {
                "values": values,
                "colour": RATE,
                "alt": text(
                    "alt_step5.rate_many", values=", ".join(f"{value:.2f}" for value in values)
                ),
            },
        }
    half = max(2.2, float((np.abs(sides.mean) + REACH * sides.deviation).max()))
    prior = {"x": 0.0, "y": 0.0, "across": 1.0, "down": 1.0, "colour": "", "dashed": False}
    return {
        "said": text("step5.show_rate_plane"),
        "plane": {
            "window": {"x": 0.0, "y": 0.0, "half": half},
            "ellipses": [prior, *_rings(sides, (1,))],
            "points": True,
            "alt": text("alt_step5.rate_plane", **_where(sides)),
        },
    }


def _gap(text: Text, sides: Balance, posterior: PosteriorMap | None) -> dict[str, object]:
    if posterior is None:
        return {
            "said": text(
                "step5.show_gap_many",
                dimensions=len(sides.mean),
                value=nats_of(sides.divergence),
                error=nats_of(sides.gap_error),
            )
        }
    window = posterior.window
    centre = np.array([window.x, window.y])
    low = np.minimum(centre - window.half, sides.mean - REACH * sides.deviation)
    high = np.maximum(centre + window.half, sides.mean + REACH * sides.deviation)
    (x, y), half = (low + high) / 2, float((high - low).max() / 2)
    (true_x, true_y), (true_across, true_down) = posterior.mean, posterior.deviation
    return {
        "said": text("step5.show_gap_plane"),
        "plane": {
            "window": {"x": float(x), "y": float(y), "half": half},
            "ellipses": _rings(sides, (1, 2, 3)),
            "points": False,
            "image": vars(window) | {"source": posterior_picture(posterior)},
            "alt": text(
                "alt_step5.gap_plane",
                true_x=true_x,
                true_y=true_y,
                true_across=true_across,
                true_down=true_down,
                **_where(sides),
            ),
        },
    }


def _rings(sides: Balance, deviations: tuple[int, ...]) -> list[dict[str, object]]:
    (x, y), (across, down) = sides.mean, sides.deviation
    return [
        {
            "x": float(x),
            "y": float(y),
            "across": float(times * across),
            "down": float(times * down),
            "colour": OWN,
            "dashed": False,
        }
        for times in deviations
    ]


def _where(sides: Balance) -> dict[str, float]:
    (x, y), (across, down) = sides.mean, sides.deviation
    return {"x": x, "y": y, "across": across, "down": down}


def _own(text: Text, seen: Reconstruction) -> dict[str, str]:
    return {
        "source": pictures.picture_uri(seen.observed),
        "caption": text("step5.seen"),
        "alt": text("alt_step5.seen", share=seen.ink_seen),
    }


def cost_picture(costs: np.ndarray) -> np.ndarray:
    """(1, H, W) nats -> (H, W, 3) uint8: the more a pixel costs, the brighter its blue."""
    amount = (costs / max(float(costs.max()), 1e-9)).clip(0, 1).mean(0)[..., None]
    return (NEUTRAL + amount * (BRIGHT - NEUTRAL)).round().astype(np.uint8)


def verdict(text: Text, sides: Balance, filler: str) -> str:
    """Whether the KL that was put into the gap closes it."""
    exact, evidence = sides.evidence.exact, sides.evidence
    values = {
        "gap": nats_of(sides.gap),
        "misfit": nats_of(abs(sides.prior_excess)),
        "error": nats_of(sides.gap_error),
    }
    if filler == "none":
        return (
            text("step5.empty", gap=values["gap"])
            if exact
            else text("step5.empty_bound", gap=values["gap"])
        )
    if filler == "posterior":
        if not exact:
            return text("step5.fits_bound", gap=values["gap"], error=values["error"])
        apart = abs(sides.divergence - sides.gap)
        return text("step5.fits", apart=f"{max(apart, 1e-4):.1g}", squares=f"{SIDE**2:,}")
    if not exact:
        needed = evidence.nats + sides.prior_excess
        if sides.prior_excess > 0:
            return text(
                "step5.too_long_bound",
                needed=nats_of(needed),
                bound=nats_of(evidence.nats),
                error=nats_of(evidence.error),
                misfit=values["misfit"],
            )
        return text("step5.too_short_bound", misfit=values["misfit"])
    if abs(sides.prior_excess) < CHANCE:
        return text("step5.by_chance", misfit=values["misfit"])
    return (
        text("step5.too_long", misfit=values["misfit"])
        if sides.prior_excess > 0
        else text("step5.too_short", misfit=values["misfit"])
    )


def evidence_precision(text: Text, evidence: LogEvidence) -> str:
    """How well log p(x) is known."""
    if evidence.exact:
        small = evidence.error < 1e-3
        return (
            text("step5.exact", evidence=nats_of(evidence.nats))
            if small
            else text(
                "step5.inexact", evidence=nats_of(evidence.nats), error=f"{evidence.error:.4f}"
            )
        )
    said = text(
        "step5.bound",
        evidence=nats_of(evidence.nats),
        samples=f"{evidence.samples:,}",
        error=nats_of(evidence.error),
        effective=f"{evidence.effective_samples:,.1f}",
    )
    return f"{said} {text('step5.bound_few')}" if evidence.effective_samples < FEW else said


def shift_effect(text: Text, sides: Balance, own: Balance) -> str:
    """A sentence on the terms that another q changes, and those that it does not."""
    if sides.negative_elbo == own.negative_elbo:
        return text("step5.unmoved")
    exact = sides.evidence.exact
    fallen, grown = sides.negative_elbo - own.negative_elbo, sides.divergence - own.divergence
    values = {
        "change": nats_of(abs(fallen)),
        "elbo": nats_of(-sides.negative_elbo),
        "gap": nats_of(sides.divergence),
    }
    stands = (
        text("step5.stands", evidence=nats_of(sides.evidence.nats))
        if exact
        else text("step5.stands_bound", evidence=nats_of(sides.evidence.nats))
    )
    if exact:
        values["change_gap"] = nats_of(abs(grown))
        return (
            f"{stands} "
            f"{text('step5.worse', **values) if fallen > 0 else text('step5.better', **values)}"
        )
    change = (
        text("step5.worse_bound", **values) if fallen > 0 else text("step5.better_bound", **values)
    )
    return f"{stands} {change}"


def feedback_values(text: Text, sides: Balance) -> dict[str, str]:
    """This picture's numbers, for the prediction's feedback."""
    gap = nats_of(sides.divergence)
    return {
        "rate": nats_of(sides.rate),
        "distortion": nats_of(sides.distortion),
        "gap": gap if sides.evidence.exact else text("step5.at_least", value=gap),
    }


def article_error(text: Text, sides: Balance) -> str:
    """The article's formula with this picture's numbers."""
    evidence, exact = nats_of(sides.evidence.nats), sides.evidence.exact
    values = {
        "elbo": nats_of(-sides.negative_elbo),
        "rate": nats_of(sides.rate),
        "sum": nats_of(-sides.distortion),
    }
    if (
        not exact and sides.prior_excess > 0
    ):  # the sum lies above the bound, where log p(x) might lie too
        return text("step5.slip_bound", evidence=evidence, **values)
    return text("step5.slip", evidence=evidence if exact else f"≥ {evidence}", **values)


def loss_share(text: Text, sides: Balance, now: BetaMetrics) -> str:
    """The larger part of this picture's loss, beside the test set's average."""
    average = now.distortion / (now.distortion + now.rate)
    values = {"share": f"{100 * sides.distortion_share:.0f}", "average": f"{100 * average:.0f}"}
    return (
        text("step5.loss_more_distortion", **values)
        if sides.distortion_share >= 0.5
        else text("step5.loss_more_rate", **values)
    )
