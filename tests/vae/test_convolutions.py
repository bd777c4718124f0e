"""The network's parts against plain PyTorch layers with the same weights."""

import pytest
import torch
from torch.nn import functional as F

from tests.conftest import generator
from vae.convolutions import (
    FeaturesToPicture,
    PictureToFeatures,
    ResidualConvolutions,
    grid,
    widths,
)

SHAPES = [(1, 28, 28), (3, 30, 17)]


@pytest.mark.parametrize("halvings", [1, 2, 3])
@pytest.mark.parametrize("image_shape", SHAPES)
def test_a_picture_becomes_features_by_convolutions_that_halve_its_sides(image_shape, halvings):
    layer = PictureToFeatures(image_shape, halvings * [6])
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
    layer = FeaturesToPicture(image_shape, halvings * [6])
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


def randomise(module: torch.nn.Module) -> None:
    """The blocks start as the identity, which would hide what they do."""
    with torch.no_grad():
        for number, parameter in enumerate(module.parameters()):
            parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator(number)))


def expected_block(
    block: ResidualConvolutions, x: torch.Tensor, embedding: torch.Tensor
) -> torch.Tensor:
    scale, shift = block.modulation.scale_shift(embedding).chunk(2, dim=1)
    inner = F.conv2d(F.silu(x), block.inner.weight, block.inner.bias, padding=1)
    inner = inner * (1 + scale[:, :, None, None]) + shift[:, :, None, None]
    return x + F.conv2d(F.silu(inner), block.outer.weight, block.outer.bias, padding=1)


def test_a_residual_block_is_the_identity_at_the_start_and_two_modulated_convolutions_after():
    block, x = ResidualConvolutions(4, 8), torch.randn(5, 4, 7, 6, generator=generator())
    embedding = torch.randn(5, 8, generator=generator(1))
    assert torch.equal(block(x, embedding), x)
    randomise(block)
    torch.testing.assert_close(block(x, embedding), expected_block(block, x, embedding))
    each = torch.cat(
        [block(x[number : number + 1], embedding[number : number + 1]) for number in range(5)]
    )
    torch.testing.assert_close(block(x, embedding), each)  # a picture's beta is its own
    shared = embedding[:1]
    torch.testing.assert_close(block(x, shared), expected_block(block, x, shared.expand(5, 8)))


def test_without_an_embedding_a_residual_block_has_no_modulation():
    block, x = ResidualConvolutions(4, 0), torch.randn(5, 4, 7, 6, generator=generator())
    randomise(block)
    assert "scale_shift" not in " ".join(block.state_dict())
    inner = F.conv2d(F.silu(x), block.inner.weight, block.inner.bias, padding=1)
    torch.testing.assert_close(
        block(x, None), x + F.conv2d(F.silu(inner), block.outer.weight, block.outer.bias, padding=1)
    )


@pytest.mark.parametrize("image_shape", SHAPES)
def test_residual_blocks_stand_after_each_halving_and_before_each_doubling(image_shape):
    sizes, embedding = widths(3, 2, 2), torch.randn(5, 8, generator=generator(2))
    assert sizes == [3, 6]
    reading, drawing = (
        PictureToFeatures(image_shape, sizes, 2, 8),
        FeaturesToPicture(image_shape, sizes, 1, 8),
    )
    randomise(reading)
    randomise(drawing)
    pictures = torch.rand(5, *image_shape, generator=generator())
    rows, columns = grid(image_shape, 2)
    x = 2 * F.pad(pictures, reading.padding) - 1
    for number, (layer, blocks) in enumerate(zip(reading.layers, reading.residual, strict=True)):
        x = layer(F.silu(x) if number else x)
        for block in blocks:
            x = expected_block(block, x, embedding)
    assert x.shape == (5, 6, rows, columns)
    features = reading(pictures, embedding)
    torch.testing.assert_close(features, F.silu(x).flatten(1), rtol=1e-4, atol=1e-4)
    x = features.unflatten(1, (6, rows, columns))
    for layer, blocks in zip(drawing.layers, drawing.residual, strict=True):
        for block in blocks:
            x = expected_block(block, x, embedding)
        x = layer(F.silu(x))
    torch.testing.assert_close(
        drawing(features, embedding),
        x[:, :, : image_shape[1], : image_shape[2]],
        rtol=1e-4,
        atol=1e-4,
    )
