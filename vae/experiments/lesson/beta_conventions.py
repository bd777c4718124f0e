"""Sum or mean: the same training under the names that different code gives to its one weight.

With P pixel values, D latent dimensions, BCE and SE the sums over the pixels of a picture and KL
the sum over dimensions, all these are the same problem, each multiplied by a constant that moves no
minimum:

    this package              BCE + beta KL                     beta
    mean over pixels          BCE / P + w KL                    w = beta / P
    both are means            BCE / P + w KL / D                w = beta D / P
    weight on reconstruction  BETA BCE / P + KL                 BETA = P / beta

(The last one is D. Foster's in Generative Deep Learning.) A Gaussian decoder N(x; decoder(z),
sigma^2) has -log p(x|z) = SE / (2 sigma^2) + P log(sigma sqrt(2 pi)). While sigma is fixed, only
the first term depends on the networks. Let beta be the weight of KL beside the nats of such a
decoder with sigma = 1:

    sum of squared errors     SE + w KL                         w = 2 beta
    mean of squared errors    SE / P + w KL                     w = 2 beta / P
    sigma, weight of KL 1     SE / (2 sigma^2) + KL             sigma = sqrt(beta)

A mean over the batch multiplies both terms and changes nothing.
"""

import math
from dataclasses import dataclass

from vae.hub.metrics import Metrics

CONVENTIONS = ("sum", "mean", "means", "reconstruction", "squared_sum", "squared_mean", "sigma")
# of a decoder whose pixels are normal, the others of any
GAUSSIAN = ("squared_sum", "squared_mean", "sigma")


@dataclass(frozen=True)
class Conventions:
    """One training, and the number that each convention gives to it, in the order of CONVENTIONS.

    beta: this package's.
    """

    pixels: int
    dimensions: int
    beta: float
    weights: dict[str, float]


@dataclass(frozen=True)
class Trap:
    """A weight that is easily taken for another beta than it is.

    The convention, its number, the sizes, and the beta.
    """

    convention: str
    weight: float
    pixels: int
    dimensions: int
    beta: float


def to_beta(convention: str, weight: float, *, pixels: int, dimensions: int) -> float:
    """This package's beta for a convention's number.

    pixels: pixel values of a picture (colours count three times). Raises ValueError for a
    convention that is none of CONVENTIONS, a weight that is not positive, or no pixels or
    dimensions.
    """
    _require(convention, weight, pixels, dimensions)
    if convention == "reconstruction":
        return pixels / weight
    if convention == "sigma":
        return weight**2
    return weight * _per_beta(convention, pixels, dimensions)


def from_beta(convention: str, beta: float, *, pixels: int, dimensions: int) -> float:
    """The number that a convention gives to this package's beta. Errors as to_beta."""
    _require(convention, beta, pixels, dimensions)
    if convention == "reconstruction":
        return pixels / beta
    if convention == "sigma":
        return math.sqrt(beta)
    return beta / _per_beta(convention, pixels, dimensions)


def convert(convention: str, weight: float, *, pixels: int, dimensions: int) -> Conventions:
    """One training expressed in every convention. Errors as to_beta."""
    beta = to_beta(convention, weight, pixels=pixels, dimensions=dimensions)
    return Conventions(
        pixels,
        dimensions,
        beta,
        {name: from_beta(name, beta, pixels=pixels, dimensions=dimensions) for name in CONVENTIONS},
    )


def traps() -> tuple[Trap, ...]:
    """Settings of code that is in use whose weight is not the beta that it seems to be.

    Weights of 1 beside a mean, and D. Foster's 500 on the reconstruction.
    """
    cases = (
        ("mean", 1.0, 28 * 28, 32),
        ("means", 1.0, 28 * 28, 32),
        ("squared_mean", 1.0, 3 * 64 * 64, 128),
        ("reconstruction", 500.0, 32 * 32, 200),
    )
    return tuple(
        Trap(*case, to_beta(*case[:2], pixels=case[2], dimensions=case[3])) for case in cases
    )


def empty_from(metrics: Metrics) -> float | None:
    """The smallest measured beta from which on no dimension of the code is active, or None."""
    alive = max((entry.beta for entry in metrics.betas if entry.active_units), default=-math.inf)
    return next((entry.beta for entry in metrics.betas if entry.beta > alive), None)


def _per_beta(convention: str, pixels: int, dimensions: int) -> float:
    """The weight that a convention gives to beta = 1."""
    factors = {
        "sum": 1.0,
        "mean": pixels,
        "means": pixels / dimensions,
        "squared_sum": 0.5,
        "squared_mean": pixels / 2,
    }
    return factors[convention]


def _require(convention: str, number: float, pixels: int, dimensions: int) -> None:
    if convention not in CONVENTIONS:
        raise ValueError(f"{convention!r} is none of {CONVENTIONS}")
    if not (math.isfinite(number) and number > 0 and pixels >= 1 and dimensions >= 1):
        raise ValueError(
            "a weight must be positive and finite, and there must be pixels and dimensions"
        )
