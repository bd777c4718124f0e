"""One variational autoencoder for every beta: the network VAE.

    encoder   q(z|x, beta) = N(mu, diag sigma^2)    amortised posterior
    prior     p(z) = N(0, I)
    decoder   p(x|z, beta)                          a likelihood, see likelihood.py

(Kingma & Welling 2014, eq. 9.) The training objective distortion + beta * rate (Higgins et al.
2017, eq. 4) has another best encoder and another best decoder for each beta. Here a small embedding
of log beta scales and shifts the features of every residual block in both, so that one set of
weights holds the whole family (Dosovitskiy & Djolonga, "You Only Train Once", ICLR 2020; Bae et
al., "Multi-Rate VAE", ICLR 2023). beta is an argument of every call and never state of the module.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.config import VAEConfig
from vae.convolutions import FeaturesToPicture, PictureToFeatures
from vae.likelihood import Bernoulli, DiscretizedLogistic, Likelihood, is_true_everywhere
from vae.modulation import BetaEmbedding, Modulation

# beyond these bounds q hardly changes, and one bad step could end in NaN
LOG_PRECISION_BOUNDS = (-20.0, 20.0)
# log scale of the logistic, in pixel units: from a quarter of a grey level to nearly uniform
LOG_SCALE_BOUNDS = (-7.0, 2.0)


@dataclass(frozen=True)
class DiagonalGaussian:
    """q(z|x): independent normal dimensions.

    mean and log_variance: (N, D) float32; log_variance = log sigma^2. A plain autoencoder's q is a
    point: its log_variance is minus infinity, its rate would be infinite.
    """

    mean: Tensor
    log_variance: Tensor

    @property
    def standard_deviation(self) -> Tensor:
        """sigma = exp(log_variance / 2), (N, D). Not exp(log_variance), which is sigma^2."""
        return torch.exp(0.5 * self.log_variance)

    def __getitem__(self, pictures: slice) -> "DiagonalGaussian":
        """The posteriors of some of the pictures."""
        return DiagonalGaussian(self.mean[pictures], self.log_variance[pictures])

    def at(self, eps: Tensor) -> Tensor:
        """z = mu + sigma * eps: the reparameterisation trick (Kingma & Welling 2014, section 2.4).

        eps: (…, N, D), drawn from N(0, I). The randomness is in eps alone, so gradients reach mu
        and sigma.
        """
        return self.mean + self.standard_deviation * eps


def tempered_posterior(
    estimate: Tensor, log_precision: Tensor, log_beta: Tensor
) -> DiagonalGaussian:
    """The posterior under a Gaussian likelihood weighted by 1/beta and the prior N(0, 1).

    The likelihood is N(estimate; z, 1/precision), so that

        sigma^2 = 1 / (1 + precision / beta)    and    mu = (1 - sigma^2) * estimate

    The best q for distortion + beta * rate is proportional to p(z) p(x|z)^(1/beta), and this is
    that product in each dimension. So beta enters where theory puts it: at a small beta sigma
    starts small; at a large one q starts at the prior and the code is gone. The network has only to
    say what it read from the picture and how certain it is.

    All (N, D), log_beta (N, 1) or (1, 1). The log variance that is returned is never above 0.
    """
    log_variance = -F.softplus((log_precision - log_beta).clamp(*LOG_PRECISION_BOUNDS))
    return DiagonalGaussian(-torch.expm1(log_variance) * estimate, log_variance)


class ModulatedNorm(nn.Module):
    """LayerNorm, then modulation. BatchNorm would mix the statistics of all betas in a batch."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.modulation = Modulation(config.embedding_width, config.width)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        return self.modulation(self.norm(x), embedding)


