"""Data of the map in the browser: tiles as one picture, codes as packed numbers. Pure."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ui.view import figures, pictures
from ui.view.digest import digest
from vae import experiments
from vae.experiments import Codes, PosteriorMap, Reconstruction, Window
from vae.experiments.lesson.plane import PixelPlane
from vae.hub.sources import Resolved, WithReference

# Tiles a side: a fifth of a unit each on the whole plane; odd, so that one lies in the middle.
SIDE = 41
# WebP qualities of the sheet, tried until it is small enough. A pinned point is decoded anew and
# shown exactly.
QUALITIES = (40, 25, 15)
MOST_BYTES = 115_000  # of the sheet, for a phone's network
MOST_POSTERIORS = 1000
# Circles at standard deviations: of the prior, or of a normal distribution that is no prior.
SOLID, DASHED = "solid", "dashed"
POSTERIOR_ALPHA = (0, 60, 120, 190)  # outside, and inside one, two or three of the regions


@dataclass(frozen=True)
class Atlas:
    """Tiles and codes of a window, which the browser gets once for each beta and window.

    codes: of the reference pictures, None where none are drawn.
    """

    codes: Codes | None
    data: dict[str, Any]

    @property
    def id(self) -> str:
        return self.data["id"]


@dataclass(frozen=True)
class AtlasOfCodes(Atlas):
    """Tiles of the latent plane, on which the reference pictures have codes."""

    codes: Codes


def spacing(window: Window) -> float:
    """Distance between the centres of neighbouring tiles."""
    return 2 * window.half / SIDE


@dataclass(frozen=True)
class Ellipse:
    """Another diagonal Gaussian on the map, drawn at 1, 2 and 3 standard deviations."""

    mean: tuple[float, float]
    deviation: tuple[float, float]
    colour: str


def draw(model: WithReference, beta: float, window: Window, codes: Codes) -> AtlasOfCodes:
    """Decode the tiles. codes: the reference pictures' at this beta."""
    tiles = experiments.tiles(model.network, window, beta, SIDE)
    deviations = codes.deviation[:MOST_POSTERIORS] if codes.deviation.any() else codes.deviation[:0]
    pixels = pictures.grid(tiles, columns=SIDE, gap=0)
    sheet = next(
        sheet
        for quality in QUALITIES
        if len(sheet := pictures.webp(pixels, quality)) <= MOST_BYTES or quality == QUALITIES[-1]
    )
    return AtlasOfCodes(
        codes,
        {
            "id": _id(sheet, codes.mean, repr(window)),
            "sheet": pictures.uri("webp", sheet),
            "means": _packed(codes.mean, "<f4"),
            "deviations": _packed(deviations, "<f4"),
            "labels": _packed(model.reference.labels, "u1"),
        },
    )


def of_plane(plane: PixelPlane, window: Window) -> Atlas:
    """A plane of pixel space, without codes.

    The browser computes its tiles as sums of three pictures, which saves the server the work.
    """
    pictures_sent = {
        name: _packed(getattr(plane, name), "<f4") for name in ("base", "across", "up")
    }
    return Atlas(
        None,
        {
            "id": _id(plane.base, plane.across, plane.up, repr(window)),
            "means": "",
            "deviations": "",
            "labels": "",
            "plane": pictures_sent
            | {"side": SIDE, "tile": list(plane.base.shape[1:]), "window": vars(window)},
        },
    )


def view(
    atlas: Atlas,
    model: Resolved,
    window: Window,
    own: Reconstruction | None,
    *,
    count: int = 0,
    posterior: PosteriorMap | None = None,
    pin: dict[str, object] | None,
    pinned: bool,
    legend: Sequence[dict[str, str]],
    text: dict[str, str],
    alt: str,
    rings: str = SOLID,
    codes: bool = True,
    ellipses: Sequence[Ellipse] = (),
    trail: Sequence[tuple[float, float]] = (),
    films: dict[str, Any] | None = None,
) -> dict[str, object]:
    """One view of the map, as ui/widgets/components/latent_map.js draws it.

    own: the picture whose q is drawn and pointed to, if any. count: number of reference pictures
    whose posteriors are drawn. pinned: whether a point is pinned, even outside the window, where
    `pin` is None. rings: SOLID or DASHED. codes: whether the reference pictures' codes are drawn.
    ellipses: other Gaussians. trail: points joined by a line, in the order in which they were
    visited. films: where the browser finds the map at other betas, where beta moves.
    """
    _, height, width = model.network.config.image_shape
    return {
        "tiles": atlas.id,
        "films": films,
        "side": SIDE,
        "tile": [height, width],
        "window": vars(window),
        "count": count,
        "codes": codes,
        "own": own
        and {"mean": own.posterior_mean.tolist(), "deviation": own.posterior_deviation.tolist()},
        "rings": rings,
        "pin": pin,
        "pinned": pinned,
        "alt": alt,
        "text": text,
        "legend": list(legend),
        "ellipses": [vars(ellipse) for ellipse in ellipses],
        "trail": [list(point) for point in trail],
        "posterior": posterior
        and {"window": vars(posterior.window), "picture": posterior_picture(posterior)},
        "colours": figures.DIGITS,
        "ownColour": figures.OWN,
    }


def posterior_picture(posterior: PosteriorMap) -> str:
    """The posterior's three regions in one colour, transparent outside, as a data URI."""
    colour = tuple(int(figures.POSTERIOR[place : place + 2], 16) for place in (1, 3, 5))
    pixels = np.empty((*posterior.shares.shape, 4), np.uint8)
    pixels[..., :3] = colour
    pixels[..., 3] = np.array(POSTERIOR_ALPHA, np.uint8)[posterior.shares]
    return pictures.uri("png", pictures.png(pixels))


def _id(*parts: np.ndarray | bytes | str) -> str:
    """The atlas's name in the browser, which keeps the tiles of each."""
    return digest(*parts).hex()[:16]


def _packed(values: np.ndarray, kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()
