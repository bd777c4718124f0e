"""Explanations of a network's parts, each with its formula and one picture's numbers. Pure."""

from collections.abc import Sequence

import numpy as np

from ui.film import formulas
from ui.text import Text
from ui.view.markup import marked
from vae.experiments import Breakdown, Reconstruction
from vae.hub.sources import Resolved

PARTS = ("encoder", "code", "sampling", "decoder", "distortion", "rate")


def of_frames(
    text: Text,
    model: Resolved,
    frames: Sequence[Reconstruction],
    losses: Sequence[Breakdown],
    order: Sequence[int],
    draws: int,
) -> dict[str, dict[str, object]]:
    """Label, formula and HTML of each part, the last at each beta or once.

    frames, losses: one for each beta. order: dimensions, the most used first. draws: of z, for each
    distortion.
    """
    parts: dict[str, dict[str, object]] = {}
    for part in PARTS:
        if part in ("code", "rate") and model.network.config.autoencoder:
            continue
        sentences = [
            text(_key(part, model, frame), **_values(model, frame, loss, order, draws))
            for frame, loss in zip(frames, losses, strict=True)
        ]
        parts[part] = {
            "label": text(f"film.{part}_label"),
            "formula": formulas.of_part(
                part, model.network.config, is_mean=not frames[0].eps.any()
            ),
            "html": [marked(sentence) for sentence in _once(sentences)],
        }
    return parts


def _key(part: str, model: Resolved, frame: Reconstruction) -> str:
    """The string's key: other networks, and z at the mean, have other explanations."""
    if model.network.config.autoencoder:
        return f"film.point_{part}"
    if part == "sampling" and not frame.eps.any():
        return "film.mean_sampling"
    if part == "decoder" and not model.network.config.binarised:
        return "film.colour_decoder"
    return f"film.{part}_said"


def _values(
    model: Resolved,
    frame: Reconstruction,
    loss: Breakdown,
    order: Sequence[int],
    draws: int,
) -> dict[str, object]:
    most = int(np.argmax(frame.rate_per_dimension)) if loss.beta else order[0]
    return {
        "beta": f"{loss.beta:g}",
        "pixels": loss.pixel_values,
        "dimensions": len(frame.z),
        "active": frame.active_units,
        "number": most + 1,
        "mean": float(frame.posterior_mean[most]),
        "deviation": float(frame.posterior_deviation[most]),
        "eps": float(frame.eps[most]),
        "z": float(frame.z[most]),
        "most": float(frame.rate_per_dimension[most]),
        "rate": loss.rate,
        "product": loss.beta * loss.rate if loss.beta else 0.0,
        "distortion": loss.distortion,
        "average_rate": loss.average_rate,
        "average_distortion": loss.average_distortion,
        "draws": draws,
    }


def _once(sentences: list[str]) -> list[str]:
    """One sentence where all are equal."""
    return sentences[:1] if len(set(sentences)) == 1 else sentences
