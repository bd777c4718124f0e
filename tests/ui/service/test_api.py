"""The API's functions: vae.experiments' numbers to the last bit, and refusals of bad input."""

import base64
import math

import numpy as np
import pytest

import vae
from tests.pictures import digit_png
from ui.service import api
from ui.service.validation import InputError
from ui.text import LANGUAGES, Text
from vae import experiments
from vae.hub import sources

DIGIT = base64.b64encode(digit_png()).decode()
NAMES = sources.bundled()
D = sources.resolve("mnist").network.config.latent_dim


def example(name: str, number: int = 3) -> np.ndarray:
    model = sources.resolve(name)
    return model.examples.picture(model.examples.names[number]).numpy()


def same(answer: object, array: np.ndarray) -> bool:
    """Whether an answer's numbers, read as float32, are these bits."""
    return np.array_equal(np.array(answer, dtype=np.float32), array)


@pytest.mark.parametrize("name", NAMES)
def test_a_reconstruction_is_that_of_the_experiments(name):
    resolved = sources.resolve(name)
    beta = None if resolved.network.config.autoencoder else 0.5
    at = beta or 0.0
    answer = api.reconstruct(resolved.examples.names[3], name, beta, seed=11, draw=2)
    seen = experiments.reconstruct(resolved.network, example(name), at, seed=11, draw=2)
    assert answer["beta"] == at
    for key, array in (
        ("observed", seen.observed),
        ("mean", seen.posterior_mean),
        ("z", seen.z),
        ("standard_deviation", seen.posterior_deviation),
        ("reconstruction", seen.mean),
    ):
        assert same(answer[key], array), key
    betas = tuple(entry.beta for entry in resolved.metrics.betas)
    own = experiments.trade_off(resolved.network, example(name), betas, seed=11)
    loss = experiments.breakdown(own, resolved.metrics.at(at) if at else resolved.metrics.betas[0])
    assert (answer["distortion"], answer["draws"]) == (loss.distortion, own.draws)
    assert answer["average_distortion"] == loss.average_distortion
    assert answer["easier_than"] == loss.easier_than
    if at:
        assert (answer["rate"], answer["negative_elbo"], answer["average_rate"]) == (
            loss.rate,
            loss.negative_elbo,
            loss.average_rate,
        )
        assert same(answer["rate_per_dimension"], seen.rate_per_dimension)
    else:
        assert answer["rate"] is answer["negative_elbo"] is answer["average_rate"] is None
        assert answer["rate_per_dimension"] == [None, None]


def test_between_the_measured_betas_there_is_no_average_but_an_answer():
    answer = api.reconstruct("7", beta=0.7)
    own = experiments.trade_off(
        sources.resolve("mnist").network, example("mnist", 7), (0.7,), seed=7
    )
    assert (answer["distortion"], answer["rate"]) == (float(own.distortion[0]), float(own.rate[0]))
    assert answer["average_distortion"] is answer["average_rate"] is answer["easier_than"] is None


def test_a_code_encoded_and_decoded_is_the_reconstruction_at_the_mean():
    code = api.encode(DIGIT, beta=0.1)
    decoded = api.decode([code["mean"]], beta=0.1)
    whole = api.reconstruct(DIGIT, beta=0.1, use_mean=True)
    assert decoded["images"][0] == whole["reconstruction"]
    assert code["rate"] == pytest.approx(whole["rate"], rel=1e-5)
    assert math.isclose(sum(code["rate_per_dimension"]), code["rate"], rel_tol=1e-5)


def test_a_file_goes_the_same_way_as_on_the_page():
    config = sources.resolve("mnist").network.config
    view = vae.images.read(digit_png(), config)
    observed = experiments.observation(sources.resolve("mnist").network, view.image.numpy(), seed=7)
    assert same(api.encode(DIGIT)["observed"], observed)
    assert api.encode(f"data:image/png;base64,{DIGIT}") == api.encode(DIGIT)


def test_samples_are_those_of_the_gallery():
    drawn = experiments.gallery(
        sources.resolve("faces").network, 0.1, count=5, seed=3, temperature=0.7, draw_pixels=True
    )
    answer = api.sample("faces", 0.1, count=5, seed=3, temperature=0.7, draw_pixels=True)
    assert same(answer["images"], drawn.images)
    assert same(answer["latents"], drawn.latents)


