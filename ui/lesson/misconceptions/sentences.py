"""Sentences of "What people get wrong": data classes of vae.experiments in, words out. Pure."""

import itertools
from collections.abc import Container, Iterable

from ui.text import Text, number
from vae.experiments import Traversal
from vae.experiments.lesson.beta_conventions import GAUSSIAN, Conventions, traps
from vae.experiments.lesson.decoders import (
    BlankPage,
    Blur,
    CodeNoise,
    GreyBce,
    GreyPicture,
    MeanAndDraws,
)
from vae.experiments.lesson.misconceptions import (
    Axes,
    Collapse,
    LogVariances,
    Mixture,
    Spreads,
    WhichKL,
)

LOSSES = {
    "sum": r"\mathrm{BCE} + \beta\,\mathrm{KL}",
    "mean": r"\tfrac1P\mathrm{BCE} + w\,\mathrm{KL}",
    "means": r"\tfrac1P\mathrm{BCE} + \tfrac{w}{D}\mathrm{KL}",
    "reconstruction": r"\tfrac{\mathrm{BETA}}{P}\mathrm{BCE} + \mathrm{KL}",
    "squared_sum": r"\mathrm{SE} + w\,\mathrm{KL}",
    "squared_mean": r"\tfrac1P\mathrm{SE} + w\,\mathrm{KL}",
    "sigma": r"\tfrac{1}{2\sigma^2}\mathrm{SE} + \mathrm{KL}",
}


def answer_summary(text: Text, topics: tuple[str, ...], given: Container[str]) -> str:
    """Which questions have an answer. given: names of answered questions."""
    numbers = [str(place) for place, topic in enumerate(topics, 1) if f"wrong_{topic}" in given]
    if not numbers:
        return text("wrong.not_answered", all=len(topics))
    return text("wrong.answered", numbers=", ".join(numbers), count=len(numbers), all=len(topics))


def next_topic(topics: tuple[str, ...], topic: str) -> str | None:
    """The topic after this one; none after the last."""
    return dict(itertools.pairwise(topics)).get(topic)


def kl_values(found: WhichKL) -> dict[str, float]:
    return {
        "elbo": found.elbo,
        "evidence": found.log_evidence,
        "with_prior": found.with_prior,
        "gap": found.to_posterior,
        "reverse": found.from_posterior,
    }


def kl_alt(text: Text, found: WhichKL) -> str:
    return text(
        "alt_wrong.kl",
        elbo=found.elbo,
        to_prior=found.to_prior,
        with_prior=found.with_prior,
        to_posterior=found.to_posterior,
        evidence=found.log_evidence,
        reverse=found.from_posterior,
        with_reverse=found.with_reverse,
    )


def factor_values(found: Spreads) -> dict[str, float]:
    """Values of the dimension with the smallest sigma."""
    chosen = found.dimension
    return {
        "number": chosen + 1,
        "claimed": found.claimed[chosen],
        "by_sigma": found.by_sigma[chosen],
        "by_variance": found.by_variance[chosen],
    }


def factor_alt(text: Text, found: Spreads) -> str:
    return text("alt_wrong.factor", dimensions=len(found.claimed), **factor_values(found))


def log_alt(text: Text, found: LogVariances) -> str:
    ranges = "; ".join(
        f"{beta:g}: {', '.join(number(one, '.1f') for one in three)}"
        for beta, *three in zip(found.betas, found.lowest, found.median, found.highest, strict=True)
    )
    return text("alt_wrong.log", ranges=ranges)


def prior_values(found: Mixture) -> dict[str, float]:
    return {
        "single": found.single_rate,
        "mixture": found.mixture_rate,
        "sigma": found.typical_sigma,
        "count": found.count,
    }


def prior_text(text: Text, found: Mixture, seed: int) -> str:
    across, down = found.deviations
    return text(
        "wrong.prior_said",
        across=across,
        down=down,
        draws=found.draws,
        seed=seed,
        **prior_values(found),
    )


def prior_alt(text: Text, found: Mixture) -> str:
    return text(
        "alt_wrong.prior",
        count=found.count,
        mean=found.means[0],
        deviation=found.deviations[0],
        singles=len(found.single_mean),
        sigma=found.typical_sigma,
    )


def zero_values(found: Collapse) -> dict[str, float]:
    """Values at the beta of the best negative ELBO, and at the last beta."""
    return {
        "low": found.betas[found.best],
        "high": found.betas[-1],
        "rate": found.rate[-1],
        "distortion": found.distortion[-1],
        "best": found.negative_elbo[found.best],
        "collapsed": found.negative_elbo[-1],
    }


def zero_alt(text: Text, found: Collapse) -> str:
    bars = "; ".join(
        f"{beta:g}: {distortion:.1f} + {rate:.1f}"
        for beta, distortion, rate in zip(found.betas, found.distortion, found.rate, strict=True)
    )
    return text("alt_wrong.zero", bars=bars)


