"""Figures and sentences of step 1: pixels drawn one by one, and how probable pictures are."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ui.text import Text, number
from ui.view import pictures
from ui.view.figures import CURVE, OWN, RIVAL, Drawing, build, legend_above
from vae.experiments.lesson.pixels import (
    BLANK,
    CLOUD,
    FREQUENCIES,
    LAWS,
    MODEL,
    NOISE,
    PICTURE,
    SUBJECTS,
    UNIFORM,
    Counts,
    Sheet,
    Verdict,
    least_gap,
    share_less_probable,
)
from vae.hub.metrics import Metrics

COLOURS = {UNIFORM: CURVE, FREQUENCIES: RIVAL, MODEL: OWN}
PATTERNS = {UNIFORM: "", FREQUENCIES: "/", MODEL: ""}  # colour is never the only difference
MOST_SHEETS = 9999
THUMBNAILS = 46  # pixels of the screen to the left of the bars


def sheet_numbers(words: Sequence[str]) -> dict[str, int]:
    """The number of drawn sheets of each law, from the link: ?sheets=3,1,2.

    One where the link has no usable number.
    """
    numbers = [
        int(word) if word.isdecimal() and 1 <= int(word) <= MOST_SHEETS else 1
        for word in (*words, *LAWS)
    ]
    return dict(zip(LAWS, numbers, strict=False))


def sheet_words(numbers: Mapping[str, int], law: str) -> list[str]:
    """The link's words after one more sheet of a law; empty where all are the first."""
    more = {name: min(MOST_SHEETS, number + (name == law)) for name, number in numbers.items()}
    return [str(number) for number in more.values()] if set(more.values()) != {1} else []


def sheet_picture(drawn: Sheet) -> str:
    """The sheet's pictures in rows, as a data URI."""
    return pictures.uri("png", pictures.sheet(drawn.images))


def sheet_alt(text: Text, drawn: Sheet) -> str:
    return text(
        "alt_step1.sheet",
        count=len(drawn.images),
        law=text(f"step1.law_{drawn.law}"),
        share=float(drawn.images.mean()),
        nearest=int(drawn.distances.min()),
    )


def sheet_summary(text: Text, drawn: Sheet, number: int, among_digits: float) -> str:
    """How many pictures were drawn, and how near the nearest one is to a digit.

    among_digits: distance of a digit to the nearest other one, in pixels.
    """
    return text(
        "step1.drawn",
        total=f"{number * len(drawn.images):,}",
        nearest=int(drawn.distances.min()),
        mean=float(drawn.distances.mean()),
        reference=among_digits,
    )


def counts_values(found: Counts) -> dict[str, object]:
    """The large numbers as exponents of ten, for sentences."""
    return {
        "pixels": found.pixels,
        "all": round(found.pictures),
        "atoms": round(found.atoms),
        "drawn": round(found.drawn),
        "digits": round(found.like_data),
        "one_in": round(found.rarity),
        "still": round(found.rarity_beyond_drawn),
    }


def counts_figure(text: Text, found: Counts) -> Drawing:
    """Large numbers as bars on a logarithmic scale, the largest on top."""
    rows = {
        "all": found.pictures,
        "drawn": found.drawn,
        "atoms": found.atoms,
        "digits": found.like_data,
    }
    names, exponents = [text(f"step1.count_{name}") for name in rows], list(rows.values())
    bars = {
        "type": "bar",
        "orientation": "h",
        "y": names,
        "x": exponents,
        "textposition": "auto",
        "textangle": 0,
        "textfont": {"size": 14},
        "text": [f"10<sup>{round(exponent)}</sup>" for exponent in exponents],
        "marker": {"color": [CURVE, CURVE, CURVE, OWN]},
        "hoverinfo": "skip",
    }
    ticks = [0, 80, 160, 240]
    return build(
        [bars],
        250,
        bargap=0.3,
        showlegend=False,
        margin={"r": 16},
        x={
            "title": {"text": text("step1.count_axis")},
            "range": [0, 245],
            "tickvals": ticks,
            "tickangle": 0,
            "ticktext": ["1", *(f"10<sup>{tick}</sup>" for tick in ticks[1:])],
        },
        y={"autorange": "reversed"},
    )