def test_the_curve_is_the_test_sets_and_the_pictures():
    resolved = sources.resolve("mnist")
    betas = tuple(entry.beta for entry in resolved.metrics.betas)
    answer = api.rate_distortion("mnist", "3", seed=5)
    own = experiments.trade_off(resolved.network, example("mnist"), betas, seed=5)
    assert answer["betas"] == list(betas)
    assert answer["test_rate"] == [entry.rate for entry in resolved.metrics.betas]
    assert same(answer["picture_distortion"], own.distortion)
    assert same(answer["picture_rate"], own.rate)
    assert answer["dedicated_betas"] == [network.beta for network in resolved.dedicated] != []
    alone = api.rate_distortion("mnist-2d-autoencoder")
    assert alone["picture_rate"] is alone["picture_distortion"] is None
    assert alone["test_rate"] == [None]


def test_the_models_are_all_there():
    listed = {model["name"]: model for model in api.models()}
    assert set(listed) == set(NAMES)
    assert listed["faces"]["image_shape"] == [3, 64, 64]
    assert listed["mnist"]["examples"] == [str(digit) for digit in range(10)]


@pytest.mark.parametrize(
    ("call", "names_what_works"),
    [
        (lambda: api.encode("7", "cats"), "faces, fashion-mnist, mnist"),
        (lambda: api.encode("7", ["mnist"]), "faces, fashion-mnist, mnist"),
        (lambda: api.encode("seven"), "0, 1, 2"),
        (lambda: api.encode(7), "0, 1, 2"),
        (lambda: api.encode(None), "0, 1, 2"),
        (lambda: api.encode("Sandal"), "0, 1, 2"),
        (lambda: api.encode("/etc/passwd"), "base64"),
        (lambda: api.encode("https://example.org/digit.png"), "base64"),
        (lambda: api.encode("7", beta=0.001), "0.01 to 50"),
        (lambda: api.encode("7", beta="1"), "0.01 to 50"),
        (lambda: api.encode("7", beta=True), "0.01 to 50"),
        (lambda: api.encode("7", beta=math.nan), "0.01 to 50"),
        (lambda: api.encode("7", seed=-1), "0 to 99999"),
        (lambda: api.encode("7", seed=1.5), "0 to 99999"),
        (lambda: api.encode("7", seed=math.inf), "0 to 99999"),
        (lambda: api.encode("7", seed="7"), "0 to 99999"),
        (lambda: api.encode("7", "mnist-2d-autoencoder", 1.0), "leave it out"),
        (lambda: api.reconstruct("7", draw=-1), "0 to 99999"),
        (lambda: api.reconstruct("7", use_mean="yes"), "true or false"),
        (lambda: api.sample(count=65), "1 to 64"),
        (lambda: api.sample("faces", count=22), "1 to 21"),
        (lambda: api.sample(count=0), "1 to 64"),
        (lambda: api.sample(temperature=-1), "0 to 10"),
        (lambda: api.sample(temperature=10**400), "0 to 10"),
        (lambda: api.decode([[0.0] * (D - 1)]), f"{D} finite numbers"),
        (lambda: api.decode([[0.0] * (D - 1) + [math.nan]]), f"{D} finite numbers"),
        (lambda: api.decode([[1e39] * D]), f"{D} finite numbers"),
        (lambda: api.decode([]), f"{D} finite numbers"),
        (lambda: api.decode([0.0] * D), f"{D} finite numbers"),
        (lambda: api.decode([[0.0] * D] * 65), "1 to 64"),
        (lambda: api.decode([[0.0] * D, [0.0]]), f"{D} finite numbers"),
        (lambda: api.decode({"a": 1}), f"{D} finite numbers"),
        (lambda: api.decode("latents"), f"{D} finite numbers"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence_that_names_what_works(
    call, names_what_works
):
    with pytest.raises(InputError, match=r"^[a-z]\S* .*\.$") as refused:
        call()
    assert names_what_works in str(refused.value)
    assert len(str(refused.value)) < 200
    for language in LANGUAGES:
        assert Text(language)(refused.value.key, **refused.value.values)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "empty"), (b"x" * 50, "not_a_picture"), (digit_png()[:200], "damaged")],
)
def test_a_file_that_is_no_picture_is_refused_by_the_packages_own_rules(content, code):
    with pytest.raises(vae.ImageError) as refused:
        api.encode(f"data:;base64,{base64.b64encode(content).decode()}")
    assert refused.value.code == code


def test_latents_far_out_still_give_pictures():
    images = np.array(api.decode([[1e6] * D])["images"])
    assert np.isfinite(images).all()
    assert ((images >= 0) & (images <= 1)).all()
