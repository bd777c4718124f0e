"""The Gradio page's answers to a photograph that is framed, or taken along to another model."""

from types import SimpleNamespace

import numpy as np

import vae
from tests.pictures import portrait
from ui.gradio_page import handlers
from ui.gradio_page.answers import Photo
from ui.view.source_picture import SourcePicture
from vae.hub import sources
from vae.images.reading import WHOLE, Framing

REQUEST = SimpleNamespace(query_params={"lang": "en"}, headers={}, session_hash="one")


def photo() -> Photo:
    """A portrait that was given for the model of faces."""
    opened = vae.images.decode(portrait())
    config = sources.resolve("faces").network.config
    return Photo("faces", opened, WHOLE, SourcePicture(vae.images.view(opened, config)))


def test_a_photograph_is_framed_anew():
    before = photo()
    _, after, _ = handlers.frame_photo(REQUEST, before, "faces", 2.0, 30, 60, True)
    assert after.framing == Framing(2.0, 0.3, 0.6, True)
    assert not np.array_equal(after.given.view.image, before.given.view.image)


def test_a_photograph_goes_along_to_another_model():
    answer = handlers.choose_model(REQUEST, "fashion-mnist", 1.0, "", photo())
    (taken,) = [value for value in answer if isinstance(value, Photo)]
    assert (
        taken.given.view.image.shape == sources.resolve("fashion-mnist").network.config.image_shape
    )


def test_without_a_photograph_nothing_is_framed():
    framed = handlers.frame_photo(REQUEST, None, "faces", 1.0, 50, 50, False)
    chosen = handlers.choose_model(REQUEST, "mnist", 1.0, "", None)
    assert not any(isinstance(value, Photo) for value in (*framed, *chosen))
