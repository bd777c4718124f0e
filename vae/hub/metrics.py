"""Measurements of a model: metrics.json and dedicated.json as data classes.

Written by training, read by the app. All rates and distortions are nats, means over the whole test
set; active units are dimensions whose mean rate exceeds ACTIVE_NATS there.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter

from vae.hub.files import (
    FAIL_FAST,
    Beta,
    Count,
    Nats,
    Seed,
    Share,
    WholeNumber,
    parse_json,
    read_bounded,
)

ACTIVE_NATS = 0.01
QUANTILES = 101  # 0 %, 1 %, …, 100 %
MAX_BYTES = 2**21  # of metrics.json or dedicated.json; a larger file is refused before it is read
MAX_RATE = 1e9  # nats
MIN_RATE_STEP = 0.1  # nats of rate between two betas, for a slope


def _check_rate(rate: float) -> float:
    """The rate itself. Raises ValueError for an impossible one.

    The rate of a dead dimension may round to just below 0, that of a plain autoencoder is infinite.
    """
    if not (-1e-6 <= rate <= MAX_RATE or rate == math.inf):
        raise ValueError(f"a rate is from 0 to {MAX_RATE:g} nats, not {rate:g}")
    return rate


Rate = Annotated[
    float,
    BeforeValidator(lambda value: math.inf if value is None else value),
    AfterValidator(_check_rate),
]
# distortion + beta * rate, nats
Objective = Annotated[float, Field(ge=-1e-3, le=1e16, allow_inf_nan=False)]


@dataclass(frozen=True)
class BetaMetrics:
    """The test set at one beta.

    objective_quantiles: 101 quantiles of distortion + beta * rate over its pictures. beta = 0 is a
    plain autoencoder: its rates are infinite (null in the file), its objective is distortion alone.
    """

    beta: Beta
    rate: Rate
    distortion: Nats
    rate_per_dimension: Annotated[tuple[Rate, ...], FAIL_FAST, Field(min_length=1, max_length=1024)]
    active_units: WholeNumber
    objective_quantiles: Annotated[
        tuple[Objective, ...], FAIL_FAST, Field(min_length=QUANTILES, max_length=QUANTILES)
    ]

    @property
    def negative_elbo(self) -> float:
        """distortion + rate, nats."""
        return self.distortion + self.rate

    @property
    def objective(self) -> float:
        """The training objective at this beta, distortion + beta * rate, nats.

        For a plain autoencoder it is the distortion alone.
        """
        return self.distortion + self.beta * self.rate if self.beta else self.distortion

    @property
    def dimensions_by_rate(self) -> tuple[int, ...]:
        """The latent dimensions in descending order of their rate."""
        return tuple(
            int(dimension)
            for dimension in np.argsort(-np.array(self.rate_per_dimension), kind="stable")
        )

    def active(self, dimension: int) -> bool:
        """Whether this dimension carries more than ACTIVE_NATS about a test picture, on average."""
        return self.rate_per_dimension[dimension] > ACTIVE_NATS

    def share_above(self, objective: float) -> float:
        """The share of test pictures, 0 to 1, with a larger objective at this beta: harder ones."""
        shares = np.linspace(0.0, 1.0, QUANTILES)
        return float(1.0 - np.interp(objective, self.objective_quantiles, shares))


@dataclass(frozen=True)
class ImportanceWeighted:
    """The importance-weighted estimate of -log p(x) at one beta.

    Mean over `count` test pictures, `samples` draws each.
    """

    beta: Beta
    samples: Count
    count: Count
    nats: Nats
    standard_error: Nats


@dataclass(frozen=True)
class BoundBias:
    """Bias of the estimate of −log p(x): the same few pictures with K samples and with more.

    same: with the K of the published estimate. more: with a multiple of it.
    """

    same: ImportanceWeighted
    more: ImportanceWeighted

    @property
    def bias(self) -> float:
        """Nats by which the estimate with fewer samples lies above that with more."""
        return self.same.nats - self.more.nats


@dataclass(frozen=True)
class BinarisationSpread:
    """Mean and standard deviation of distortion + rate over binarisations of the test set."""

    beta: Beta
    count: Count
    negative_elbo: Nats
    spread: Nats


@dataclass(frozen=True)
class Fidelity:
    """Similarity of reconstructed colour pictures to the originals, over the whole test set.

    squared_errors: at each beta of the metrics, mean over pictures, pixels and channels of (E[x|z]
    - x)^2 at z = mu, where white is 1. pca_squared_error: that of the pca_components first
    principal components of the training pictures. identified: the share of reconstructions at beta
    = identified_at, one z ~ q(z|x) each, to which of `candidates` test pictures their own original
    is the nearest.
    """

    squared_errors: Annotated[tuple[Share, ...], FAIL_FAST]
    pca_squared_error: Share
    pca_components: Count
    identified_at: Beta
    candidates: Count
    identified: Share


@dataclass(frozen=True)
class Metrics:
    """The content of metrics.json.

    seed: of the test set's binarisation and of all noise; samples: draws of z for each distortion.
    reference: (beta, rate, distortion) over the pictures of reference.npz alone (of examples.npz
    where there is none), so that a copy of the weights can be checked without the data set.
    fidelity: for models of colour pictures. tighter, repeated: bias and spread of the numbers at
    beta = 1, where they were measured; repeated for models of binarised pictures.
    """

    test_count: Count
    seed: Seed
    samples: Count
    betas: Annotated[tuple[BetaMetrics, ...], FAIL_FAST, Field(min_length=1, max_length=1000)]
    # None: a plain autoencoder has no bound on log p(x)
    importance_weighted: ImportanceWeighted | None
    reference: Annotated[tuple[tuple[Beta, Rate, Nats], ...], FAIL_FAST, Field(max_length=1000)]
    fidelity: Fidelity | None = None
    tighter: BoundBias | None = None
    repeated: BinarisationSpread | None = None

    def at(self, beta: float) -> BetaMetrics:
        """The measured beta nearest to this one on a logarithmic scale."""
        if len(self.betas) == 1:
            return self.betas[0]
        return self.betas[nearest([measured.beta for measured in self.betas], beta)]

    @property
    def dimensions_by_use(self) -> tuple[int, ...]:
        """The latent dimensions in descending order of use.

        First counts the number of betas at which they are active, then the sum of their rates.
        """
        rates = np.array([entry.rate_per_dimension for entry in self.betas])
        return tuple(
            int(dimension)
            for dimension in np.lexsort((-rates.sum(0), -(rates > ACTIVE_NATS).sum(0)))
        )

    def regret(self, dedicated: "Dedicated") -> float:
        """How much the objective at this beta is worse (larger) than a dedicated network's, nats.

        That is the price of one network for every beta; negative where it is the better one. Raises
        ValueError for a beta not measured.
        """
        measured = self.at(dedicated.beta)
        if not math.isclose(measured.beta, dedicated.beta):
            raise ValueError(
                f"beta {dedicated.beta:g} was not measured; the nearest one that was is "
                f"{measured.beta:g}"
            )
        return measured.objective - dedicated.objective


@dataclass(frozen=True)
class Dedicated:
    """A baseline network of the same size, trained for one beta alone on as many examples.

    rate, distortion: nats, means over the whole test set, with the same noise as in metrics.json.
    examples: seen in training. seed: of its training.
    """

    beta: Annotated[Beta, Field(gt=0)]
    rate: Annotated[float, Field(ge=-1e-6, le=MAX_RATE, allow_inf_nan=False)]
    distortion: Nats
    examples: Count
    seed: Seed

    @property
    def objective(self) -> float:
        """distortion + beta * rate, nats."""
        return self.distortion + self.beta * self.rate


def slopes(metrics: Metrics) -> list[tuple[float, float]]:
    """Minus the slope of distortion against rate at each beta, by central differences.

    Returns (beta, nats of distortion for a nat of rate), from the measured betas on both sides; it
    is beta itself on the best possible curve. Left out where the rates on both sides are within
    MIN_RATE_STEP of one another.
    """
    result = []
    for before, here, after in zip(
        metrics.betas, metrics.betas[1:], metrics.betas[2:], strict=False
    ):
        step = before.rate - after.rate
        if math.isfinite(step) and step > MIN_RATE_STEP:
            result.append((here.beta, (after.distortion - before.distortion) / step))
    return result


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write metrics.json, numbers rounded to six significant digits to be readable."""
    values = asdict(metrics)
    for name in ("fidelity", "tighter", "repeated"):
        if values[name] is None:
            del values[name]
    path.write_text(json.dumps(_rounded(values), indent=1) + "\n", encoding="utf-8", newline="\n")


