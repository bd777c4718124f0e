"""Sentences of the pages about the latent space. Pure."""

import numpy as np

from ui.text import Text
from ui.view.figures import DIGITS, OWN, POSTERIOR
from ui.view.sentences import pixel_meaning
from vae.experiments import Codes, Path, PosteriorMap, Reconstruction, Traversal, Window
from vae.hub.metrics import BetaMetrics
from vae.hub.sources import Resolved


def plane_alt(
    text: Text,
    now: BetaMetrics,
    codes: Codes,
    seen: Reconstruction,
    window: Window,
    count: int,
    posterior: PosteriorMap | None,
) -> str:
    """Alternative text of the map."""
    inside = int(window.holds(codes.mean).sum())
    x, y = seen.posterior_mean
    values = {"count": f"{len(codes.mean):,}", "inside": f"{inside:,}", "x": x, "y": y}
    if not now.beta:
        return text("alt.point_map", **values)
    across, down = seen.posterior_deviation
    said = text(
        "alt.map", beta=f"{now.beta:g}", across=across, down=down, posteriors=f"{count:,}", **values
    )
    if not posterior:
        return said
    (x, y), (across, down) = posterior.mean, posterior.deviation
    values = {"x": x, "y": y, "across": across, "down": down}
    return (
        f"{said}. "
        f"{text('alt.tempered', **values) if posterior.tempered else text('alt.true', **values)}"
    )


def legend(
    text: Text, *, autoencoder: bool, count: int, posterior: PosteriorMap | None
) -> list[dict[str, str]]:
    """The entries of the map's legend."""
    marks = [
        {
            "shape": "dashed" if autoencoder else "prior",
            "colour": "",
            "label": text("map.legend_normal") if autoencoder else text("map.legend_prior"),
        },
        {
            "shape": "own",
            "colour": OWN,
            "label": text("map.legend_point") if autoencoder else text("map.legend_own"),
        },
    ]
    if posterior:
        marks.append(
            {
                "shape": "area",
                "colour": POSTERIOR,
                "label": text("map.legend_tempered")
                if posterior.tempered
                else text("map.legend_true"),
            }
        )
    if count:
        marks.append(
            {
                "shape": "prior",
                "colour": DIGITS[0],
                "label": text("map.legend_posteriors", count=f"{count:,}"),
            }
        )
    return marks


def aggregate(text: Text, codes: Codes) -> str:
    """The aggregate posterior beside the prior, or the codes of a plain autoencoder."""
    mean, deviation = codes.aggregate_mean, codes.aggregate_deviation
    values = {
        "count": f"{len(codes.mean):,}",
        "mean_x": mean[0],
        "mean_y": mean[1],
        "across": deviation[0],
        "down": deviation[1],
    }
    return (
        text("map.aggregate", **values)
        if codes.deviation.any()
        else text("map.point_aggregate", **values)
    )


def outlier_count(text: Text, codes: Codes, window: Window) -> str:
    """How many codes lie outside the plot."""
    count = len(codes.mean) - int(window.holds(codes.mean).sum())
    return text("map.outside", outside=f"{count:,}", count=f"{len(codes.mean):,}") if count else ""


def posterior(text: Text, beta: float, found: PosteriorMap) -> str:
    """What the quadrature gives, and what q misses."""
    precision = text("map.exact") if found.exact else text("map.inexact", error=found.error)
    values = {
        "evidence": found.log_evidence,
        "gap": found.gap,
        "precision": precision,
        "beta": f"{beta:g}",
    }
    if found.tempered:
        return text("map.tempered", **values)
    return text("map.true_aim", **values) if beta == 1 else text("map.true", **values)


def own(text: Text, seen: Reconstruction) -> str:
    """Where this picture's posterior lies, or its point."""
    x, y = seen.posterior_mean
    if not seen.posterior_deviation.any():
        return text("map.own_point", x=x, y=y)
    across, down = seen.posterior_deviation
    return text("map.own", x=x, y=y, across=across, down=down, rate=seen.rate)


def pinned_alt(text: Text, model: Resolved, share: float, x: float, y: float) -> str:
    return text("alt.pinned", share=share, stuff=pixel_meaning(text, model), x=x, y=y)


def rates_alt(text: Text, now: BetaMetrics, seen: Reconstruction, chosen: int) -> str:
    bars = ", ".join(
        f"{dimension + 1}: {now.rate_per_dimension[dimension]:.2f} "
        f"({seen.rate_per_dimension[dimension]:.2f})"
        for dimension in now.dimensions_by_rate
        if now.active(dimension)
    )
    return text(
        "alt.rates",
        beta=f"{now.beta:g}",
        active=now.active_units,
        dimensions=len(now.rate_per_dimension),
        bars=bars or "–",
        number=chosen + 1,
        mean=now.rate_per_dimension[chosen],
        own=seen.rate_per_dimension[chosen],
    )


