"""The selected model, at one point of its beta scale."""

from dataclasses import dataclass

from vae.hub.metrics import BetaMetrics
from vae.hub.sources import Resolved


@dataclass(frozen=True)
class Selection:
    """A model and the test set's measurements at the selected beta."""

    model: Resolved
    beta_metrics: BetaMetrics

    @property
    def beta(self) -> float:
        return self.beta_metrics.beta

    @property
    def autoencoder(self) -> bool:
        """Whether the model is a plain autoencoder: without beta, noise, rate or prior."""
        return self.model.network.config.autoencoder
