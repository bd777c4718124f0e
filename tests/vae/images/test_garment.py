"""A garment photographed on a table comes out as Fashion-MNIST has it, or is refused.

One sentence says why. The photographs are composed here from the bundled examples: enlarged, dyed,
lit from one side, with shadow and noise.
"""

import contextlib

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from tests.conftest import tiny_config
from tests.garments import SURFACES, photograph
from tests.vae.images.drawn import encoded
from vae.hub import sources
from vae.images import reading
from vae.images.framing import Framing
from vae.images.reading import ImageError

CONFIG = tiny_config(image_shape=(1, 28, 28), preprocess="garment")
EXAMPLES = sources.resolve("fashion-mnist").examples


def seen(picture: np.ndarray, framing: Framing = reading.WHOLE) -> np.ndarray:
    """(28, 28) in [0, 1]."""
    return reading.read(encoded(Image.fromarray(picture)), CONFIG, framing).image[0].numpy()


def likeness(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Correlation, and overlap of the shapes, at the shift where the two agree best.

    The data set's pictures are centred to a pixel or two.
    """
    found = []
    for shift in np.ndindex(5, 5):
        moved = ndimage.shift(one, np.subtract(shift, 2), order=0)
        cloth, shape = moved > 0.1, other > 0.1
        found.append(
            (
                float(np.corrcoef(moved.ravel(), other.ravel())[0, 1]),
                (cloth & shape).sum() / (cloth | shape).sum(),
            )
        )
    return max(found)


ON_ANY_SURFACE, ON_ANOTHER_COLOUR = (
    ("T-shirt", "Trouser", "Pullover", "Bag", "Ankle boot"),
    ("Coat", "Sneaker"),  # partly white
)


@pytest.mark.parametrize(
    ("name", "surface"),
    [
        *((name, surface) for name in ON_ANY_SURFACE for surface in SURFACES),
        *((name, surface) for name in ON_ANOTHER_COLOUR for surface in ("wood", "blue")),
    ],
)
def test_a_garment_on_a_table_looks_like_the_one_of_the_data_set(name, surface):
    example = EXAMPLES.picture(name)[0].numpy()
    correlation, overlap = likeness(
        seen(photograph((example * 255).astype(np.uint8), surface)), example
    )
    # of a bag the thin strap may be lost, which moves the rest
    assert correlation > (0.75 if name == "Bag" else 0.85)
    assert overlap > (0.74 if name in ON_ANY_SURFACE else 0.45)


@pytest.mark.parametrize("surface", SURFACES)
def test_it_is_light_on_black_as_large_as_fits_and_in_the_middle(surface):
    found = seen(
        photograph((EXAMPLES.picture("Trouser")[0].numpy() * 255).astype(np.uint8), surface)
    )
    rows, columns = np.nonzero(found > 0.05)
    assert (rows.min(), rows.max()) == (0, 27)
    assert abs(columns.min() + columns.max() - 27) <= 2
    assert found[:, [0, -1]].max() < 0.05
    assert np.percentile(found[found > 0.1], 95) > 0.7


@pytest.mark.parametrize("table", [60, 90, 105, 109, 111, 130])
def test_a_dark_garment_shows_on_a_table_of_any_darkness(table):
    picture = np.full((300, 300, 3), table, np.uint8)
    picture[60:240, 90:210] = table // 4
    picture = np.clip(
        picture + np.random.default_rng(0).normal(0, 2, picture.shape), 0, 255
    ).astype(np.uint8)
    found = seen(picture)
    assert np.median(found[found > 0.05]) > 0.6
    assert (found > 0.05).mean() == pytest.approx(120 / 180, abs=0.06)


def test_a_mirrored_shoe_points_the_other_way():
    shoe = photograph((EXAMPLES.picture("Ankle boot")[0].numpy() * 255).astype(np.uint8), "white")
    plain, mirrored = seen(shoe), seen(shoe, Framing(mirrored=True))
    assert np.corrcoef(mirrored[:, ::-1].ravel(), plain.ravel())[0, 1] > 0.98
    assert np.corrcoef(mirrored.ravel(), plain.ravel())[0, 1] < 0.9


def test_the_same_photograph_gives_the_same_garment():
    picture = photograph((EXAMPLES.picture("Coat")[0].numpy() * 255).astype(np.uint8), "wood")
    assert np.array_equal(seen(picture), seen(picture))


def test_each_step_is_shown():
    picture = photograph((EXAMPLES.picture("Bag")[0].numpy() * 255).astype(np.uint8), "blue")
    view = reading.read(encoded(Image.fromarray(picture)), CONFIG)
    assert [step.name for step in view.steps] == ["file", "cut_out", "light", "centred"]
    assert view.steps[-1].image.shape == (28, 28)


def test_a_picture_of_the_data_set_comes_through_unchanged():
    for name in EXAMPLES.names:
        example = EXAMPLES.picture(name)[0].numpy()
        assert np.allclose(seen((example * 255).round().astype(np.uint8)), example, atol=1e-6), name


def refusal(picture: np.ndarray) -> ImageError:
    with pytest.raises(ImageError) as error:
        seen(picture)
    return error.value


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_bare_table_has_no_garment(grey):
    noise = np.random.default_rng(0).normal(0, 3, (300, 300, 3))
    assert refusal(np.clip(grey + noise, 0, 255).astype(np.uint8)).code == "no_garment"
    assert refusal(np.full((300, 300, 3), grey, np.uint8)).code == "no_garment"


def test_a_garment_that_fills_the_picture_has_no_surface():
    picture = np.full((400, 400, 3), 240, np.uint8)
    picture[14:-14, 14:-14] = (30, 40, 90)
    assert refusal(picture).code == "no_surface"


def test_noise_is_refused_or_read_but_never_fails():
    for seed in range(4):
        noise = np.random.default_rng(seed).integers(0, 256, (60, 80, 3)).astype(np.uint8)
        with contextlib.suppress(ImageError):
            assert seen(noise).shape == (28, 28)
