"""The pages of the latent space in Streamlit's test driver.

Every control answers, and the numbers are the package's.
"""

import base64
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from benchmarks import film
from tests.pictures import digit_png
from tests.ui.driver import (
    alternative_text,
    alternative_texts,
    beta_of,
    components,
    good,
    look_anew,
    move_beta,
    open_app,
    open_page,
    said,
    shown_map,
    signed,
)
from ui.service import cache, navigation
from ui.text import LANGUAGES, Text
from vae import experiments
from vae.hub import sources
from vae.hub.folder import write_checksums

PAGES = ("map", "dimensions", "path")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_each_page_opens_in_each_language_with_its_own_controls_and_nothing_wrong(page, language):
    app = open_page(page, lang=language)
    assert not app.error
    assert app.query_params["lang"] == language
    assert alternative_texts(app)
    assert any(entry.value == Text(language)(f"{page}.heading") for entry in app.subheader)


def test_what_was_chosen_is_still_chosen_on_the_other_pages_and_after_coming_back():
    app = open_app(beta="0.1", seed="11", example="3", temperature="0.5")
    for page in (*PAGES, "playground"):
        good(app.switch_page(navigation.file(page)).run())
        on_page = page in ("playground", "map", "dimensions")
        at = beta_of(app) if on_page else app.select_slider(key="beta").value
        assert at == 0.1
        assert app.number_input(key="seed").value == 11
        assert app.button_group(key="example").value == "3"
        assert app.query_params["beta"] == "0.1"
        assert ("temperature" in app.query_params) == (page == "playground")
    assert app.slider(key="temperature").value == 0.5


def test_a_picture_of_ones_own_goes_along_to_the_other_pages():
    app = open_app(source="upload")
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    seen = alternative_text(app, "What the model sees")
    assert app.query_params["own"] == "1"
    good(app.switch_page("ui/lab/map.py").run())
    assert alternative_text(app, "What the model sees") == seen


def test_a_link_to_a_picture_of_ones_own_says_that_it_is_gone_until_another_is_given():
    app = open_app(source="upload", own="1")
    assert "goes with its session" in said(app)
    good(app.file_uploader(key="upload").set_value(("seven.png", digit_png(), "image/png")).run())
    assert "goes with its session" not in said(app)
    # No photograph was taken yet, but nothing is lost.
    good(app.button_group(key="source").set_value("camera").run())
    assert "goes with its session" not in said(app)
    assert "own" not in app.query_params
    assert "goes with its session" not in said(open_app(source="upload"))


@pytest.mark.parametrize("page", PAGES)
def test_a_link_with_nonsense_opens_the_page_as_if_it_were_not_there(page):
    nonsense = {
        "steps": "8",
        "dimension": "-1",
        "route": "",
        "window": "x",
        "posteriors": "7",
        "posterior": "1",
        "kind": "-",
    }
    assert alternative_texts(open_page(page, **nonsense)) == alternative_texts(open_page(page))


# The map


def test_the_map_shows_the_pictures_own_posterior_at_its_true_place_and_size():
    digits = sources.resolve("mnist-2d")
    seen = experiments.reconstruct(
        digits.network, digits.examples.picture("3").numpy(), 1.0, seed=11, use_mean=True
    )
    view = shown_map(open_page("map", example="3", seed="11"))
    assert view["own"]["mean"] == pytest.approx(seen.posterior_mean.tolist())
    assert view["own"]["deviation"] == pytest.approx(seen.posterior_deviation.tolist())
    assert view["window"] == {"x": 0.0, "y": 0.0, "half": 4.0}
    assert view["rings"] == "solid"
    for number in seen.posterior_mean:
        assert signed(f"{number:.2f}") in view["alt"]
    for number in seen.posterior_deviation:
        assert f"{number:.3f}" in view["alt"]


def test_every_control_of_the_map_answers():
    app = open_page("map")
    before = shown_map(app)
    good(app.button_group(key="posteriors").set_value(100).run())
    assert shown_map(app)["count"] == 100
    good(app.button_group(key="example").set_value("8").run())
    assert shown_map(app)["own"] != before["own"]
    good(app.button(key="new_seed").click().run())
    good(app.button_group(key="window").set_value("own").run())
    assert shown_map(app)["window"]["half"] < 0.5
    assert shown_map(app)["tiles"] != before["tiles"]
    good(app.button_group(key="posterior").set_value("true").run())
    assert shown_map(app)["posterior"]["picture"].startswith("data:image/png")
    assert "log p(x) = −" in said(app)
    move_beta(app, 10.0)
    assert "log p(x) of the decoder at beta = 10" in said(app)
    good(app.button_group(key="posterior").set_value("tempered").run())
    assert "KL(q ‖ tempered)" in said(app)
    assert "tempered" in shown_map(app)["legend"][2]["label"]
    assert "The tempered posterior has its mean at" in shown_map(app)["alt"]
    good(app.button_group(key="language").set_value("ko").run())
    assert shown_map(app)["count"] == 100


