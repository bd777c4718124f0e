"""Pages of step 7's film: what its views show at each stop of beta. Pure."""

from collections.abc import Mapping

import numpy as np

from ui.film import parts
from ui.film.frames import Film, stops
from ui.film.parts import Row
from ui.lesson.step7_holes import view
from ui.text import Text
from vae.experiments.lesson.holes import Plane, PriorPictures, Walk
from vae.hub.sources import Resolved

TICKS = (0.001, 0.01, 0.1, 1, 10)  # of beta


def prior(text: Text, model: Resolved, named: str, found: Mapping[int, PriorPictures]) -> Film:
    """The page of the decoded draws and of the rate.

    found: by the numbers of their stops. named: the page.
    """
    betas, entries = stops(model), model.metrics.betas
    count = len(betas)
    rows = {
        stop: Row(decoded.images, (), view.prior_alt(text, entries[stop], decoded))
        for stop, decoded in found.items()
    }
    numbers = {
        stop: view.beta_numbers(text, entries[stop], decoded) for stop, decoded in found.items()
    }
    dead = [stop for stop, entry in enumerate(entries) if entry.active_units == 0]
    curve = {
        "betas": betas,
        "values": [entry.rate for entry in entries],
        "labels": [f"{entry.rate:.2f}" for entry in entries],
        "alts": [view.rate_alt(text, model.metrics, entry) for entry in entries],
        "region": dead[0] if dead else None,
        "ticks": [tick for tick in TICKS if betas[0] <= tick <= betas[-1]],
    }
    return parts.page(
        named,
        betas,
        found,
        strips={"prior": parts.strip(count, rows)},
        says={"numbers": parts.says(count, numbers)},
        curves={"rate": curve},
    )


def planes(text: Text, model: Resolved, named: str, found: Mapping[int, Plane]) -> Film:
    """The page of the aggregate posterior and the holes."""
    betas = stops(model)
    numbers = {stop: view.plane_numbers(text, plane.holes) for stop, plane in found.items()}
    return parts.page(named, betas, found, says={"plane": parts.says(len(betas), numbers)})


def walks(
    text: Text,
    model: Resolved,
    named: str,
    ways: Mapping[int, tuple[Walk, Walk]],
    collapsed: frozenset[int],
    images: np.ndarray,
) -> Film:
    """The page of the two walks: the plain autoencoder's and the VAE's, at each stop.

    collapsed: stops at which all codes lie in one place. images: (N, 1, H, W) uint8, the reference
    pictures.
    """
    betas = stops(model)
    count = len(betas)
    strips, says = {}, {}
    for number, kind in enumerate(("plain", "vae")):
        rows = {stop: _walk(text, pair[number]) for stop, pair in ways.items()}
        strips[kind] = parts.strip(count, rows)
        for name, say in (("title", view.walk_title), ("numbers", view.walk_numbers)):
            said = {stop: say(text, pair[number]) for stop, pair in ways.items()}
            says[f"{kind}_{name}"] = parts.says(count, said)
    ends = {
        stop: Row(images[[way.start, way.end]] / 255, (), view.ends_alt(text, way))
        for stop, (way, _) in ways.items()
    }
    strips["ends"] = parts.strip(count, ends)
    says["ends"] = parts.says(
        count, {stop: view.end_pictures(text, way) for stop, (way, _) in ways.items()}
    )
    note = text("step7.walk_collapsed")
    says["collapsed"] = parts.says(
        count, {stop: note if stop in collapsed else "" for stop in ways}
    )
    return parts.page(named, betas, ways, strips=strips, says=says)


def _walk(text: Text, way: Walk) -> Row:
    numbers = tuple(f"{distance:.2f}" for distance in way.distances)
    return Row(way.images, numbers, view.walk_alt(text, way))
