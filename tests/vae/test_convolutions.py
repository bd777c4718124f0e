"""The network's parts against plain PyTorch layers with the same weights."""

import pytest
import torch
from torch.nn import functional as F

from tests.conftest import generator
from vae.convolutions import FeaturesToPicture, PictureToFeatures, grid

SHAPES = [(1, 28, 28), (3, 30, 17)]


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("image_shape", SHAPES)
def test_a_picture_becomes_features_by_convolutions_that_halve_its_sides(image_shape, halvings):
    layer = PictureToFeatures(image_shape, halvings, 6)
    pictures = torch.rand(5, *image_shape, generator=generator())
    rows, columns = grid(image_shape, halvings)
    padded = torch.zeros(5, image_shape[0], rows * 2**halvings, columns * 2**halvings)
    padded[:, :, : image_shape[1], : image_shape[2]] = pictures
    expected = 2 * padded - 1
    for convolution in layer.layers:
        expected = F.silu(convolution(expected))
    assert expected.shape == (5, 6, rows, columns)
    torch.testing.assert_close(layer(pictures), expected.flatten(1))


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("image_shape", SHAPES)
def test_features_become_a_picture_by_transposed_convolutions_with_the_same_gradients(
    image_shape, halvings
):
    layer = FeaturesToPicture(image_shape, halvings, 6)
    rows, columns = layer.inner_shape[1:]
    features = torch.randn(5, 6 * rows * columns, generator=generator(), requires_grad=True)
    weights = [features, *layer.parameters()]
    picture = layer(features)
    _, height, width = image_shape
    expected = features.unflatten(1, (6, rows, columns))
    for convolution in layer.layers:
        expected = convolution(F.silu(expected))
    expected = expected[:, :, :height, :width]
    torch.testing.assert_close(picture, expected)
    direction = torch.randn(picture.shape, generator=generator(1))
    for ours, theirs in zip(
        torch.autograd.grad((picture * direction).sum(), weights),
        torch.autograd.grad((expected * direction).sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
