"""Conditioning on beta: an embedding of log beta, and feature-wise modulation by it."""

import math

import torch
from torch import Tensor, nn

FREQUENCIES = 8  # sines and cosines of log beta that the embedding starts from


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

    Initialised as the identity, which it stays where there is no embedding: embedding_width 0. (N,
    features) or (N, features, H, W), embedding (N, E) or (1, E) -> the same shape.
    """

    def __init__(self, embedding_width: int, features: int) -> None:
        super().__init__()
        self.scale_shift = nn.Linear(embedding_width, 2 * features) if embedding_width else None
        if self.scale_shift is not None:
            nn.init.zeros_(self.scale_shift.weight)
            nn.init.zeros_(self.scale_shift.bias)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        if self.scale_shift is None:
            return x
        scale, shift = self.scale_shift(embedding).chunk(2, dim=-1)
        if x.ndim == 4:
            scale, shift = scale[:, :, None, None], shift[:, :, None, None]
        return x * (1 + scale) + shift
