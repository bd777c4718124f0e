"""The path between two pictures, and one dimension moved.

Decoded where they say, counted as the package counts.
"""

import numpy as np
import pytest
import torch

import vae
from vae import experiments
from vae.elbo import elbo_with_noise
from vae.experiments.playground import draws_for
from vae.hub import sources
from vae.noise import seeded, standard_normal

BETA, SEED = 1.0, 7


def walk(name: str = "mnist", beta: float = BETA, examples: tuple[int, int] = (0, 3), **more):
    model = sources.resolve(name)
    pictures = tuple(
        model.examples.picture(model.examples.names[index]).numpy() for index in examples
    )
    ends = tuple(
        experiments.reconstruct(model.network, picture, beta, seed=SEED, draw=draw)
        for draw, picture in enumerate(pictures)
    )
    return (
        model.network,
        pictures,
        ends,
        experiments.path(model.network, pictures, ends, beta, seed=SEED, **{"steps": 5} | more),
    )


@pytest.mark.parametrize("spherical", [False, True])
def test_it_begins_and_ends_at_the_two_reconstructions(spherical):
    _, pictures, ends, path = walk(spherical=spherical)
    for step, seen, picture in ((0, ends[0], pictures[0]), (-1, ends[1], pictures[1])):
        assert np.allclose(path.images[step], seen.mean, atol=1e-5)
        assert np.allclose(path.latents[step], seen.z, atol=1e-5)
        assert np.allclose(path.cross_fade[step], picture, atol=1e-6)


def test_each_step_is_decoded_from_its_latent_and_each_mixture_is_of_the_pixels():
    model, pictures, _, path = walk()
    assert np.allclose(
        path.images, model.decode(torch.from_numpy(path.latents), BETA).mean, atol=1e-5
    )
    assert np.allclose(path.cross_fade[2], (pictures[0] + pictures[1]) / 2, atol=1e-6)


@pytest.mark.parametrize("name", ["mnist", "faces"])
def test_its_losses_are_negative_elbos_of_pictures_that_the_likelihood_can_speak_of(name):
    model, pictures, _, path = walk(name, steps=3)
    eps = standard_normal(
        (path.draws, 1, model.config.latent_dim), seeded(SEED, "path"), torch.device("cpu")
    )
    drawn = model.decode(torch.from_numpy(path.latents[1:2]), BETA).sample(
        seeded(SEED, "path pixels")
    )
    mixed = torch.from_numpy(experiments.observation(model, path.cross_fade[1], seed=SEED))[None]
    for picture, found in (
        (drawn, path.negative_elbo[1]),
        (mixed, path.cross_fade_negative_elbo[1]),
    ):
        expected = vae.elbo(
            model,
            picture.expand(path.draws, *picture.shape[1:]),
            BETA,
            generator=seeded(SEED, "path"),
        )
        assert found == pytest.approx(
            elbo_with_noise(model, picture, BETA, eps).negative_elbo.item(), rel=1e-5
        )
        assert found == pytest.approx(expected.negative_elbo.mean().item(), rel=0.02)
    assert path.draws == draws_for(pictures[0])


def test_half_way_through_pixels_is_far_less_likely_than_half_way_through_the_latent_space():
    _, _, _, path = walk()
    assert path.cross_fade_negative_elbo[2] > path.negative_elbo[2] + 50


def test_the_same_seed_is_the_same_path_and_another_is_not():
    once, again, other = walk()[3], walk()[3], walk(steps=4)[3]
    assert np.array_equal(once.negative_elbo, again.negative_elbo)
    # the same random numbers at every step
    assert once.negative_elbo[0] == pytest.approx(other.negative_elbo[0])


def test_steps_outside_the_shell_are_counted():
    _, _, _, path = walk(steps=9)
    low, high = path.shell
    assert path.outside == sum(not low <= radius <= high for radius in path.radii)
    assert np.allclose(path.radii, np.linalg.norm(path.latents, axis=1), rtol=1e-5)
    assert low < np.sqrt(31.5) < high


def test_a_plain_autoencoder_has_no_such_path():
    with pytest.raises(ValueError, match="neither a prior nor an ELBO"):
        walk("mnist-2d-autoencoder", beta=0.0)


def test_a_dead_dimension_does_nothing_and_a_live_one_does():
    model = sources.resolve("mnist")
    beta = 10.0
    now = model.metrics.at(beta)
    picture = model.examples.picture("3").numpy()
    seen = experiments.reconstruct(model.network, picture, now.beta, seed=SEED)
    alive, dead = (
        experiments.traverse(model.network, seen, now.beta, now.dimensions_by_rate[place])
        for place in (0, -1)
    )
    assert not now.active(dead.dimension)
    assert dead.largest_change < 2.0 < 30 < alive.largest_change


def test_a_traversal_differs_from_the_pictures_own_reconstruction_only_by_that_dimension():
    model = sources.resolve("mnist")
    picture = model.examples.picture("3").numpy()
    seen = experiments.reconstruct(model.network, picture, 1.0, seed=SEED)
    dimension = model.metrics.at(1.0).dimensions_by_rate[0]
    own = float(seen.z[dimension])
    moved = experiments.traverse(model.network, seen, 1.0, dimension, values=(-3.0, own, 3.0))
    assert moved.own_value == own
    assert np.abs(moved.differences[1]).max() < 1e-5
    assert np.allclose(moved.images[0] - seen.mean, moved.differences[0])
    assert moved.changes == pytest.approx(
        [np.abs(difference).sum() for difference in moved.differences], rel=1e-4
    )
    latent = torch.from_numpy(seen.z.copy())
    latent[dimension] = 3.0
    assert np.allclose(moved.images[2], model.network.decode(latent[None], 1.0).mean[0], atol=1e-5)
