"""Data of the views that show parts of a page's film, in the page's language. Pure.

pages: names of the pages that a view shows, the one that it prefers first; scope and at as in
ui.film.views.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plotly.colors import get_colorscale

from ui.film.views import content
from ui.text import Text
from ui.view import latent_sentences
from ui.view.figures import CURVE, OWN, RATE
from vae.hub.metrics import ACTIVE_NATS
from vae.hub.sources import Resolved

VIEWS = ("strip", "sentences", "curve", "bars", "heat", "awaited")
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./(\w+)\.js";\n', re.MULTILINE)
Data = dict[str, Any]


def script(name: str) -> str:
    """The script of a view in one text, as a component needs it: its imports in their places."""

    def imported(match: re.Match[str]) -> str:
        return re.sub(r"^export ", "", content(f"{match[1]}.js"), flags=re.MULTILINE)

    return _IMPORT.sub(imported, content(f"{name}.js"))


def following(scope: str, at: int, pages: Sequence[str]) -> Data:
    """What all views of a page's film are told."""
    return {"scope": scope, "at": at, "pages": list(pages)}


def awaited(waiting: str, count: int) -> Data:
    """Data of what asks for the missing stops. waiting: says so, with {known} and {count}."""
    return {"count": count, "words": {"waiting": waiting}}


def curve(name: str, *, across: str, down: str, region: str, point: str) -> Data:
    """Data of a curve over beta. across, down: the axes' names. point: with {beta} and {value}."""
    return {
        "curve": name,
        "words": {"across": across, "down": down, "region": region, "point": point},
        "colours": {"line": RATE, "ring": OWN, "region": CURVE},
    }


def bars(text: Text, chosen: int, names: Mapping[int, str]) -> Data:
    """Data of the rates of each dimension. names: the student's, of dimensions."""
    return {
        "chosen": chosen,
        "names": {str(dimension): named for dimension, named in names.items()},
        "words": {
            "mean": text("dimensions.test"),
            "own": text("dimensions.own"),
            "across": text("dimensions.axis"),
            "down": text("dimensions.nats"),
            "unused": text("dimensions.unused"),
            "dimension": text("code.hover", dimension="{dimension}"),
            "point": text(
                "dimensions.bars_hover", dimension="{dimension}", mean="{mean}", own="{own}"
            ),
        },
        "colours": {"mean": RATE, "own": OWN, "edge": CURVE},
    }


def heat(text: Text, model: Resolved) -> Data:
    """Data of the heat map: the test set's rates, dimensions by betas."""
    ticks = {-3: "≤ 0.001", -2: f"{ACTIVE_NATS:g}", -1: "0.1", 0: "1", 1: "10"}
    return {
        "labels": [f"{entry.beta:g}" for entry in model.metrics.betas],
        "alt": latent_sentences.alive_alt(text, model),
        "ticks": [{"value": 10.0**power, "text": label} for power, label in ticks.items()],
        "words": {
            "across": text("dimensions.beta_axis"),
            "down": text("dimensions.dimension"),
            "scale": text("dimensions.nats"),
            "point": text(
                "dimensions.heat_hover", dimension="{dimension}", beta="{beta}", value="{value}"
            ),
        },
        "colours": {"now": OWN, "scale": [_rgb(colour) for _, colour in get_colorscale("Cividis")]},
    }


def _rgb(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
