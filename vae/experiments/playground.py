"""The playground: one picture through the network, its loss, samples from the prior."""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vae import likelihood
from vae.elbo import elbo_with_noise, kl_to_standard_normal, point_distortion
from vae.experiments.arrays import tensor
from vae.hub.metrics import ACTIVE_NATS, BetaMetrics
from vae.latent import prior_sample
from vae.model import VAE
from vae.noise import quasi_normal, seeded, standard_normal

# Quasi-random draws of z, for the distortion of one picture: as exact as 64 independent ones.
DRAWS = 16
# a larger picture gets fewer draws: it takes longer, and its own sum over pixels averages more
DRAWN_PIXELS = DRAWS * 28 * 28


@dataclass(frozen=True)
class Reconstruction:
    """One picture's way through the network: pictures (C, H, W), vectors (D,).

    observed: in the form that the likelihood is defined for: binarised for a Bernoulli model, 8-bit
    for a colour one. posterior_mean, posterior_deviation: mu and sigma of q(z|x). eps: the noise,
    zero for "use the mean". z = mu + sigma * eps. mean: expected pixels E[x|z]. difference = mean -
    observed, in [-1, 1]. rate_per_dimension: KL in nats.
    """

    observed: np.ndarray
    posterior_mean: np.ndarray
    posterior_deviation: np.ndarray
    eps: np.ndarray
    z: np.ndarray
    mean: np.ndarray
    difference: np.ndarray
    rate_per_dimension: np.ndarray

    @property
    def rate(self) -> float:
        """KL(q(z|x) || p(z)) of this picture, nats."""
        return float(self.rate_per_dimension.sum())

    @property
    def active_units(self) -> int:
        """Dimensions that carry more than ACTIVE_NATS about this picture."""
        return int((self.rate_per_dimension > ACTIVE_NATS).sum())

    @property
    def ink_seen(self) -> float:
        """The share of light in what was observed, 0 to 1."""
        return float(self.observed.mean())

    @property
    def ink_expected(self) -> float:
        """The share of light in the reconstruction, 0 to 1."""
        return float(self.mean.mean())

    @property
    def lost(self) -> float:
        """Light that the reconstruction lacks, in whole pixels.

        A white pixel that comes out black counts as 1.
        """
        return float(-self.difference.clip(max=0).mean(0).sum())

    @property
    def added(self) -> float:
        """Light that only the reconstruction has, in whole pixels."""
        return float(self.difference.clip(min=0).mean(0).sum())


@dataclass(frozen=True)
class TradeOff:
    """Rate and distortion of one picture at each beta, nats, (B,).

    The distortion is a mean over `draws` of z. pixel_values: how many numbers make up the picture,
    pixels times channels. For a plain autoencoder: one beta, 0, an infinite rate, and no draws: its
    distortion is that of z = mu.
    """

    betas: tuple[float, ...]
    rate: np.ndarray
    distortion: np.ndarray
    draws: int
    pixel_values: int


@dataclass(frozen=True)
class Breakdown:
    """One picture's loss at one beta beside the test set's average, nats.

    easier_than: the share of test pictures, 0 to 1, whose objective distortion + beta * rate is
    larger at this beta.
    """

    beta: float
    distortion: float
    rate: float
    average_distortion: float
    average_rate: float
    easier_than: float
    pixel_values: int

    @property
    def negative_elbo(self) -> float:
        """distortion + rate."""
        return self.distortion + self.rate

    @property
    def objective(self) -> float:
        """distortion + beta * rate; distortion alone at beta = 0, where the rate is infinite."""
        return self.distortion + (self.beta * self.rate if self.beta else 0.0)

    @property
    def percent_harder(self) -> int:
        """Whole percents of the test pictures that are harder.

        Never rounded up to 100: that is shown only where all are.
        """
        return math.floor(100 * self.easier_than)

    @property
    def percent_easier(self) -> int:
        """Whole percents of the test pictures that are easier, rounded in the same way."""
        return math.floor(100 * (1 - self.easier_than))

    @property
    def average_negative_elbo(self) -> float:
        """distortion + rate, mean over the test set."""
        return self.average_distortion + self.average_rate

    @property
    def bits_per_dimension(self) -> float:
        """The negative ELBO in bits, for each of the numbers that make up the picture."""
        return likelihood.bits_per_dimension(self.negative_elbo, self.pixel_values)

    @property
    def average_bits_per_dimension(self) -> float:
        """The test set's mean negative ELBO in bits per dimension."""
        return likelihood.bits_per_dimension(self.average_negative_elbo, self.pixel_values)


@dataclass(frozen=True)
class Gallery:
    """Decoded latents: images (N, C, H, W), latents (N, D)."""

    images: np.ndarray
    latents: np.ndarray


