"""An uploaded file becomes a digit as MNIST has it, or one clear sentence. All pictures are drawn here."""

import io
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from pillow_heif import register_heif_opener

from vae import images
from vae.images import ERROR_SENTENCES, ImageError
from vae.model import VAEConfig

register_heif_opener()

CONFIG = VAEConfig(
    image_shape=(1, 28, 28), latent_dim=2, likelihood="bernoulli", beta_range=(0.01, 50.0), preprocess="ink"
)


# --- drawing ----------------------------------------------------------------------------------------------------------


def arc(x, y, rx, ry, start, stop):
    angle = np.radians(np.linspace(start, stop, 40))
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], 1)


# Strokes in a box one high, from (0, 0) at the top left.
DIGITS = {
    0: [arc(0.5, 0.5, 0.3, 0.5, 0, 360)],
    1: [[(0.35, 0.2), (0.55, 0), (0.55, 1)]],
    2: [[*arc(0.5, 0.28, 0.28, 0.28, -170, 40), (0.2, 1), (0.82, 1)]],
    3: [[*arc(0.47, 0.25, 0.26, 0.25, -160, 90), *arc(0.47, 0.74, 0.3, 0.26, -90, 150)]],
    4: [[(0.55, 0), (0.15, 0.65), (0.85, 0.65)], [(0.65, 0.35), (0.65, 1)]],
    5: [[(0.78, 0.04), (0.3, 0.05), (0.25, 0.45), *arc(0.45, 0.68, 0.3, 0.32, -120, 140)]],
    6: [[(0.65, 0.02), *arc(0.62, 0.6, 0.42, 0.58, -110, -180), *arc(0.5, 0.7, 0.29, 0.3, 180, -170)]],
    7: [[(0.15, 0.03), (0.8, 0.03), (0.4, 1)]],
    8: [arc(0.5, 0.25, 0.24, 0.25, 90, 450), arc(0.5, 0.75, 0.3, 0.25, -90, 270)],
    9: [[*arc(0.5, 0.3, 0.27, 0.3, 0, 360), (0.7, 1)]],
}
APART = {  # one digit, whose strokes do not touch
    "a 5 with its bar torn off": [DIGITS[5][0][1:], [(0.42, -0.05), (0.9, -0.08)]],
    "an open 4": [[(0.2, 0.1), (0.15, 0.6), (0.55, 0.6)], [(0.66, 0.0), (0.62, 1)]],
    "a 0 in two halves": [arc(0.5, 0.5, 0.3, 0.5, 100, 260), arc(0.5, 0.5, 0.3, 0.5, -78, 78)],
    "an 8 in two rings": [arc(0.5, 0.22, 0.22, 0.2, 0, 360), arc(0.5, 0.76, 0.28, 0.24, 0, 360)],
    "a 1 in three pieces": [[(0.5, 0), (0.5, 0.3)], [(0.5, 0.36), (0.5, 0.7)], [(0.5, 0.75), (0.5, 1)]],
    "a dotted 0": [[point, point + 0.01] for point in arc(0.5, 0.5, 0.3, 0.5, 0, 351)[:-1:2]],
}


def draw(strokes, size=(280, 280), height=0.7, middle=(0.5, 0.5), pen=18.0, ink=0, paper=255):
    """A grey picture of strokes. height: of the digit in parts of the shorter side. pen: pixels wide."""
    picture = Image.new("L", size, paper)
    brush = ImageDraw.Draw(picture)
    for stroke in strokes:
        path = (np.array(stroke) - 0.5) * height * min(size) + np.multiply(middle, size)
        brush.line([tuple(point) for point in path], fill=ink, width=max(1, round(pen)), joint="curve")
        for x, y in path if pen > 4 else ():
            brush.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=ink)
    return picture


