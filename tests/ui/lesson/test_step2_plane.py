"""Step 2 in Streamlit's test driver: both planes, their pins, the package's numbers."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.pictures import digit_png
from tests.ui.drawings import accepted
from tests.ui.driver import alternative_text, data_of, good, open_page, said, signed
from ui.lesson.step2_plane import cache, view
from ui.service.cache import map_atlas
from ui.text import Text
from ui.view import map_tiles, pictures
from vae import experiments
from vae.experiments import WHOLE_PLANE
from vae.experiments.lesson.plane import DIRECTIONS, OTHERS, pixel_plane
from vae.hub import sources


@pytest.fixture(scope="module")
def flat():
    return sources.resolve("mnist-2d")


def planes(flat, name: str = "0", seed: int = 7):
    picture = flat.examples.picture(name).numpy()
    return tuple(
        pixel_plane(
            picture,
            directions,
            typical=cache.typical_distance(flat),
            others=view.other_examples(flat.examples, picture),
            seed=seed,
        )
        for directions in DIRECTIONS
    )


def test_the_reveal_shows_the_crowds_of_the_package(flat):
    app = open_page("step2", lang="ko")
    text = Text("ko")
    assert not app.error
    assert text("step2.article") not in said(app)
    good(app.radio(key="ask_one_step").set_value("c").run())
    good(app.toggle(key="reveal_step2").set_value(True).run())
    assert text("ask.one_step_c_why") in said(app)
    assert text("step2.article") in said(app)
    crowds = cache.crowds(flat, planes(flat), 1.0, 7)
    for kind in view.CROWDS:
        assert view.crowd_text(text, crowds[kind]) in said(app)
        assert signed(f"{crowds[kind].mean:,.0f}") in alternative_text(
            app, text("alt_step2.crowds", means="").strip()
        )
    good(app.radio(key="ask_learned").set_value("b").run())
    assert any(entry.value == text("ask.learned_b_why") for entry in app.success)


def test_the_two_maps_have_planes_of_their_own_and_small_messages(flat):
    app = open_page("step2", example="3", seed="11")
    code, plane = data_of(app, "vae_lab_map")
    assert (code["codes"], code["rings"], code["text"].get("point")) == (True, "solid", None)
    assert (plane["codes"], plane["rings"], plane["own"]) == (False, "dashed", None)
    assert plane["text"]["point"] == "(a, b)"
    seen = experiments.reconstruct(
        flat.network, flat.examples.picture("3").numpy(), 1.0, seed=11, use_mean=True
    )
    assert code["own"]["mean"] == pytest.approx(seen.posterior_mean.tolist())
    sent = data_of(app, "vae_lab_map_tiles")
    assert [one["id"] for one in sent] == [code["tiles"], plane["tiles"]]
    assert all(len(json.dumps(one)) < 200_000 for one in sent)
    for part in ("base", "across", "up"):
        unpacked = np.frombuffer(base64.b64decode(sent[1]["plane"][part]), "<f4")
        assert np.allclose(unpacked, getattr(planes(flat, "3", 11)[0], part).ravel())


def test_other_directions_another_picture_and_another_seed_are_other_planes(flat):
    app = open_page("step2")
    random = data_of(app, "vae_lab_map")[1]
    assert len(random["ellipses"]) == 1
    good(app.button_group(key="directions").set_value(OTHERS).run())
    others = data_of(app, "vae_lab_map")[1]
    assert [one["mean"] for one in others["ellipses"]] == [[0, 0], [2, 0], [0, 2]]
    assert app.query_params["directions"] == "others"
    across, up = planes(flat)[1].units
    assert f"a change of the pixels by {across:.1f} and {up:.1f}" in said(app)
    good(app.button_group(key="example").set_value("5").run())
    assert data_of(app, "vae_lab_map")[1]["tiles"] != others["tiles"]
    good(app.button_group(key="directions").set_value("random").run())
    before = data_of(app, "vae_lab_map")[1]["tiles"]
    good(app.button(key="new_seed").click().run())
    assert data_of(app, "vae_lab_map")[1]["tiles"] != before


def shown(pin: dict) -> np.ndarray:
    """The pinned picture, one pixel for each of the model's."""
    image = np.asarray(Image.open(io.BytesIO(base64.b64decode(pin["picture"].split(",")[1]))))
    return image[8::16, 8::16]


def test_each_map_has_its_own_pin_which_the_link_holds_and_the_server_draws_exactly(flat):
    app = open_page("step2", pin="1.25,-0.5", pin2="2,0", directions="others")
    code, plane = data_of(app, "vae_lab_map")
    assert (code["pin"]["x"], code["pin"]["y"], plane["pin"]["x"], plane["pin"]["y"]) == (
        1.25,
        -0.5,
        2.0,
        0.0,
    )
    assert np.array_equal(
        shown(code["pin"]),
        pictures.to_uint8(experiments.decode_point(flat.network, (1.25, -0.5), 1.0)),
    )
    assert np.array_equal(
        shown(plane["pin"]), pictures.to_uint8(flat.examples.picture("1").numpy())
    )


def test_a_picture_of_ones_own_stands_in_the_middle_of_the_pixel_plane():
    app = open_page("step2", source="upload")
    before = data_of(app, "vae_lab_map_tiles")[1]["plane"]
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    after = data_of(app, "vae_lab_map_tiles")[1]["plane"]
    assert after["base"] != before["base"]
    assert after["across"] == before["across"]  # the random directions are the seed's


def test_a_plane_goes_towards_the_next_two_examples_or_the_first_two(flat):
    names, picture = flat.examples.names, flat.examples.picture
    for own, expected in (("8", ("9", "0")), (None, (names[0], names[1]))):
        image = picture(own).numpy() if own else np.zeros((1, 28, 28), np.float32)
        assert all(
            np.array_equal(one, picture(name))
            for one, name in zip(view.other_examples(flat.examples, image), expected, strict=True)
        )


def test_plotly_accepts_the_figure_and_it_shows_the_means(flat):
    crowds = cache.crowds(flat, planes(flat), 1.0, 7)
    drawing = view.crowds_figure(Text("ko"), crowds)
    accepted(drawing)
    assert drawing.to_dict()["data"][0]["x"] == [crowds[kind].mean for kind in view.CROWDS]


def test_the_shared_atlas_of_the_code_is_the_maps(flat):
    assert (
        data_of(open_page("step2"), "vae_lab_map_tiles")[0]
        == map_atlas(flat, 1.0, WHOLE_PLANE).data
    )
    assert map_tiles.of_plane(planes(flat)[0], WHOLE_PLANE).codes is None
