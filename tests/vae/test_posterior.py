"""The true posterior of a 2-D model, against brute force, however narrow it is.

log p(x) agrees with other estimates.
"""

import copy
import functools
import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from torch import distributions

import vae
from tests.conftest import generator, random_model, tiny_config
from vae import experiments
from vae.hub import sources
from vae.posterior import GridPosterior, grid_posterior, log_joint

SHARES = (0.393, 0.865, 0.989)


@pytest.fixture(scope="module")
def digits():
    return sources.resolve("mnist-2d")


def seen(digits, name: str) -> torch.Tensor:
    return experiments.observe(digits.network, digits.examples.picture(name), seed=7)


@functools.cache
def true_posterior(name: str, beta: float, temper: bool = False) -> GridPosterior:
    """The posterior of an example: several tests look at the same ones."""
    digits = sources.resolve("mnist-2d")
    return grid_posterior(digits.network, seen(digits, name), beta, temper=temper)


def reference(digits, number: int) -> torch.Tensor:
    picture = torch.from_numpy(digits.reference.images[number]).float() / 255
    return experiments.observe(digits.network, picture, seed=7)


@pytest.mark.parametrize(("name", "beta"), [("0", 1.0)])
def test_log_p_of_x_agrees_with_20_000_importance_samples_within_their_standard_error(
    digits, name, beta
):
    """The proposal knows nothing of the grid.

    It is Student's t about the encoder's q, with tails heavier than the posterior's.
    """
    observed = seen(digits, name)
    q = digits.network.encode(observed[None], beta)
    proposal = distributions.Independent(
        distributions.StudentT(3.0, q.mean[0].double(), 3 * q.standard_deviation[0].double()), 1
    )
    torch.manual_seed(5)
    z = proposal.sample((20_000,))
    log_weights = (log_joint(digits.network, observed, z, beta) - proposal.log_prob(z)).numpy()
    weights = np.exp(log_weights - log_weights.max())
    estimate = math.log(weights.mean()) + log_weights.max()
    standard_error = weights.std() / math.sqrt(len(weights)) / weights.mean()
    assert standard_error < 0.02
    exact = true_posterior(name, beta)
    assert exact.log_evidence == pytest.approx(estimate, abs=standard_error)


def test_log_p_of_x_is_above_the_importance_weighted_bound(digits):
    observed = seen(digits, "0")
    exact = true_posterior("0", 1.0)
    bounds = [
        vae.importance_weighted_bound(
            digits.network, observed[None], 1.0, samples=count, generator=generator(1)
        ).item()
        for count in (1, 100, 10_000)
    ]
    assert bounds[0] < bounds[1] < exact.log_evidence + 0.05
    assert bounds[2] == pytest.approx(exact.log_evidence, abs=0.05)


def test_the_gap_of_the_elbo_is_the_divergence_of_q_from_the_true_posterior(digits):
    """log p(x) = ELBO + KL(q(z|x) || p(z|x)): the article writes p(z) there."""
    observed, beta = seen(digits, "3"), 1.0
    exact = true_posterior("3", beta)
    q = digits.network.encode(observed[None], beta)
    z = q.at(torch.randn(5_000, 1, 2, generator=generator(2)))[:, 0]
    log_q = distributions.Normal(q.mean[0], q.standard_deviation[0]).log_prob(z).sum(1)
    log_true = log_joint(digits.network, observed, z, beta) - exact.log_evidence
    terms = vae.elbo(digits.network, observed[None], beta, generator=generator(3), samples=5_000)
    divergence = (log_q - log_true).mean().item()
    assert divergence > 0
    assert exact.log_evidence + terms.negative_elbo.item() == pytest.approx(divergence, abs=0.1)


