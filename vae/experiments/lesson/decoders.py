"""Misconceptions about the decoder's pictures: blur, grey values, mean and sample, likelihood.

Pictures (C, H, W) in [0, 1]; nats, summed over pixels.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vae.elbo import importance_weighted_bound, weighted_bound
from vae.experiments.arrays import reference_observations, tensor
from vae.experiments.lesson.pixels import fitted
from vae.experiments.map import Codes
from vae.latent import prior_sample
from vae.likelihood import Bernoulli, bernoulli
from vae.model import VAE
from vae.noise import seeded, standard_normal

MULTIPLES = (0.0, 0.5, 1.0, 2.0, 4.0)  # of sigma, by which codes are moved
CURVE_POINTS = 101
SAMPLED_PIXELS = 200  # pictures drawn from the model, to count their ink
BOUND_SAMPLES = 64  # the mean bound of the reference digits rises by 0.1 nats from here to 256
BLANK_SAMPLES = 2000


@dataclass(frozen=True)
class Blur:
    """The mean of pictures that share a z, beside what the decoder makes of that z. Both (C, H, W).

    weighted_mean: sum over n of w_n x_n with w_n proportional to q(z|x_n), which sum to 1. decoded:
    E[x|z]. effective: in how many pictures of equal weight the average is: 1 / sum of w_n^2.
    difference: mean absolute difference of the two, 0 to 1 a pixel. correlation: of their pixels.
    z: (D,). sigma: (D,), of the q whose mean z is. count: of pictures.
    """

    weighted_mean: np.ndarray
    decoded: np.ndarray
    z: np.ndarray
    sigma: np.ndarray
    effective: float
    difference: float
    correlation: float
    count: int


@dataclass(frozen=True)
class GreyBce:
    """exp(-BCE) of grey values x in [0, 1] for one p: no density. x, values, normalised: (P,).

    integral: of exp(-BCE) over [0, 1]; values / integral is the continuous Bernoulli (Loaiza-Ganem
    & Cunningham 2019).
    """

    p: float
    x: np.ndarray
    values: np.ndarray
    normalised: np.ndarray
    integral: float


@dataclass(frozen=True)
class GreyPicture:
    """A grey picture at z = mu, nats. bce: binary cross entropy of its grey values.

    missing: sum over pixels of the logarithm of the normaliser that would make exp(-BCE) a density.
    """

    bce: float
    missing: float


@dataclass(frozen=True)
class MeanAndDraws:
    """One z from the prior. mean: E[x|z]. mode: its most probable picture, every pixel rounded.

    draws: (N, C, H, W) from p(x|z). mode_log_prob, draw_log_prob (N,): log p(x|z), nats. differing:
    (N,), pixels in which a draw differs from the mode.
    """

    mean: np.ndarray
    mode: np.ndarray
    draws: np.ndarray
    mode_log_prob: float
    draw_log_prob: np.ndarray
    differing: np.ndarray


@dataclass(frozen=True)
class CodeNoise:
    """Mean -log p(x|z) over pictures, nats, with noise added to the codes: (M,) each.

    The noise is a multiple of the variational model's sigma. random: E[x|z] of the same z ~ N(0, I)
    by both decoders, (N, C, H, W).
    """

    multiples: tuple[float, ...]
    variational: np.ndarray
    plain: np.ndarray
    random_variational: np.ndarray
    random_plain: np.ndarray
    count: int

    @property
    def rises(self) -> tuple[float, float]:
        """By how many nats noise of one sigma raises the error of the two models.

        The variational one comes first, then the plain autoencoder.
        """
        one = self.multiples.index(1.0)
        return float(self.variational[one] - self.variational[0]), float(
            self.plain[one] - self.plain[0]
        )


@dataclass(frozen=True)
class BlankPage:
    """Importance-weighted lower bounds on log p(x), nats: of a blank page, and of pictures, (N,).

    blank_samples, samples: z for each. What the blank page is given is too little rather than too
    much. least_ink: pixels of ink in the emptiest of `drawn` pictures from the model.
    """

    blank: float
    pictures: np.ndarray
    blank_samples: int
    samples: int
    least_ink: int
    drawn: int

    @property
    def below(self) -> int:
        """How many pictures have a lower bound than the blank page."""
        return int((self.pictures < self.blank).sum())

    @property
    def count(self) -> int:
        return len(self.pictures)

    @property
    def median(self) -> float:
        return float(np.median(self.pictures))

    @property
    def range(self) -> float:
        """The difference between the largest and the least bound of the pictures."""
        return float(np.ptp(self.pictures))


def posterior_weights(codes: Codes, z: np.ndarray) -> np.ndarray:
    """w_n proportional to q(z|x_n), (N,) float64, summing to 1, at one z (D,).

    For a fixed encoder the best Bernoulli decoder is E[x|z] = sum_n w_n x_n: the derivative of
    sum_n q(z|x_n) log p(x_n|z) by each pixel's probability is zero there.
    """
    mean, deviation = codes.mean.astype(np.float64), codes.deviation.astype(np.float64)
    log_q = -(0.5 * ((z - mean) / deviation) ** 2 + np.log(deviation)).sum(1)
    weights = np.exp(log_q - log_q.max())
    return weights / weights.sum()


@torch.no_grad()
def blur(model: VAE, codes: Codes, images: np.ndarray, observed: np.ndarray, beta: float) -> Blur:
    """The pictures behind one z, the posterior mean of `observed` (C, H, W).

    images: (N, C, H, W) uint8 whose codes these are. Averaged are the binarisations that were
    encoded.
    """
    q = model.encode(tensor(observed)[None], beta)
    z = q.mean[0].numpy()
    weights = posterior_weights(codes, z.astype(np.float64))
    pictures = reference_observations(model, images).numpy()
    mean = np.tensordot(weights, pictures, axes=1).astype(np.float32)
    decoded = model.decode(q.mean, beta).mean[0].numpy()
    return Blur(
        mean,
        decoded,
        z,
        q.standard_deviation[0].numpy(),
        float(1 / np.square(weights).sum()),
        float(np.abs(mean - decoded).mean()),
        float(np.corrcoef(mean.ravel(), decoded.ravel())[0, 1]),
        len(images),
    )


def bce_integral(p: float) -> float:
    """Integral of exp(-BCE) over x in [0, 1], which is never more than 1/2.

        p^x (1 - p)^(1 - x)  ->  (2 p - 1) / log(p / (1 - p)),  and 1/2 at p = 1/2

    Its inverse is the normaliser of the continuous Bernoulli. Raises ValueError unless 0 < p < 1.
    """
    if not 0 < p < 1:
        raise ValueError("p must lie between 0 and 1")
    return float(torch.exp(-_log_normaliser(torch.logit(torch.tensor(p, dtype=torch.float64)))))


def grey_bce(p: float) -> GreyBce:
    """exp(-BCE) for every grey value of one pixel. Raises ValueError unless 0 < p < 1."""
    integral = bce_integral(p)
    x = np.linspace(0, 1, CURVE_POINTS)
    values = p**x * (1 - p) ** (1 - x)
    return GreyBce(p, x, values, values / integral, integral)


@torch.no_grad()
def grey_picture(model: VAE, image: np.ndarray, beta: float) -> GreyPicture:
    """The BCE of the grey values of a picture (C, H, W), and what it lacks to a log density.

    For a Bernoulli model.
    """
    grey = tensor(image)[None]
    logits = bernoulli(model.decode(model.encode(grey, beta).mean, beta)).logits.double()
    bce = F.binary_cross_entropy_with_logits(logits, grey.double(), reduction="sum")
    return GreyPicture(float(bce), float(_log_normaliser(logits).sum()))


@torch.no_grad()
def mean_and_draws(model: VAE, beta: float, *, seed: int, draws: int = 3) -> MeanAndDraws:
    """The decoder's picture of the first z of this seed, and pictures drawn from it.

    For a Bernoulli model.
    """
    z = prior_sample(1, model.config.latent_dim, generator=seeded(seed, "prior"))
    said = bernoulli(model.decode(z, beta))
    mode = (said.mean > 0.5).float()
    many = Bernoulli(said.logits.expand(draws, *said.logits.shape[1:]))
    drawn = many.sample(seeded(seed, "pixels"))
    return MeanAndDraws(
        mean=said.mean[0].numpy(),
        mode=mode[0].numpy(),
        draws=drawn.numpy(),
        mode_log_prob=float(said.log_prob(mode)[0]),
        draw_log_prob=many.log_prob(drawn).numpy(),
        differing=(drawn != mode).flatten(1).sum(1).numpy(),
    )


@torch.no_grad()
def code_noise(
    variational: VAE, plain: VAE, images: np.ndarray, beta: float, *, seed: int, random: int = 8
) -> CodeNoise:
    """Add noise to the codes of pictures (N, C, H, W) uint8 in both models, and decode.

    The same multiple of the same sigma and eps in both. Both codes have the scale of N(0, I): one
    by its KL, the plain autoencoder's because it was scaled to variance 1.
    """
    observed = reference_observations(variational, images)
    q, codes = variational.encode(observed, beta), plain.encode(observed, 0.0).mean
    eps = standard_normal(tuple(q.mean.shape), seeded(seed, "nudge"), observed.device)

    def loss(model: VAE, codes: Tensor, at: float, multiple: float) -> float:
        return (
            -model.decode(codes + multiple * q.standard_deviation * eps, at)
            .log_prob(observed)
            .mean()
            .item()
        )

    losses = [
        [loss(*way, multiple) for multiple in MULTIPLES]
        for way in ((variational, q.mean, beta), (plain, codes, 0.0))
    ]
    z = prior_sample(random, variational.config.latent_dim, generator=seeded(seed, "prior"))
    return CodeNoise(
        MULTIPLES,
        np.array(losses[0]),
        np.array(losses[1]),
        variational.decode(z, beta).mean.numpy(),
        plain.decode(z, 0.0).mean.numpy(),
        len(images),
    )


@torch.no_grad()
def blank_page(
    model: VAE,
    images: np.ndarray,
    beta: float,
    *,
    seed: int,
    samples: int = BOUND_SAMPLES,
    blank_samples: int = BLANK_SAMPLES,
) -> BlankPage:
    """How likely the model finds an empty picture, beside pictures (N, C, H, W) uint8."""
    observed = reference_observations(model, images)
    empty = np.zeros((1, *model.config.image_shape), np.float32)
    generator = seeded(seed, "blank page")
    # The encoder has never seen one: its own q would leave the bound some thirty nats lower.
    proposal = fitted(model, empty, beta)
    blank = weighted_bound(
        model, tensor(empty), beta, samples=blank_samples, generator=generator, proposal=proposal
    ).nats
    bounds = importance_weighted_bound(model, observed, beta, samples=samples, generator=generator)
    z = prior_sample(SAMPLED_PIXELS, model.config.latent_dim, generator=seeded(seed, "prior"))
    ink = model.decode(z, beta).sample(seeded(seed, "pixels")).flatten(1).sum(1)
    return BlankPage(
        float(blank),
        bounds.numpy(),
        blank_samples,
        samples,
        int(ink.min()),
        SAMPLED_PIXELS,
    )


def _log_normaliser(logits: Tensor) -> Tensor:
    """Log of the continuous Bernoulli's normaliser, for the logit l of p.

        l / (2 p - 1) = (l / 2) / tanh(l / 2) * 2

    It is log 2 where l is 0.
    """
    half = logits / 2
    near = half.abs() < 1e-3  # there the quotient is 1 + half^2 / 3
    ratio = torch.where(
        near, 1 + half**2 / 3, half / torch.tanh(torch.where(near, torch.ones_like(half), half))
    )
    return math.log(2) + torch.log(ratio)
