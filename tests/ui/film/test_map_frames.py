"""The map's film in bytes: at each stop of beta it is what the server answers there."""

import dataclasses
import functools
import io
import zlib

import numpy as np
import pytest
from PIL import Image

from benchmarks.film import opened
from ui.film import frames, map_frames
from ui.service import cache
from ui.text import LANGUAGES, Text
from ui.view import latent_sentences, pictures
from vae import experiments
from vae.experiments import WHOLE_PLANE, Window
from vae.hub.sources import WithReference, resolve

SEED, COUNT = 7, 100
PIN = (1.25, -0.5)
MOST = 400_000  # bytes of all three parts, for a phone's network


@functools.cache
def digits() -> WithReference:
    return WithReference(**vars(resolve("mnist-2d")))


@functools.cache
def few() -> WithReference:
    """The model with a few of its stops."""
    model = digits()
    chosen = {model.metrics.at(beta) for beta in (0.01, 0.1, 1.0, 10.0, 50.0)}
    betas = tuple(entry for entry in model.metrics.betas if entry in chosen)
    return dataclasses.replace(model, metrics=dataclasses.replace(model.metrics, betas=betas))


@functools.cache
def found() -> tuple[experiments.Codes, ...]:
    return tuple(
        experiments.codes(few().network, few().reference.images, beta)
        for beta in frames.stops(few())
    )


def answers(name: str = "3") -> list[experiments.Reconstruction]:
    """What the server answers at each stop."""
    image = few().examples.picture(name).numpy()
    return [
        experiments.reconstruct(few().network, image, beta, seed=SEED, use_mean=True)
        for beta in frames.stops(few())
    ]


def page_of(film: frames.Film) -> dict:
    content = opened(film.content)
    assert content["id"] == film.id
    return content["page"]


def picture_page(window: Window = WHOLE_PLANE, language: str = "en") -> dict:
    image = few().examples.picture("3").numpy()
    shown = experiments.reconstructions(
        few().network, image, frames.stops(few()), seed=SEED, use_mean=True
    )
    return page_of(map_frames.picture(Text(language), few(), shown, found(), window, COUNT))


def numbers(content: bytes, stops: int) -> np.ndarray:
    return np.frombuffer(content, "<f4").reshape(stops, -1)


def summed(content: bytes, stops: int) -> np.ndarray:
    """Whole numbers as latent_map.js reads them: (stops, numbers of each)."""
    planes = np.frombuffer(zlib.decompress(content), np.uint8).reshape(4, -1)
    bits = np.ascontiguousarray(planes.T).view("<u4").ravel().astype(np.int64)
    whole = np.where(bits & 1, -(bits >> 1) - 1, bits >> 1).reshape(stops, -1)
    return whole.cumsum(0).cumsum(0)


def tiles(page: dict, count: int) -> np.ndarray:
    column = np.asarray(Image.open(io.BytesIO(page["pictures"])).convert("L"))
    return column.reshape(count, page["height"], page["width"]).astype(int)


def test_each_stop_has_the_codes_that_the_encoder_gives_there():
    page = page_of(map_frames.codes(few(), found()))
    means, deviations = (summed(page[name], page["stops"]) for name in ("means", "deviations"))
    for index, at in enumerate(found()):
        mean = means[index].reshape(-1, 2) / page["steps"]["mean"]
        assert np.abs(mean - at.mean).max() <= 0.51 / map_frames.MEAN_STEPS
        deviation = np.exp(deviations[index].reshape(-1, 2) / page["steps"]["deviation"])
        ratio = deviation / at.deviation[: len(deviation)]
        assert len(ratio) == 1000
        assert np.abs(np.log(ratio)).max() <= 0.51 / map_frames.DEVIATION_STEPS
    assert list(page["labels"]) == few().reference.labels.tolist()


def test_a_step_of_the_codes_is_below_a_pixel_of_the_map():
    side = 620  # pixels, at most
    assert 0.5 / map_frames.MEAN_STEPS * side / (2 * WHOLE_PLANE.half) < 0.01
    around = experiments.around(answers()[0])  # where q is narrow
    assert 0.5 / map_frames.MEAN_STEPS * side / (2 * around.half) < 1


