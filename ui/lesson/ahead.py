"""Computations ahead of the visitors: default views of the pages, and films that all share."""

from collections.abc import Callable
from functools import partial

from ui.film import frames
from ui.film.frames import GallerySettings
from ui.lesson.step7_holes.cache import measure
from ui.service import cache, navigation
from ui.service.api import DEFAULT_MODEL
from ui.service.validation import DEFAULT_SEED
from ui.text import DEFAULT, LANGUAGES
from vae.hub import sources
from vae.hub.sources import WithReference

PLANE = "mnist-2d"  # the model of the map and of the lesson
GALLERY = GallerySettings(count=32, seed=DEFAULT_SEED, temperature=1.0, draw_pixels=False)


def views() -> list[tuple[str, str]]:
    """Name and query of each page as a first visitor opens it, the first page in each language.

    Only what the first page computes for everybody has words in it.
    """
    first, *others = (name for names in navigation.SECTIONS.values() for name in names)
    return [(first, f"lang={code}") for code in LANGUAGES] + [
        (name, f"lang={DEFAULT}") for name in others
    ]


def films() -> list[Callable[[], object]]:
    """What browsers ask for once a page is there: the gallery, and step 7's planes, one by one."""
    return [
        *(partial(_gallery, language) for language in LANGUAGES),
        *(partial(_plane, stop) for stop in range(len(frames.stops(sources.resolve(PLANE))))),
    ]


def _gallery(language: str) -> None:
    cache.gallery_film(sources.resolve(DEFAULT_MODEL), GALLERY, language)


def _plane(stop: int) -> None:
    model = sources.resolve(PLANE)
    if model.reference is not None:
        measure(WithReference(**vars(model)), stop)
