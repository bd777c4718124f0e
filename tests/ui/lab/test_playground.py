"""The playground in Streamlit's test driver.

Every control answers, links reopen the view, nothing ever fails.
"""

import io
import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

import vae
from tests.pictures import digit_png
from tests.ui.driver import (
    ROOT,
    alternative_text,
    alternative_texts,
    beta_of,
    good,
    look_anew,
    move_beta,
    numbers,
    open_app,
    shown_film,
    upload,
)
from ui.text import Text
from vae.hub import sources


def test_it_opens_on_an_example_with_everything_drawn():
    app = open_app()
    assert not app.error
    assert "nats" in numbers(app)
    assert "% of the test set" in shown_film(app).sentences()["verdict"]
    alts = alternative_texts(app)
    for beginning in (
        "Your picture",
        "What the model sees",
        "Step 1",
        "Posterior at beta 1",
        "Reconstruction at beta 1",
        "Difference",
        "This picture: distortion",
        "Rate–distortion curve",
        "32 samples",
    ):
        assert any(alt.startswith(beginning) for alt in alts), beginning


def test_the_numbers_are_those_of_the_package():
    resolved = sources.resolve("mnist")
    app = open_app(example="3", beta="0.1", seed="11")
    image = resolved.examples.images[3] / np.float32(255)
    own = vae.experiments.trade_off(resolved.network, image, (0.1,), seed=11)
    expected = f"{own.distortion[0]:.1f} distortion + {own.rate[0]:.1f} rate"
    assert expected in numbers(app)
    assert f"test average {resolved.metrics.at(0.1).negative_elbo:.1f}" in numbers(app)


def test_beta_changes_reconstruction_samples_numbers_and_the_marked_point():
    app = open_app(beta="0.1")
    before = numbers(app), alternative_texts(app)
    move_beta(app, 10.0)
    assert numbers(app) != before[0]
    for beginning in (
        "Reconstruction at beta 10:",
        "Posterior at beta 10:",
        "32 samples from the prior at beta 10,",
    ):
        assert alternative_text(app, beginning) not in before[1]
    assert "At beta 10:" in alternative_text(app, "Rate–distortion")
    assert alternative_text(app, "What the model sees") in before[1]  # the binarisation stays


@pytest.mark.parametrize("end", [0, -1])
def test_both_ends_of_beta_work(end):
    app = open_app()
    stop = sources.resolve("mnist").metrics.betas[end].beta
    move_beta(app, stop)
    assert f"at beta {stop:g}" in alternative_text(app, "Reconstruction")


def test_every_other_control_answers():
    app = open_app()
    seen = {tuple(alternative_texts(app))}

    def answers(action) -> None:
        good(action.run())
        state = (*alternative_texts(app), numbers(app))
        assert state not in seen
        seen.add(state)

    answers(app.button(key="new_eps").click())
    answers(app.button(key="new_seed").click())
    answers(app.number_input(key="seed").set_value(4242))
    answers(app.button_group(key="noise").set_value("mean"))
    assert app.button(key="new_eps").disabled
    answers(app.button_group(key="example").set_value("8"))
    answers(app.button_group(key="count").set_value(64))
    answers(app.slider(key="temperature").set_value(0.5))
    assert "not the prior" in " ".join(caption.value for caption in app.caption)
    good(app.button_group(key="pixels").set_value("draw").run())
    good(app.selectbox(key="model").set_value("mnist").run())


def test_new_eps_changes_the_reconstruction_but_not_the_seed():
    app = open_app()
    before = alternative_text(app, "Difference")
    good(app.button(key="new_eps").click().run())
    assert alternative_text(app, "Difference") != before
    assert app.query_params["eps"] == "1"
    assert app.number_input(key="seed").value == 7


def test_the_language_switches_without_losing_the_state():
    app = open_app(beta="0.1", seed="11", example="3", count="16")
    english = numbers(app)
    good(app.button_group(key="language").set_value("ko").run())
    assert "재구성 오차" in numbers(app)
    assert re.findall(r"[\d.]+", numbers(app)) == re.findall(r"[\d.]+", english)
    assert beta_of(app) == 0.1
    assert app.number_input(key="seed").value == 11
    assert app.query_params["lang"] == "ko"
    good(app.button_group(key="language").set_value("en").run())
    assert numbers(app) == english


def test_a_link_reopens_the_same_view():
    link = {
        "beta": "3.15",
        "seed": "99",
        "example": "8",
        "noise": "mean",
        "count": "8",
        "temperature": "0.7",
        "lang": "ko",
    }
    first, second = open_app(**link), open_app(**link)
    assert alternative_texts(first) == alternative_texts(second)
    assert "beta 3.15" in alternative_text(first, "beta 3.15에서의 재구성")
    assert first.slider(key="temperature").value == 0.7


@pytest.mark.parametrize(
    ("beta", "stop"),
    [
        ("0.7", 0.63),
        ("1e9", 50.0),
        ("1e-9", 0.01),
        ("0", 1.0),
        ("-1", 1.0),
        ("nonsense", 1.0),
        ("nan", 1.0),
        ("inf", 1.0),
    ],
)
def test_a_link_with_any_beta_opens_at_the_nearest_stop_or_at_one(beta, stop):
    assert beta_of(open_app(beta=beta)) == stop


@pytest.mark.parametrize(
    "query",
    [
        {"seed": "-5"},
        {"seed": "x"},
        {"seed": "1e400"},
        {"example": "walrus"},
        {"model": "../secret"},
        {"eps": "-1"},
        {"eps": "9" * 5000},
        {"source": "?"},
        {"lang": "tlh"},
        {"count": "1000000"},
        {"temperature": "nan"},
        {"noise": "<script>"},
    ],
)
def test_a_link_with_nonsense_opens_as_if_it_were_not_there(query):
    assert alternative_texts(open_app(**query)) == alternative_texts(open_app())