def activity(text: Text, now: BetaMetrics, seen: Reconstruction) -> str:
    """Active dimensions and rate, of the test set and of this picture."""
    return text(
        "dimensions.active",
        active=now.active_units,
        dimensions=len(now.rate_per_dimension),
        rate=now.rate,
        own_active=seen.active_units,
        own_rate=seen.rate,
    )


def alive_alt(text: Text, model: Resolved) -> str:
    counts = ", ".join(f"{entry.beta:g}: {entry.active_units}" for entry in model.metrics.betas)
    return text("alt.alive", dimensions=len(model.metrics.dimensions_by_use), counts=counts)


def change(text: Text, model: Resolved, now: BetaMetrics, moved: Traversal) -> str:
    """The effect of moving a dimension, and why an inactive one has none."""
    values = {
        "number": moved.dimension + 1,
        "change": moved.largest_change,
        "share": moved.largest_share,
        "rate": now.rate_per_dimension[moved.dimension],
        "stuff": pixel_meaning(text, model),
    }
    if now.active(moved.dimension):
        return text("dimensions.change", **values)
    return text("dimensions.change_unused", **values)


def traversal_alt(text: Text, moved: Traversal) -> str:
    return text(
        "alt.traversal",
        number=moved.dimension + 1,
        count=len(moved.values),
        low=moved.values[0],
        high=moved.values[-1],
        own=moved.own_value,
    )


def changes_alt(text: Text, model: Resolved, moved: Traversal) -> str:
    changes = ", ".join(f"{change:.1f}" for change in moved.changes)
    return text(
        "alt.changes", number=moved.dimension + 1, changes=changes, stuff=pixel_meaning(text, model)
    )


def shell(text: Text, path: Path) -> str:
    """How much of the path lies outside the prior's shell."""
    low, high = path.shell
    return text(
        "path.outside",
        outside=path.outside,
        steps=len(path.radii),
        low=low,
        high=high,
        nearest=path.radii.min(),
        dimensions=path.latents.shape[1],
    )


def losses(text: Text, model: Resolved, path: Path) -> str:
    """Negative ELBOs of the step in the middle; the number of steps is odd."""
    half = len(path.radii) // 2
    values = {
        "latent": path.negative_elbo[half],
        "pixels": path.cross_fade_negative_elbo[half],
        "draws": path.draws,
    }
    if model.network.config.binarised:
        return text("path.losses", **values)
    return text("path.losses_colour", **values)


def end_alt(text: Text, model: Resolved, image: np.ndarray, *, last: bool) -> str:
    """Alternative text of the picture at a path's start or end."""
    values = {"share": float(image.mean()), "stuff": pixel_meaning(text, model)}
    return text("alt.path_end", **values) if last else text("alt.path_start", **values)


def latent_path_alt(text: Text, path: Path) -> str:
    numbers = ", ".join(f"{value:,.0f}" for value in path.negative_elbo)
    return text("alt.latent_way", steps=len(path.negative_elbo), numbers=numbers)


def pixel_path(text: Text, model: Resolved) -> str:
    """What the numbers below the cross-fade are, which depends on the likelihood."""
    return (
        text("path.pixels_binarised")
        if model.network.config.binarised
        else text("path.pixels_colour")
    )


def pixel_way_alt(text: Text, model: Resolved, path: Path) -> str:
    numbers = ", ".join(f"{value:,.0f}" for value in path.cross_fade_negative_elbo)
    values = {"steps": len(path.cross_fade_negative_elbo), "numbers": numbers}
    return (
        text("alt.pixel_way", **values)
        if model.network.config.binarised
        else text("alt.pixel_way_colour", **values)
    )


def radii_alt(text: Text, path: Path) -> str:
    low, high = path.shell
    return text(
        "alt.radii", radii=", ".join(f"{radius:.2f}" for radius in path.radii), low=low, high=high
    )


def losses_alt(text: Text, path: Path) -> str:
    ways = (path.negative_elbo, path.cross_fade_negative_elbo)
    latent, pixels = (", ".join(f"{value:,.1f}" for value in way) for way in ways)
    return text("alt.path_losses", latent=latent, pixels=pixels)


def animation_file(model: Resolved, beta: float, seed: int) -> str:
    """File name of the saved animation."""
    return f"{model.name}-path-beta-{beta:g}-seed-{seed}.gif"
