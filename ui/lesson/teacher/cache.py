"""Cached results of the teacher's page: the worksheet's answers."""

from ui.service.cache import shared_cache
from vae.experiments.lesson import worksheet
from vae.experiments.lesson.worksheet import Solutions
from vae.hub.sources import Resolved


@shared_cache(64)
def solutions(plane: Resolved, lab: Resolved, example: str, seed: int) -> Solutions:
    """The worksheet's answers for an example of `plane`."""
    picture = plane.examples.picture(example).numpy()
    return worksheet.solve(plane.network, picture, lab.metrics, seed=seed)
