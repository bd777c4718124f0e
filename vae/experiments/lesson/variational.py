"""Variational inference for one picture by hand or by gradient; the amortisation gap (step 4)."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.elbo import exact_elbo, gauss_hermite_elbo
from vae.experiments.arrays import tensor
from vae.experiments.map import PosteriorMap
from vae.model import VAE, DiagonalGaussian

LOG_DEVIATION = (-6.2, -0.7)  # log sigma of the Gaussians here: sigma from 0.002 to 0.5
# mean and log sigma to begin with: the middle of the prior, as wide as they get
START = ((0.0, 0.0), (-0.7, -0.7))
# Of the quadrature, in each dimension. At sigma = 0.1 32 of them are right to 0.01 nats; of a wider
# q 48 to about one nat.
NODES, WIDE_NODES, WIDE = 32, 48, math.log(0.1)
STEP_NODES = 16  # for the gradient
FARTHEST = 1.0  # standard deviations that one step may move the mean
MOST_WIDENED = 0.3  # of log sigma in one step
HALVINGS = 8  # of a step that would lower the ELBO
CONVERGED, MOST_STEPS = 1e-4, 60  # nats that a step gains; steps
DIGITS = 4  # decimals of a mean and of log sigma in a link
PLAINLY = 0.1  # nats by which one peak must be better than another to be called so
PEAK_DEVIATION = 0.02  # of the Gaussian that is put on the highest peak of p(z|x), to begin with

# of a mean and log sigma
Measure = Callable[[tuple[float, float], tuple[float, float]], "Gaussian"]


@dataclass(frozen=True)
class Gaussian:
    """q with independent dimensions, chosen for one picture.

    mean, log_deviation: (2,), log sigma. distortion: -E_q[log p(x|z)], rate: KL(q || p(z)), nats.
    """

    mean: tuple[float, float]
    log_deviation: tuple[float, float]
    distortion: float
    rate: float

    @property
    def elbo(self) -> float:
        """-(distortion + rate), nats: at most log p(x), whatever q is."""
        return -(self.distortion + self.rate)

    @property
    def deviation(self) -> tuple[float, float]:
        """sigma."""
        return math.exp(self.log_deviation[0]), math.exp(self.log_deviation[1])

    def gap(self, log_evidence: float) -> float:
        """KL(q || p(z|x)) = log p(x) - ELBO, nats."""
        return log_evidence - self.elbo


@dataclass(frozen=True)
class Amortisation:
    """The gap of one picture's ELBO, split into amortisation and approximation gap, in nats.

    Cremer, Li & Duvenaud 2018, arXiv 1801.03558. encoder: the q that it gives. from_encoder: where
    gradient steps lead from there. best: the best diagonal Gaussian that was found, never worse
    than these. log_evidence: log p(x) by quadrature.
    """

    encoder: Gaussian
    from_encoder: Gaussian
    best: Gaussian
    log_evidence: float

    @property
    def amortisation_gap(self) -> float:
        """ELBO of the best Gaussian - ELBO of the encoder's.

        It is the price of one network for all pictures.
        """
        return self.best.elbo - self.encoder.elbo

    @property
    def approximation_gap(self) -> float:
        """log p(x) - ELBO of the best Gaussian: p(z|x) is no diagonal Gaussian."""
        return self.best.gap(self.log_evidence)

    @property
    def other_peak(self) -> bool:
        """Whether steps from the encoder's q end on a lower peak than the best one."""
        return self.best.elbo - self.from_encoder.elbo > PLAINLY


def gaussian(
    model: VAE,
    observed: np.ndarray,
    beta: float,
    mean: tuple[float, float],
    log_deviation: tuple[float, float],
) -> Gaussian:
    """The terms of its ELBO for a picture (C, H, W), by Gauss–Hermite quadrature.

    Raises ValueError as exact_elbo does.
    """
    nodes = WIDE_NODES if max(log_deviation) > WIDE else NODES
    q = _q(torch.tensor(mean), torch.tensor(log_deviation))
    terms = exact_elbo(model, tensor(observed), beta, nodes=nodes, q=q)
    return Gaussian(mean, log_deviation, float(terms.distortion[0]), float(terms.rate[0]))


def _gradient(
    model: VAE,
    observed: Tensor,
    beta: float,
    mean: Tensor,
    log_deviation: Tensor,
    *,
    nodes: int = STEP_NODES,
) -> tuple[float, Tensor, Tensor]:
    """ELBO, and its derivatives with respect to mean and log sigma, (2,) each.

    Through z = mu + sigma * node, as in training.
    """
    leaves = mean.detach().clone().requires_grad_(), log_deviation.detach().clone().requires_grad_()
    negative = gauss_hermite_elbo(model, observed, beta, _q(*leaves), nodes=nodes).negative_elbo[0]
    by_mean, by_log_deviation = torch.autograd.grad(-negative, leaves)
    return -float(negative.detach()), by_mean, by_log_deviation