@pytest.mark.parametrize(
    ("beta", "temper"),
    [(0.1, False), (0.1, True), (1.0, False), (5.0, True), (9.0, True), (50.0, False)],
)
def test_halving_the_squares_changes_log_p_of_x_by_less_than_a_thousandth(beta, temper):
    for name in ("1", "2"):
        found = true_posterior(name, beta, temper)
        assert found.error < 1e-3
        assert found.mass.sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "beta", "temper"),
    [
        ("1", 9.0, True),
        ("2", 0.1, False),
        ("9", 1.0, False),  # narrow, and across the edges of coarse squares
    ],
)
def test_it_is_what_a_fine_even_grid_finds(digits, name, beta, temper):
    observed = seen(digits, name)
    found = true_posterior(name, beta, temper)
    lower, upper = found.box(1 - 1e-6)
    margin = 0.2 * (upper - lower)
    edges = [
        np.linspace(low, high, 91) for low, high in zip(lower - margin, upper + margin, strict=True)
    ]
    places = [(edge[1:] + edge[:-1]) / 2 for edge in edges]
    z = torch.cartesian_prod(*map(torch.from_numpy, places))
    values = log_joint(digits.network, observed, z, beta, temper=temper).numpy()
    area = (edges[0][1] - edges[0][0]) * (edges[1][1] - edges[1][0])
    assert found.log_evidence == pytest.approx(logsumexp(values) + math.log(area), abs=1e-3)
    shares = np.exp(values - logsumexp(values))
    mean = shares @ z.numpy()
    np.testing.assert_allclose(found.mean, mean, atol=2e-3)
    away = z.numpy() - mean
    np.testing.assert_allclose(
        found.covariance, (shares[:, None] * away).T @ away, rtol=0.02, atol=1e-5
    )


@torch.no_grad()
def test_no_peak_between_the_coarse_centres_is_missed(digits):
    """Against the whole plane on one even grid, for several pictures.

    It is coarse for the narrowest peaks and may miss some of their mass; what it finds, the refined
    one must have found.
    """
    names = ("0", "1", "2", "3", "5", "9")
    hard = reference(digits, 1495)
    pictures = torch.stack([*(seen(digits, name) for name in names), hard]).flatten(1)
    step = 0.025  # a seventh of a coarse square
    places = torch.arange(-3.0, 3.0, step, dtype=torch.float64)
    totals = []
    for z in torch.cartesian_prod(places, places).split(4096):
        logits = digits.network.decode(z.float(), 1.0).logits.flatten(1)
        log_likelihood = pictures @ logits.T - torch.nn.functional.softplus(logits).sum(1)
        log_prior = distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
        totals.append(torch.logsumexp(log_likelihood + log_prior, 1))
    totals = torch.logsumexp(torch.stack(totals), 0) + 2 * math.log(step)
    found = [
        *(true_posterior(name, 1.0).log_evidence for name in names),
        grid_posterior(digits.network, hard, 1.0).log_evidence,
    ]
    assert (np.array(found) > totals.numpy() - 0.1).all()


def test_a_peak_far_narrower_than_a_coarse_square_is_found(digits):
    observed = seen(digits, "0")
    found = true_posterior("0", 0.01, temper=True)
    assert np.sqrt(np.diag(found.covariance)).max() < 0.003 < 12 / 64
    q = digits.network.encode(observed[None], 0.01)
    assert np.abs(found.mean - q.mean[0].detach().numpy()).max() < 0.05


@pytest.mark.parametrize("beta", [0.001, 0.01])
def test_the_peak_that_the_encoder_knows_is_never_missed(digits, beta):
    """What an even grid around q's mean finds there is a part of the whole."""
    for observed in (reference(digits, 1170), reference(digits, 1495)):
        q = digits.network.encode(observed[None], beta)
        places = torch.linspace(-8, 8, 41, dtype=torch.float64)
        z = q.mean[0].detach() + q.standard_deviation[0].detach() * torch.cartesian_prod(
            places, places
        )
        area = 0.4**2 * q.standard_deviation.prod().item()
        part = torch.logsumexp(
            log_joint(digits.network, observed, z, beta, temper=True), 0
        ).item() + math.log(area)
        assert (
            grid_posterior(digits.network, observed, beta, temper=True).log_evidence > part - 0.01
        )


