"""Cached results of step 2: distances and log p(x) of test pictures, codes, pixel planes."""

from ui.service.cache import shared_cache, slow_lock
from vae.experiments.lesson import plane
from vae.experiments.lesson.plane import Crowd, PixelPlane
from vae.hub.sources import WithReference


@shared_cache(8)
def typical_distance(model: WithReference) -> float:
    """Typical distance between two reference pictures."""
    return plane.typical_distance(model.reference.images)


@shared_cache(16)
def crowds(
    model: WithReference, planes: tuple[PixelPlane, ...], beta: float, seed: int
) -> dict[str, Crowd]:
    """Test pictures, pictures of codes and of pixel planes, with mean log p(x); about 0.6 MB."""
    with slow_lock:
        found = plane.crowds(model.network, planes, model.reference.images, beta, seed=seed)
    return {crowd.kind: crowd for crowd in found}