def blur_text(text: Text, found: Blur) -> str:
    across, down = found.sigma
    return text(
        "wrong.blur_said",
        effective=found.effective,
        count=found.count,
        across=across,
        down=down,
        correlation=found.correlation,
        difference=found.difference,
    )


def blur_alts(text: Text, found: Blur) -> tuple[str, str]:
    return (
        text(
            "alt_wrong.blur_mean",
            effective=found.effective,
            share=float(found.weighted_mean.mean()),
        ),
        text(
            "alt_wrong.blur_decoded",
            share=float(found.decoded.mean()),
            correlation=found.correlation,
        ),
    )


def conventions(text: Text, found: Conventions) -> str:
    """A table in Markdown: the same training in every convention."""
    rows = [f"| {text('wrong.sum_loss')} | | {text('wrong.sum_number')} |", "|:--|:--|--:|"]
    for name, weight in found.weights.items():
        rows.append(f"| ${LOSSES[name]}$ | {_named(text, name)} | **{weight_of(weight)}** |")
    return "\n".join(rows)


def known_traps(text: Text) -> str:
    """Weights in use that are not the beta that they seem to be, as a list in Markdown."""
    lines = [
        text(
            f"wrong.sum_trap_{trap.convention}",
            weight=trap.weight,
            pixels=trap.pixels,
            dimensions=trap.dimensions,
            beta=trap.beta,
        )
        for trap in traps()
    ]
    return "\n".join([text("wrong.sum_traps"), "", *(f"- {line}" for line in lines)])


def convention(text: Text, name: str) -> str:
    """A convention's name with its kind of decoder, for a choice."""
    kind = text("wrong.sum_gaussian") if name in GAUSSIAN else text("wrong.sum_any")
    return f"{_named(text, name)} ({kind})"


def _named(text: Text, convention: str) -> str:
    return text(f"wrong.sum_{convention}")


def weight_of(value: float) -> str:
    return f"{value:,.5g}"


def axes_values(found: Axes) -> dict[str, float]:
    (low, high), (before, after) = found.moved_at, found.active_at_moved
    return {"low": low, "high": high, "before": before, "after": after}


def axes_alt(text: Text, found: Axes) -> str:
    return text(
        "alt_wrong.axes",
        counts=", ".join(
            f"{beta:g}: {count}" for beta, count in zip(found.betas, found.active, strict=True)
        ),
    )


def traversal_texts(text: Text, beta: float, one: Traversal) -> tuple[str, str]:
    """Caption and alternative text of the strip of one moved dimension."""
    changes = ", ".join(f"{change:.0f}" for change in one.changes)
    return (
        text("wrong.axes_strip", number=one.dimension + 1, beta=beta),
        text(
            "alt_wrong.axes_strip",
            number=one.dimension + 1,
            beta=beta,
            count=len(one.values),
            changes=changes,
        ),
    )


def grey_alt(text: Text, found: GreyBce) -> str:
    return text(
        "alt_wrong.bce",
        p=found.p,
        first=found.values[0],
        last=found.values[-1],
        integral=found.integral,
    )


def grey_picture(text: Text, found: GreyPicture, name: str) -> str:
    return text("wrong.bce_picture", name=name, bce=found.bce, missing=found.missing)


def sample_text(text: Text, found: MeanAndDraws, seed: int) -> str:
    return text(
        "wrong.sample_said",
        seed=seed,
        mode=found.mode_log_prob,
        draws=_list(found.draw_log_prob, ",.1f"),
        differing=_list(found.differing, "d"),
    )


def sample_alt(text: Text, found: MeanAndDraws) -> str:
    return text(
        "alt_wrong.sample", mode=found.mode_log_prob, draws=_list(found.draw_log_prob, ".1f")
    )


def noise_alt(text: Text, found: CodeNoise) -> str:
    return text(
        "alt_wrong.noise",
        multiples=_list(found.multiples, "g"),
        variational=_list(found.variational, ".1f"),
        plain=_list(found.plain, ".1f"),
    )


def blank_values(found: BlankPage) -> dict[str, float]:
    return {
        "below": found.below,
        "count": found.count,
        "drawn": found.drawn,
        "least": found.least_ink,
        "range": found.range,
    }


def blank_text(text: Text, found: BlankPage, seed: int) -> str:
    return text(
        "wrong.blank_said",
        blank=found.blank,
        blank_samples=found.blank_samples,
        below=found.below,
        count=found.count,
        samples=found.samples,
        drawn=found.drawn,
        least=found.least_ink,
        seed=seed,
    )


def blank_alt(text: Text, found: BlankPage) -> str:
    return text(
        "alt_wrong.blank",
        count=found.count,
        lowest=found.pictures.min(),
        highest=found.pictures.max(),
        median=found.median,
        blank=found.blank,
    )


def _list(values: Iterable[float], form: str) -> str:
    return ", ".join(format(value, form) for value in values)
