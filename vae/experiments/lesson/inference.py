"""Why p(z|x) cannot be found by trying: z guessed by hand, and drawn from the prior (step 3)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from vae.elbo import log_likelihoods
from vae.experiments.arrays import tensor
from vae.experiments.map import PosteriorMap, Window
from vae.experiments.playground import Reconstruction
from vae.model import VAE
from vae.noise import seeded, standard_normal

COUNTS = (1, 10, 100, 1000, 10_000)  # latents that one estimate is made of
REPETITIONS = 20
MOST_DRAWN = 50_000  # latents for one picture and count: about 3 seconds
DOMINANT_SHARE = 0.9  # of an estimate: how few latents hold so much of it
AT_ONCE = 1000  # latents between two reports of progress
ROOM = 1.25  # around what a window is to show
SHOWN = 8  # of the latents that explain a picture best


@dataclass(frozen=True)
class Guess:
    """A z that somebody tried.

    point: (2,). image: (C, H, W), E[x|z]. log_likelihood: log p(x|z), nats.
    """

    point: tuple[float, float]
    image: np.ndarray
    log_likelihood: float


@dataclass(frozen=True)
class PriorDraws:
    """Estimates of log p(x) by simple Monte Carlo with latents of the prior.

        log of the mean of p(x|z_k) over K latents z_k ~ N(0, I)

    count: K. estimates: (R,) nats, of R independent repetitions. The mean itself is right on
    average, so its logarithm is too low on average (Jensen's inequality), the more so the more it
    scatters. effective: (R,), (sum w)^2 / sum w^2 of the weights w_k = p(x|z_k), between 1 and K
    (Kong 1992). dominant: (R,), how many of the K make up DOMINANT_SHARE of the sum.

    Of the first repetition: log_likelihood (K,), log p(x|z_k), nats; best: (B, D), the latents with
    the largest, in order, B at most SHOWN; images: (B, C, H, W), E[x|z] of these; shares: (B,),
    what part of the sum each is.
    """

    count: int
    estimates: np.ndarray
    effective: np.ndarray
    dominant: np.ndarray
    log_likelihood: np.ndarray
    best: np.ndarray
    images: np.ndarray
    shares: np.ndarray

    @property
    def mean(self) -> float:
        """Mean of the repetitions, nats."""
        return float(self.estimates.mean())

    @property
    def spread(self) -> float:
        """Standard deviation of the repetitions, nats."""
        return float(self.estimates.std(ddof=1))


@torch.no_grad()
def guess(model: VAE, observed: np.ndarray, point: tuple[float, float], beta: float) -> Guess:
    """How well one z explains a picture (C, H, W).

    Raises ValueError for a model that has not two latent dimensions.
    """
    likelihood = model.decode(torch.tensor([point], dtype=torch.float32), beta)
    log_likelihood = float(likelihood.log_prob(tensor(observed)[None])[0])
    return Guess(point, likelihood.mean[0].numpy(), log_likelihood)


def repetitions(count: int) -> int:
    """How many independent estimates are made of `count` latents each.

    20, or fewer where that would take too long.
    """
    return max(1, min(REPETITIONS, MOST_DRAWN // count))


def window_about(posterior: PosteriorMap, *points: Sequence[float], room: float = ROOM) -> Window:
    """The square around the posterior's region and these points, enlarged by the factor `room`."""
    centre, half = np.array([posterior.window.x, posterior.window.y]), posterior.window.half
    corners = np.array([*points, centre - half, centre + half], float)
    low, high = corners.min(0), corners.max(0)
    (x, y), half = (low + high) / 2, float((high - low).max() / 2)
    return Window(float(x), float(y), room * half)


def window_of_both(posterior: PosteriorMap, seen: Reconstruction) -> Window:
    """The square around the posterior's region and q out to three standard deviations."""
    reach = 3 * seen.posterior_deviation
    return window_about(posterior, seen.posterior_mean - reach, seen.posterior_mean + reach)


def expected_hits(posterior: PosteriorMap, count: int) -> float:
    """How many of so many draws of the prior fall into the posterior's region, on average."""
    return count * posterior.prior_share


@torch.no_grad()
def prior_draws(
    model: VAE,
    observed: np.ndarray,
    beta: float,
    *,
    count: int,
    seed: int,
    progress: Callable[[float], object] | None = None,
) -> PriorDraws:
    """Estimate log p(x) of one picture (C, H, W) from `count` latents of the prior, repeatedly.

    The latents depend on seed and count alone: every picture meets the same ones. progress: called
    with the share that is done, 0 to 1. Raises ValueError for a plain autoencoder, which has no
    prior, or count < 1.
    """
    if model.config.autoencoder:
        raise ValueError("a plain autoencoder has no prior to draw from")
    if count < 1:
        raise ValueError("count must be at least 1")
    picture, runs = tensor(observed), repetitions(count)
    latents = standard_normal(
        (runs * count, model.config.latent_dim), seeded(seed, "prior draws", count), picture.device
    )
    found = []
    for start in range(0, len(latents), AT_ONCE):
        found.append(log_likelihoods(model, picture, latents[start : start + AT_ONCE], beta))
        if progress:
            progress(min(1.0, (start + AT_ONCE) / len(latents)))
    weights = torch.cat(found).reshape(runs, count)
    first = weights[0]
    order = first.argsort(descending=True, stable=True)[:SHOWN]
    best = latents[:count][order]
    return PriorDraws(
        count=count,
        estimates=(torch.logsumexp(weights, 1) - math.log(count)).numpy(),
        effective=effective_samples(weights.numpy()),
        dominant=dominant_draws(weights.numpy()),
        log_likelihood=first.float().numpy(),
        best=best.numpy(),
        images=model.decode(best, beta).mean.numpy(),
        shares=torch.softmax(first, 0)[order].numpy(),
    )


def effective_samples(log_weights: np.ndarray) -> np.ndarray:
    """Effective sample size (sum w)^2 / sum w^2 of weights given by their logarithms.

    (…, K) -> (…): that many equal weights scatter as much (Kong 1992).
    """
    weights = tensor(log_weights)
    effective = torch.exp(2 * torch.logsumexp(weights, -1) - torch.logsumexp(2 * weights, -1))
    return effective.numpy()


def dominant_draws(log_weights: np.ndarray, share: float = DOMINANT_SHARE) -> np.ndarray:
    """How many of the largest weights together make up this share of the sum.

    The weights are given by their logarithms: (…, K) -> (…).
    """
    weights = torch.softmax(tensor(log_weights), -1).sort(-1, descending=True).values
    return ((weights.cumsum(-1) < share).sum(-1) + 1).numpy()
