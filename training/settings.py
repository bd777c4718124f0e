"""What a training run is: everything that decides its outcome, one preset for each model."""

from dataclasses import dataclass, replace
from typing import Literal

from vae.model import VAEConfig


@dataclass(frozen=True)
class Settings:
    """Equal settings, on the same machine with as many threads and processes, give equal weights, bit for bit."""

    dataset: str
    """Data set: mnist, or any folder in --data-dir with the four IDX files."""
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
    """Steps over which the largest beta rises, on a logarithmic scale, from 0.05 to the end of the range. While the decoder
    can't read the code yet, a large beta makes dimensions die that then stay dead."""
    loss_weight_power: float = 0.75
    """Each example's loss is divided by (1 + beta) to this power: 0 is the plain mean over betas."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of matrix products and convolutions; weights, their averages and losses are float32 either way. A CPU without bfloat16
    instructions is faster with float32."""
    gradient_norm: float = 1000.0
    """Gradients longer than this (in nats) are shortened to it."""
    held_out: int = 0
    """Last training pictures kept for validation (5000 when making choices; 0 trains on all of them)."""
    seed: int = 1
    """Fixes initial weights, order of pictures, binarisation, betas and noise."""

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "ema_decay", "gradient_norm"):
            if getattr(self, name) <= 0:
                raise ValueError(f"--{name.replace('_', '-')} must be positive")
        for name in ("held_out", "warmup_steps", "beta_warmup_steps", "weight_decay"):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name.replace('_', '-')} must not be negative")


DIGITS = VAEConfig(
    image_shape=(1, 28, 28), latent_dim=40, likelihood="bernoulli", beta_range=(0.01, 50.0), preprocess="ink",
)
PRESETS = {
    "mnist": Settings(dataset="mnist", network=DIGITS, epochs=150, beta_warmup_steps=1000),
    # Two dimensions for maps and exact posteriors, from nearly an autoencoder to full collapse.
    "mnist-2d": Settings(dataset="mnist", network=replace(DIGITS, latent_dim=2, beta_range=(0.001, 50.0)), epochs=45),
    # The same network without noise and without KL, to lay beside it on the map.
    "mnist-2d-autoencoder": Settings(dataset="mnist", network=replace(DIGITS, latent_dim=2, beta_range=(0.0, 0.0)), epochs=45),
}