def test_without_information_the_posterior_is_the_prior(digits):
    """At the largest beta the decoder hardly looks at z.

    The tempered likelihood has a weight of one fiftieth there.
    """
    found = true_posterior("0", 50.0, temper=True)
    np.testing.assert_allclose(found.mean, 0, atol=0.05)
    np.testing.assert_allclose(found.covariance, np.eye(2), atol=0.05)
    log_prior = (
        distributions.Normal(0.0, 1.0).log_prob(torch.from_numpy(found.centres)).sum(1).numpy()
    )
    held = found.mass > 1e-6
    assert np.abs(found.log_density - log_prior)[held].max() < 0.2
    assert [found.level(share) for share in SHARES] == pytest.approx(
        [math.log(1 / (2 * math.pi)) + math.log(1 - share) for share in SHARES], abs=0.2
    )


def test_regions_hold_their_share_and_nest(digits):
    found = true_posterior("2", 1.0)
    for share in SHARES:
        inside = found.log_density >= found.level(share)
        assert found.mass[inside].sum() == pytest.approx(share, abs=0.05)
        lower, upper = found.box(share)
        assert ((found.centres[inside] > lower) & (found.centres[inside] < upper)).all()
    assert found.level(0.989) < found.level(0.865) < found.level(0.393)


def test_at_beta_1_the_tempered_posterior_is_the_true_one(digits):
    true, tempered = (true_posterior("5", 1.0, temper) for temper in (False, True))
    assert true.log_evidence == tempered.log_evidence


def test_trained_at_beta_the_encoder_aims_at_the_tempered_posterior(digits):
    """At beta far from 1 it is closer to q than the true one, in spread."""
    for beta, name in ((0.05, "0"), (6.3, "2")):
        observed = seen(digits, name)
        spread = digits.network.encode(observed[None], beta).standard_deviation[0].detach().numpy()
        true, tempered = (
            np.sqrt(np.diag(true_posterior(name, beta, temper).covariance))
            for temper in (False, True)
        )
        assert np.abs(np.log(tempered / spread)).max() < np.abs(np.log(true / spread)).min()


def test_a_network_that_was_trained_on_has_another_posterior(binary_images):
    """What its decoder said of the first squares belongs to the weights of before.

    Fused optimisers do not raise the versions of the weights that they change.
    """
    network = random_model(tiny_config(latent_dim=2)).requires_grad_(True)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01, fused=True)
    before = grid_posterior(network, binary_images[0], 1.0)
    terms = vae.elbo(network, binary_images, 1.0, generator=generator())
    terms.negative_elbo.mean().backward()
    optimizer.step()
    after = grid_posterior(network, binary_images[0], 1.0)
    anew = grid_posterior(copy.deepcopy(network), binary_images[0], 1.0)
    assert after.log_evidence == anew.log_evidence != before.log_evidence


def test_the_first_squares_are_decoded_once_for_all_pictures_and_large_ones_are_not_kept(
    binary_images, monkeypatch
):
    network, decoded = random_model(tiny_config(latent_dim=2)), []
    plain = type(network).decode
    monkeypatch.setattr(
        type(network),
        "decode",
        lambda model, z, beta: decoded.append(len(z)) or plain(model, z, beta),
    )
    alone = grid_posterior(network, binary_images[0], 1.0), sum(decoded)
    decoded.clear()
    again = grid_posterior(network, binary_images[0], 1.0), sum(decoded)
    assert again[0].log_evidence == alone[0].log_evidence
    assert again[1] == alone[1] - 64**2
    decoded.clear()
    monkeypatch.setattr("vae.posterior.MAX_CACHED_PIXELS", 64**2 * 6 * 5 - 1)
    large = grid_posterior(network, binary_images[0], 1.0), sum(decoded)
    assert large[0].log_evidence == alone[0].log_evidence
    assert large[1] == alone[1] - 3  # no fingerprint either


def test_it_is_a_sentence_where_there_is_no_plane():
    for config in ({"latent_dim": 3}, {"latent_dim": 2, "beta_range": (0.0, 0.0)}):
        model = vae.VAE(tiny_config(**config))
        with pytest.raises(ValueError, match="two latent dimensions"):
            grid_posterior(model, torch.zeros(1, 6, 5), 1.0)