def photo(digit, size=(900, 675), paper=(235, 232, 225), ink=(30, 30, 35), pen=4.0, height=0.5, middle=(0.5, 0.5),
          dimmer=0.0, shadow=0.0, edge=0.01, vignette=0.0, noise=4.0, texture=0.0, lines=0.0, grid=0.0, desk=None,
          dust=0, quality=80):  # fmt: skip
    """A camera's JPEG of a digit on paper. dimmer, shadow, vignette: parts of the light that are lost somewhere."""
    random = np.random.default_rng(digit)
    y, x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32)
    u, v = x / size[0], y / size[1]
    scene = np.full((*u.shape, 3), paper, np.float32)
    if texture:
        grain = Image.fromarray(random.normal(size=(size[1] // 6, size[0] // 6)).astype(np.float32))
        scene *= 1 + texture * np.asarray(grain.resize(size, Image.Resampling.BICUBIC))[..., None]
    if spacing := (lines or grid) * size[1]:
        scene[(y + 0.03 * x) % spacing < size[0] / 1500] = (150, 180, 215)
        scene[(x - 0.03 * y) % spacing < (size[0] / 1500 if grid else 0)] = (150, 180, 215)
    covered = 1 - np.asarray(draw(DIGITS[digit], size, height, middle, pen), np.float32)[..., None] / 255
    scene += covered * (np.array(ink) - scene)
    for column, row in random.integers(0, size, (dust, 2)):
        scene[row : row + 2, column : column + 2] *= 0.4
    if desk:
        scene[(u + 0.06 * v < 0.08) | (v - 0.04 * u > 0.92)] = desk
    scene *= (1 - dimmer * (0.7 * u + 0.3 * v))[..., None]
    scene *= (1 - shadow * np.clip((0.8 * u + 0.6 * v - 0.7) / edge + 0.5, 0, 1))[..., None]
    scene *= (1 - vignette * np.clip(2 * (u - 0.5) ** 2 + 2 * (v - 0.5) ** 2, 0, 1))[..., None]
    scene += noise * random.standard_normal((*u.shape, 1), np.float32)
    picture = Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
    return encoded(picture, "JPEG", quality=quality)


def printed(text, bold=0):
    picture = Image.new("L", (120 + 90 * len(text), 240), 255)
    font = ImageFont.load_default(size=140)
    middle = (picture.width / 2, picture.height / 2)
    ImageDraw.Draw(picture).text(middle, text, font=font, fill=0, anchor="mm", stroke_width=bold)
    return encoded(picture)


def encoded(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def seen(file, config=CONFIG):
    """What the model sees of it: (28, 28)."""
    return images.read(file, config).image[0].numpy()


def alike(one, other):
    """Correlation of two digits, blurred by a pixel: 1 for the same, below 0.8 for two different digits."""
    pictures = [Image.fromarray((picture * 255).astype(np.uint8)) for picture in (one, other)]
    blurred = [np.asarray(picture.filter(ImageFilter.GaussianBlur(0.7))) for picture in pictures]
    return np.corrcoef(blurred[0].ravel(), blurred[1].ravel())[0, 1]


def refusal(file):
    with pytest.raises(ImageError) as caught:
        images.read(file, CONFIG)
    return caught.value


FIVE = draw(DIGITS[5])


@pytest.fixture(scope="module")
def five():
    return seen(encoded(FIVE))


# --- what comes out ---------------------------------------------------------------------------------------------------


def test_a_view_is_a_float_tensor_and_shows_every_step_up_to_what_the_model_sees():
    view = images.read(photo(5), CONFIG)
    assert view.image.dtype == torch.float32
    assert view.image.shape == (1, 28, 28)
    assert [step.name for step in view.steps] == ["file", "grey", "ink", "cropped", "centred"]
    assert all(step.image.dtype == np.uint8 for step in view.steps)
    assert view.steps[0].image.shape[2] == 3
    assert view.steps[1].image.shape == view.steps[2].image.shape == view.steps[0].image.shape[:2]
    assert view.steps[1].image.mean() > 128 > view.steps[2].image.mean()  # the paper was light and is black now
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
    assert picture[0].max() == picture[:, [0, -1]].max() == 0  # a 7, whose mass is high up, reaches the last row
    assert 0.04 < picture.mean() < 0.25  # MNIST: 0.05 to 0.25


def test_a_digit_in_the_data_sets_own_form_comes_through_unchanged(five):
    random = np.random.default_rng(0)
    digit = np.rint(five * 255 * random.uniform(0.7, 1, (28, 28))).astype(np.uint8)
    for picture in (Image.fromarray(digit), Image.fromarray(digit).convert("RGB")):
        assert np.array_equal(seen(encoded(picture)), digit / np.float32(255))


def test_a_small_picture_that_is_not_in_that_form_is_brought_into_it(five):
    digit = np.rint(five * 255).astype(np.uint8)
    assert alike(seen(encoded(Image.fromarray(255 - digit))), five) > 0.95  # black on white
    assert alike(seen(encoded(Image.fromarray(np.roll(digit, (-3, 3), (0, 1))))), five) > 0.95  # off the middle


def test_white_ink_on_black_gives_the_same_as_black_on_white(five):
    assert np.abs(seen(encoded(draw(DIGITS[5], ink=255, paper=0))) - five).max() < 0.02


def test_ink_that_runs_off_the_canvas_is_kept():
    whole, cut = draw(DIGITS[7], height=0.9), draw(DIGITS[7], height=1.02)
    assert alike(seen(encoded(cut)), seen(encoded(whole))) > 0.95


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 28, 28), (1, 56, 28)])
def test_other_shapes_of_model_are_served(shape):
    config = VAEConfig(shape, 2, "bernoulli" if shape[0] == 1 else "discretized_logistic", (0.01, 50.0), "ink")
    image = images.read(encoded(FIVE), config).image
    assert image.shape == shape
    assert image.max() == 1
    assert all(torch.equal(image[0], channel) for channel in image)


# --- kinds of file ----------------------------------------------------------------------------------------------------

KINDS = ["PNG", "JPEG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_is_read(kind, five):
    assert np.abs(seen(encoded(FIVE.convert("RGB"), kind)) - five).max() < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF"])
@pytest.mark.parametrize(("orientation", "as_stored"), [(3, "ROTATE_180"), (6, "ROTATE_90"), (8, "ROTATE_270")])
def test_a_camera_held_sideways_makes_no_difference(kind, orientation, as_stored, five):
    notes = Image.Exif()
    notes[0x0112] = orientation
    stored = FIVE.convert("RGB").transpose(Image.Transpose[as_stored])
    assert np.abs(seen(encoded(stored, kind, exif=notes)) - five).max() < 0.1


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_of_an_animation_the_first_frame_is_read(kind, five):
    frames = [FIVE.convert("RGB"), Image.new("RGB", FIVE.size, "white")]
    assert np.abs(seen(encoded(frames[0], kind, save_all=True, append_images=frames[1:])) - five).max() < 0.1


def test_all_depths_and_colour_models_are_read(five):
    grey = np.asarray(FIVE)
    ink = 255 - grey
    palette = FIVE.convert("P")
    files = {
        "1 bit": encoded(FIVE.convert("1", dither=Image.Dither.NONE)),
        "16 bits": encoded(Image.fromarray(grey.astype(np.uint16) * 257)),
        "12 of 16 bits": encoded(Image.fromarray(grey.astype(np.uint16) * 16), "TIFF"),
        "32 bits": encoded(Image.fromarray(grey.astype(np.int32) * 70_000), "TIFF"),
        "fractions": encoded(Image.fromarray(grey.astype(np.float32) / 255), "TIFF"),
        "CMYK JPEG": encoded(FIVE.convert("CMYK"), "JPEG"),
        "CMYK TIFF": encoded(FIVE.convert("CMYK"), "TIFF"),
        "palette": encoded(palette),
        "palette with a transparent entry": encoded(palette, transparency=255),
        "grey with a transparent tone": encoded(FIVE, transparency=255),
        "transparent GIF": encoded(palette, "GIF", transparency=255),
        "grey with opacity": encoded(Image.merge("LA", (Image.new("L", FIVE.size), Image.fromarray(ink)))),
    }
    for name, file in files.items():
        assert np.abs(seen(file) - five).max() < 0.1, name


@pytest.mark.parametrize("ink", ["black", "white", "yellow", "navy"])
def test_ink_on_a_transparent_picture_is_seen_whatever_its_colour(ink, five):
    picture = Image.new("RGBA", FIVE.size, ink)
    picture.putalpha(FIVE.point(lambda tone: 255 - tone))
    assert alike(seen(encoded(picture)), five) > 0.99
    assert alike(seen(encoded(picture, "WEBP", lossless=True)), five) > 0.99


def test_paper_with_transparent_corners_stays_paper(five):
    picture = FIVE.convert("RGB")
    mask = Image.new("L", FIVE.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((5, 5, 275, 275), 40, fill=255)
    picture.putalpha(mask)
    assert alike(seen(encoded(picture)), five) > 0.99


# --- photos -----------------------------------------------------------------------------------------------------------

YELLOW, BLUE, PINK, GREY = (240, 220, 120), (150, 185, 225), (240, 180, 190), (160, 160, 160)
WOOD, BLACK_TABLE, WHITE_TABLE = (110, 75, 50), (30, 25, 25), (245, 245, 242)
RED_PEN, BLUE_PEN, PENCIL, YELLOW_PEN, CHALK = (200, 40, 45), (40, 55, 150), (110, 110, 115), (245, 225, 60), (215,) * 3
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


def test_a_thin_line_in_a_phones_photo_is_found_in_time():
    file = photo(2, (3000, 4000), ink=PENCIL, pen=4, shadow=0.35, texture=0.01, noise=5)
    start = time.perf_counter()
    picture = seen(file)
    assert time.perf_counter() - start < 5
    assert alike(picture, seen(encoded(draw(DIGITS[2], pen=16)))) > 0.9


def test_a_note_on_a_dark_table_is_paper_and_not_ink():
    table = Image.new("RGB", (800, 600), BLACK_TABLE)
    table.paste(draw(DIGITS[5], pen=8, ink=40, paper=230), (260, 150))
    assert alike(seen(encoded(table)), seen(encoded(draw(DIGITS[5], pen=16)))) > 0.9


# --- one digit or many ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", APART)
@pytest.mark.parametrize("pen", [5, 10])
def test_one_digit_whose_strokes_do_not_touch_is_one_digit(name, pen):
    joined = draw(APART[name], height=0.6, pen=pen).filter(ImageFilter.MinFilter(9))  # the gaps grow smaller
    assert alike(seen(encoded(draw(APART[name], height=0.6, pen=pen))), seen(encoded(joined))) > 0.85


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


# --- what can't be read -----------------------------------------------------------------------------------------------


def chunk(name, data=b""):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def blank(width, height):
    """A small PNG of many black pixels, one bit each."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((1 + width // 8) * height))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND")


def noise(*shape):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


WHOLE = {kind: encoded(FIVE.convert("RGB"), kind) for kind in KINDS}

REFUSED = {
    "nothing": ("empty", lambda: b""),
    "text": ("not_a_picture", lambda: b"Dear teacher, my picture is attached."),
    "a web page": ("not_a_picture", lambda: b"<!doctype html><html><body>404</body></html>"),
    "SVG": ("not_a_picture", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0L9 9"/></svg>'),
    "PDF": ("not_a_picture", lambda: encoded(FIVE, "PDF")),
    "PostScript": ("not_a_picture", lambda: encoded(FIVE, "EPS")),
    "a ZIP": ("not_a_picture", lambda: b"PK\x03\x04" + bytes(100)),
    "zeros": ("not_a_picture", lambda: bytes(10_000)),
    "too large a file": ("too_many_bytes", lambda: WHOLE["PNG"] + bytes(images.MAX_BYTES)),
    "51 megapixels": ("too_many_pixels", lambda: blank(10_000, 5_100)),
    "90 megapixels, of which Pillow warns": ("too_many_pixels", lambda: blank(10_000, 9_000)),
    "400 megapixels, which Pillow refuses": ("too_many_pixels", lambda: blank(20_000, 20_000)),
    "one pixel": ("too_small", lambda: encoded(Image.new("L", (1, 1)))),
    "one pixel wide": ("too_small", lambda: encoded(Image.new("L", (1, 500), 255))),
    "seven pixels": ("too_small", lambda: encoded(Image.new("L", (7, 7), 255))),
    "a strip": ("too_small", lambda: encoded(Image.new("L", (4_000_000, 10), 255))),
    "white": ("no_ink", lambda: encoded(Image.new("L", (300, 200), 255))),
    "black": ("no_ink", lambda: encoded(Image.new("L", (28, 28), 0))),
    "red": ("no_ink", lambda: encoded(Image.new("RGB", (640, 480), "red"), "JPEG")),
    "transparent": ("no_ink", lambda: encoded(Image.new("RGBA", (300, 200)))),
    "empty paper in bad light": ("no_ink", lambda: photo(0, ink=(235, 232, 225), vignette=0.5, shadow=0.4, edge=0.2)),
    "noise": ("too_much_ink", lambda: encoded(noise(400, 400))),
    **{f"half a {kind}": ("damaged", lambda file=file: file[: len(file) // 2]) for kind, file in WHOLE.items()},
    "PNG that breaks off in its header": ("damaged", lambda: WHOLE["PNG"][:20]),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(name):
    code, make = REFUSED[name]
    file = make()
    start = time.perf_counter()
    error = refusal(file)
    assert time.perf_counter() - start < 5
    assert error.code == code
    assert str(error) == ERROR_SENTENCES[code].format(**error.details)
    assert str(error).count(". ") == 0
    assert str(error).endswith(".")


def test_a_page_of_noise_is_refused_or_read_but_never_a_crash():
    for shape in [(9, 60), (60, 60, 3), (500, 300, 3)]:
        outcome(encoded(noise(*shape)))


SCANS = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00" * 1000
GIF = WHOLE["GIF"]
GIF_HEADER = 13 + 3 * (2 << (GIF[10] & 7))
STRIPS = struct.pack("<HHIIHHIIHHII", 256, 4, 1, 40, 257, 4, 1, 1000, 273, 4, 4_000_000, 50)
SLOW = {
    "PNG of a million empty chunks": lambda: WHOLE["PNG"][:33] + chunk(b"prVt") * 1_000_000 + WHOLE["PNG"][33:],
    "JPEG of a million comments": lambda: WHOLE["JPEG"][:2] + b"\xff\xfe\x00\x02" * 4_000_000 + WHOLE["JPEG"][2:],
    "GIF of a million comments": lambda: GIF[:GIF_HEADER] + b"\x21\xfe\x01a\x00" * 3_000_000 + GIF[GIF_HEADER:],
    "JPEG of a thousand scans": lambda: encoded(FIVE, "JPEG", progressive=True)[:-2] + SCANS + b"\xff\xd9",
    "TIFF of four million strips": lambda: b"II*\x00\x08\x00\x00\x00\x03\x00" + STRIPS + bytes(16_000_000),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_file_made_to_take_long_is_given_up(name, monkeypatch):
    monkeypatch.setattr(images, "DECODING_SECONDS", 0.3)
    file = SLOW[name]()
    start = time.perf_counter()
    assert refusal(file).code == "too_slow"
    assert time.perf_counter() - start < 2


def outcome(file):
    """The code of the refusal, or "" for a picture that was read; anything else fails the test."""
    try:
        image = images.read(file, CONFIG).image
    except ImageError as error:
        return error.code
    assert image.shape == (1, 28, 28)
    assert 0 <= image.min() <= image.max() <= 1
    return ""


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_give_a_picture_or_a_sentence(kind):
    file = encoded(draw(DIGITS[5], (64, 64), pen=5).convert("RGB"), kind)
    random = np.random.default_rng(0)
    for attempt in range(24):
        broken = bytearray(file)
        for place in random.integers(0, min(len(file), 400) if attempt % 2 else len(file), random.integers(1, 10)):
            broken[place] = random.integers(256)
        outcome(bytes(broken[: random.integers(len(file))] if attempt % 4 == 0 else broken))


# --- manners ----------------------------------------------------------------------------------------------------------

MEMORY = """
import io, re, sys
from types import SimpleNamespace
from vae import images

def peak():  # kB; of this program alone, unlike resource.getrusage, which remembers its parent
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

def read(file):
    try:
        images.read(file, SimpleNamespace(image_shape=(1, 28, 28), preprocess="ink"))
    except images.ImageError as error:
        print(error.code)

small, large = (open(path, "rb").read() for path in sys.argv[1:])
read(small)
before = peak()
read(large)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_fifty_megapixels_need_little_more_memory_and_time_than_their_pixels(tmp_path):
    large = Image.new("RGB", (8160, 6120), "beige")  # 50 megapixels, 200 MB as Pillow holds them
    files = {"small": encoded(FIVE), "large": encoded(large)}
    for name, file in files.items():
        (tmp_path / name).write_bytes(file)
    paths = [str(tmp_path / name) for name in files]
    run = subprocess.run([sys.executable, "-c", MEMORY, *paths], capture_output=True, text=True, check=True)
    assert run.stdout.split()[0] == "no_ink"
    assert int(run.stdout.split()[-1]) < 300_000
    start = time.perf_counter()
    assert outcome(files["large"]) == "no_ink"
    assert time.perf_counter() - start < 5


def test_a_class_that_uploads_at_once_gets_what_each_would_get_alone(five):
    files = [encoded(draw(DIGITS[digit])) for digit in range(10)]
    alone = [seen(file) for file in files]
    together = [None] * len(files)

    def upload(index):
        together[index] = seen(files[index])

    threads = [threading.Thread(target=upload, args=(index,)) for index in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_nothing_of_pillows_or_pythons_settings_is_changed():
    before = Image.MAX_IMAGE_PIXELS, warnings.filters[:]
    outcome(blank(10_000, 9_000))
    outcome(WHOLE["HEIF"])
    assert (Image.MAX_IMAGE_PIXELS, warnings.filters) == before