def test_at_beta_1_the_two_posteriors_are_one_and_the_choice_stays_for_other_betas():
    app = open_page("map", posterior="tempered")
    assert "At beta = 1 training aims q at this posterior" in said(app)
    good(app.button_group(key="posterior").set_value("true").run())
    true = shown_map(app)["posterior"]
    good(app.button_group(key="posterior").set_value("tempered").run())
    assert shown_map(app)["posterior"] == true
    move_beta(app, 2.0)
    assert app.button_group(key="posterior").value == "tempered"
    assert "KL(q ‖ tempered)" in said(app)


def test_a_posterior_too_small_to_be_seen_is_announced():
    assert "no larger than a few pixels" in said(open_page("map", posterior="true"))
    assert "no larger than a few pixels" not in said(
        open_page("map", posterior="true", window="own")
    )


def test_the_page_states_the_error_where_halving_the_grid_still_changes_log_p_of_x():
    app = open_page("map", model="mnist-2d", beta="0.001", posterior="tempered", example="5")
    digits = sources.resolve("mnist-2d")
    observed = experiments.observation(digits.network, digits.examples.picture("5").numpy(), seed=7)
    found = cache.posterior_map(digits, observed, 0.001, True)  # the page's: it takes seconds
    assert not found.exact
    assert f"still changes the logarithm of the integral by {found.error:.4f} nats" in said(app)


def test_log_p_of_x_and_what_q_misses_are_the_packages():
    digits = sources.resolve("mnist-2d")
    observed = experiments.observation(digits.network, digits.examples.picture("3").numpy(), seed=7)
    found = experiments.posterior_map(digits.network, observed, 1.0)
    app = open_page("map", example="3", posterior="true")
    assert signed(f"{found.log_evidence:,.2f} nats") in said(app)
    assert f"{found.gap:,.2f} nats" in said(app)


def test_the_autoencoder_on_the_same_map_has_codes_and_no_posteriors_and_says_that_it_was_scaled():
    app = open_page("map", kind="autoencoder", beta="0.1")
    view = shown_map(app)
    assert view["rings"] == "dashed"
    assert view["own"]["deviation"] == [0.0, 0.0]
    assert "scaled" in said(app)
    keys = [group.key for group in app.button_group]
    assert not {"posteriors", "posterior", "window"} & set(keys)
    assert not components(app, film.BETA_BAR)
    assert view["films"] is None
    good(app.button_group(key="kind").set_value("vae").run())
    assert beta_of(app) == 0.1


def test_a_pinned_point_is_in_the_link_and_decoded_exactly():
    view = shown_map(open_page("map", pin="1.25,-0.5"))
    image = experiments.decode_point(sources.resolve("mnist-2d").network, (1.25, -0.5), 1.0)
    assert (view["pin"]["x"], view["pin"]["y"]) == (1.25, -0.5)
    assert f"{image.mean():.0%} ink" in view["pin"]["alt"]


@pytest.mark.parametrize("pin", ["", "1", "1,2,3", "nan,1", "1e9,0", "a,b", "9,9"])
def test_a_pin_that_is_none_or_lies_off_the_map_is_not_shown(pin):
    assert shown_map(open_page("map", pin=pin))["pin"] is None


def test_colours_of_the_classes_are_read_on_white_and_on_near_black():
    def luminance(colour: str) -> float:
        parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
        return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    colours = shown_map(open_page("map"))["colours"]
    assert len(set(colours)) == 10
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) >= 3
        assert (luminance(colour) + 0.05) / (luminance("#14161A") + 0.05) >= 3


def test_a_folder_without_reference_pictures_is_a_sentence_that_names_the_file(
    tmp_path, monkeypatch
):
    for name in ("mnist", "mnist-2d"):
        shutil.copytree(sources.BUNDLE / name, tmp_path / name)
    (tmp_path / "mnist-2d" / "reference.npz").unlink()
    write_checksums(tmp_path / "mnist-2d")  # as a folder that never had reference pictures
    monkeypatch.setattr(sources, "BUNDLE", tmp_path)
    look_anew(monkeypatch)
    app = open_page("map")
    assert "weights/mnist-2d/reference.npz is missing" in app.error[0].value


