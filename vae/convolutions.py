"""Convolutions between pictures and features: PictureToFeatures and its mirror image.

Between those that halve the sides there may be residual blocks of convolutions that leave the sides
as they are, each modulated by the embedding of beta.
"""

import math
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vae.modulation import Modulation


def grid(image_shape: tuple[int, int, int], halvings: int) -> tuple[int, int]:
    """Height and width after so many convolutions, each of which halves the sides (rounded up)."""
    return tuple(math.ceil(side / 2**halvings) for side in image_shape[1:])


def widths(channels: int, widening: int, halvings: int) -> list[int]:
    """Channels after each halving of the sides: `channels`, then `widening` times as many."""
    return [channels * widening**number for number in range(halvings)]


class ResidualConvolutions(nn.Module):
    """Residual block x + W2 silu(modulated(W1 silu(x))) of 3×3 convolutions.

    (N, C, H, W) -> the same shape; initialised as the identity. No normalisation: a step would take
    half as long again on CPUs, and a block that starts as the identity needs none.
    """

    def __init__(self, channels: int, embedding_width: int) -> None:
        super().__init__()
        self.inner = nn.Conv2d(channels, channels, 3, padding=1)
        self.modulation = Modulation(embedding_width, channels)
        self.outer = nn.Conv2d(channels, channels, 3, padding=1)
        for parameter in self.outer.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        return x + self.outer(F.silu(self.modulation(self.inner(F.silu(x)), embedding)))


def _residual_stages(sizes: list[int], residuals: int, embedding_width: int) -> nn.ModuleList:
    """So many residual blocks for each of the sizes."""
    return nn.ModuleList(
        nn.ModuleList(ResidualConvolutions(size, embedding_width) for _ in range(residuals))
        for size in sizes
    )


class PictureToFeatures(nn.Module):
    """(N, C, H, W) in [0, 1] -> features (N, channels * h * w), by strided convolutions.

    Convolutions, because a stroke looks the same wherever it lies.

    sizes: channels after each of them. residuals: residual blocks after each. The embedding of beta
    is for these alone.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        sizes: list[int],
        residuals: int = 0,
        embedding_width: int = 0,
    ) -> None:
        super().__init__()
        _, height, width = image_shape
        rows, columns = (side * 2 ** len(sizes) for side in grid(image_shape, len(sizes)))
        self.padding = (0, columns - width, 0, rows - height)
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=2, padding=1)
            for before, after in pairwise([image_shape[0], *sizes])
        )
        self.residual = _residual_stages(sizes, residuals, embedding_width)

    def forward(self, images: Tensor, embedding: Tensor | None = None) -> Tensor:
        # the layout that CPUs are fastest with
        x = 2 * F.pad(images, self.padding).to(memory_format=torch.channels_last) - 1
        for number, (layer, blocks) in enumerate(zip(self.layers, self.residual, strict=True)):
            x = layer(F.silu(x) if number else x)
            for block in cast("nn.ModuleList", blocks):
                x = block(x, embedding)
        return F.silu(x.flatten(1))


class FeaturesToPicture(nn.Module):
    """Features (N, channels * h * w) -> (N, C, H, W), by transposed convolutions.

    Returns logits, or parameters of the logistic. sizes: channels before each layer, from the
    finest to the coarsest, as in PictureToFeatures. All layers are transposed convolutions,
    computed in the way that is fastest on CPUs with gradients.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        sizes: list[int],
        residuals: int = 0,
        embedding_width: int = 0,
    ) -> None:
        super().__init__()
        self.image_shape, self.inner_shape = (
            image_shape,
            (sizes[-1], *grid(image_shape, len(sizes))),
        )
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
            for before, after in pairwise([*sizes[::-1], image_shape[0]])
        )
        self.residual = _residual_stages(sizes[::-1], residuals, embedding_width)

    def forward(self, features: Tensor, embedding: Tensor | None = None) -> Tensor:
        x = features.unflatten(1, self.inner_shape).to(memory_format=torch.channels_last)
        layers = cast("list[nn.ConvTranspose2d]", list(self.layers))
        last = layers[-1]
        for layer, blocks in zip(layers, self.residual, strict=True):
            for block in cast("nn.ModuleList", blocks):
                x = block(x, embedding)
            x = F.silu(x)
            if layer is not last:
                # The bias apart: inside, its gradient alone takes as long as all the others of this
                # layer.
                x = F.conv_transpose2d(x, layer.weight, stride=2, padding=1)
                x = x.add_(_channel_bias(layer))
        # To so few channels it pays to compute each position's 4x4 patch, and then to add up where
        # patches overlap.
        rows, columns = x.shape[2:]
        patches = x.permute(0, 2, 3, 1).flatten(1, 2) @ last.weight.flatten(1)
        x = F.fold(patches.mT, (2 * rows, 2 * columns), 4, padding=1, stride=2) + _channel_bias(
            last
        )
        _, height, width = self.image_shape
        return x[:, :, :height, :width]


def _channel_bias(layer: nn.ConvTranspose2d) -> Tensor:
    """The bias of a layer that has one, (C, 1, 1)."""
    assert layer.bias is not None
    return layer.bias[:, None, None]
