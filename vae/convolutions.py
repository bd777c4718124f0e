"""Convolutions between pictures and features: PictureToFeatures and its mirror image."""

import math
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def grid(image_shape: tuple[int, int, int], halvings: int) -> tuple[int, int]:
    """Height and width after so many convolutions, each of which halves the sides (rounded up)."""
    return tuple(math.ceil(side / 2**halvings) for side in image_shape[1:])


class PictureToFeatures(nn.Module):
    """(N, C, H, W) in [0, 1] -> features (N, channels * h * w), by strided convolutions.

    Convolutions, because a stroke looks the same wherever it lies.
    """

    def __init__(self, image_shape: tuple[int, int, int], halvings: int, channels: int) -> None:
        super().__init__()
        _, height, width = image_shape
        rows, columns = (side * 2**halvings for side in grid(image_shape, halvings))
        self.padding = (0, columns - width, 0, rows - height)
        sizes = [image_shape[0]] + halvings * [channels]
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 4, stride=2, padding=1) for before, after in pairwise(sizes)
        )

    def forward(self, images: Tensor) -> Tensor:
        # the layout that CPUs are fastest with
        x = 2 * F.pad(images, self.padding).to(memory_format=torch.channels_last) - 1
        for layer in self.layers[:-1]:
            x = F.silu(layer(x))
        return F.silu(self.layers[-1](x).flatten(1))


class FeaturesToPicture(nn.Module):
    """(N, channels * h * w) -> (N, C, H, W): the mirror image, logits or locations of the logistic.

    All layers are transposed convolutions, computed in the way that is fastest on CPUs with
    gradients.
    """

    def __init__(self, image_shape: tuple[int, int, int], halvings: int, channels: int) -> None:
        super().__init__()
        self.image_shape, self.inner_shape = image_shape, (channels, *grid(image_shape, halvings))
        sizes = halvings * [channels] + [image_shape[0]]
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)
            for before, after in pairwise(sizes)
        )

    def forward(self, features: Tensor) -> Tensor:
        x = F.silu(features).unflatten(1, self.inner_shape).to(memory_format=torch.channels_last)
        *layers, last = cast("list[nn.ConvTranspose2d]", list(self.layers))
        for layer in layers:
            # The bias apart: inside, its gradient alone takes as long as all the others of this
            # layer.
            x = F.conv_transpose2d(x, layer.weight, stride=2, padding=1)
            x = F.silu(x.add_(_per_channel(layer)))
        # To so few channels it pays to compute each position's 4x4 patch, and then to add up where
        # patches overlap.
        rows, columns = x.shape[2:]
        patches = x.permute(0, 2, 3, 1).flatten(1, 2) @ last.weight.flatten(1)
        x = F.fold(patches.mT, (2 * rows, 2 * columns), 4, padding=1, stride=2) + _per_channel(last)
        _, height, width = self.image_shape
        return x[:, :, :height, :width]


def _per_channel(layer: nn.ConvTranspose2d) -> Tensor:
    """The bias of a layer that has one, (C, 1, 1)."""
    assert layer.bias is not None
    return layer.bias[:, None, None]