def test_an_upload_is_prepared_step_by_step_and_reconstructed():
    app = open_app(source="upload")
    example = alternative_text(app, "Reconstruction")
    upload(app, digit_png())
    assert not app.error
    assert alternative_text(app, "Your picture") == "Your picture, shown at 300 × 400 pixels"
    steps = [alt.split(": ")[1] for alt in alternative_texts(app) if alt.startswith("Step")]
    assert steps == ["file", "grey", "ink", "cropped", "centred", "binary"]
    assert alternative_text(app, "Reconstruction") != example


def test_a_bad_file_gives_one_sentence_and_keeps_the_last_good_picture():
    app = open_app(source="upload")
    upload(app, digit_png("1"))
    good_view = alternative_texts(app)
    upload(app, b"this is no picture", "notes.txt")
    assert [error.value for error in app.error] == [Text("en")("errors.not_a_picture")]
    assert alternative_texts(app) == good_view
    upload(app, digit_png("7"))
    assert not app.error
    assert alternative_texts(app) != good_view


def test_a_bad_file_is_read_once_and_not_again_at_every_beta(monkeypatch):
    app, calls = open_app(source="upload"), []
    monkeypatch.setattr(
        vae.images,
        "decode",
        lambda file, decode=vae.images.decode: calls.append(file) or decode(file),
    )
    upload(app, b"no picture")
    move_beta(app, 10.0)
    assert len(calls) == 1
    assert len(app.error) == 1


def test_a_bad_file_at_first_leaves_the_example():
    app = open_app(source="upload")
    upload(app, b"")
    assert [error.value for error in app.error] == [Text("en")("errors.empty")]
    assert alternative_text(app, "Reconstruction")


def test_an_uploaded_picture_survives_another_source_and_another_language():
    app = open_app(source="upload")
    upload(app, digit_png())
    mine = alternative_texts(app)
    good(app.button_group(key="source").set_value("example").run())
    assert alternative_texts(app) != mine
    good(app.button_group(key="source").set_value("upload").run())
    assert alternative_texts(app) == mine
    good(app.button_group(key="language").set_value("ko").run())
    good(app.button_group(key="language").set_value("en").run())
    assert alternative_texts(app) == mine


def test_a_photograph_from_the_camera_is_read_like_an_upload():
    app = open_app(source="camera")
    buffer = io.BytesIO()
    Image.open(io.BytesIO(digit_png())).save(buffer, "JPEG", quality=90)
    good(
        app.camera_input(key="camera")
        .set_value(("shot.jpg", buffer.getvalue(), "image/jpeg"))
        .run()
    )
    assert not app.error
    assert alternative_text(app, "Your picture") == "Your picture, shown at 300 × 400 pixels"


@pytest.mark.parametrize("source", ["upload", "draw", "camera"])
def test_every_source_is_never_empty(source):
    app = open_app(source=source)
    assert "until then this is an example" in " ".join(caption.value for caption in app.caption)
    assert alternative_text(app, "Reconstruction")


def test_a_class_that_opens_the_link_at_once_loads_the_model_once(monkeypatch):
    look_anew(monkeypatch)
    with ThreadPoolExecutor(16) as pool:
        models = {id(resolved.network) for resolved in pool.map(sources.resolve, ["mnist"] * 64)}
    assert len(models) == 1


def test_many_threads_through_one_model_get_what_each_gets_alone():
    model, examples = sources.resolve("mnist").network, sources.resolve("mnist").examples.images
    jobs = [
        (index % 10, beta, seed)
        for index in range(10)
        for beta in (0.01, 1.0, 50.0)
        for seed in (1, 2)
    ]

    def run(job):
        index, beta, seed = job
        image = examples[index] / np.float32(255)
        return vae.experiments.reconstruct(model, image, beta, seed=seed).mean

    alone = [run(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(run, jobs))
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))


def test_sessions_share_the_model_and_nothing_else():
    one, other = open_app(seed="1", beta="0.1"), open_app(seed="2", beta="10")
    for _ in range(2):
        for app, beta, seed in ((one, 0.1, 1), (other, 10, 2)):
            good(app.run())
            assert beta_of(app) == beta
            assert app.number_input(key="seed").value == seed
            assert alternative_text(app, "Reconstruction").startswith(
                f"Reconstruction at beta {beta:g}:"
            )


@pytest.fixture
def weights_copy(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "weights" / "mnist", tmp_path / "mnist")
    monkeypatch.setattr(sources, "BUNDLE", tmp_path)
    look_anew(monkeypatch)
    return tmp_path / "mnist"


@pytest.mark.parametrize(
    "name", ["model.safetensors", "metrics.json", "examples.npz", "config.json"]
)
def test_a_broken_weights_folder_is_a_sentence_that_names_the_file(weights_copy, name):
    (weights_copy / name).write_bytes(b"<html>not found</html>")
    app = open_app()
    assert len(app.error) == 1
    assert f"weights/mnist/{name}" in app.error[0].value
    assert str(weights_copy.parent) not in app.error[0].value


def test_a_file_that_is_missing_is_named(weights_copy):
    (weights_copy / "config.json").unlink()
    assert "weights/mnist/config.json: it is missing" in open_app().error[0].value


def test_without_any_weights_it_says_so(weights_copy):
    shutil.rmtree(weights_copy)
    app = open_app()
    assert len(app.error) == 1
