"""Every bundled model can be chosen, and a plain autoencoder shows only what it has."""

import shutil

import numpy as np
import pytest
import torch

import vae
from benchmarks import film
from tests.ui.driver import (
    alternative_text,
    alternative_texts,
    beta_of,
    components,
    good,
    look_anew,
    move_beta,
    numbers,
    open_app,
    signed,
)
from ui.text import LANGUAGES, Text
from vae.hub import sources
from vae.hub.folder import write_checksums
from vae.hub.metrics import Dedicated, read_metrics, write_dedicated

AUTOENCODER = "mnist-2d-autoencoder"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", sources.bundled())
def test_a_link_opens_each_model_under_a_name_of_its_own(name, language):
    app = open_app(model=name, lang=language)
    assert app.selectbox(key="model").value == name
    assert Text(language).has(f"models.{name}")
    assert Text(language)(f"models.{name}") in app.selectbox(key="model").options
    assert not app.error


def test_beta_of_two_dimensions_reaches_from_a_thousandth_to_collapse():
    app = open_app(model="mnist-2d", beta="0.001")
    assert beta_of(app) == 0.001
    assert "at beta 0.001" in alternative_text(app, "Reconstruction")
    move_beta(app, 50.0)
    assert "Posterior at beta 50: 0 of 2 dimensions" in alternative_text(app, "Posterior")


def test_a_beta_that_the_next_model_does_not_have_moves_to_its_nearest():
    app = open_app(model="mnist-2d", beta="0.001")
    good(app.selectbox(key="model").set_value("mnist").run())
    assert beta_of(app) == 0.01


def test_a_plain_autoencoder_has_no_control_that_would_do_nothing():
    app = open_app(model=AUTOENCODER)
    assert not components(app, film.BETA_BAR)
    assert "noise" not in [widget.key for widget in app.button_group]
    assert "new_eps" not in [widget.key for widget in app.button]
    assert "has no beta" in " ".join(caption.value for caption in app.caption)


def test_a_plain_autoencoder_shows_distortion_alone_as_the_package_counts_it():
    resolved = sources.resolve(AUTOENCODER)
    app = open_app(model=AUTOENCODER, example="3", seed="11")
    image = resolved.examples.picture("3").numpy()
    observed = torch.from_numpy(vae.experiments.observation(resolved.network, image, seed=11))[None]
    distortion = vae.point_distortion(resolved.network, observed, 0.0).item()
    assert f"{distortion:.1f} nats of distortion" in numbers(app)
    assert f"test average {resolved.metrics.betas[0].distortion:.1f}" in numbers(app)
    code = resolved.network.encode(observed, 0.0).mean[0]
    assert signed(", ".join(f"{value:.2f}" for value in code)) in alternative_text(
        app, "The picture's code"
    )
    texts = " ".join(
        alternative_texts(app) + [caption.value for caption in app.caption] + [numbers(app)]
    )
    assert "inf" not in texts
    assert "nan" not in texts
    assert "is infinite" in " ".join(entry.value for entry in app.markdown)


def test_its_decoded_codes_are_not_called_samples_of_a_model_and_answer_to_their_controls():
    app = open_app(model=AUTOENCODER)
    assert "no samples of a model" in " ".join(caption.value for caption in app.caption)
    before = alternative_text(app, "32 decoded codes")
    good(app.slider(key="temperature").set_value(0.5).run())
    assert alternative_text(app, "32 decoded codes") != before


def test_the_beta_of_a_link_survives_a_look_at_the_autoencoder():
    app = open_app(model="mnist-2d", beta="0.1")
    good(app.selectbox(key="model").set_value(AUTOENCODER).run())
    good(app.selectbox(key="model").set_value("mnist-2d").run())
    assert beta_of(app) == 0.1


def test_the_code_of_an_autoencoder_is_the_same_at_every_seed_of_one_observation():
    model = sources.resolve(AUTOENCODER).network
    # Zeros and ones, so that nothing is left to binarise.
    picture = (sources.resolve(AUTOENCODER).examples.picture("0") > 0.5).float().numpy()
    codes = [vae.experiments.reconstruct(model, picture, 0.0, seed=seed).z for seed in (1, 2)]
    assert np.array_equal(*codes)


@pytest.fixture
def with_rivals(tmp_path, monkeypatch):
    """The digits with two dedicated networks: one better than the conditioned one, one worse."""
    shutil.copytree(sources.BUNDLE / "mnist", tmp_path / "mnist")
    metrics = read_metrics(tmp_path / "mnist" / "metrics.json")
    rivals = [
        Dedicated(
            beta, metrics.at(beta).rate, metrics.at(beta).distortion + more, examples=1234, seed=1
        )
        for beta, more in ((0.1, -2.0), (10.0, 0.5))
    ]
    write_dedicated(tmp_path / "mnist" / "dedicated.json", rivals)
    write_checksums(tmp_path / "mnist", "dedicated.json")
    monkeypatch.setattr(sources, "BUNDLE", tmp_path)
    look_anew(monkeypatch)
    return tmp_path / "mnist"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_one_network_for_every_beta_costs_is_said_with_its_sign(with_rivals, language):
    captions = " ".join(caption.value for caption in open_app(lang=language).caption)
    assert ": +2.00 (0.1), −0.50 (10)." in captions


def test_a_rival_at_a_beta_that_was_not_measured_is_a_sentence_that_names_the_file(with_rivals):
    write_dedicated(with_rivals / "dedicated.json", [Dedicated(0.07, 1.0, 1.0, examples=1, seed=1)])
    write_checksums(with_rivals, "dedicated.json")
    app = open_app()
    assert len(app.error) == 1
    assert "dedicated.json: it has a network for beta 0.07" in app.error[0].value