def gradient_ascent(
    model: VAE,
    observed: np.ndarray,
    beta: float,
    start: Gaussian,
    *,
    steps: int,
    measure: Measure | None = None,
    progress: Callable[[float], object] | None = None,
) -> tuple[Gaussian, ...]:
    """The Gaussians after each of `steps` steps of natural gradient ascent on the ELBO.

    Fewer where none leads higher any more. Natural gradient (Amari 1998): mu moves by sigma^2
    dELBO/dmu and log sigma by half of dELBO/dlog sigma, the inverse of the Fisher information. The
    longest step is one sigma, and 0.3 of log sigma; one that lowers the ELBO is halved. There is no
    memory of the steps before, so a link goes on from where it is; each step ends at DIGITS
    decimals, as a link holds them. measure: gives the Gaussian of a mean and log sigma, by default
    `gaussian`. progress: called with the share that is done.
    """
    found, at = [], (start.mean, start.log_deviation)
    for number in range(1, steps + 1):
        moved = _step(model, tensor(observed), beta, *map(torch.tensor, at))
        there = moved and (_pair(moved[0]), _pair(moved[1]))
        if there is None or there == at:
            break
        at = there
        found.append(measure(*at) if measure else gaussian(model, observed, beta, *at))
        if progress:
            progress(number / steps)
    return tuple(found)


def amortisation(
    model: VAE,
    observed: np.ndarray,
    beta: float,
    posterior: PosteriorMap,
    *,
    progress: Callable[[float], object] | None = None,
) -> Amortisation:
    """The encoder's q of a picture (C, H, W) beside the best diagonal Gaussian.

    Gradient ascent looks for the best one from two places: from the encoder's q, and from the
    highest peak of p(z|x), since steps hardly ever lead from one peak to another. Takes seconds.

    posterior: the true one of this picture and beta. progress: called with the share that is done.
    Raises ValueError for a tempered posterior.
    """
    if posterior.tempered:
        raise ValueError(
            "the gap is the divergence of q from the true posterior, not a tempered one"
        )
    with torch.no_grad():
        q = model.encode(tensor(observed)[None], beta)
    encoder = gaussian(model, observed, beta, _exactly(q.mean[0]), _exactly(q.log_variance[0] / 2))
    peak = tensor(posterior.peak).float()
    starts = (q.mean[0], q.log_variance[0] / 2), (peak, torch.full((2,), math.log(PEAK_DEVIATION)))
    reached = []
    for number, start in enumerate(starts):
        mean, log_deviation = _converge(model, tensor(observed), beta, *start)
        reached.append(gaussian(model, observed, beta, _exactly(mean), _exactly(log_deviation)))
        if progress:
            progress((number + 1) / len(starts))
    from_encoder = max(encoder, reached[0], key=_elbo)
    return Amortisation(
        encoder, from_encoder, max(from_encoder, reached[1], key=_elbo), posterior.log_evidence
    )


def _converge(
    model: VAE, observed: Tensor, beta: float, mean: Tensor, log_deviation: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradient ascent until a step gains no more than CONVERGED nats, or for MOST_STEPS steps."""
    for _ in range(MOST_STEPS):
        moved = _step(model, observed, beta, mean, log_deviation)
        if moved is None:
            break
        mean, log_deviation, gain = moved
        if gain < CONVERGED:
            break
    return mean, log_deviation


def _step(
    model: VAE, observed: Tensor, beta: float, mean: Tensor, log_deviation: Tensor
) -> tuple[Tensor, Tensor, float] | None:
    """One step, and what it gains in nats; None where none leads higher."""
    before, by_mean, by_log_deviation = _gradient(model, observed, beta, mean, log_deviation)
    move, widen = torch.exp(2 * log_deviation) * by_mean, by_log_deviation / 2
    move = move * min(1.0, FARTHEST / max(float((move / log_deviation.exp()).abs().max()), 1e-12))
    widen = widen.clamp(-MOST_WIDENED, MOST_WIDENED)
    for halving in range(HALVINGS):
        there = mean + move / 2**halving, (log_deviation + widen / 2**halving).clamp(*LOG_DEVIATION)
        with torch.no_grad():
            gain = (
                -float(
                    gauss_hermite_elbo(
                        model, observed, beta, _q(*there), nodes=STEP_NODES
                    ).negative_elbo[0]
                )
                - before
            )
        if gain > 0:
            return *there, gain
    return None


def _q(mean: Tensor, log_deviation: Tensor) -> DiagonalGaussian:
    return DiagonalGaussian(mean.float()[None], 2 * log_deviation.float()[None])


def _exactly(values: Tensor) -> tuple[float, float]:
    first, second = values.tolist()
    return first, second


def _pair(values: Tensor) -> tuple[float, float]:
    first, second = (round(value, DIGITS) for value in values.tolist())
    return first, second


def _elbo(q: Gaussian) -> float:
    return q.elbo
