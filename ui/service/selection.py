"""What is looked at: a model, at a point of its beta scale."""

from dataclasses import dataclass

from vae.hub.metrics import BetaMetrics
from vae.hub.sources import Resolved


@dataclass(frozen=True)
class Selection:
    """now: the test set's measurements at the chosen beta."""

    model: Resolved
    now: BetaMetrics

    @property
    def beta(self) -> float:
        return self.now.beta

    @property
    def autoencoder(self) -> bool:
        """A plain one: without beta, noise, rate or prior."""
        return self.model.model.config.autoencoder
