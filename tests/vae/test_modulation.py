"""Conditioning on beta: a smooth embedding of log beta, and a scale and shift for each feature."""

import pytest
import torch

from tests.conftest import generator
from vae.modulation import BetaEmbedding, Modulation

WIDTH = 6


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(3, 4, 2, 2, generator=generator())


def test_it_starts_as_the_identity_and_stays_so_without_an_embedding(x):
    embedding = torch.randn(3, WIDTH, generator=generator(1))
    assert torch.equal(Modulation(WIDTH, 4)(x, embedding), x)
    assert torch.equal(Modulation(0, 4)(x, None), x)
    assert not list(Modulation(0, 4).parameters())


@torch.no_grad()
def test_each_feature_has_its_own_scale_and_shift_by_the_embedding_of_its_picture(x):
    modulation = Modulation(WIDTH, 4)
    weight = torch.randn(8, WIDTH, generator=generator(2))
    modulation.scale_shift.weight.copy_(weight)
    embedding = torch.randn(3, WIDTH, generator=generator(3))
    modulated = modulation(x, embedding)
    for picture in range(3):
        for feature in range(4):
            scale, shift = (embedding[picture] @ weight[row] for row in (feature, 4 + feature))
            torch.testing.assert_close(
                modulated[picture, feature], x[picture, feature] * (1 + scale) + shift
            )
    torch.testing.assert_close(modulation(x[:, :, 0, 0], embedding), modulated[:, :, 0, 0])
    torch.testing.assert_close(modulation(x, embedding[:1])[0], modulated[0])


@torch.no_grad()
def test_the_embedding_depends_on_the_place_of_log_beta_in_the_range():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        embed = BetaEmbedding((0.01, 100.0), WIDTH)
        embed_shifted = BetaEmbedding((1.0, 10_000.0), WIDTH)
    embed_shifted.load_state_dict(embed.state_dict())
    betas = torch.tensor([0.01, 0.1, 1.0, 100.0])
    embedding = embed(betas)
    assert embedding.shape == (4, WIDTH)
    torch.testing.assert_close(embed_shifted(100 * betas), embedding)
    assert (embedding[1:] - embedding[:-1]).norm(dim=1).min() > 1e-3
