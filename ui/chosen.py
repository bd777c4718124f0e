"""What is looked at: a model, at a point of its beta scale."""

from dataclasses import dataclass

from vae.hub import Resolved
from vae.metrics import BetaMetrics


@dataclass(frozen=True)
class Chosen:
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