def read_metrics(path: Path) -> Metrics:
    """Read metrics.json.

    Raises OSError, and ValueError, one sentence without the path, for unexpected content.
    """
    return parse_metrics(read_bounded(path, MAX_BYTES))


def parse_metrics(content: bytes) -> Metrics:
    """The content of metrics.json, each number finite and possible.

    Raises ValueError, one sentence that names the place.
    """
    metrics = parse_json(_METRICS, content)
    betas = [entry.beta for entry in metrics.betas]
    if betas != sorted(set(betas)):
        raise ValueError("its betas must rise")
    if 0 in betas and len(betas) > 1:
        raise ValueError("its betas must be above 0; only a plain autoencoder has 0, and no other")
    if (metrics.importance_weighted is None) != (betas == [0]):
        raise ValueError("importance_weighted must be there, and only for a plain autoencoder null")
    rates = {
        (entry.beta, rate)
        for entry in metrics.betas
        for rate in (entry.rate, *entry.rate_per_dimension)
    }
    rates |= {(beta, rate) for beta, rate, _ in metrics.reference}
    if any(math.isinf(rate) != (beta == 0) for beta, rate in rates):
        raise ValueError("its rates must be finite numbers, and only at beta = 0 null")
    if len({len(entry.rate_per_dimension) for entry in metrics.betas}) > 1:
        raise ValueError("its rate_per_dimension must have as many numbers at each beta")
    if any(entry.active_units > len(entry.rate_per_dimension) for entry in metrics.betas):
        raise ValueError("it has more active_units than dimensions")
    if any(
        list(entry.objective_quantiles) != sorted(entry.objective_quantiles)
        for entry in metrics.betas
    ):
        raise ValueError("its quantiles must not fall")
    if metrics.fidelity and len(metrics.fidelity.squared_errors) != len(betas):
        raise ValueError(
            f"it has {len(betas)} betas but {len(metrics.fidelity.squared_errors)} squared errors"
        )
    return metrics


