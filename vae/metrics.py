"""What was measured of a model: metrics.json and dedicated.json as data classes, written by training, read by the app.

All rates and distortions are nats, means over the whole test set; active units are dimensions whose mean rate exceeds
ACTIVE_NATS there.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

ACTIVE_NATS = 0.01
QUANTILES = 101  # 0 %, 1 %, …, 100 %


@dataclass(frozen=True)
class BetaMetrics:
    """The test set at one beta. objective_quantiles: 101 values of distortion + beta * rate over its pictures.

    beta = 0 is a plain autoencoder: its rates are infinite (null in the file), its objective is distortion alone.
    """

    beta: float
    rate: float
    distortion: float
    rate_per_dimension: tuple[float, ...]
    active_units: int
    objective_quantiles: tuple[float, ...]

    @property
    def negative_elbo(self) -> float:
        """distortion + rate, nats."""
        return self.distortion + self.rate

    @property
    def objective(self) -> float:
        """What training minimised at this beta, distortion + beta * rate, nats. A plain autoencoder has distortion alone."""
        return self.distortion + self.beta * self.rate if self.beta else self.distortion

    @property
    def dimensions_by_rate(self) -> tuple[int, ...]:
        """Numbers of the latent dimensions, from the one that carries most to the one that carries least."""
        return tuple(int(dimension) for dimension in np.argsort(-np.array(self.rate_per_dimension), kind="stable"))

    def active(self, dimension: int) -> bool:
        """Whether this dimension carries more than ACTIVE_NATS about a test picture, on average."""
        return self.rate_per_dimension[dimension] > ACTIVE_NATS

    def share_above(self, objective: float) -> float:
        """The share of test pictures, 0 to 1, whose objective at this beta is larger than the given one (harder ones)."""
        shares = np.linspace(0.0, 1.0, QUANTILES)
        return float(1.0 - np.interp(objective, self.objective_quantiles, shares))


@dataclass(frozen=True)
class ImportanceWeighted:
    """The importance-weighted estimate of -log p(x) at one beta: mean over `count` test pictures, `samples` draws each."""

    beta: float
    samples: int
    count: int
    nats: float
    standard_error: float


@dataclass(frozen=True)
class Fidelity:
    """How like the original reconstructions of colour pictures are, over the whole test set.

    squared_errors: at each beta of the metrics, mean over pictures, pixels and channels of (E[x|z] - x)^2 at z = mu, where
    white is 1. pca_squared_error: that of the pca_components first principal components of the training pictures.
    identified: the share of reconstructions at beta = identified_at, one z ~ q(z|x) each, to which of `candidates` test
    pictures their own original is the nearest.
    """

    squared_errors: tuple[float, ...]
    pca_squared_error: float
    pca_components: int
    identified_at: float
    candidates: int
    identified: float


@dataclass(frozen=True)
class Metrics:
    """metrics.json. seed: of the test set's binarisation and of all noise; samples: draws of z for each distortion.

    reference: (beta, rate, distortion) over the pictures of reference.npz alone (of examples.npz where there is none), so that
    a copy of the weights can be checked without the data set. fidelity: of models of colour pictures.
    """

    test_count: int
    seed: int
    samples: int
    betas: tuple[BetaMetrics, ...]
    importance_weighted: ImportanceWeighted | None  # None: a plain autoencoder has no bound on log p(x)
    reference: tuple[tuple[float, float, float], ...]
    fidelity: Fidelity | None = None

    def at(self, beta: float) -> BetaMetrics:
        """The measured beta nearest to this one on a logarithmic scale."""
        if len(self.betas) == 1:
            return self.betas[0]
        return self.betas[nearest([measured.beta for measured in self.betas], beta)]

    @property
    def dimensions_by_use(self) -> tuple[int, ...]:
        """Numbers of the latent dimensions, from the one that is active at most betas to the one that is so at fewest."""
        rates = np.array([entry.rate_per_dimension for entry in self.betas])
        return tuple(int(dimension) for dimension in np.lexsort((-rates.sum(0), -(rates > ACTIVE_NATS).sum(0))))


@dataclass(frozen=True)
class Dedicated:
    """A network of the same size, trained for one beta alone on as many examples: the honest rival of the conditioned one.

    rate, distortion: nats, means over the whole test set, with the same noise as in metrics.json. examples: seen in training.
    seed: of its training.
    """

    beta: float
    rate: float
    distortion: float
    examples: int
    seed: int

    @property
    def objective(self) -> float:
        """distortion + beta * rate, nats."""
        return self.distortion + self.beta * self.rate


def regret(metrics: Metrics, dedicated: Dedicated) -> float:
    """By how many nats the objective at this beta is worse (larger) than that of the network trained for it alone.

    What one network for every beta costs; negative where it is the better one. Raises ValueError for a beta not measured.
    """
    measured = metrics.at(dedicated.beta)
    if not math.isclose(measured.beta, dedicated.beta):
        raise ValueError(f"beta {dedicated.beta:g} was not measured; the nearest one that was is {measured.beta:g}")
    return measured.objective - dedicated.objective


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write metrics.json, numbers rounded to six significant digits so that the file can be read by people."""
    values = asdict(metrics)
    if metrics.fidelity is None:
        del values["fidelity"]
    path.write_text(json.dumps(_rounded(values), indent=1) + "\n", encoding="utf-8", newline="\n")


