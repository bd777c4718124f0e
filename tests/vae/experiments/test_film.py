"""The film of beta: each frame is what the playground gives at that beta alone."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.conftest import generator
from vae import experiments
from vae.experiments import film
from vae.experiments.film import BATCH
from vae.hub import sources

BETAS = (0.01, 0.1, 1.0, 10.0, 50.0)


def grey_levels(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture.astype(float) * 255)


def compare(model, image, betas, **settings) -> None:
    """Each frame has the numbers and the pixels of its beta alone."""
    frames = experiments.reconstructions(model, image, betas, **settings)
    assert len(frames) == len(betas)
    for beta, frame in zip(betas, frames, strict=True):
        alone = experiments.reconstruct(model, image, beta, **settings)
        for field in dataclasses.fields(alone):
            got, expected = (getattr(one, field.name) for one in (frame, alone))
            assert got.shape == expected.shape
            np.testing.assert_allclose(got, expected, atol=1e-5, rtol=1e-5, err_msg=field.name)
        assert np.array_equal(frame.observed, alone.observed)
        assert np.array_equal(frame.eps, alone.eps)
        assert np.abs(grey_levels(frame.mean) - grey_levels(alone.mean)).max() <= 1


@pytest.mark.parametrize("settings", [{"seed": 7}, {"seed": 8, "draw": 2}])
def test_a_frame_of_a_digit_is_its_reconstruction_at_that_beta(settings):
    digits = sources.resolve("mnist")
    stops = tuple(entry.beta for entry in digits.metrics.betas)
    assert len(stops) > BATCH
    compare(digits.network, digits.examples.picture("3").numpy(), stops, **settings)


@pytest.mark.parametrize("settings", [{"seed": 7, "use_mean": True}, {"seed": 7, "draw": 1}])
def test_a_frame_of_a_colour_picture_is_its_reconstruction_at_that_beta(colour_model, settings):
    compare(colour_model, torch.rand(3, 4, 4, generator=generator()), BETAS, **settings)


def test_the_frames_do_not_depend_on_how_many_are_decoded_at_once(model, monkeypatch):
    image = torch.rand(1, 6, 5, generator=generator(3))
    together = experiments.reconstructions(model, image, BETAS, seed=7)
    monkeypatch.setattr(film, "BATCH", 2)
    for one, other in zip(
        together, experiments.reconstructions(model, image, BETAS, seed=7), strict=True
    ):
        np.testing.assert_allclose(one.mean, other.mean, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.5, "draw_pixels": True}])
def test_a_page_of_a_gallery_is_the_gallery_at_that_beta(model, colour_model, settings):
    for network in (model, colour_model):
        pages = list(experiments.galleries(network, BETAS, count=8, seed=3, **settings))
        assert len(pages) == len(BETAS)
        for beta, page in zip(BETAS, pages, strict=True):
            alone = experiments.gallery(network, beta, count=8, seed=3, **settings)
            assert np.array_equal(page, alone.images)
