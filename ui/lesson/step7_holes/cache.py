"""Cached results of step 7: codes of the plane, the map of its holes, and the film of beta."""

import time
from collections.abc import Iterable

from ui.film import parts
from ui.film.frames import Film, stops
from ui.lesson.step7_holes import film, view
from ui.service.cache import codes_at, is_kept, reference_codes, shared_cache, slow_lock
from ui.text import Text
from vae.experiments.lesson import holes
from vae.experiments.lesson.holes import Plane, Walk
from vae.hub.sources import Resolved, WithReference

SECONDS = 1.0  # for which planes are measured at once: what a student does meanwhile waits


@shared_cache(128)
def latent_plane(model: WithReference, beta: float) -> Plane:
    """The reference pictures' codes at one beta, and the holes between them; about 0.05 MB."""
    return holes.plane(codes_at(model, beta), beta)


@shared_cache(64)
def hole_map(model: WithReference, beta: float) -> str:
    """The map of codes and holes, as a data URI; about 0.06 MB."""
    return view.map_picture(latent_plane(model, beta).holes, model.reference.labels)


def known(model: WithReference) -> tuple[int, ...]:
    """Numbers of the stops at which the plane has been measured."""
    return tuple(
        stop for stop, beta in enumerate(stops(model)) if is_kept(latent_plane, model, beta)
    )


def measure(model: WithReference, wanted: int) -> None:
    """Measure planes for a second or so: those that are missing near a stop first."""
    reference_codes(model)  # at all stops: a seventh of the time that they take one by one
    begun = time.monotonic()
    betas, have = stops(model), known(model)
    missing = [stop for stop in range(len(betas)) if stop not in have]
    for stop in sorted(missing, key=lambda stop: abs(stop - wanted)):
        with slow_lock:
            latent_plane(model, betas[stop])
        if time.monotonic() - begun > SECONDS:
            break


def prior_name(model: Resolved, seed: int, language: str) -> str:
    return parts.name("step7 prior", model.name, model.source, stops(model), seed, language)


def walks_name(model: Resolved, kind: str, language: str) -> str:
    return parts.name("step7 walks", model.name, model.source, stops(model), kind, language)


def planes_name(model: Resolved, language: str) -> str:
    return parts.name("step7 planes", model.name, model.source, stops(model), language)


@shared_cache(32)
def prior_film(model: Resolved, seed: int, language: str) -> Film:
    """The decoded draws at every stop; about 0.05 MB."""
    return prior(model, seed, language, range(len(stops(model))), prior_name(model, seed, language))


def prior(model: Resolved, seed: int, language: str, at: Iterable[int], named: str) -> Film:
    """The decoded draws at these stops."""
    betas = stops(model)
    found = {stop: holes.prior_pictures(model.network, betas[stop], seed=seed) for stop in at}
    return film.prior(Text(language), model, named, found)


def planes(model: WithReference, language: str, at: Iterable[int], named: str) -> Film:
    """What was measured at these stops."""
    betas = stops(model)
    found = {stop: latent_plane(model, betas[stop]) for stop in at}
    return film.planes(Text(language), model, named, found)


@shared_cache(8)
def walks_film(model: WithReference, plain: WithReference, kind: str, language: str) -> Film:
    """The walks at every stop, of which the planes have been measured; about 0.1 MB."""
    named = walks_name(model, kind, language)
    return walks(model, plain, kind, language, range(len(stops(model))), named)


def walks(
    model: WithReference,
    plain: WithReference,
    kind: str,
    language: str,
    at: Iterable[int],
    named: str,
) -> Film:
    """The walks at these stops. kind: whose emptiest place they cross, "plain" or "beta"."""
    betas, labels = stops(model), model.reference.labels
    of_plain = latent_plane(plain, 0.0)
    ways: dict[int, tuple[Walk, Walk]] = {}
    plain_ways: dict[tuple[int, int], Walk] = {}  # a few pairs serve most stops
    collapsed = set()
    for stop in at:
        beta = betas[stop]
        found = latent_plane(model, beta)
        pair = (of_plain if kind == "plain" else found).pair
        if pair not in plain_ways:
            plain_ways[pair] = holes.walk(plain.network, of_plain.codes, labels, pair, 0.0)
        ways[stop] = (
            plain_ways[pair],
            holes.walk(model.network, found.codes, labels, pair, beta),
        )
        if found.collapsed:
            collapsed.add(stop)
    images = model.reference.images
    return film.walks(Text(language), model, named, ways, frozenset(collapsed), images)