def read_metrics(path: Path) -> Metrics:
    """Read metrics.json. Raises ValueError, in one sentence without the path, when a part is missing or malformed."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        betas = tuple(
            BetaMetrics(**{**entry, "rate": _rate(entry["rate"], entry["beta"]),
                           "rate_per_dimension": tuple(_rate(rate, entry["beta"]) for rate in entry["rate_per_dimension"]),
                           "objective_quantiles": tuple(map(float, entry["objective_quantiles"]))})
            for entry in raw.pop("betas")
        )
        reference = tuple((float(b), _rate(r, b), float(d)) for b, r, d in raw.pop("reference"))
        bound, fidelity = raw.pop("importance_weighted"), raw.pop("fidelity", None)
        plain = [entry.beta for entry in betas] == [0]
        metrics = Metrics(betas=betas, reference=reference,
                          importance_weighted=None if plain else ImportanceWeighted(**bound),
                          fidelity=fidelity and Fidelity(**fidelity | {"squared_errors": tuple(fidelity["squared_errors"])}),
                          **raw)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"it does not hold the measurements this version expects ({error})") from error
    absent = {name: [] for name, value in vars(metrics).items() if value is None}
    _require_numbers(asdict(metrics) | absent, infinite=plain)
    if metrics.fidelity and len(metrics.fidelity.squared_errors) != len(betas):
        raise ValueError(f"it has {len(betas)} betas but {len(metrics.fidelity.squared_errors)} squared errors")
    if not betas or any(len(entry.objective_quantiles) != QUANTILES for entry in betas):
        raise ValueError(f"it needs at least one beta with {QUANTILES} quantiles")
    if any(list(entry.objective_quantiles) != sorted(entry.objective_quantiles) for entry in betas):
        raise ValueError("its quantiles must not fall")
    if [entry.beta for entry in betas] != sorted({entry.beta for entry in betas}):
        raise ValueError("its betas must rise")
    return metrics


def write_dedicated(path: Path, networks: Sequence[Dedicated]) -> None:
    """Write dedicated.json, in the order of beta, numbers rounded as in metrics.json."""
    rows = [_rounded(asdict(network)) for network in sorted(networks, key=lambda network: network.beta)]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8", newline="\n")


def read_dedicated(path: Path) -> tuple[Dedicated, ...]:
    """Read dedicated.json; a folder without one has no dedicated networks. Raises ValueError when it is malformed."""
    if not path.exists():
        return ()
    try:
        networks = tuple(Dedicated(**entry) for entry in json.loads(path.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"it does not hold the networks this version expects ({error})") from error
    _require_numbers([asdict(network) for network in networks])
    return networks


def beta_stops(beta_range: tuple[float, float]) -> tuple[float, ...]:
    """The betas that are measured and that the app's slider stops at: ten a decade (the rounded series R10 of ISO 3)."""
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


def _rate(value: object, beta: object) -> object:
    """Only a plain autoencoder's rate may be missing from the file: JSON has no number for infinity."""
    return math.inf if value is None and beta == 0 else value


def _require_numbers(value: object, name: str = "it", infinite: bool = False) -> None:
    """Every number is finite, or also infinite where a rate may be so. ValueError otherwise."""
    if isinstance(value, dict):
        for key, item in value.items():
            _require_numbers(item, key, infinite)
    elif isinstance(value, list | tuple):
        for item in value:
            _require_numbers(item, name, infinite)
    elif (isinstance(value, bool) or not isinstance(value, int | float)
          or not (math.isfinite(value) or (infinite and value == math.inf))):
        raise ValueError(f"{name} holds {value!r} where a finite number is expected")


def _rounded(value):
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list | tuple) else value
