"""Data of the film of beta for the browser: one frame for each of the slider's stops. Pure."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.film import explanations
from ui.film.packing import packed
from ui.text import Text
from ui.view import figures, pictures, sentences
from ui.view.markup import marked
from vae import experiments
from vae.experiments import Breakdown, Reconstruction, TradeOff
from vae.hub.sources import Resolved

COLOURS = {
    "distortion": figures.DISTORTION,
    "rate": figures.RATE,
    "own": figures.OWN,
    "curve": figures.CURVE,
    "rival": figures.RIVAL,
}
# Bytes of a gallery's sheets, for a phone's network: by the number of colour channels.
MOST_BYTES = {1: 360_000, 3: 700_000}
QUALITIES = (85, 75, 60, 40, 20)  # of WebP with loss, tried until they are small enough
GALLERY_METHOD = 5  # of WebP without loss: a gallery is drawn once for everybody
GREYS = 3  # frames in one sheet of a grey gallery, one in each colour channel


@dataclass(frozen=True)
class Film:
    """A packed film, and the id by which the browser knows it."""

    id: str
    content: bytes


@dataclass(frozen=True)
class GallerySettings:
    """Number of samples, their seed and temperature, and whether their pixels are drawn."""

    count: int
    seed: int
    temperature: float
    draw_pixels: bool


def stops(model: Resolved) -> tuple[float, ...]:
    """The betas that the slider stops at: those that were measured."""
    return tuple(entry.beta for entry in model.metrics.betas)


def picture(text: Text, model: Resolved, frames: Sequence[Reconstruction], own: TradeOff) -> Film:
    """A picture's film. frames: its reconstruction at each of the model's stops."""
    betas = stops(model)
    losses = [experiments.breakdown(own, average) for average in model.metrics.betas]
    order = model.metrics.at(1.0).dimensions_by_rate
    is_binarised = model.network.config.binarised
    film = {
        "betas": betas,
        "labels": [f"{beta:g}" for beta in betas],
        "height": frames[0].mean.shape[1],
        "width": frames[0].mean.shape[2],
        "observed": pictures.enlarged(frames[0].observed),
        "reconstructions": _column([pictures.to_uint8(frame.mean) for frame in frames]),
        "differences": _column([pictures.difference(frame.difference) for frame in frames]),
        "code": _code(text, frames, order),
        "own": {"rate": _finite(own.rate), "distortion": _finite(own.distortion)},
        "average": {
            "rate": _finite(entry.rate for entry in model.metrics.betas),
            "distortion": _finite(entry.distortion for entry in model.metrics.betas),
        },
        "rivals": [
            {"beta": rival.beta, "rate": rival.rate, "distortion": rival.distortion}
            for rival in model.dedicated
        ],
        "alts": {
            "observed": sentences.seen_alt(text, model, frames[0]),
            "reconstruction": [
                sentences.reconstruction_alt(text, model, beta, frame)
                for beta, frame in zip(betas, frames, strict=True)
            ],
            "difference": [sentences.difference_alt(text, model, frame) for frame in frames],
            "code": [
                sentences.code_alt(text, model, beta, frame)
                for beta, frame in zip(betas, frames, strict=True)
            ],
            "loss": [sentences.loss_alt(text, loss) for loss in losses],
            "plane": [_plane_alt(text, model, loss) for loss in losses],
        },
        "says": {
            "loss": [marked(sentences.loss(text, loss)) for loss in losses],
            "verdict": [marked(sentences.verdict(text, loss)) for loss in losses],
            "bits": None if is_binarised else [marked(sentences.bits(text, one)) for one in losses],
        },
        "parts": explanations.of_frames(text, model, frames, losses, order, own.draws),
    }
    digest = hashlib.sha256(packed(film)).hexdigest()
    return Film(digest, packed({"id": digest, "film": film}))


def gallery(
    text: Text,
    model: Resolved,
    images: Iterable[np.ndarray],
    settings: GallerySettings,
    *,
    first: int = 0,
) -> Film:
    """A gallery's film, or a part of it.

    images: (N, C, H, W) of stop `first` and of those after. One frame is exact; a whole film may
    have lost a little to be small enough, which it says. Parts of one gallery have one id: the
    browser adds them up.
    """
    betas = stops(model)
    channels, height, width = model.network.config.image_shape
    columns = 16 if settings.count > 32 else 8
    pages = [pictures.grid(tiles, columns, gap=0) for tiles in images]
    sheets, is_exact = _sheets(pages, first)
    digest = gallery_id(text, model, settings)
    film = {
        "betas": betas,
        "height": height,
        "width": width,
        "columns": columns,
        "count": settings.count,
        "channels": channels,
        "exact": is_exact,
        "frames": sheets,
        "alts": [
            sentences.gallery_alt(
                text,
                model,
                beta,
                count=settings.count,
                temperature=settings.temperature,
                seed=settings.seed,
            )
            for beta in betas
        ],
        "file_names": [sentences.gallery_file(model, beta, settings.seed) for beta in betas],
    }
    return Film(digest, packed({"id": digest, "gallery": film}))


def gallery_id(text: Text, model: Resolved, settings: GallerySettings) -> str:
    """By what the browser knows a gallery, whichever of its parts it has."""
    named = (text.language, model.name, model.source, settings)
    return hashlib.sha256(repr((named, stops(model))).encode()).hexdigest()


def _sheets(pages: list[np.ndarray], first: int) -> tuple[list[dict[str, Any]], bool]:
    """Frames of a gallery as WebP, and whether they are exact: greys three to a sheet.

    Three neighbouring betas look alike, and WebP predicts one colour channel from another: so a
    grey gallery takes two thirds of what its frames take one by one.
    """
    if len(pages) == 1:
        return [_sheet(pictures.lossless_webp(pages[0]), first, 1)], True
    most = MOST_BYTES[1 if pages[0].ndim == 2 else 3]
    if pages[0].ndim == 2:
        padded = np.stack([*pages, *[pages[-1]] * (-len(pages) % GREYS)])
        triples = padded.reshape(-1, GREYS, *padded.shape[1:]).transpose(0, 2, 3, 1)
        content = pictures.lossless_webp(np.concatenate(list(triples)), method=GALLERY_METHOD)
        if len(content) <= most:
            return [_sheet(content, first, len(pages), "rgb")], True
    for quality in QUALITIES:
        contents = [pictures.webp(page, quality) for page in pages]
        if sum(map(len, contents)) <= most:
            break
    return [_sheet(content, first + index, 1) for index, content in enumerate(contents)], False


def _sheet(content: bytes, first: int, count: int, packing: str = "plain") -> dict[str, Any]:
    return {"first": first, "count": count, "packing": packing, "source": content}


def _code(text: Text, frames: Sequence[Reconstruction], order: Sequence[int]) -> dict[str, Any]:
    columns = list(order)
    values = {
        "mean": [frame.posterior_mean for frame in frames],
        "deviation": [frame.posterior_deviation for frame in frames],
        "z": [frame.z for frame in frames],
        "rate": [frame.rate_per_dimension for frame in frames],
    }
    return {
        "dimensions": len(columns),
        "names": [text("code.hover", dimension=dimension + 1) for dimension in columns],
        **{
            name: np.stack(rows)[:, columns].astype("<f4").tobytes()
            for name, rows in values.items()
        },
    }


def _plane_alt(text: Text, model: Resolved, loss: Breakdown) -> str:
    return sentences.plane_alt(text, model, loss) if loss.beta else text("plane.no_point")


def _column(frames: list[np.ndarray]) -> bytes:
    """Frames (H, W) or (H, W, 3) below one another, as a WebP without loss."""
    return pictures.lossless_webp(np.concatenate(frames))


def _finite(values: Iterable[float]) -> list[float | None]:
    """Numbers for JSON, rounded to what is shown; a plain autoencoder's infinite rates are null."""
    return [round(float(value), 4) if math.isfinite(value) else None for value in values]