def counts_alt(text: Text, found: Counts) -> str:
    return text("alt_step1.counts", **counts_values(found))


def verdicts_figure(text: Text, found: Mapping[str, Verdict]) -> Drawing:
    """log p(x) of four pictures under three laws, as bars that reach left from zero.

    Each group of bars has its picture beside it.
    """
    places = list(range(len(SUBJECTS)))
    lowest = min(min(one.uniform, one.frequencies, one.model) for one in found.values())
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": text(f"step1.short_{law}"),
            "y": places,
            "x": [getattr(found[name], law) for name in SUBJECTS],
            "text": [
                ("≥ " if law == MODEL else "") + number(getattr(found[name], law), ",.0f")
                for name in SUBJECTS
            ],
            "textposition": "outside",
            "cliponaxis": False,
            "hoverinfo": "skip",
            "marker": {"color": COLOURS[law], "pattern": {"shape": PATTERNS[law]}},
        }
        for law in LAWS
    ]
    thumbnails = [
        {
            "source": _framed(found[name].observed),
            "xref": "paper",
            "yref": "y",
            "x": 0,
            "y": place,
            "xanchor": "right",
            "yanchor": "middle",
            "sizex": 0.14,
            "sizey": 0.6,
            "layer": "above",
        }
        for place, name in zip(places, SUBJECTS, strict=True)
    ]
    names = [
        {
            "xref": "paper",
            "x": 0,
            "xshift": -THUMBNAILS,
            "xanchor": "left",
            "y": place - 0.5,
            "yanchor": "middle",
            "text": text(f"step1.subject_{name}"),
            "showarrow": False,
        }
        for place, name in zip(places, SUBJECTS, strict=True)
    ]
    return build(
        bars,
        400,
        barmode="group",
        bargap=0.3,
        images=thumbnails,
        annotations=names,
        legend=legend_above(),
        margin={"l": THUMBNAILS},
        x={
            "title": {"text": text("step1.nats_axis")},
            "range": [1.22 * lowest, 0],
            "zeroline": True,
            "automargin": False,
        },
        y={"tickvals": [], "range": [len(places) - 0.5, -0.7]},
    )


def _framed(picture: np.ndarray) -> str:
    """A small picture (1, H, W) with a border, or a blank page would not show on a dark ground."""
    return pictures.uri(
        "png", pictures.png(np.pad(pictures.to_uint8(picture), 1, constant_values=128), 60)
    )


def verdicts_alt(text: Text, found: Mapping[str, Verdict]) -> str:
    groups = "; ".join(
        text(
            "alt_step1.verdict",
            name=text(f"step1.subject_{name}"),
            uniform=one.uniform,
            frequencies=one.frequencies,
            model=one.model,
        )
        for name, one in found.items()
    )
    return text("alt_step1.verdicts", groups=groups)


def precision(text: Text, found: Mapping[str, Verdict]) -> str:
    """How exact the numbers are: some exactly, others bounds with effective sample sizes."""
    sizes = ", ".join(
        f"{text(f'step1.subject_{name}')} {one.effective_samples:,.0f}"
        for name, one in found.items()
    )
    return text("step1.precision", samples=found[NOISE].samples, sizes=sizes)


def noise_comparison(text: Text, found: Mapping[str, Verdict]) -> str:
    """The student's picture compared with the highest log p(x) that noise can have."""
    gap = least_gap(found[PICTURE], found[NOISE])
    values = {
        "picture": found[PICTURE].model,
        "noise": found[NOISE].ceiling,
        "cloud": found[CLOUD].ceiling,
    }
    return (
        text("step1.compared", gap=gap, **values)
        if gap > 0
        else text("step1.compared_not", **values)
    )


def blank_page(text: Text, metrics: Metrics, found: Mapping[str, Verdict]) -> str:
    """The blank page compared with the test pictures."""
    blank = found[BLANK].model
    return text(
        "step1.blank",
        blank=blank,
        percent=min(99, math.floor(100 * share_less_probable(metrics, blank))),
    )
