"""What people get wrong, in Streamlit's test driver.

Every question and control, both languages, the package's numbers.
"""

import shutil

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.ui.drawings import accepted
from tests.ui.driver import (
    alternative_text,
    alternative_texts,
    good,
    look_anew,
    open_page,
    said,
    signed,
)
from ui.lesson.misconceptions import cache, figures, sentences
from ui.text import LANGUAGES, Text, strings
from vae import experiments
from vae.experiments.lesson import beta_conventions, decoders, misconceptions
from vae.hub import sources

pytestmark = pytest.mark.usefixtures("small_networks")

RIGHT = {
    "kl": "c",
    "factor": "b",
    "log": "c",
    "prior": "a",
    "zero": "b",
    "blur": "c",
    "sum": "c",
    "axes": "b",
    "bce": "a",
    "sample": "b",
    "noise": "a",
    "blank": "b",
}


def open_topic(topic: str, **query: str) -> AppTest:
    return open_page("misconceptions", topic=topic, **query)


def feedback(app: AppTest) -> tuple[list[str], list[str]]:
    """The feedback on a right and on a wrong answer."""
    return [entry.value for entry in app.success], [entry.value for entry in app.info]


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_link_after_another_opens_each_question_alone_and_every_answer_is_spoken_of(language):
    app = open_topic("kl", lang=language)
    written = strings(language)
    for number, (topic, right) in enumerate(RIGHT.items(), 1):
        good(app.button_group(key="topic").set_value(topic).run())
        assert [radio.key for radio in app.radio] == [f"ask_wrong_{topic}"]
        assert topic == "kl" or app.query_params["topic"] == topic
        assert feedback(app) == ([], [])
        assert topic == "sum" or alternative_texts(app)
        for letter in "abc":
            good(app.radio(key=f"ask_wrong_{topic}").set_value(letter).run())
            praised, explained = feedback(app)
            assert (len(praised), len(explained)) == ((1, 0) if letter == right else (0, 1))
            assert (praised + explained)[0].startswith(
                written[f"ask.wrong_{topic}_{letter}_why"].split("{")[0]
            )
        assert f"wrong_{topic}-c" in app.query_params["answers"]
        assert any(
            f"{number}" in caption.value and "12" in caption.value for caption in app.caption
        )


def test_answers_are_counted_and_stay_when_another_question_is_opened():
    app = open_topic("blur", answers="wrong_kl-c,prior_draws-b,wrong_bce-a")
    assert "Answered: 1, 9 (2 of 12)" in said(app)
    good(app.radio(key="ask_wrong_blur").set_value("a").run())
    assert "Answered: 1, 6, 9 (3 of 12)" in said(app)
    good(app.button(key="next_topic").click().run())
    assert app.query_params["topic"] == "sum"
    assert app.query_params["answers"] == "wrong_kl-c,prior_draws-b,wrong_bce-a,wrong_blur-a"
    good(app.button_group(key="topic").set_value("blur").run())
    assert app.radio(key="ask_wrong_blur").value == "a"
    good(app.button_group(key="topic").set_value("blank").run())
    assert not [button for button in app.button if button.key == "next_topic"]


def test_the_divergences_are_the_packages_and_follow_the_picture():
    plane = sources.resolve("mnist-2d")
    app = open_topic("kl", example="7", seed="11", answers="wrong_kl-a")
    found = cache.which_kl(
        plane, experiments.observation(plane.network, plane.examples.picture("7").numpy(), seed=11)
    )
    assert signed(
        f"ELBO **{found.elbo:,.2f}**, log p(x) **{found.log_evidence:,.2f}** nats"
    ) in said(app)
    assert (
        signed(f"gives {found.with_prior:,.2f} nats, while log p(x) is {found.log_evidence:,.2f}")
        in feedback(app)[1][0]
    )
    assert signed(f"{found.from_posterior:.2f}, to {found.with_reverse:.2f}") in alternative_text(
        app, "From the ELBO"
    )
    good(app.number_input(key="seed").set_value(7).run())
    good(app.button_group(key="example").set_value("0").run())
    assert f"**{found.elbo:,.2f}**" not in said(app)


def test_the_blur_answers_to_beta_and_to_the_picture():
    plane = sources.resolve("mnist-2d")
    app = open_topic("blur", blur="10", answers="wrong_blur-c")
    observed = experiments.observation(plane.network, plane.examples.picture("0").numpy(), seed=7)
    codes = experiments.codes(plane.network, plane.reference.images, 10.0)
    found = decoders.blur(plane.network, codes, plane.reference.images, observed, 10.0)
    assert signed(f"**{found.effective:.1f}** of 2,000") in said(app)
    assert signed(f"**{found.correlation:.2f}** and differ by {found.difference:.3f}") in said(app)
    assert signed(f"about {found.effective:.1f} of 2,000") in feedback(app)[0][0]
    before = alternative_texts(app)
    good(app.select_slider(key="blur").set_value(0.1).run())
    assert alternative_texts(app) != before
    assert app.query_params["blur"] == "0.1"
    good(app.button_group(key="example").set_value("7").run())
    assert alternative_texts(app) != before