# The dimensions


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "faces", "mnist-2d"])
def test_the_count_of_active_units_is_the_test_sets(name):
    now = sources.resolve(name).metrics.at(1.0)
    app = open_page("dimensions", model=name)
    assert f"{now.active_units} of {len(now.rate_per_dimension)} dimensions" in said(app)
    first = now.dimensions_by_rate[0]
    assert (
        f"(this picture): {first + 1}: {now.rate_per_dimension[first]:.2f} ("
        in alternative_text(app, "KL per dimension")
    )


def test_every_control_of_the_dimensions_answers():
    app = open_page("dimensions", beta="10")
    dead = sources.resolve("mnist").metrics.at(10.0).dimensions_by_rate[-1]
    alive = alternative_text(app, "What dimension")
    good(app.selectbox(key="dimension").set_value(dead).run())
    assert "is inactive at this beta" in said(app)
    assert alternative_text(app, "What dimension") != alive
    assert app.query_params["dimension"] == str(dead)
    good(app.text_input(key=f"name-mnist-{dead}").set_value("<b>thick</b>").run())
    move_beta(app, 0.01)
    assert "is inactive" not in said(app)
    good(app.button_group(key="noise").set_value("mean").run())
    good(app.button_group(key="example").set_value("8").run())
    good(app.selectbox(key="model").set_value("faces").run())
    assert app.selectbox(key="dimension").value == dead


def test_a_name_is_the_students_own_and_stays_with_its_dimension():
    app = open_page("dimensions", dimension="4")
    good(app.text_input(key="name-mnist-4").set_value("wide").run())
    good(app.selectbox(key="dimension").set_value(5).run())
    assert app.text_input(key="name-mnist-5").value == ""
    good(app.selectbox(key="dimension").set_value(4).run())
    assert app.text_input(key="name-mnist-4").value == "wide"


def test_a_dimension_that_the_model_does_not_have_moves_to_one_that_it_has():
    app = open_page("dimensions", model="mnist", dimension="99")
    assert (
        app.selectbox(key="dimension").value
        == sources.resolve("mnist").metrics.at(1.0).dimensions_by_rate[0]
    )


# The path


def test_every_control_of_the_path_answers():
    app = open_page("path")
    straight = alternative_text(app, "Length of z")
    good(app.button_group(key="route").set_value("spherical").run())
    assert alternative_text(app, "Length of z") != straight
    good(app.select_slider(key="steps").set_value(5).run())
    assert alternative_text(app, "5 decoded steps")
    second = alternative_text(app, "Where the path ends")
    good(app.button_group(key="example2").set_value("1").run())
    assert alternative_text(app, "Where the path ends") != second
    assert "posterior means" not in said(app)
    good(app.button_group(key="noise").set_value("mean").run())
    assert "posterior means" in said(app)
    good(app.select_slider(key="beta").set_value(0.1).run())
    good(app.selectbox(key="model").set_value("faces").run())
    assert "8-bit colours" in said(app)
    assert {"route", "steps"} <= set(app.query_params)


def test_the_path_is_the_packages():
    mnist = sources.resolve("mnist")
    pictures = tuple(mnist.examples.picture(name).numpy() for name in ("0", "3"))
    ends = tuple(
        experiments.reconstruct(mnist.network, picture, 1.0, seed=7, draw=draw)
        for draw, picture in enumerate(pictures)
    )
    path = experiments.path(mnist.network, pictures, ends, 1.0, seed=7, steps=9)
    app = open_page("path")
    assert ", ".join(f"{value:,.1f}" for value in path.negative_elbo) in alternative_text(
        app, "Negative ELBO"
    )
    assert f"{path.outside} of 9 steps" in said(app)


def test_both_ends_may_be_pictures_of_ones_own():
    app = open_page("path", source="upload", source2="upload")
    for key, shape in (("upload", "7"), ("upload2", "1")):
        before = alternative_text(app, "Negative ELBO")
        good(
            app.file_uploader(key=key).set_value(("digit.png", digit_png(shape), "image/png")).run()
        )
        assert alternative_text(app, "Negative ELBO") != before
    assert app.query_params["own"] == app.query_params["own2"] == "1"


@pytest.mark.parametrize("page", ["dimensions", "path"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_plain_autoencoder_gets_a_sentence_where_it_has_nothing_to_show(page, language):
    app = open_page(page, model="mnist-2d-autoencoder", lang=language)
    assert len(app.info) == 1


def test_a_posterior_is_a_picture_of_three_strengths_of_one_colour():
    picture = shown_map(open_page("map", posterior="true"))["posterior"]["picture"]
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.split(",")[1]))))
    assert len(np.unique(pixels[..., 3])) == 4
    assert len(np.unique(pixels[..., :3].reshape(-1, 3), axis=0)) == 1
