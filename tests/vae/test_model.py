"""The network's parts against plain PyTorch layers with the same weights."""

import pytest
import torch
from torch.nn import functional as F

from tests.conftest import generator, tiny_config
from vae.model import FeaturesToPicture


@pytest.mark.parametrize("image_shape", [(1, 28, 28), (3, 30, 17)])
def test_features_become_a_picture_by_two_transposed_convolutions_with_the_same_gradients(image_shape):
    layer = FeaturesToPicture(tiny_config(image_shape=image_shape, channels=6))
    rows, columns = layer.inner_shape[1:]
    features = torch.randn(5, 6 * rows * columns, generator=generator(), requires_grad=True)
    weights = [features, *layer.parameters()]
    picture = layer(features)
    _, height, width = image_shape
    expected = layer.fine(F.silu(layer.coarse(F.silu(features).unflatten(1, (6, rows, columns)))))[:, :, :height, :width]
    torch.testing.assert_close(picture, expected)
    direction = torch.randn(picture.shape, generator=generator(1))
    for ours, theirs in zip(torch.autograd.grad((picture * direction).sum(), weights),
                            torch.autograd.grad((expected * direction).sum(), weights), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