def test_numbers_are_packed_as_the_browser_reads_them():
    """The bytes are those of latent_map.test.js."""
    values = np.array([[0.5, -1.0], [1.5, -300.0], [2.5, 0.0]])
    packed = zlib.decompress(map_frames._deflated(values, 2))
    assert packed.hex() == "020302a7005c000000040009000000000000000000000000"


def test_each_stop_has_the_posterior_and_the_reconstruction_of_the_servers_answer():
    page, wanted = picture_page(), answers()
    count = len(wanted)
    for name, attribute in (("means", "posterior_mean"), ("deviations", "posterior_deviation")):
        sent = numbers(page[name], count)
        assert np.abs(sent - [getattr(one, attribute) for one in wanted]).max() <= 1e-5
    drawn = np.stack([pictures.to_uint8(one.mean).astype(int) for one in wanted])
    assert np.abs(tiles(page, count) - drawn).max() <= 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_stop_says_what_the_server_says_there(language):
    text, window = Text(language), Window(0.5, 0.0, 1.5)
    page = picture_page(window, language)
    for index, (now, seen, at) in enumerate(
        zip(few().metrics.betas, answers(), found(), strict=True)
    ):
        answer = map_frames.numbers(text, few(), now.beta, seen, at, None, window, films=None)
        assert page["numbers"][index] == {
            "alt": answer["reconstruction"]["alt"],
            "says": answer["says"],
        }
        assert page["alts"][index] == latent_sentences.plane_alt(
            text, now, at, seen, window, COUNT, None
        )
    assert page["numbers"][0]["says"]["outside"]
    assert len({one["says"]["own"] for one in page["numbers"]}) == len(page["numbers"])


def test_each_stop_has_the_picture_of_the_pinned_point():
    stops = frames.stops(few())
    page = page_of(
        map_frames.pin(
            Text("en"), few(), PIN, experiments.decode_point_at(few().network, PIN, stops)
        )
    )
    for index, beta in enumerate(stops):
        image = experiments.decode_point(few().network, PIN, beta)
        shown = tiles(page, len(stops))[index]
        assert np.abs(shown - pictures.to_uint8(image).astype(int)).max() <= 1
        assert f"{image.mean():.0%} ink" in page["alts"][index]


def test_another_picture_window_number_of_ellipses_or_language_is_another_film():
    first, second = (answers(name)[0].observed for name in ("3", "5"))
    english, korean = Text("en"), Text("ko")
    around = Window(0.5, 0.0, 1.5)
    names = [
        map_frames.picture_id(english, few(), first, WHOLE_PLANE, 0),
        map_frames.picture_id(english, few(), second, WHOLE_PLANE, 0),
        map_frames.picture_id(english, few(), first, around, 0),
        map_frames.picture_id(english, few(), first, WHOLE_PLANE, 10),
        map_frames.picture_id(korean, few(), first, WHOLE_PLANE, 0),
        map_frames.picture_id(english, digits(), first, WHOLE_PLANE, 0),
        map_frames.pin_id(english, few(), PIN),
        map_frames.pin_id(english, few(), (1.0, 1.0)),
        map_frames.codes_id(few()),
        map_frames.codes_id(digits()),
    ]
    assert len(set(names)) == len(names)


def test_the_whole_film_is_small_enough_for_a_phone():
    image = digits().examples.picture("3").numpy()
    parts = (
        cache.map_codes_film(digits()),
        cache.map_film(image, digits(), SEED, WHOLE_PLANE, COUNT, "ko"),
        cache.pin_film(digits(), PIN, "ko"),
    )
    assert sum(len(part.content) for part in parts) <= MOST


def test_the_servers_answer_has_the_codes_of_the_film_once_these_are_there():
    cache.reference_codes(digits())
    cache.map_atlas.cache.clear()
    atlas = cache.map_atlas(digits(), 10.0, Window(0.5, 0.0, 1.5))
    stop = frames.stops(digits()).index(10.0)
    assert atlas.codes is cache.reference_codes(digits())[stop]
    alone = experiments.codes(digits().network, digits().reference.images, 10.0)
    assert np.allclose(atlas.codes.mean, alone.mean, atol=1e-6)
    assert np.allclose(atlas.codes.deviation, alone.deviation, atol=1e-6)