def observation(model: VAE, image: np.ndarray, *, seed: int) -> np.ndarray:
    """An image in the form that the likelihood is defined for, of the same shape.

    One binarisation of the grey picture, or its 8-bit colours.
    """
    return observe(model, tensor(image), seed=seed).numpy()


def observe(model: VAE, image: Tensor, *, seed: int) -> Tensor:
    """`observation` in tensors, for what goes on computing with it."""
    return likelihood.observe(
        image, model.config.likelihood, generator=seeded(seed, "binarisation")
    )


@torch.no_grad()
def reconstruct(
    model: VAE, image: np.ndarray, beta: float, *, seed: int, draw: int = 0, use_mean: bool = False
) -> Reconstruction:
    """Encode an image (C, H, W), draw z (the draw-th eps of this seed, or none), decode.

    Raises as VAE.encode does.
    """
    observed = observe(model, tensor(image), seed=seed)
    q = model.encode(observed[None], beta)
    eps = standard_normal(tuple(q.mean.shape), seeded(seed, "eps", draw), observed.device)
    eps = torch.zeros_like(eps) if use_mean else eps
    z = q.at(eps)
    mean = model.decode(z, beta).mean[0]
    return Reconstruction(
        observed=observed.numpy(),
        posterior_mean=q.mean[0].numpy(),
        posterior_deviation=q.standard_deviation[0].numpy(),
        eps=eps[0].numpy(),
        z=z[0].numpy(),
        mean=mean.numpy(),
        difference=(mean - observed).numpy(),
        rate_per_dimension=kl_to_standard_normal(q)[0].numpy(),
    )


def draws_for(image: np.ndarray) -> int:
    """How many draws of z a picture (C, H, W) gets for its distortion.

    Fewer for larger pictures, so that a page answers in time.
    """
    return max(4, min(DRAWS, DRAWN_PIXELS // image.size))


@torch.no_grad()
def trade_off(
    model: VAE, image: np.ndarray, betas: tuple[float, ...], *, seed: int, draws: int | None = None
) -> TradeOff:
    """The rate–distortion curve of an image (C, H, W).

    One binarisation and the same quasi-random `draws` of eps at every beta. draws: 16 for 28×28
    pixels, fewer for larger pictures and at least 4, unless told.
    """
    draws = draws or draws_for(image)
    observed = observe(model, tensor(image), seed=seed)
    if model.config.autoencoder:
        distortion = point_distortion(model, observed[None], 0.0)
        return TradeOff(
            tuple(betas), np.full(1, np.inf, np.float32), distortion.numpy(), 0, observed.numel()
        )
    eps = quasi_normal(draws, model.config.latent_dim, seeded(seed, "distortion"))[:, None]
    terms = elbo_with_noise(
        model, observed.expand(len(betas), *observed.shape), torch.tensor(betas), eps
    )
    return TradeOff(
        tuple(betas), terms.rate.numpy(), terms.distortion.numpy(), draws, observed.numel()
    )


def breakdown(own: TradeOff, average: BetaMetrics) -> Breakdown:
    """The picture's point at the beta of `average`.

    Raises ValueError where that is not one of the picture's own betas.
    """
    index = own.betas.index(average.beta)
    mine = Breakdown(
        beta=average.beta,
        distortion=float(own.distortion[index]),
        rate=float(own.rate[index]),
        average_distortion=average.distortion,
        average_rate=average.rate,
        easier_than=0.0,
        pixel_values=own.pixel_values,
    )
    return replace(mine, easier_than=average.share_above(mine.objective))


def gallery(
    model: VAE,
    beta: float,
    *,
    count: int,
    seed: int,
    temperature: float = 1.0,
    draw_pixels: bool = False,
) -> Gallery:
    """Decode `count` latents from N(0, temperature^2 I): E[x|z], or draws from p(x|z).

    draw_pixels chooses the latter. The same latents, and the same uniform numbers for the pixels,
    at every beta.
    """
    latents = prior_sample(
        count, model.config.latent_dim, temperature=temperature, generator=seeded(seed, "prior")
    )
    return decode(model, latents.numpy(), beta, seed=seed, draw_pixels=draw_pixels)


@torch.no_grad()
def decode(
    model: VAE, latents: np.ndarray, beta: float, *, seed: int, draw_pixels: bool = False
) -> Gallery:
    """The pictures of latents (N, D), float32: E[x|z], or with draw_pixels a draw from p(x|z).

    Raises as VAE.decode does.
    """
    pixels = model.decode(tensor(latents), beta)
    images = pixels.sample(seeded(seed, "pixels")) if draw_pixels else pixels.mean
    return Gallery(images.numpy(), latents)
