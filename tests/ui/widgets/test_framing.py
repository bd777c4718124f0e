"""Framing of own photos: a face's frame, a garment turned round, a digit without either."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.garments import photograph
from tests.pictures import digit_png, png, portrait
from tests.ui.driver import (
    alternative_text,
    alternative_texts,
    good,
    numbers,
    open_app,
    shown_film,
    upload,
)
from vae.hub import sources

pytestmark = pytest.mark.usefixtures("small_networks")


def slider(app: AppTest, name: str):
    return next(widget for widget in app.slider if widget.key.startswith(f"{name}-"))


def toggle(app: AppTest):
    return next(widget for widget in app.toggle if widget.key.startswith("mirrored-"))


def steps(app: AppTest) -> list[str]:
    return [alt.split(": ")[1] for alt in alternative_texts(app) if alt.startswith("Step")]


def test_zoom_position_and_mirror_change_what_the_model_sees_and_all_that_follows():
    app = upload(open_app(model="faces", source="upload"), portrait())
    assert not app.error
    assert steps(app) == ["file", "cropped", "small"]
    assert "40%" in alternative_text(app, "The square that the model will see")
    seen = {numbers(app)}
    for change in (
        lambda: slider(app, "zoom").set_value(2.0),
        lambda: slider(app, "across").set_value(90),
        lambda: slider(app, "down").set_value(10),
        lambda: toggle(app).set_value(True),
    ):
        good(change().run())
        assert numbers(app) not in seen
        seen.add(numbers(app))


def test_a_slider_that_could_move_nothing_is_switched_off():
    app = upload(open_app(model="faces", source="upload"), portrait(width=400, height=300))
    assert not slider(app, "across").disabled
    assert slider(app, "down").disabled
    good(slider(app, "zoom").set_value(1.5).run())
    assert not slider(app, "down").disabled


def test_the_frame_survives_another_source_and_another_file_starts_anew():
    app = upload(open_app(model="faces", source="upload"), portrait())
    good(slider(app, "zoom").set_value(3.0).run())
    mine = alternative_texts(app)
    good(app.button_group(key="source").set_value("example").run())
    good(app.button_group(key="source").set_value("upload").run())
    assert slider(app, "zoom").value == 3.0
    assert alternative_texts(app) == mine
    upload(app, portrait(width=420))
    assert slider(app, "zoom").value == 1.0


def test_examples_and_digits_have_no_frame():
    assert not [widget for widget in open_app(model="faces").slider if widget.key != "temperature"]
    app = upload(open_app(source="upload"), digit_png())
    assert not [widget for widget in app.slider if widget.key != "temperature"]
    assert not app.toggle


def test_a_shoe_on_a_table_is_cut_out_step_by_step_and_can_be_turned_round():
    shoe = sources.resolve("fashion-mnist").examples.picture("Ankle boot")[0].numpy()
    app = upload(
        open_app(model="fashion-mnist", source="upload"),
        png(photograph((shoe * 255).astype(np.uint8), "wood")),
    )
    assert not app.error
    assert steps(app) == ["file", "cut out", "light", "centred", "binary"]
    before = numbers(app)
    good(toggle(app).set_value(True).run())
    assert numbers(app) != before


def test_a_bare_table_is_one_sentence_and_the_last_garment_stays():
    shoe = sources.resolve("fashion-mnist").examples.picture("Ankle boot")[0].numpy()
    app = upload(
        open_app(model="fashion-mnist", source="upload"),
        png(photograph((shoe * 255).astype(np.uint8), "white")),
    )
    before = alternative_text(app, "Reconstruction")
    upload(app, png(np.full((200, 200, 3), 180, np.uint8)))
    assert len(app.error) == 1
    assert "No garment found" in app.error[0].value
    assert alternative_text(app, "Reconstruction") == before


def test_mirrored_belongs_to_one_kind_of_model():
    app = upload(open_app(model="faces", source="upload"), portrait())
    good(toggle(app).set_value(True).run())
    good(app.selectbox(key="model").set_value("fashion-mnist").run())
    assert not app.toggle or not toggle(app).value
    good(app.selectbox(key="model").set_value("faces").run())
    assert toggle(app).value


def test_a_bad_file_leaves_the_last_portrait_under_the_students_hand():
    app = upload(open_app(model="faces", source="upload"), portrait())
    good(slider(app, "zoom").set_value(3.0).run())
    upload(app, b"no picture")
    assert len(app.error) == 1
    before = numbers(app)
    assert slider(app, "zoom").value == 3.0
    good(slider(app, "zoom").set_value(2.0).run())
    assert numbers(app) != before
    assert len(app.error) == 1


def test_the_same_file_is_read_in_the_way_of_each_model():
    app = upload(open_app(model="mnist", source="upload"), digit_png())
    good(app.selectbox(key="model").set_value("faces").run())
    assert steps(app) == ["file", "cropped", "small"]
    good(app.selectbox(key="model").set_value("mnist").run())
    assert steps(app)[-1] == "binary"


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_page_of_faces_gives_credit_and_says_what_it_must_not_be_used_for(language):
    words = " ".join(caption.value for caption in open_app(model="faces", lang=language).caption)
    for name in ("FairFace", "Kärkkäinen", "Joo", "CC BY 4.0"):
        assert name in words
    assert ("must not be used" if language == "en" else "써서는 안 됩니다") in words


def test_a_colour_picture_shows_bits_per_dimension_and_is_not_called_ink():
    app = open_app(model="faces")
    assert "bits per dimension" in shown_film(app).sentences()["bits"]
    assert not any("ink" in alt.split() for alt in alternative_texts(app))
    assert "bits" not in shown_film(open_app(model="mnist")).sentences()