class ResidualBlock(nn.Module):
    """x + W2 silu(W1 modulated_norm(x)): (N, width) -> (N, width)."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.norm = ModulatedNorm(config)
        self.inner = nn.Linear(config.width, config.width)
        self.outer = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        return x + self.outer(F.silu(self.inner(self.norm(x, embedding))))


class Encoder(nn.Module):
    """(N, C, H, W), embedding -> estimate and log precision of each latent dimension, each (N, D).

    The estimate is the z that the picture suggests, the precision is how certain it is.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        sizes = config.encoder_sizes
        self.picture = PictureToFeatures(
            config.image_shape, sizes, config.encoder_convolutions, config.embedding_width
        )
        self.first = nn.Linear(sizes[-1] * math.prod(config.grid), config.width)
        self.blocks = nn.ModuleList(ResidualBlock(config) for _ in range(config.blocks))
        self.norm = ModulatedNorm(config)
        self.head = nn.Linear(config.width, 2 * config.latent_dim)
        self.head_modulation = Modulation(config.embedding_width, 2 * config.latent_dim)

    @property
    def features_depend_on_beta(self) -> bool:
        """Whether any convolution is told of beta."""
        return any(len(blocks) for blocks in self.picture.residual)  # type: ignore[arg-type]

    def forward(self, images: Tensor, embedding: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.read(self.features(images, embedding), embedding)

    def features(self, images: Tensor, embedding: Tensor | None) -> Tensor:
        """What the convolutions make of the pictures, (N, width)."""
        return self.first(self.picture(images, embedding))

    def read(self, x: Tensor, embedding: Tensor | None) -> tuple[Tensor, Tensor]:
        """Estimate and log precision of such features, each (N, D)."""
        for block in self.blocks:
            x = block(x, embedding)
        estimate, log_precision = self.head_modulation(
            self.head(F.silu(self.norm(x, embedding))), embedding
        ).chunk(2, dim=-1)
        return estimate, log_precision


class Decoder(nn.Module):
    """(N, D), embedding -> (N, C, H, W): logits, or locations of the logistic.

    Where each pixel has a scale of its own, (N, 2 C, H, W): locations, then what is added to their
    log scales.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.latent_modulation = Modulation(config.embedding_width, config.latent_dim)
        self.first = nn.Linear(config.latent_dim, config.width)
        self.blocks = nn.ModuleList(ResidualBlock(config) for _ in range(config.blocks))
        self.norm = ModulatedNorm(config)
        sizes, (channels, height, width) = config.decoder_sizes, config.image_shape
        self.last = nn.Linear(config.width, sizes[-1] * math.prod(config.grid))
        output_shape = (2 * channels if config.scale == "pixel" else channels, height, width)
        self.picture = FeaturesToPicture(
            output_shape, sizes, config.decoder_convolutions, config.embedding_width
        )

    def forward(self, z: Tensor, embedding: Tensor | None) -> Tensor:
        x = self.first(self.latent_modulation(z, embedding))
        for block in self.blocks:
            x = block(x, embedding)
        return self.picture(self.last(F.silu(self.norm(x, embedding))), embedding)


class LogScale(nn.Module):
    """Learned log scale of the logistic for each channel, a function of beta.

    Shape (N, C, 1, 1), or (1, C, 1, 1) where all pictures share one beta. pixel_term: the decoder's
    addition to the log scale of each pixel, (N, C, H, W).
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.base = nn.Parameter(torch.full((config.image_shape[0],), -3.0))
        self.shift = (
            nn.Linear(config.beta_embedding, config.image_shape[0]) if config.conditioned else None
        )
        if self.shift is not None:
            nn.init.zeros_(self.shift.weight)
            nn.init.zeros_(self.shift.bias)

    def forward(self, embedding: Tensor | None, pixel_term: Tensor | None = None) -> Tensor:
        log_scale = (self.base[None] if self.shift is None else self.base + self.shift(embedding))[
            :, :, None, None
        ].float()
        return (log_scale if pixel_term is None else log_scale + pixel_term).clamp(
            *LOG_SCALE_BOUNDS
        )


class VAE(nn.Module):
    """The network: encode and decode. The losses are in elbo.py."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        conditioned = config.conditioned
        self.beta_embedding = (
            BetaEmbedding(config.beta_range, config.beta_embedding) if conditioned else None
        )
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.log_scale = LogScale(config) if config.likelihood == "discretized_logistic" else None

    @property
    def device(self) -> torch.device:
        return self.encoder.first.weight.device

    def encode(self, images: Tensor, beta: float | Tensor) -> DiagonalGaussian:
        """The posterior q(z|x, beta) of each picture.

        images: (N, C, H, W) float32 in [0, 1]; beta: one number, or (N,), one for each picture.
        Returns mean and log_variance, (N, D) float32. Raises ValueError for another shape or a beta
        outside beta_range.
        """
        self._require_pictures(images)
        estimate, log_precision = self.encoder(images, self._embed(beta, len(images)))
        return self._posterior(estimate, log_precision, beta)

    def encode_at(self, images: Tensor, betas: Iterable[float]) -> Iterator[DiagonalGaussian]:
        """The posterior of each picture at one beta after the other, as `encode` gives it.

        Features that do not depend on beta are computed once: of a network without residual
        convolutions a fifth of the work is left.
        """
        self._require_pictures(images)
        encoder, features = self.encoder, None
        for beta in betas:
            embedding = self._embed(beta, len(images))
            if features is None or encoder.features_depend_on_beta:
                features = encoder.features(images, embedding)
            yield self._posterior(*encoder.read(features, embedding), beta)

    def _require_pictures(self, images: Tensor) -> None:
        if images.ndim != 4 or tuple(images.shape[1:]) != self.config.image_shape:
            raise ValueError(
                f"expected images of shape (N, {', '.join(map(str, self.config.image_shape))}), "
                f"not {tuple(images.shape)}"
            )

    def _posterior(
        self, estimate: Tensor, log_precision: Tensor, beta: float | Tensor
    ) -> DiagonalGaussian:
        if self.config.autoencoder:
            return DiagonalGaussian(
                estimate.float(), torch.full_like(estimate, -math.inf, dtype=torch.float32)
            )
        log_beta = (
            torch.as_tensor(beta, dtype=torch.float32, device=self.device).log().reshape(-1, 1)
        )
        return tempered_posterior(estimate.float(), log_precision.float(), log_beta)

    def decode(self, z: Tensor, beta: float | Tensor) -> Likelihood:
        """The likelihood p(x|z, beta) for latents z, (N, D) float32.

        beta: one number, or (N,). Errors as for encode.
        """
        if z.ndim != 2 or z.shape[1] != self.config.latent_dim:
            raise ValueError(
                f"expected latents of shape (N, {self.config.latent_dim}), not {tuple(z.shape)}"
            )
        embedding = self._embed(beta, len(z))
        parameters = self.decoder(z, embedding).float()
        if self.log_scale is None:
            return Bernoulli(parameters)
        location, pixel_term = (
            parameters.chunk(2, dim=1) if self.config.scale == "pixel" else (parameters, None)
        )
        return DiscretizedLogistic(location, self.log_scale(embedding, pixel_term))

    def _embed(self, beta: float | Tensor, count: int) -> Tensor | None:
        """(1, E) for one beta, (count, E) for one each; None for a network without conditioning."""
        betas = torch.as_tensor(beta, dtype=torch.float32, device=self.device)
        if betas.shape not in ((), (count,)):
            raise ValueError(
                f"beta must be one number or one for each of the {count} pictures, not shape "
                f"{tuple(betas.shape)}"
            )
        low, high = self.config.beta_range
        slack = 1e-6  # float32 rounds the ends of the range
        if not is_true_everywhere((betas >= low * (1 - slack)) & (betas <= high * (1 + slack))):
            raise ValueError(
                f"beta must lie in the range the network was trained for, {low:g} to {high:g}"
            )
        if self.beta_embedding is None:
            return None
        return self.beta_embedding(betas.reshape(-1))
