"""The settings of a training run: everything that decides its outcome, one preset a model."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

from vae.config import VAEConfig

Precision = Literal["auto", "bfloat16", "float32"]
# a precision that training.precision resolves for the machine, once for each run
AUTO: Final = "auto"


@dataclass(frozen=True)
class Settings:
    """Everything that decides the outcome of a training run.

    Equal settings, on the same machine with as many threads and processes, give equal weights, bit
    for bit.
    """

    dataset: str
    """Data set: mnist, fashion-mnist, faces64, or any folder in --data-dir with the four IDX files
    or NAME.npz of JPEGs."""
    network: VAEConfig
    epochs: int
    """Passes over the training pictures."""
    batch_size: int = 256
    """Pictures in one step."""
    learning_rate: float = 1e-3
    """Peak of AdamW's learning rate: linear warm-up, then a cosine to zero."""
    warmup_steps: int = 500
    """Steps of linear warm-up."""
    weight_decay: float = 0.01
    """AdamW's decoupled weight decay, on matrices only."""
    ema_decay: float = 0.999
    """Exponential moving average of the weights, per step; the average is what is saved."""
    beta_warmup_steps: int = 500
    """Steps over which the largest beta rises, on a logarithmic scale, to the end of the range.
    While the decoder can't read the code yet, a large beta makes dimensions die that then stay
    dead."""
    beta_warmup_start: float = 0.05
    """Largest beta of the first step. The smaller, the more dimensions live."""
    beta_warmup_end: float | None = None
    """Largest beta of the last of these steps; the end of the range unless told. A network for one
    beta stops at its own."""
    beta_shares: tuple[tuple[float, float], ...] = ()
    """How betas are drawn where not log-uniformly over the whole range: (highest beta, share of the
    examples) of one piece of the range after another, log-uniform within each. Only a network for
    many betas draws any."""
    loss_weight_power: float = 0.75
    """Each example's loss is divided by (1 + beta) to this power: 0 is the plain mean over betas.
    """
    precision: Precision = AUTO
    """Precision of matrix products and convolutions; weights, their averages and losses are float32
    either way. auto: bfloat16 where the machine is faster with it; what a run begins with it keeps.
    """
    gradient_norm: float = 1000.0
    """Gradients longer than this (in nats) are shortened to it."""
    flips: bool = False
    """Mirror each training picture left to right half of the times that it is seen."""
    shifts: int = 0
    """Move each training picture by up to so many pixels each way, anew each time that it is seen;
    edges are repeated."""
    draws: int = 1
    """Draws of z for each picture in a step."""
    held_out: int = 0
    """Last training pictures kept for validation (5000 when making choices; 0 trains on all of
    them)."""
    seed: int = 1
    """Fixes initial weights, order of pictures, binarisation, betas and noise."""

    def __post_init__(self) -> None:
        for name in (
            "epochs",
            "batch_size",
            "learning_rate",
            "ema_decay",
            "beta_warmup_start",
            "gradient_norm",
            "draws",
        ):
            if getattr(self, name) <= 0:
                raise ValueError(f"--{name.replace('_', '-')} must be positive")
        for name in ("held_out", "warmup_steps", "beta_warmup_steps", "weight_decay", "shifts"):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name.replace('_', '-')} must not be negative")
        if self.beta_shares:
            low, high = self.network.beta_range
            ends, shares = zip(*self.beta_shares, strict=True)
            if not (
                all(a < b for a, b in pairwise((low, *ends)))
                and ends[-1] == high
                and min(shares) > 0
                and math.isclose(sum(shares), 1)
            ):
                raise ValueError(
                    "--beta-shares must be pairs of a beta and a share: betas that rise from "
                    f"above {low:g} to {high:g}, positive shares whose sum is 1"
                )

    @classmethod
    def from_record(cls, values: dict) -> "Settings":
        """The settings that training.json holds.

        Raises TypeError or ValueError for another version's.
        """
        shares = tuple(map(tuple, values.get("beta_shares", ())))
        return cls(**(values | {"network": VAEConfig(**values["network"]), "beta_shares": shares}))

    def for_one_beta(self, beta: float) -> "Settings":
        """A run of the same network without conditioning, at this beta alone.

        beta rises as in this run.
        """
        end = self.beta_warmup_end or self.network.beta_range[1]
        return replace(
            self, network=self.network.for_one_beta(beta), beta_warmup_end=end, beta_shares=()
        )


DIGITS = VAEConfig(
    image_shape=(1, 28, 28),
    latent_dim=40,
    likelihood="bernoulli",
    beta_range=(0.01, 50.0),
    preprocess="ink",
)
# Residual convolutions, more of them where a picture is read than where it is drawn: what is read
# badly is lost, and the app draws hundreds of pictures for each that it reads.
RESIDUAL = replace(DIGITS, encoder_convolutions=2, decoder_convolutions=1)
PRESETS = {
    # There is nothing to learn where the code is empty, and most where dimensions go out one by
    # one.
    "mnist": Settings(
        dataset="mnist",
        network=replace(RESIDUAL, latent_dim=34),
        epochs=70,
        learning_rate=4e-3,
        beta_warmup_steps=1500,
        beta_warmup_start=0.001,
        loss_weight_power=0.25,
        beta_shares=((0.4, 0.31), (2.5, 0.48), (10.0, 0.14), (50.0, 0.07)),
    ),
    "fashion-mnist": Settings(
        dataset="fashion-mnist",
        network=replace(RESIDUAL, latent_dim=30, beta_range=(0.01, 150.0), preprocess="garment"),
        epochs=50,
        learning_rate=3e-3,
        beta_warmup_steps=1000,
        beta_warmup_start=0.001,
        loss_weight_power=0.25,
        draws=2,
        beta_shares=((0.3, 0.27), (3.0, 0.43), (20.0, 0.2), (150.0, 0.1)),
    ),
    # Twice the learning rate, a shorter rise and bfloat16 together left 98 of 256 dimensions alive,
    # and 62 at beta = 1. Gradients are sums over 12,288 numbers. Half of the betas lie above 7, so
    # that the plain power would forget them.
    "faces": Settings(
        dataset="faces64",
        network=VAEConfig(
            image_shape=(3, 64, 64),
            latent_dim=256,
            likelihood="discretized_logistic",
            beta_range=(0.01, 5000.0),
            preprocess="photo",
            halvings=3,
            channels=16,
            widening=2,
            encoder_convolutions=1,
            decoder_convolutions=1,
            scale="pixel",
        ),
        epochs=50,
        batch_size=64,
        flips=True,
        beta_warmup_steps=4000,
        beta_warmup_start=0.0001,
        loss_weight_power=0.5,
        gradient_norm=100_000.0,
        precision="float32",
    ),
    # Two dimensions for maps and exact posteriors, from nearly an autoencoder to full collapse.
    "mnist-2d": Settings(
        dataset="mnist", network=replace(DIGITS, latent_dim=2, beta_range=(0.001, 50.0)), epochs=45
    ),
    # The same network without noise and without KL, to lay beside it on the map.
    "mnist-2d-autoencoder": Settings(
        dataset="mnist", network=replace(DIGITS, latent_dim=2, beta_range=(0.0, 0.0)), epochs=45
    ),
}
