"""VAEConfig: everything that fixes a network's shape and meaning.

Its values are bounded, since a config.json may come from anywhere.
"""

import dataclasses
import math
from dataclasses import dataclass
from itertools import pairwise

from vae.convolutions import grid, widths

LIKELIHOODS = ("bernoulli", "discretized_logistic")
PREPROCESSES = ("ink", "garment", "photo")
SCALES = ("channel", "pixel")
MAX_PARAMETERS = 20_000_000
MAX_MULTIPLICATIONS = 1_000_000_000  # of the residual convolutions, for one picture


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
    each halves the sides. channels: of the first of these convolutions, and of the last on the way
    back; widening: how many times as many after each further one. encoder_channels: the encoder's,
    where it is wider than the decoder; 0 means as many. encoder_convolutions, decoder_convolutions:
    residual blocks of 3×3 convolutions after each halving, and before each doubling of the sides.
    width, blocks: features and number of residual blocks in the encoder, and again in the decoder.
    beta_embedding: width of the embedding of log beta.
    scale: whether the logistic has one scale for each "channel", or one for each "pixel" of a
    channel, put out by the decoder.

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
    encoder_channels: int = 0
    encoder_convolutions: int = 0
    decoder_convolutions: int = 0
    widening: int = 1
    scale: str = "channel"

    def __post_init__(self) -> None:
        def require(condition: bool, sentence: str) -> None:
            if not condition:
                raise ValueError(f"VAEConfig: {sentence}")

        def is_count(value: object, highest: int, lowest: int = 1) -> bool:
            return (
                isinstance(value, int)
                and not isinstance(value, bool)
                and lowest <= value <= highest
            )

        # JSON knows only lists; a config read from a file and one written by hand must be equal.
        for name in ("image_shape", "beta_range"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        shape, betas = self.image_shape, self.beta_range
        require(
            isinstance(shape, tuple)
            and len(shape) == 3
            and shape[0] in (1, 3)
            and all(is_count(side, 256) for side in shape),
            f"image_shape must be (1 or 3, height, width) with sides up to 256, not {shape!r}",
        )
        require(
            is_count(self.latent_dim, 1024),
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
            is_count(self.halvings, 6),
            f"halvings must be a whole number from 1 to 6, not {self.halvings!r}",
        )
        require(
            is_count(self.channels, 256),
            f"channels must be a whole number from 1 to 256, not {self.channels!r}",
        )
        require(
            is_count(self.width, 4096),
            f"width must be a whole number from 1 to 4096, not {self.width!r}",
        )
        require(
            is_count(self.blocks, 32),
            f"blocks must be a whole number from 1 to 32, not {self.blocks!r}",
        )
        require(
            is_count(self.beta_embedding, 512),
            f"beta_embedding must be from 1 to 512, not {self.beta_embedding!r}",
        )
        require(
            is_count(self.encoder_channels, 256, 0),
            f"encoder_channels must be a whole number from 0 to 256, not {self.encoder_channels!r}",
        )
        for name in ("encoder_convolutions", "decoder_convolutions"):
            require(
                is_count(getattr(self, name), 8, 0),
                f"{name} must be a whole number from 0 to 8, not {getattr(self, name)!r}",
            )
        require(is_count(self.widening, 2), f"widening must be 1 or 2, not {self.widening!r}")
        require(self.scale in SCALES, f"scale must be one of {SCALES}, not {self.scale!r}")
        require(
            self.scale == "channel" or not self.binarised,
            "a Bernoulli likelihood has no scale; scale must be 'channel'",
        )
        parameters = self._large_parameters()
        require(
            parameters <= MAX_PARAMETERS,
            f"a network of about {parameters:,} parameters is larger than the {MAX_PARAMETERS:,} "
            "allowed",
        )
        multiplications = self._multiplications()
        require(
            multiplications <= MAX_MULTIPLICATIONS,
            f"residual convolutions of about {multiplications:,} multiplications "
            f"for a picture are more than the {MAX_MULTIPLICATIONS:,} allowed",
        )

    def _large_parameters(self) -> int:
        """How many parameters the network has, about: those of its large layers."""
        inner = (self.encoder_sizes[-1] + self.decoder_sizes[-1]) * math.prod(self.grid)
        total = self.width * (inner + 4 * self.blocks * (self.width + self.beta_embedding))
        for sizes, convolutions in self._convolutions():
            total += sum(16 * before * after for before, after in pairwise(sizes))
            total += convolutions * sum(
                2 * size * (9 * size + self.beta_embedding) for size in sizes
            )
        return total

    def _multiplications(self) -> int:
        """Multiplications in the residual convolutions for one picture."""
        return sum(
            convolutions * 18 * size**2 * math.prod(grid(self.image_shape, number + 1))
            for sizes, convolutions in self._convolutions()
            for number, size in enumerate(sizes)
        )

    def _convolutions(self) -> tuple[tuple[list[int], int], ...]:
        """Channels at each size of the sides and residual blocks there, of encoder and decoder."""
        return (self.encoder_sizes, self.encoder_convolutions), (
            self.decoder_sizes,
            self.decoder_convolutions,
        )

    @property
    def encoder_sizes(self) -> list[int]:
        """Channels after each of the encoder's convolutions that halve the sides."""
        return widths(self.encoder_channels or self.channels, self.widening, self.halvings)

    @property
    def decoder_sizes(self) -> list[int]:
        """Channels before each of the decoder's that double them, the finest first."""
        return widths(self.channels, self.widening, self.halvings)

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width after the convolutions, each of which halves the sides (rounded up)."""
        return grid(self.image_shape, self.halvings)

    @property
    def conditioned(self) -> bool:
        """Whether the network answers to beta at all, or was trained for a single one."""
        return self.beta_range[0] < self.beta_range[1]

    @property
    def embedding_width(self) -> int:
        """Width of the embedding of beta; 0 where the network is for one beta alone."""
        return self.beta_embedding if self.conditioned else 0

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
