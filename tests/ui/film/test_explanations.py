"""Explanations of a network's parts: this picture's numbers, as the formulas beside them give."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import film
from ui.film import explanations, formulas
from ui.text import LANGUAGES, Text
from vae import experiments
from vae.hub import sources

NUMBER = r"[−-]?\d[\d,]*(?:\.\d+)?"


def numbers(sentence: str) -> list[float]:
    """All numbers of a sentence, which may have a true minus sign and commas."""
    found = re.findall(NUMBER, film.text(sentence))
    return [float(number.replace("−", "-").replace(",", "")) for number in found]


def explained(name: str, language: str = "en"):
    """A model, its frames of the first example, their losses, and the explanations."""
    model = sources.resolve(name)
    image = model.examples.picture(model.examples.names[0]).numpy()
    betas = tuple(entry.beta for entry in model.metrics.betas)
    frames = experiments.reconstructions(model.network, image, betas, seed=7)
    own = experiments.trade_off(model.network, image, betas, seed=7)
    losses = [experiments.breakdown(own, average) for average in model.metrics.betas]
    order = model.metrics.at(1.0).dimensions_by_rate
    parts = explanations.of_frames(Text(language), model, frames, losses, order, own.draws)
    return frames, losses, parts


@pytest.fixture(scope="module")
def digit():
    return explained("mnist")


def test_the_divergence_of_the_formula_is_the_one_that_is_shown(digit):
    """KL = (mu² + sigma² − 1 − ln sigma²) / 2, of the dimension that costs most, and of all."""
    frames, losses, parts = digit
    for frame, loss, code, rate in zip(
        frames, losses, parts["code"]["html"], parts["rate"]["html"], strict=True
    ):
        mean, deviation = frame.posterior_mean, frame.posterior_deviation
        divergences = (mean**2 + deviation**2 - 1 - np.log(deviation**2)) / 2
        *_, number, shown_mean, shown_deviation, most = numbers(code)
        dimension = int(number) - 1
        assert dimension == divergences.argmax()
        assert shown_mean == pytest.approx(mean[dimension], abs=0.0051)
        assert shown_deviation == pytest.approx(deviation[dimension], abs=0.0051)
        assert most == pytest.approx(divergences[dimension], abs=0.0051)
        shown, _, beta, again, product = numbers(rate)
        assert shown == again == pytest.approx(divergences.sum(), abs=0.006)
        assert beta == loss.beta
        assert product == pytest.approx(loss.beta * loss.rate, abs=0.0051)


def test_the_draw_is_the_sum_that_is_shown(digit):
    frames, _, parts = digit
    for frame, said in zip(frames, parts["sampling"]["html"], strict=True):
        number, mean, deviation, eps, z = numbers(said)
        dimension = int(number) - 1
        assert z == pytest.approx(frame.z[dimension], abs=0.0051)
        assert z == pytest.approx(mean + deviation * eps, abs=0.02 + 0.01 * abs(eps))


def test_the_distortion_is_the_one_of_the_loss(digit):
    _, losses, parts = digit
    for loss, said in zip(losses, parts["distortion"]["html"], strict=True):
        _, distortion, average = numbers(said)
        assert distortion == pytest.approx(loss.distortion, abs=0.051)
        assert average == pytest.approx(loss.average_distortion, abs=0.051)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_plain_autoencoder_has_neither_a_posterior_nor_a_rate(language):
    _, (loss,), parts = explained("mnist-2d-autoencoder", language)
    assert list(parts) == ["encoder", "sampling", "decoder", "distortion"]
    assert all(len(part["html"]) == 1 for part in parts.values())
    said = " ".join(html for part in parts.values() for html in part["html"])
    assert "inf" not in said
    assert "nan" not in said
    assert f"{loss.distortion:,.1f}" in said


def test_what_is_the_same_at_every_beta_is_said_once(digit):
    _, losses, parts = digit
    assert len(parts["decoder"]["html"]) == 1
    assert len(parts["encoder"]["html"]) == len(losses)


def test_each_formula_is_a_whole_element_of_mathml_and_fits_its_network(digit):
    digits, plain, colours = (
        sources.resolve(name).network.config for name in ("mnist", "mnist-2d-autoencoder", "faces")
    )
    for part in explanations.PARTS:
        for config in (digits, plain, colours):
            assert ElementTree.fromstring(formulas.of_part(part, config)).tag == "math"
    assert digit[2]["encoder"]["formula"] == formulas.of_part("encoder", digits)
    assert formulas.of_part("encoder", plain) != formulas.of_part("encoder", digits)
    assert formulas.of_part("decoder", digits) == formulas.of_part("decoder", plain)
    assert digits.binarised
    assert not colours.binarised
    assert formulas.of_part("decoder", colours) != formulas.of_part("decoder", digits)
