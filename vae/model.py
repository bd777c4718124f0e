"""One variational autoencoder for every beta: VAEConfig, and the network VAE.

    encoder   q(z|x, beta) = N(mu, diag sigma^2)    amortised posterior
    prior     p(z) = N(0, I)
    decoder   p(x|z, beta)                          a likelihood, see likelihood.py

(Kingma & Welling 2014, eq. 9.) The training objective distortion + beta * rate (Higgins et al.
2017, eq. 4) has another best encoder and another best decoder for each beta. Here a small embedding
of log beta scales and shifts the features of every residual block in both, so that one set of
weights holds the whole family (Dosovitskiy & Djolonga, "You Only Train Once", ICLR 2020; Bae et
al., "Multi-Rate VAE", ICLR 2023). beta is an argument of every call and never state of the module.
"""

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.convolutions import FeaturesToPicture, PictureToFeatures, grid
from vae.likelihood import Bernoulli, DiscretizedLogistic, Likelihood

LIKELIHOODS = ("bernoulli", "discretized_logistic")
PREPROCESSES = ("ink", "garment", "photo")
MAX_PARAMETERS = 20_000_000
# beyond them q hardly changes, and one bad step could end in NaN
LOG_PRECISION_BOUNDS = (-20.0, 20.0)
# of the logistic, in pixel units: from a quarter of a grey level to all of them alike
LOG_SCALE_BOUNDS = (-7.0, 2.0)
FREQUENCIES = 8  # sines and cosines of log beta that the embedding starts from


