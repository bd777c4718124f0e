"""The evidence lower bound (ELBO), its two terms, and the importance-weighted bound.

Everything is in nats, summed over pixels and dimensions, one number for each picture.

    log p(x)  >=  E_q[log p(x|z)] - KL(q(z|x) || p(z))  =  -(distortion + rate)

(Kingma & Welling 2014, eq. 3.) The distortion -E_q[log p(x|z)] is the reconstruction error; the
rate KL(q || p) is how much the code says about the picture. The gap between the bound and log p(x)
is KL(q(z|x) || p(z|x)), the divergence of q from the true posterior. The training objective
distortion + beta * rate (Higgins et al. 2017, eq. 4) is the negative ELBO at beta = 1 only.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from vae.likelihood import Likelihood
from vae.model import VAE, DiagonalGaussian
from vae.noise import standard_normal
from vae.quadrature import gauss_hermite

# Latents decoded at once: their features fit into a CPU's cache, up to 1.5 times as fast as 4,096.
DECODING_BATCH = 128
WEIGHTING_PIXELS = 10_000 * 28 * 28  # decoded pixels in memory at once


@dataclass(frozen=True)
class Elbo:
    """Terms of the bound for N pictures, in nats.

    distortion: (N,). rate_per_dimension: (N, D), KL(q || p(z)) of each latent dimension.
    """

    distortion: Tensor
    rate_per_dimension: Tensor

    @property
    def rate(self) -> Tensor:
        """KL(q(z|x) || p(z)), (N,)."""
        return self.rate_per_dimension.sum(1)

    @property
    def negative_elbo(self) -> Tensor:
        """distortion + rate, (N,) nats: on average an upper bound on -log p(x).

        This holds for the network at any beta, not at beta = 1 only.
        """
        return self.distortion + self.rate

    def objective(self, beta: float | Tensor) -> Tensor:
        """distortion + beta * rate, (N,) nats: what training at this beta minimises.

        beta: one number, or (N,). Raises ValueError for a tensor of another shape.
        """
        # (N, 1) would broadcast with the rate (N,) to (N, N)
        if isinstance(beta, Tensor) and beta.shape not in ((), self.distortion.shape):
            raise ValueError(
                f"beta must be one number or have shape {tuple(self.distortion.shape)}"
            )
        return self.distortion + beta * self.rate


def kl_to_standard_normal(q: DiagonalGaussian) -> Tensor:
    """KL(N(mu, sigma^2) || N(0, 1)) of each dimension, (N, D) nats.

        (mu^2 + sigma^2 - log sigma^2 - 1) / 2

    Kingma & Welling 2014, appendix B.
    """
    # expm1(v) - v instead of exp(v) - 1 - v: a dead dimension has v near 0, where the latter is
    # rounding noise.
    return 0.5 * (q.mean.square() + torch.expm1(q.log_variance) - q.log_variance)


def elbo(
    model: VAE,
    images: Tensor,
    beta: float | Tensor,
    *,
    generator: torch.Generator,
    samples: int = 1,
) -> Elbo:
    """Distortion and rate of each picture: the rate in closed form, the distortion by sampling.

    The distortion is the mean over `samples` draws z ~ q(z|x) by reparameterisation, so the result
    is differentiable.

    images: (N, C, H, W) float32; only 0 and 1 for a Bernoulli model (vae.binarize), multiples of
    1/255 for a discretised logistic one. beta: one number, or (N,), one for each picture.
    generator: where eps comes from; the same seed gives the same eps at every beta. Raises
    ValueError for pixels that the likelihood is not defined for, a wrong shape, a beta outside the
    model's range, samples < 1, or a plain autoencoder, which has no ELBO.
    """
    if samples < 1:
        raise ValueError("samples must be at least 1")
    eps = standard_normal((samples, len(images), model.config.latent_dim), generator, images.device)
    return elbo_with_noise(model, images, beta, eps)


def elbo_with_noise(
    model: VAE, images: Tensor, beta: float | Tensor, eps: Tensor, q: DiagonalGaussian | None = None
) -> Elbo:
    """Distortion and rate for the caller's noise, which several pictures or betas can share.

    eps: draws of N(0, I), (S, N, D) or (S, 1, D). q: another Gaussian (N, D) than the encoder's;
    the bound holds for every q. Else as elbo.
    """
    _require_posterior(model)
    q = q or model.encode(images, beta)
    z = q.at(eps)
    samples, count, latent_dim = z.shape
    betas = beta.repeat(samples) if isinstance(beta, Tensor) and beta.ndim else beta
    log_likelihood = _log_likelihoods_of_pairs(
        model, images.repeat(samples, 1, 1, 1), z.reshape(samples * count, latent_dim), betas
    ).reshape(samples, count)
    return Elbo(distortion=-log_likelihood.mean(0), rate_per_dimension=kl_to_standard_normal(q))


@torch.no_grad()
def exact_elbo(
    model: VAE, observed: Tensor, beta: float, *, nodes: int = 32, q: DiagonalGaussian | None = None
) -> Elbo:
    """Distortion and rate of one picture (C, H, W) by Gauss–Hermite quadrature, without sampling.

    q: another Gaussian (1, D) than the encoder's; the bound holds for every q. nodes: for each
    latent dimension, as in gauss_hermite. Terms have length 1. Raises ValueError for more than two
    latent dimensions, else as elbo.
    """
    _require_posterior(model)
    return gauss_hermite_elbo(
        model, observed, beta, q or model.encode(observed[None], beta), nodes=nodes
    )


def gauss_hermite_elbo(
    model: VAE, observed: Tensor, beta: float, q: DiagonalGaussian, *, nodes: int
) -> Elbo:
    """Distortion and rate of one picture under any Gaussian q, by Gauss–Hermite quadrature.

    Differentiable in the mean and log variance of q, since z = mu + sigma * node, as with drawn
    noise. Raises ValueError for more than two latent dimensions, or a plain autoencoder.
    """
    if model.config.latent_dim > 2:
        raise ValueError(
            "the quadrature needs nodes^D latents: it is for one or two latent dimensions"
        )
    _require_posterior(model)
    eps, weight = gauss_hermite(model.config.latent_dim, nodes)
    log_likelihood = log_likelihoods(model, observed, q.at(eps.float()), beta)
    return Elbo(
        distortion=-(weight @ log_likelihood).float()[None],
        rate_per_dimension=kl_to_standard_normal(q),
    )


def log_likelihoods(model: VAE, observed: Tensor, z: Tensor, beta: float) -> Tensor:
    """log p(x|z) of one picture (C, H, W) at each of the latents z (M, D): (M,) float64 nats.

    Differentiable in z.
    """
    return log_likelihoods_under(decode_in_parts(model, z, beta), observed)


def decode_in_parts(model: VAE, z: Tensor, beta: float) -> Iterator[Likelihood]:
    """p(x|z) at each of the latents z (M, D), at most DECODING_BATCH latents at once."""
    return (model.decode(part.to(torch.float32), beta) for part in z.split(DECODING_BATCH))


def log_likelihoods_under(likelihoods: Iterable[Likelihood], observed: Tensor) -> Tensor:
    """log p(x|z) of one picture (C, H, W) under each of the likelihoods: (M,) float64 nats."""
    return torch.cat(
        [
            likelihood.log_prob(observed.expand(len(likelihood), *observed.shape)).double()
            for likelihood in likelihoods
        ]
    )


def _log_likelihoods_of_pairs(
    model: VAE, images: Tensor, z: Tensor, beta: float | Tensor
) -> Tensor:
    """log p(x|z) of each picture (M, C, H, W) at its own latent z (M, D): (M,) float32 nats.

    Decoded at once where gradients are needed, as in training, or on a GPU.
    """
    if torch.is_grad_enabled() or z.device.type != "cpu":
        return model.decode(z, beta).log_prob(images)
    parts = z.split(DECODING_BATCH)
    betas = (
        beta.split(DECODING_BATCH)
        if isinstance(beta, Tensor) and beta.ndim
        else (beta,) * len(parts)
    )
    return torch.cat(
        [
            model.decode(part, part_beta).log_prob(pictures)
            for part, part_beta, pictures in zip(
                parts, betas, images.split(DECODING_BATCH), strict=True
            )
        ]
    )


def point_distortion(model: VAE, images: Tensor, beta: float | Tensor) -> Tensor:
    """-log p(x|z) at z = mu, (N,) nats: the whole loss of a plain autoencoder (beta 0).

    For a variational model it is *not* the distortion, which is an average over draws of z and
    larger. images and errors as for elbo.
    """
    return -model.decode(model.encode(images, beta).mean, beta).log_prob(images)


def _require_posterior(model: VAE) -> None:
    if model.config.autoencoder:
        raise ValueError(
            "this model is a plain autoencoder: its code is a point, so there is no rate and no "
            "ELBO; vae.point_distortion(model, images, 0) is its loss"
        )


@dataclass(frozen=True)
class WeightedBound:
    """The importance-weighted bound of N pictures from K samples each, and how reliable it is.

    nats: (N,), the bound on log p(x). effective_samples: (N,), (sum w)^2 / sum w^2 of the K
    weights, between 1 and K: a mean of that many equally weighted draws has the same variance (Kong
    1992). Near 1, a single z carries the sum and the bound is unreliable.
    """

    nats: Tensor
    effective_samples: Tensor
    samples: int

    @property
    def standard_error(self) -> Tensor:
        """Standard error of the bound, (N,) nats, by the delta method.

        It is the standard error of the mean weight, divided by that mean. Weights in a tail that
        was never drawn do not count, so the standard error is too small where effective_samples is
        small.
        """
        return (1 / self.effective_samples - 1 / self.samples).clamp(min=0).sqrt()


def importance_weighted_bound(
    model: VAE,
    images: Tensor,
    beta: float,
    *,
    samples: int,
    generator: torch.Generator,
    chunk: int | None = None,
) -> Tensor:
    """A lower bound on log p(x), (N,) nats, that tightens with the number of samples K.

        log (1/K) sum_k p(x|z_k) p(z_k) / q(z_k|x),   z_k ~ q(z|x)

    (Burda et al. 2016, eq. 8.) K = 1 is the one-sample ELBO; K to infinity is log p(x). images as
    for elbo, beta one number. chunk: how many latents (pictures times samples) are weighted at
    once, which bounds the memory; by default 10,000 for 28×28 pixels, fewer for larger pictures. A
    CPU decodes them in smaller parts. The noise is the same for any `chunk`. Raises ValueError as
    elbo does.
    """
    return weighted_bound(
        model, images, beta, samples=samples, generator=generator, chunk=chunk
    ).nats


@torch.no_grad()
def weighted_bound(
    model: VAE,
    images: Tensor,
    beta: float,
    *,
    samples: int,
    generator: torch.Generator,
    chunk: int | None = None,
    proposal: DiagonalGaussian | None = None,
) -> WeightedBound:
    """The importance-weighted bound together with its effective sample size.

    proposal: another Gaussian (N, D) than the encoder's to draw z from; the bound holds for every
    one. Else as importance_weighted_bound.
    """
    chunk = chunk or max(1, WEIGHTING_PIXELS // math.prod(model.config.image_shape))
    if samples < 1:
        raise ValueError("samples must be at least 1")
    _require_posterior(model)
    pictures_at_once = max(1, chunk // samples)
    bounds, effective_samples = (
        [torch.zeros(0, device=images.device)],
        [torch.zeros(0, device=images.device)],
    )
    for start in range(0, len(images), pictures_at_once):
        batch = images[start : start + pictures_at_once]
        q = proposal[start : start + pictures_at_once] if proposal else model.encode(batch, beta)
        eps = torch.stack(
            [
                standard_normal((samples, model.config.latent_dim), generator, images.device)
                for _ in batch
            ]
        )
        log_weights = torch.cat(
            [
                _log_weights(model, batch, q, eps[:, first : first + chunk], beta)
                for first in range(0, samples, chunk)
            ],
            dim=1,
        )
        bounds.append(torch.logsumexp(log_weights, dim=1) - math.log(samples))
        effective_samples.append(1 / torch.softmax(log_weights, dim=1).square().sum(1))
    return WeightedBound(torch.cat(bounds), torch.cat(effective_samples), samples)


def _log_weights(
    model: VAE, images: Tensor, q: DiagonalGaussian, eps: Tensor, beta: float
) -> Tensor:
    """Log importance weights log p(x|z) + log p(z) - log q(z|x) for eps (N, K, D): (N, K) nats."""
    count, samples, latent_dim = eps.shape
    z = q.at(eps.transpose(0, 1)).transpose(0, 1)
    repeated_images = images.repeat_interleave(samples, dim=0)
    log_likelihood = _log_likelihoods_of_pairs(
        model, repeated_images, z.reshape(-1, latent_dim), beta
    ).reshape(count, samples)
    # log p(z) - log q(z|x) = sum over dimensions of (eps^2 + log sigma^2 - z^2) / 2: the 2 pi
    # cancel.
    log_ratio = 0.5 * (eps.square() + q.log_variance[:, None] - z.square()).sum(-1)
    return log_likelihood + log_ratio
