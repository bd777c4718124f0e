"""A one-dimensional Gaussian with given mu and log sigma^2: its density and its KL to the prior."""

import math
from dataclasses import dataclass

import numpy as np

PLACES = 241  # of a curve
REACH = 4.0  # standard deviations that a curve covers to each side, of the wider of two Gaussians
MEANS = (-3.0, 3.0)  # that the curve over mu covers
LOG_VARIANCES = (-6.0, 3.0)  # that the curve over log sigma^2 covers


@dataclass(frozen=True)
class Curve:
    """A function as points x, y: (P,) float64."""

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class GaussianKL:
    """KL(N(mu, sigma^2) || N(0, 1)) in nats, and its three parts.

    mean_part = mu^2 / 2, variance_part = sigma^2 / 2, log_part = -(log sigma^2 + 1) / 2; their sum
    is the KL. posterior, prior: the densities. over_mean, over_log_variance: the KL as a function
    of one parameter, the other kept.
    """

    mean: float
    log_variance: float
    mean_part: float
    variance_part: float
    log_part: float
    posterior: Curve
    prior: Curve
    over_mean: Curve
    over_log_variance: Curve

    @property
    def deviation(self) -> float:
        """sigma = exp(log sigma^2 / 2)."""
        return math.exp(0.5 * self.log_variance)

    @property
    def nats(self) -> float:
        """The KL, nats."""
        return self.mean_part + self.variance_part + self.log_part


def normal_density(x: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """Density of N(mean, deviation^2) at x, float64, any shape."""
    away = (np.asarray(x, np.float64) - mean) / deviation
    return np.exp(-0.5 * away**2) / (deviation * math.sqrt(2 * math.pi))


def kl_parts(
    mean: np.ndarray | float, log_variance: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """mu^2 / 2, sigma^2 / 2 and -(log sigma^2 + 1) / 2, the three parts of the KL, nats.

    Their sum is KL(N(mu, sigma^2) || N(0, 1)). Kingma & Welling 2014, appendix B.
    """
    mean, log_variance = np.asarray(mean, np.float64), np.asarray(log_variance, np.float64)
    return mean**2 / 2, np.exp(log_variance) / 2, -(log_variance + 1) / 2


def gaussian_kl(mean: float, log_variance: float) -> GaussianKL:
    """The KL in one dimension of a posterior with this mu and log sigma^2.

    Raises ValueError for numbers not finite.
    """
    if not (math.isfinite(mean) and math.isfinite(log_variance)):
        raise ValueError("mu and log sigma^2 must be finite")
    deviation = math.exp(0.5 * log_variance)
    reach = max(REACH, abs(mean) + REACH * deviation)
    # Of a narrow Gaussian an even grid would miss the peak.
    places = np.unique(
        np.concatenate(
            [
                np.linspace(-reach, reach, PLACES),
                mean + deviation * np.linspace(-REACH, REACH, PLACES // 2),
            ]
        )
    )
    means, log_variances = np.linspace(*MEANS, PLACES), np.linspace(*LOG_VARIANCES, PLACES)
    mean_part, variance_part, log_part = (float(part) for part in kl_parts(mean, log_variance))
    return GaussianKL(
        mean,
        log_variance,
        mean_part,
        variance_part,
        log_part,
        posterior=Curve(places, normal_density(places, mean, deviation)),
        prior=Curve(places, normal_density(places, 0, 1)),
        over_mean=Curve(means, _kl(means, log_variance)),
        over_log_variance=Curve(log_variances, _kl(mean, log_variances)),
    )


def _kl(mean: np.ndarray | float, log_variance: np.ndarray | float) -> np.ndarray:
    of_mean, of_variance, of_log = kl_parts(mean, log_variance)
    return of_mean + of_variance + of_log