def test_the_calculator_converts_from_every_convention():
    app = open_topic("sum")
    for name in beta_conventions.CONVENTIONS:
        good(app.selectbox(key="loss").set_value(name).run())
        good(app.number_input(key="weight").set_value(2.5).run())
        good(app.number_input(key="values").set_value(1024).run())
        good(app.number_input(key="width").set_value(8).run())
        found = beta_conventions.convert(name, 2.5, pixels=1024, dimensions=8)
        table = next(entry.value for entry in app.markdown if entry.value.startswith("| What"))
        for weight, row in zip(found.weights.values(), table.split("\n")[2:], strict=True):
            assert f"**{sentences.weight_of(weight)}**" in row
    again = open_topic("sum", loss="reconstruction", weight="500", values="1024", width="8")
    assert "**2.048**" in next(
        entry.value for entry in again.markdown if entry.value.startswith("| What")
    )
    assert "beta = **6,144**" in said(again)


def test_grey_values_answer_to_p():
    app = open_topic("bce", grey="0.9")
    assert signed(f"is **{decoders.bce_integral(0.9):.3f}**") in said(app)
    good(app.slider(key="grey").set_value(0.5).run())
    assert "is **0.500**" in said(app)
    digits = sources.resolve("mnist")
    found = decoders.grey_picture(digits.network, digits.examples.picture("0").numpy(), 1.0)
    assert signed(f"BCE {found.bce:,.1f} nats") in said(app)
    assert signed(f"**{found.missing:,.1f} nats**") in said(app)


def test_samples_follow_the_seed_and_noise_and_blank_page_are_the_packages():
    digits, plane = sources.resolve("mnist"), sources.resolve("mnist-2d")
    app = open_topic("sample", seed="3")
    found = decoders.mean_and_draws(digits.network, 1.0, seed=3)
    assert signed(f"**{found.mode_log_prob:,.1f} nats**") in said(app)
    good(app.button_group(key="topic").set_value("noise").run())
    good(app.number_input(key="seed").set_value(7).run())
    errors = cache.code_noise(plane, sources.resolve("mnist-2d-autoencoder"), 7)
    assert "by **{:.1f} nats** with noise in training and by **{:.1f} nats** without".format(
        *errors.rises
    ) in said(app)
    good(app.button_group(key="topic").set_value("blank").run())
    page = cache.blank_page(digits, 7)
    assert signed(f"at least **{page.blank:,.1f} nats** (z drawn 2,000 times") in said(app)
    assert f"more than **{page.below}** of 100 reference digits" in said(app)


@pytest.mark.parametrize(
    ("gone", "topic", "complaint"),
    [
        ("mnist-2d/reference.npz", "blur", "weights/mnist-2d/reference.npz: it is missing"),
        ("mnist-2d-autoencoder/config.json", "noise", "config.json"),
    ],
)
def test_what_is_missing_in_a_folder_is_a_sentence(tmp_path, monkeypatch, gone, topic, complaint):
    for name in ("mnist", "mnist-2d", "mnist-2d-autoencoder"):
        shutil.copytree(sources.BUNDLE / name, tmp_path / name)
    (tmp_path / gone).unlink()
    monkeypatch.setattr(sources, "BUNDLE", tmp_path)
    look_anew(monkeypatch)
    app = open_topic(topic)
    assert complaint in app.error[0].value


def test_plotly_accepts_every_figure():
    text, plane, plain, digits = (
        Text("en"),
        *(sources.resolve(name) for name in ("mnist-2d", "mnist-2d-autoencoder", "mnist")),
    )
    picture, images = digits.examples.picture("0").numpy(), plane.reference.images[:20]
    seen = experiments.reconstruct(digits.network, picture, 1.0, seed=7)
    pictures = np.stack([picture, digits.examples.picture("1").numpy()])
    for drawing in (
        figures.divergences(text, misconceptions.WhichKL(-133.0, -132.5, 7.0, 0.5, 0.6)),
        figures.spreads(text, misconceptions.spreads(seen, seed=7)),
        figures.log_variances(
            text, misconceptions.log_variances(plane.network, images, (0.1, 1.0))
        ),
        figures.mixture(
            text, misconceptions.mixture(experiments.codes(plane.network, images, 1.0), seed=7)
        ),
        figures.losses(
            text,
            misconceptions.collapse(digits.network, digits.metrics, pictures, (1.0, 50.0), seed=7),
        ),
        figures.active(
            text, misconceptions.axes(digits.network, digits.metrics, picture, (1.0, 10.0), seed=7)
        ),
        figures.grey(text, decoders.grey_bce(0.3)),
        figures.code_noise(
            text, decoders.code_noise(plane.network, plain.network, images, 1.0, seed=7)
        ),
        figures.blank(
            text,
            decoders.blank_page(digits.network, images, 1.0, seed=7, samples=2, blank_samples=2),
        ),
    ):
        accepted(drawing)
