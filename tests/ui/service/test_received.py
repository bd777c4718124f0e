"""Whatever stands in the place of what a component sends, it is the component's value or none."""

from types import SimpleNamespace

import pytest

from ui.service import received, validation

HUGE = 10**400  # JSON has integers that no float holds
DRAWN = {"objects": [{"type": "path"}]}
NUMBERS = [None, True, "1", "x", HUGE, -HUGE, float("nan"), float("inf"), [], {}, [None]]


def canvas(raw, image):
    """Value of streamlit_drawable_canvas, which reads the picture when it is asked for it."""

    class Result:
        json_data = raw

        @property
        def image_bytes(self):
            return image.split(";base64,", 1)[1].encode()

    return Result


def test_a_drawing_is_its_file():
    assert received.drawing(canvas(DRAWN, "data:image/png;base64,abcd")) == b"abcd"


@pytest.mark.parametrize(
    ("raw", "image"),
    [(raw, "data:image/png;base64,abcd") for raw in [*NUMBERS, {"objects": 1}, {"objects": []}]]
    + [(DRAWN, image) for image in (None, 7, [], {}, "x")],
)
def test_no_drawing_is_none(raw, image):
    assert received.drawing(canvas(raw, image)) is None


@pytest.mark.parametrize("sent", [[], "x", 7])
def test_where_the_canvas_itself_stumbles_there_is_no_drawing(sent):
    assert received.drawing(lambda: SimpleNamespace(json_data=sent.get("raw"))) is None


def test_a_pin_is_two_numbers():
    assert received.pin({"point": [1, -0.5]}) == (1.0, -0.5)


@pytest.mark.parametrize(
    "event",
    [
        *NUMBERS,
        {"point": None},
        {"point": [1]},
        {"point": [1, 2, 3]},
        *({"point": [1, number]} for number in NUMBERS),
    ],
)
def test_no_pin_is_none(event):
    assert received.pin(event) is None


@pytest.mark.parametrize("sent", [1, 0.01, 50.0, 1e-300])
def test_a_beta_is_a_number_above_zero(sent):
    assert received.beta(sent) == sent


@pytest.mark.parametrize("sent", [*NUMBERS, 0, -1.0])
def test_no_beta_is_none(sent):
    assert received.beta(sent) is None


@pytest.mark.parametrize("sent", ["film", 0, 7, received.MOST_STOPS - 1])
def test_a_wanted_frame_is_the_film_or_the_number_of_a_stop(sent):
    assert received.wanted_frame(sent) == sent


@pytest.mark.parametrize("sent", [*NUMBERS, False, -1, 1.0, 0.5, received.MOST_STOPS, b"film"])
def test_no_wanted_frame_is_none(sent):
    assert received.wanted_frame(sent) is None


@pytest.mark.parametrize("sent", [0, 7, received.MOST_DIMENSIONS - 1])
def test_a_chosen_dimension_is_its_number(sent):
    assert received.dimension(sent) == sent


@pytest.mark.parametrize("sent", [*NUMBERS, True, -1, 1.0, received.MOST_DIMENSIONS, "7"])
def test_no_chosen_dimension_is_none(sent):
    assert received.dimension(sent) is None


@pytest.mark.parametrize("number", [HUGE, -HUGE, float("inf"), float("nan"), 1.5, *NUMBERS])
@pytest.mark.parametrize(("low", "high"), [(0, validation.LARGEST_SEED), (1, 64)])
def test_no_integer_of_an_argument_is_a_sentence(number, low, high):
    with pytest.raises(validation.InputError):
        validation.integer("count", number, low, high)
