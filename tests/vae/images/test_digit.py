"""A drawing or a photo becomes a digit as MNIST has it, or one clear sentence."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from tests.vae.images.drawn import (
    APART,
    CONFIG,
    DIGITS,
    FIVE,
    alike,
    draw,
    encoded,
    photo,
    printed,
    refusal,
    seen,
)
from vae.images import reading
from vae.model import VAEConfig


def test_a_view_is_a_float_tensor_and_shows_every_step_up_to_what_the_model_sees():
    view = reading.read(photo(5), CONFIG)
    assert view.image.dtype == torch.float32
    assert view.image.shape == (1, 28, 28)
    assert [step.name for step in view.steps] == ["file", "grey", "ink", "cropped", "centred"]
    assert all(step.image.dtype == np.uint8 for step in view.steps)
    assert view.steps[0].image.shape[2] == 3
    assert view.steps[1].image.shape == view.steps[2].image.shape == view.steps[0].image.shape[:2]
    # the paper was light and is black now
    assert view.steps[1].image.mean() > 128 > view.steps[2].image.mean()
    assert torch.equal(view.image[0], torch.from_numpy(view.steps[-1].image / np.float32(255)))


@pytest.mark.parametrize("pen", [2, 6, 14, 40])
@pytest.mark.parametrize("digit", [1, 4, 7, 8])
def test_a_drawing_comes_out_as_mnist_was_made(digit, pen):
    picture = seen(encoded(draw(DIGITS[digit], pen=pen)))
    rows, columns = np.flatnonzero(picture.max(1) > 0.1), np.flatnonzero(picture.max(0) > 0.1)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20, 21)  # fitted into 20 x 20
    mass = picture.sum()
    assert picture.sum(1) @ np.arange(28) / mass == pytest.approx(14, abs=0.2)
    assert picture.sum(0) @ np.arange(28) / mass == pytest.approx(14, abs=0.2)
    assert picture.max() == 1
    # a 7, whose mass is high up, reaches the last row
    assert picture[0].max() == picture[:, [0, -1]].max() == 0
    assert 0.04 < picture.mean() < 0.25  # MNIST: 0.05 to 0.25


def test_a_digit_in_the_data_sets_own_form_comes_through_unchanged(five):
    random = np.random.default_rng(0)
    digit = np.rint(five * 255 * random.uniform(0.7, 1, (28, 28))).astype(np.uint8)
    for picture in (Image.fromarray(digit), Image.fromarray(digit).convert("RGB")):
        assert np.array_equal(seen(encoded(picture)), digit / np.float32(255))


def test_a_small_picture_that_is_not_in_that_form_is_brought_into_it(five):
    digit = np.rint(five * 255).astype(np.uint8)
    assert alike(seen(encoded(Image.fromarray(255 - digit))), five) > 0.95  # black on white
    # off the middle
    assert alike(seen(encoded(Image.fromarray(np.roll(digit, (-3, 3), (0, 1))))), five) > 0.95


def test_white_ink_on_black_gives_the_same_as_black_on_white(five):
    assert np.abs(seen(encoded(draw(DIGITS[5], ink=255, paper=0))) - five).max() < 0.02


def test_ink_that_runs_off_the_canvas_is_kept():
    whole, cut = draw(DIGITS[7], height=0.9), draw(DIGITS[7], height=1.02)
    assert alike(seen(encoded(cut)), seen(encoded(whole))) > 0.95


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 28, 28), (1, 56, 28)])
def test_other_shapes_of_model_are_served(shape):
    config = VAEConfig(
        shape, 2, "bernoulli" if shape[0] == 1 else "discretized_logistic", (0.01, 50.0), "ink"
    )
    image = reading.read(encoded(FIVE), config).image
    assert image.shape == shape
    assert image.max() == 1
    assert all(torch.equal(image[0], channel) for channel in image)


# --- photos


YELLOW, BLUE, PINK, GREY = (240, 220, 120), (150, 185, 225), (240, 180, 190), (160, 160, 160)
WOOD, BLACK_TABLE, WHITE_TABLE = (110, 75, 50), (30, 25, 25), (245, 245, 242)
RED_PEN, BLUE_PEN, PENCIL, YELLOW_PEN, CHALK = (
    (200, 40, 45),
    (40, 55, 150),
    (110, 110, 115),
    (245, 225, 60),
    (215,) * 3,
)
BOARD = {"paper": (45, 65, 55), "ink": CHALK, "texture": 0.08}

PHOTOS = {
    "plain": {},
    "dim on one side": {"dimmer": 0.5},
    "a soft shadow": {"shadow": 0.5, "edge": 0.3},
    "a hard shadow": {"shadow": 0.55, "edge": 0.002},
    "a strong vignette": {"vignette": 0.8},
    "yellow paper": {"paper": YELLOW, "ink": BLUE_PEN},
    "blue paper, red pen": {"paper": BLUE, "ink": RED_PEN},
    "pink paper, red pen, shadow": {"paper": PINK, "ink": RED_PEN, "shadow": 0.4},
    "grey paper, pencil": {"paper": GREY, "ink": (80, 80, 85)},
    "pencil on rough paper": {"ink": PENCIL, "texture": 0.015},
    "yellow felt pen on white": {"paper": (245, 245, 245), "ink": YELLOW_PEN, "pen": 9},
    "a thin pen": {"pen": 2},
    "a marker": {"pen": 40},
    "ruled paper": {"lines": 0.07},
    "squared paper": {"grid": 0.05, "ink": BLUE_PEN},
    "squared paper, pencil, shadow": {"grid": 0.05, "ink": PENCIL, "pen": 6, "shadow": 0.3},
    "a wooden table at the rim": {"desk": WOOD},
    "a black table, vignette": {"desk": BLACK_TABLE, "vignette": 0.5, "lines": 0.07},
    "a white table, shadow": {"desk": WHITE_TABLE, "paper": YELLOW, "shadow": 0.4},
    "dust": {"dust": 60},
    "small, in a corner": {"height": 0.12, "middle": (0.12, 0.15), "vignette": 0.4},
    "large": {"height": 0.92, "pen": 8},
    "poor JPEG": {"quality": 15, "noise": 8},
    "chalk": {**BOARD, "pen": 9},
    "chalk in a shadow": {**BOARD, "pen": 6, "shadow": 0.4, "edge": 0.02},
}


@pytest.mark.parametrize(("number", "name"), list(enumerate(PHOTOS)))
def test_a_photo_of_one_digit_gives_a_clean_digit(number, name):
    digit = 3 * number % 10
    picture = seen(photo(digit, **PHOTOS[name]))
    assert alike(picture, seen(encoded(draw(DIGITS[digit], pen=16)))) > 0.9
    assert picture.max() == 1
    assert picture[0].max() == picture[:, [0, -1]].max() == 0


def test_a_thin_line_in_a_phones_photo_is_found():
    picture = seen(photo(2, (3000, 4000), ink=PENCIL, pen=4, shadow=0.35, texture=0.01, noise=5))
    assert alike(picture, seen(encoded(draw(DIGITS[2], pen=16)))) > 0.9


def test_a_note_on_a_dark_table_is_paper_and_not_ink():
    table = Image.new("RGB", (800, 600), BLACK_TABLE)
    table.paste(draw(DIGITS[5], pen=8, ink=40, paper=230), (260, 150))
    assert alike(seen(encoded(table)), seen(encoded(draw(DIGITS[5], pen=16)))) > 0.9


# --- one digit or many


@pytest.mark.parametrize("name", APART)
@pytest.mark.parametrize("pen", [5, 10])
def test_one_digit_whose_strokes_do_not_touch_is_one_digit(name, pen):
    # the gaps grow smaller
    joined = draw(APART[name], height=0.6, pen=pen).filter(ImageFilter.MinFilter(9))
    assert (
        alike(seen(encoded(draw(APART[name], height=0.6, pen=pen))), seen(encoded(joined))) > 0.85
    )


@pytest.mark.parametrize("text", ["42", "11", "71", "10", "123", "2 3", "1 1 1"])
@pytest.mark.parametrize("bold", [0, 5])
def test_digits_side_by_side_are_many(text, bold):
    error = refusal(printed(text, bold))
    assert error.code == "many_shapes"
    assert error.details == {"count": len(text.replace(" ", ""))}
    assert str(error).startswith(f"I see {error.details['count']} separate shapes; crop")


@pytest.mark.parametrize("digit", "0123456789")
def test_every_printed_digit_is_one(digit):
    assert seen(printed(digit)).max() == 1


def test_a_page_of_digits_is_counted():
    page = Image.new("L", (1000, 800), 250)
    for index in range(20):
        place = (20 + 190 * (index % 5), 20 + 190 * (index // 5))
        page.paste(draw(DIGITS[index % 10], (180, 180), pen=7, ink=30, paper=250), place)
    assert refusal(encoded(page)).details == {"count": 20}


def test_dust_is_no_digit(five):
    picture = FIVE.copy()
    for x, y in np.random.default_rng(1).integers(0, 276, (30, 2)):
        ImageDraw.Draw(picture).rectangle((x, y, x + 2, y + 2), fill=0)
    assert alike(seen(encoded(picture)), five) > 0.95
