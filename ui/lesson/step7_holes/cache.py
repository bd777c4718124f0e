"""Cached results of step 7: codes of the plane, and the map of its holes."""

from ui.lesson.step7_holes import view
from ui.service.cache import shared_cache
from vae.experiments.lesson import holes
from vae.experiments.lesson.holes import Plane
from vae.hub.sources import WithReference


@shared_cache(64)
def latent_plane(model: WithReference, beta: float) -> Plane:
    """The reference pictures' codes at one beta, and the holes between them; about 0.05 MB."""
    return holes.plane(model.network, model.reference.images, beta)


@shared_cache(64)
def hole_map(model: WithReference, beta: float) -> str:
    """The map of codes and holes, as a data URI; about 0.06 MB."""
    return view.map_picture(latent_plane(model, beta).holes, model.reference.labels)
