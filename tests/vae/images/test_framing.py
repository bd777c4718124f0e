"""A photo is framed by hand: exactly the square that the controls say reaches the model."""

import numpy as np
import pytest
from PIL import Image

from tests.conftest import tiny_config
from tests.vae.images.drawn import encoded
from vae.images import framing, reading
from vae.images.framing import Framing

CONFIG = tiny_config(image_shape=(3, 64, 64), likelihood="discretized_logistic", preprocess="photo")


def ramp(height: int, width: int) -> np.ndarray:
    """Red tells how far right a pixel lies, green how far down, both 0 to 250."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.round(250 * (np.arange(width) + 0.5) / width)
    picture[..., 1] = np.round(250 * (np.arange(height) + 0.5) / height)[:, None]
    return picture


def middle(view: reading.View) -> tuple[float, float]:
    """Where in the whole picture the middle of the frame lies, as parts of its width and height."""
    red, green, _ = view.image[:, 31:33, 31:33].mean((1, 2)).tolist()
    return red * 255 / 250, green * 255 / 250


def extent(view: reading.View) -> tuple[float, float]:
    """Which part of the whole width and height the frame covers."""
    red, green, _ = view.image
    return (
        (red[:, -1] - red[:, 0]).mean().item() * 255 / 250 * 64 / 63,
        (green[-1] - green[0]).mean().item() * 255 / 250 * 64 / 63,
    )


@pytest.mark.parametrize(
    ("shape", "parts"), [((400, 400), (1, 1)), ((300, 600), (0.5, 1)), ((600, 300), (1, 0.5))]
)
def test_untouched_it_is_the_largest_square_in_the_middle(shape, parts):
    view = reading.read(encoded(Image.fromarray(ramp(*shape))), CONFIG)
    assert view.image.shape == (3, 64, 64)
    assert middle(view) == pytest.approx((0.5, 0.5), abs=0.01)
    assert extent(view) == pytest.approx(parts, abs=0.02)
    assert [step.name for step in view.steps] == ["file", "cropped", "small"]


@pytest.mark.parametrize(
    ("framing", "where"),
    [
        (Framing(across=0.0), (0.25, 0.5)),
        (Framing(across=1.0), (0.75, 0.5)),
        (Framing(zoom=2, across=0.0, down=0.0), (0.125, 0.25)),
        (Framing(zoom=2, across=1.0, down=1.0), (0.875, 0.75)),
        (Framing(zoom=4, across=0.5, down=0.0), (0.5, 0.125)),
        (Framing(zoom=8, across=0.0, down=1.0), (0.03125, 0.9375)),
    ],
)
def test_zoom_and_position_move_the_frame_to_where_they_say(framing, where):
    view = reading.read(encoded(Image.fromarray(ramp(400, 800))), CONFIG, framing)
    assert middle(view) == pytest.approx(where, abs=0.01)
    assert extent(view) == pytest.approx((0.5 / framing.zoom, 1 / framing.zoom), abs=0.02)


def test_mirrored_is_mirrored_first_so_that_left_stays_left():
    plain = reading.read(
        encoded(Image.fromarray(ramp(400, 800))), CONFIG, Framing(zoom=2, across=1.0)
    )
    mirrored = reading.read(
        encoded(Image.fromarray(ramp(400, 800))), CONFIG, Framing(zoom=2, across=0.0, mirrored=True)
    )
    assert np.allclose(mirrored.image.flip(2), plain.image, atol=2 / 255)


def test_what_the_guide_promises_the_eyes_on_the_upper_line_arrive_at_40_percent():
    """A dark bar at the height of the training pictures' eyes, in a photo framed around it."""
    picture = np.full((1000, 800, 3), 200, np.uint8)
    picture[400:412] = 0
    frame = Framing(zoom=2, down=(406 - framing.EYES * 400) / 600)
    dark = (
        reading.read(encoded(Image.fromarray(picture)), CONFIG, frame)
        .image.mean((0, 2))
        .argmin()
        .item()
    )
    assert dark == pytest.approx(framing.EYES * 64, abs=1)


def test_a_phone_held_upright_is_framed_upright():
    notes = Image.Exif()
    notes[0x0112] = 6
    upright = ramp(600, 400)
    stored = Image.fromarray(upright).transpose(Image.Transpose.ROTATE_90)
    view = reading.read(encoded(stored, "PNG", exif=notes), CONFIG, Framing(down=0.0))
    assert np.allclose(
        view.image, reading.read(encoded(Image.fromarray(upright)), CONFIG, Framing(down=0.0)).image
    )
    assert middle(view) == pytest.approx((0.5, 1 / 3), abs=0.01)


def test_a_picture_of_the_models_size_comes_through_unchanged():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    view = reading.read(encoded(Image.fromarray(pixels)), CONFIG)
    assert np.array_equal(
        (view.image * 255).round().numpy().astype(np.uint8), pixels.transpose(2, 0, 1)
    )


@pytest.mark.parametrize("model", [(28, 28), (60, 48), (64, 64)])
def test_no_size_of_picture_or_model_falls_off_the_edge(model):
    random = np.random.default_rng(0)
    for _ in range(150):
        picture = np.zeros((*random.integers(8, 700, 2), 3), np.uint8)
        frame = Framing(
            zoom=random.choice([1, 1, 1.3, 3, 8]),
            across=random.choice([0, 0.5, 1]),
            down=random.choice([0, 1]),
        )
        *_, (_, small) = framing.framed(picture, *model, frame)
        assert small.shape == (*model, 3)
    assert framing.framed(np.zeros((663, 464, 3), np.uint8), 28, 28, Framing())[-1][1].shape == (
        28,
        28,
        3,
    )


def test_there_is_room_only_where_the_frame_can_move():
    square, wide = np.zeros((300, 300, 3)), np.zeros((300, 500, 3))
    assert framing.room(square, 64, 64, 1.0) == (0, 0)
    assert framing.room(square, 64, 64, 2.0) == (150, 150)
    assert framing.room(wide, 64, 64, 1.0) == (200, 0)


def test_even_the_smallest_picture_can_be_zoomed_to_the_end():
    for frame in (Framing(zoom=8, across=1, down=1), Framing(zoom=8, across=0, down=0)):
        view = reading.read(encoded(Image.fromarray(ramp(8, 9))), CONFIG, frame)
        assert view.image.shape == (3, 64, 64)
        assert min(view.steps[1].image.shape[:2]) >= 1


@pytest.mark.parametrize(
    "wrong", [{"zoom": 0.5}, {"zoom": 9.0}, {"across": -0.1}, {"down": 1.1}, {"zoom": float("nan")}]
)
def test_a_frame_outside_of_the_picture_is_refused(wrong):
    with pytest.raises(ValueError, match="must lie between"):
        Framing(**wrong)