@dataclass(frozen=True)
class VAEConfig:
    """Everything that fixes the network's shape and meaning.

    image_shape: (channels, height, width). latent_dim: D, dimensions of z. likelihood: "bernoulli"
    or "discretized_logistic". beta_range: (lowest, highest) beta that the network was trained for;
    equal ends mean a network for that one beta, without conditioning; (0, 0) means a plain
    autoencoder, the same network without noise and without KL, whose code is a point (nothing is
    left that would pay for a wider q). preprocess: how vae.images prepares a file: "ink", "garment"
    or "photo".

    halvings: how many convolutions lie between picture and features, and as many on the way back;
    each halves the sides. channels: of these convolutions. width, blocks: features and number of
    residual blocks in the encoder, and again in the decoder. beta_embedding: width of the embedding
    of log beta.

    Raises ValueError for a value that makes no sense.
    """

    image_shape: tuple[int, int, int]
    latent_dim: int
    likelihood: str
    beta_range: tuple[float, float]
    preprocess: str
    halvings: int = 2
    channels: int = 32
    width: int = 512
    blocks: int = 2
    beta_embedding: int = 64

    def __post_init__(self) -> None:
        def require(good: bool, sentence: str) -> None:
            if not good:
                raise ValueError(f"VAEConfig: {sentence}")

        def count(value: object, highest: int) -> bool:
            return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= highest

        # JSON knows only lists; a config read from a file and one written by hand must be equal.
        for name in ("image_shape", "beta_range"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        shape, betas = self.image_shape, self.beta_range
        require(
            isinstance(shape, tuple)
            and len(shape) == 3
            and shape[0] in (1, 3)
            and all(count(side, 256) for side in shape),
            f"image_shape must be (1 or 3, height, width) with sides up to 256, not {shape!r}",
        )
        require(
            count(self.latent_dim, 1024),
            f"latent_dim must be a whole number from 1 to 1024, not {self.latent_dim!r}",
        )
        require(
            self.likelihood in LIKELIHOODS,
            f"likelihood must be one of {LIKELIHOODS}, not {self.likelihood!r}",
        )
        require(
            isinstance(betas, tuple)
            and len(betas) == 2
            and all(isinstance(beta, int | float) and math.isfinite(beta) for beta in betas)
            and (0 < betas[0] <= betas[1] or betas == (0, 0)),
            "beta_range must be two finite numbers, 0 < lowest <= highest, or (0, 0) for a plain "
            f"autoencoder, not {betas!r}",
        )
        require(
            self.preprocess in PREPROCESSES,
            f"preprocess must be one of {PREPROCESSES}, not {self.preprocess!r}",
        )
        require(
            count(self.halvings, 6),
            f"halvings must be a whole number from 1 to 6, not {self.halvings!r}",
        )
        require(
            count(self.channels, 256),
            f"channels must be a whole number from 1 to 256, not {self.channels!r}",
        )
        require(
            count(self.width, 4096),
            f"width must be a whole number from 1 to 4096, not {self.width!r}",
        )
        require(
            count(self.blocks, 32),
            f"blocks must be a whole number from 1 to 32, not {self.blocks!r}",
        )
        require(
            count(self.beta_embedding, 512),
            f"beta_embedding must be from 1 to 512, not {self.beta_embedding!r}",
        )
        inner = self.channels * math.prod(self.grid)
        # the large ones
        parameters = 2 * self.width * (inner + 2 * self.blocks * (self.width + self.beta_embedding))
        require(
            parameters <= MAX_PARAMETERS,
            f"a network of about {parameters:,} parameters is larger than the {MAX_PARAMETERS:,} "
            "allowed",
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width after the convolutions, each of which halves the sides (rounded up)."""
        return grid(self.image_shape, self.halvings)

    @property
    def conditioned(self) -> bool:
        """Whether the network answers to beta at all, or was trained for a single one."""
        return self.beta_range[0] < self.beta_range[1]

    @property
    def binarised(self) -> bool:
        """Whether the model sees a binarisation of a picture (pixels 0 or 1), not its greys."""
        return self.likelihood == "bernoulli"

    @property
    def autoencoder(self) -> bool:
        """Whether this is a plain autoencoder: beta is 0, and there is no rate and no ELBO."""
        return self.beta_range == (0, 0)

    def for_one_beta(self, beta: float) -> "VAEConfig":
        """A config of the same network without conditioning, for training at this beta alone."""
        return dataclasses.replace(self, beta_range=(beta, beta))


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
    say what it read from the picture and how sure it is.

    All (N, D), log_beta (N, 1) or (1, 1). The log variance that is returned is never above 0.
    """
    log_variance = -F.softplus((log_precision - log_beta).clamp(*LOG_PRECISION_BOUNDS))
    return DiagonalGaussian(-torch.expm1(log_variance) * estimate, log_variance)


class BetaEmbedding(nn.Module):
    """Embedding of log beta, (N,) -> (N, E): sines and cosines, then one hidden layer.

    The hidden layer lets the features be any smooth function of log beta.
    """

    def __init__(self, beta_range: tuple[float, float], width: int) -> None:
        super().__init__()
        low, high = math.log(beta_range[0]), math.log(beta_range[1])
        self.centre, self.half_width = (low + high) / 2, (high - low) / 2
        self.layers = nn.Sequential(
            nn.Linear(1 + 2 * FREQUENCIES, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )

    def forward(self, beta: Tensor) -> Tensor:
        position = ((beta.log() - self.centre) / self.half_width)[:, None]  # -1 … 1
        angles = position * (math.pi / 2) * torch.arange(1, FREQUENCIES + 1, device=beta.device)
        return self.layers(torch.cat([position, angles.sin(), angles.cos()], dim=1))


class Modulation(nn.Module):
    """Feature-wise scale and shift by the embedding of beta (Perez et al. 2018, FiLM).

    Initialised as the identity.
    """

    def __init__(self, config: VAEConfig, features: int) -> None:
        super().__init__()
        self.scale_shift = (
            nn.Linear(config.beta_embedding, 2 * features) if config.conditioned else None
        )
        if self.scale_shift is not None:
            nn.init.zeros_(self.scale_shift.weight)
            nn.init.zeros_(self.scale_shift.bias)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        if self.scale_shift is None:
            return x
        scale, shift = self.scale_shift(embedding).chunk(2, dim=-1)
        return x * (1 + scale) + shift


class ModulatedNorm(nn.Module):
    """LayerNorm, then modulation. BatchNorm would mix the statistics of all betas in a batch."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(config.width)
        self.modulation = Modulation(config, config.width)

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

    The estimate is what the picture says of z, the precision is how surely it says so.
    """

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.picture = PictureToFeatures(config.image_shape, config.halvings, config.channels)
        self.first = nn.Linear(config.channels * math.prod(config.grid), config.width)
        self.blocks = nn.ModuleList(ResidualBlock(config) for _ in range(config.blocks))
        self.norm = ModulatedNorm(config)
        self.head = nn.Linear(config.width, 2 * config.latent_dim)
        self.head_modulation = Modulation(config, 2 * config.latent_dim)

    def forward(self, images: Tensor, embedding: Tensor | None) -> tuple[Tensor, Tensor]:
        x = self.first(self.picture(images))
        for block in self.blocks:
            x = block(x, embedding)
        estimate, log_precision = self.head_modulation(
            self.head(F.silu(self.norm(x, embedding))), embedding
        ).chunk(2, dim=-1)
        return estimate, log_precision


class Decoder(nn.Module):
    """(N, D), embedding -> (N, C, H, W): logits, or locations of the logistic."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.latent_modulation = Modulation(config, config.latent_dim)
        self.first = nn.Linear(config.latent_dim, config.width)
        self.blocks = nn.ModuleList(ResidualBlock(config) for _ in range(config.blocks))
        self.norm = ModulatedNorm(config)
        self.last = nn.Linear(config.width, config.channels * math.prod(config.grid))
        self.picture = FeaturesToPicture(config.image_shape, config.halvings, config.channels)

    def forward(self, z: Tensor, embedding: Tensor | None) -> Tensor:
        x = self.first(self.latent_modulation(z, embedding))
        for block in self.blocks:
            x = block(x, embedding)
        return self.picture(self.last(F.silu(self.norm(x, embedding))))


class LogScale(nn.Module):
    """Learned log scale of the logistic for each channel, a function of beta.

    Shape (N, C, 1, 1), or (1, C, 1, 1) where all pictures share one beta.
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

    def forward(self, embedding: Tensor | None) -> Tensor:
        log_scale = self.base[None] if self.shift is None else self.base + self.shift(embedding)
        return log_scale.float().clamp(*LOG_SCALE_BOUNDS)[:, :, None, None]


class VAE(nn.Module):
    """The network. encode and decode are all there is; the losses are in elbo.py."""

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
        if images.ndim != 4 or tuple(images.shape[1:]) != self.config.image_shape:
            raise ValueError(
                f"expected images of shape (N, {', '.join(map(str, self.config.image_shape))}), "
                f"not {tuple(images.shape)}"
            )
        estimate, log_precision = self.encoder(images, self._embed(beta, len(images)))
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
        return DiscretizedLogistic(parameters, self.log_scale(embedding))

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
        if not ((betas >= low * (1 - slack)) & (betas <= high * (1 + slack))).all():
            raise ValueError(
                f"beta must lie in the range the network was trained for, {low:g} to {high:g}"
            )
        if self.beta_embedding is None:
            return None
        return self.beta_embedding(betas.reshape(-1))
