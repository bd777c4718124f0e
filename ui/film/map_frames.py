"""Data of the map's film: codes, a picture's posterior, a pinned point at each of the stops. Pure.

In three parts, each sent when it changes: the reference pictures' codes are everybody's, the rest
belongs to a picture or to a point.
"""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ui.film.frames import Film, stops
from ui.film.packing import packed
from ui.text import Text
from ui.view import latent_sentences, pictures, sentences
from ui.view.digest import digest
from ui.view.map_tiles import MOST_POSTERIORS
from ui.view.markup import marked
from vae.experiments import Codes, PosteriorMap, Reconstruction, Window
from vae.hub.sources import Resolved, WithReference

# Steps of a code's mean in one unit of the plane: below a pixel also in a window of half a
# hundredth of a unit. Deviations are ratios: steps of their logarithm.
MEAN_STEPS = 2**16
DEVIATION_STEPS = 2**8
Point = tuple[float, float]


def codes_id(model: Resolved) -> str:
    """By what the browser knows the codes of a model's reference pictures."""
    return _id("codes", model)


def picture_id(
    text: Text, model: Resolved, observed: np.ndarray, window: Window, count: int
) -> str:
    """By what the browser knows a picture's film in a window."""
    return _id("picture", model, text.language, window, count, digest(observed))


def pin_id(text: Text, model: Resolved, pin: Point) -> str:
    """By what the browser knows a pinned point's film."""
    return _id("pin", model, text.language, pin)


def codes(model: WithReference, found: Sequence[Codes]) -> Film:
    """The reference pictures' film. found: their codes at each of the model's stops."""
    deviations = np.stack([at.deviation[:MOST_POSTERIORS] for at in found])
    name = codes_id(model)
    page = {
        "stops": len(found),
        "steps": {"mean": MEAN_STEPS, "deviation": DEVIATION_STEPS},
        "means": _deflated(np.stack([at.mean for at in found]), MEAN_STEPS),
        "deviations": _deflated(np.log(deviations), DEVIATION_STEPS),
        "labels": model.reference.labels.astype(np.uint8).tobytes(),
    }
    return Film(name, packed({"id": name, "page": page}))


def picture(
    text: Text,
    model: Resolved,
    frames: Sequence[Reconstruction],
    found: Sequence[Codes],
    window: Window,
    count: int,
) -> Film:
    """A picture's film, and what is said beside the map.

    frames: its reconstruction at each of the model's stops, from the posterior's mean. found: the
    reference pictures' codes there. count: number of reference posteriors that are drawn.
    """
    betas = model.metrics.betas
    name = picture_id(text, model, frames[0].observed, window, count)
    page = {
        **_pictures([frame.mean for frame in frames]),
        "means": _numbers([frame.posterior_mean for frame in frames]),
        "deviations": _numbers([frame.posterior_deviation for frame in frames]),
        "alts": [
            latent_sentences.plane_alt(text, now, at, frame, window, count, None)
            for now, at, frame in zip(betas, found, frames, strict=True)
        ],
        "numbers": [
            {
                "alt": sentences.reconstruction_alt(text, model, now.beta, frame),
                "says": _says(text, frame, at, window),
            }
            for now, at, frame in zip(betas, found, frames, strict=True)
        ],
    }
    return Film(name, packed({"id": name, "page": page}))


def pin(text: Text, model: Resolved, point: Point, images: np.ndarray) -> Film:
    """A pinned point's film. images: (B, C, H, W), what it decodes to at each of the stops."""
    name = pin_id(text, model, point)
    page = {
        **_pictures(list(images)),
        "alts": [
            latent_sentences.pinned_alt(text, model, float(image.mean()), *point)
            for image in images
        ],
    }
    return Film(name, packed({"id": name, "page": page}))


def shown(
    text: Text,
    model: Resolved,
    seen: Reconstruction,
    window: Window,
    count: int,
    pinned: Point | None,
    *,
    at: float,
    scope: str,
) -> dict[str, Any]:
    """Where a view finds its films. at: beta of the server's answer, scope: of the views."""
    return {
        "scope": scope,
        "at": stops(model).index(at),
        "codes": codes_id(model),
        "picture": picture_id(text, model, seen.observed, window, count),
        "pin": pin_id(text, model, pinned) if pinned else None,
    }


def numbers(
    text: Text,
    model: Resolved,
    beta: float,
    seen: Reconstruction,
    found: Codes,
    posterior: PosteriorMap | None,
    window: Window,
    *,
    films: dict[str, Any] | None,
) -> dict[str, Any]:
    """Data of the numbers beside the map: the picture at one beta, and what is said of it.

    films: from `shown`, None where beta does not move.
    """
    says = _says(text, seen, found, window)
    if posterior:
        says["posterior"] = marked(latent_sentences.posterior(text, beta, posterior))
        says["tiny"] = "" if posterior.visible(window) else marked(text("map.tiny"))
    return {
        # Without the pin, which changes nothing here.
        "films": films and {name: films[name] for name in ("scope", "at", "picture")},
        "seen": {
            "name": text("picture.seen"),
            "picture": pictures.picture_uri(seen.observed),
            "alt": sentences.seen_alt(text, model, seen),
        },
        "reconstruction": {
            "name": text("picture.reconstruction"),
            "picture": pictures.picture_uri(seen.mean),
            "alt": sentences.reconstruction_alt(text, model, beta, seen),
        },
        "says": says,
        "later": marked(text("map.later")),
    }


def _says(text: Text, seen: Reconstruction, found: Codes, window: Window) -> dict[str, str]:
    """What is said beside the map at any beta, in HTML."""
    return {
        "own": marked(latent_sentences.own(text, seen)),
        "aggregate": marked(latent_sentences.aggregate(text, found)),
        "outside": marked(latent_sentences.outlier_count(text, found, window)),
    }


def _id(kind: str, model: Resolved, *parts: object) -> str:
    return digest(kind, model.name, repr((model.source, stops(model), parts))).hex()


def _pictures(images: list[np.ndarray]) -> dict[str, Any]:
    """Pictures (C, H, W) in [0, 1] below one another, as a WebP without loss."""
    _, height, width = images[0].shape
    column = np.concatenate([pictures.to_uint8(image) for image in images])
    return {"height": height, "width": width, "pictures": pictures.lossless_webp(column)}


def _numbers(rows: list[np.ndarray]) -> bytes:
    return np.stack(rows).astype("<f4").tobytes()


def _deflated(values: np.ndarray, steps: int) -> bytes:
    """Numbers (stops, …) as whole steps, deflated.

    They change smoothly from stop to stop, so that their second differences are small: with the
    sign in the lowest bit, and bytes of one significance together, most are zeros.
    """
    whole = np.rint(values.astype(np.float64) * steps).astype(np.int32)
    for _ in range(2):
        whole = np.diff(whole, axis=0, prepend=np.zeros_like(whole[:1]))
    unsigned = ((whole << 1) ^ (whole >> 31)).astype("<u4")
    return zlib.compress(unsigned.reshape(-1, 1).view(np.uint8).T.tobytes(), 9)
