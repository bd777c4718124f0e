"""Data of the film's views: what each is told besides the film, in the page's language. Pure.

Also their files, from which both front ends make components. scope: name of the views that move
together; at: number of the stop that is shown where nobody has moved yet.
"""

from pathlib import Path
from typing import Any

from ui.film.frames import COLOURS, stops
from ui.text import Text
from ui.view import sentences
from ui.view.source_picture import SourcePicture
from vae.hub.sources import Resolved

_FOLDER = Path(__file__).parent
Data = dict[str, Any]


def content(name: str) -> str:
    """The text of a view's page, style or script, such as flow.js."""
    return (_FOLDER / name).read_text(encoding="utf-8")


def beta_bar(text: Text, model: Resolved, *, at: int, scope: str) -> Data:
    """Data of the slider of beta."""
    betas = stops(model)
    return {
        "scope": scope,
        "betas": betas,
        "labels": [f"{beta:g}" for beta in betas],
        "at": at,
        "words": {
            "beta": text("sidebar.beta"),
            "ends": text("sidebar.beta_ends", low=f"{betas[0]:g}", high=f"{betas[-1]:g}"),
            "alt": text("film.beta_alt", beta="{beta}", number="{n}", count="{count}"),
            "help": text("sidebar.beta_help"),
        },
    }


def flow(
    text: Text,
    model: Resolved,
    film_id: str,
    source: SourcePicture,
    *,
    at: int,
    scope: str,
    use_mean: bool,
) -> Data:
    """Data of the picture's way through the network, and of its loss."""
    autoencoder = model.network.config.autoencoder
    if autoencoder:
        drawn = text("film.point_drawn")
    else:
        drawn = text("film.mean_drawn") if use_mean else text("film.drawn")
    return {
        "scope": scope,
        "film": film_id,
        "at": at,
        "file": {"source": source.file, "alt": sentences.file_alt(text, source.view)},
        "words": {
            "file": text("picture.file"),
            "seen": text("picture.seen"),
            "reconstruction": text("picture.reconstruction"),
            "difference": text("picture.difference"),
            "key": text("picture.difference_key", stuff=sentences.pixel_meaning(text, model)),
            "interval": text("code.interval"),
            "drawn": drawn,
            "axis": text("code.point_axis" if autoencoder else "code.axis"),
            "this": text("breakdown.this"),
            "average": text("breakdown.average"),
            "distortion": text("breakdown.distortion"),
            "rate": text("breakdown.rate"),
            "close": text("film.close"),
            "point": text(
                "film.point_hover" if autoencoder else "film.hover",
                name="{name}",
                mean="{mu}",
                deviation="{sigma}",
                z="{z}",
            ),
        },
        "colours": COLOURS,
    }


def plane(text: Text, film_id: str, *, at: int, scope: str, still: bool = False) -> Data:
    """Data of the rate–distortion plane. still: whether its points move no beta."""
    return {
        "scope": scope,
        "film": film_id,
        "still": still,
        "at": at,
        "words": {
            "test": text("plane.test"),
            "own": text("plane.own"),
            "dedicated": text("plane.dedicated"),
            "current": text("plane.current", beta="{beta}"),
            "rate": text("plane.rate"),
            "distortion": text("plane.distortion"),
            "click": text("plane.click"),
            "point": text(
                "film.plane_hover", beta="{beta}", distortion="{distortion}", rate="{rate}"
            ),
        },
        "colours": COLOURS,
    }


def gallery(text: Text, gallery_id: str, *, at: int, scope: str) -> Data:
    """Data of the gallery of samples from the prior."""
    return {
        "scope": scope,
        "gallery": gallery_id,
        "at": at,
        "words": {"download": text("gallery.download"), "waiting": text("film.waiting")},
    }
