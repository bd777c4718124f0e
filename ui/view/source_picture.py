"""A picture from a source (example, file, drawing, camera), as both front ends show it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ui.view import pictures
from ui.view.pictures import SHARP, THUMBNAIL
from vae.hub.sources import Resolved
from vae.images import framing
from vae.images.reading import Step, View
from vae.model import VAE


@dataclass(frozen=True)
class SourcePicture:
    """A picture from a source, with data URIs that are encoded once, not at every move of beta."""

    view: View
    is_example: bool = False  # one of the model's own, which everybody has

    @property
    def image(self) -> np.ndarray:
        """The image before it is observed, (C, H, W) float32 in [0, 1]."""
        return self.view.image.numpy()

    @cached_property
    def file(self) -> str:
        """The original picture, as a data URI."""
        return pictures.photo_uri(self.view.steps[0].image, SHARP)

    @cached_property
    def guide(self) -> str:
        """The framed part with lines for eyes and mouth, as a data URI."""
        return pictures.guide_uri(self.view.steps[-2].image, (framing.EYES, framing.MOUTH))

    @cached_property
    def thumbnails(self) -> dict[str, str]:
        """The name of each step of preprocessing and its picture as a data URI, in order."""
        return {step.name: pictures.photo_uri(step.image, THUMBNAIL) for step in self.view.steps}


def example(model: Resolved, name: str | None, first: int = 0) -> SourcePicture:
    """The model's example of a name, or else the one with the number `first`.

    It is encoded once, for all visitors.
    """
    names = model.examples.names
    name = name if name in names else names[first % len(names)]
    if (model.network, name) not in _examples:
        image = model.examples.picture(name)
        _examples[model.network, name] = SourcePicture(
            View(image, (Step("file", pictures.to_uint8(image.numpy())),)), is_example=True
        )
    return _examples[model.network, name]


_examples: dict[tuple[VAE, str], SourcePicture] = {}  # at most twelve of each model