def write_dedicated(path: Path, networks: Sequence[Dedicated]) -> None:
    """Write dedicated.json, in the order of beta, numbers rounded as in metrics.json."""
    rows = [
        _rounded(asdict(network)) for network in sorted(networks, key=lambda network: network.beta)
    ]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8", newline="\n")


def read_dedicated(path: Path) -> tuple[Dedicated, ...]:
    """Read dedicated.json; empty where there is none. Raises as read_metrics."""
    return parse_dedicated(read_bounded(path, MAX_BYTES)) if path.exists() else ()


def parse_dedicated(content: bytes) -> tuple[Dedicated, ...]:
    """The content of dedicated.json, checked as by parse_metrics. Raises ValueError."""
    return parse_json(_DEDICATED, content)


def beta_stops(beta_range: tuple[float, float]) -> tuple[float, ...]:
    """The betas that are measured and that the app's slider stops at, ten a decade.

    They are the rounded series R10 of ISO 3.
    """
    decade = (1.0, 1.25, 1.6, 2.0, 2.5, 3.15, 4.0, 5.0, 6.3, 8.0)
    low, high = beta_range
    if low == high:
        return (float(low),)
    exponents = range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1)
    stops = {float(f"{mantissa}e{exponent}") for exponent in exponents for mantissa in decade}
    return tuple(sorted({beta for beta in stops if low < beta < high} | {float(low), float(high)}))


def nearest(betas: Sequence[float], beta: float) -> int:
    """Index of the one of `betas` that is nearest to `beta` on a logarithmic scale."""
    return min(range(len(betas)), key=lambda index: abs(math.log(betas[index] / beta)))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value


_METRICS = TypeAdapter(Metrics)
_DEDICATED = TypeAdapter(Annotated[tuple[Dedicated, ...], FAIL_FAST, Field(max_length=1000)])
