"""Films in bytes: their pictures, numbers and words are those of the package at each beta."""

import dataclasses
import functools
import io

import numpy as np
import pytest
from PIL import Image

from benchmarks.film import opened
from ui.film import frames
from ui.film.frames import GallerySettings
from ui.service import cache
from ui.text import LANGUAGES, Text
from ui.view import pictures, sentences
from ui.view.markup import marked
from vae import experiments
from vae.hub import sources
from vae.hub.metrics import Dedicated

SEED = 7
SETTINGS = GallerySettings(count=8, seed=SEED, temperature=1.0, draw_pixels=False)
# Kilobytes for a phone's network, of a picture's film and a gallery together.
MOST = {"mnist": 400, "mnist-2d": 400, "fashion-mnist": 400}


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@functools.cache
def model_of(name: str) -> sources.Resolved:
    """A model with few stops: enough for two sheets of a gallery, the second not full."""
    model = sources.resolve(name)
    chosen = {model.metrics.at(beta) for beta in (0.01, 0.1, 1.0, 10.0)}
    betas = tuple(entry for entry in model.metrics.betas if entry in chosen)
    return dataclasses.replace(model, metrics=dataclasses.replace(model.metrics, betas=betas))


@functools.cache
def computed(name: str):
    """A model, its first example's frames and its own curve."""
    model = model_of(name)
    image = model.examples.picture(model.examples.names[0]).numpy()
    stops = frames.stops(model)
    own = experiments.trade_off(model.network, image, stops, seed=SEED)
    return model, experiments.reconstructions(model.network, image, stops, seed=SEED), own


def film_of(name: str, language: str = "en") -> dict:
    return opened(frames.picture(Text(language), *computed(name)).content)["film"]


def gallery_film(model, count: int = 8, **settings) -> dict:
    chosen = dataclasses.replace(SETTINGS, count=count, **settings)
    pages = experiments.galleries(model.network, frames.stops(model), **dataclasses.asdict(chosen))
    return opened(frames.gallery(Text("en"), model, pages, chosen).content)["gallery"]


@pytest.mark.parametrize("name", ["mnist", "mnist-2d-autoencoder"])
def test_each_frame_has_the_pictures_of_its_beta(name):
    model, shown, _ = computed(name)
    film = film_of(name)
    assert film["betas"] == list(frames.stops(model))
    count, height, width = len(shown), film["height"], film["width"]
    reconstructions = pixels(film["reconstructions"])
    assert reconstructions.shape[:2] == (count * height, width)
    greys = reconstructions.reshape(count, height, width, -1)[..., 0]
    coloured = pixels(film["differences"]).reshape(count, height, width, 3)
    for index, frame in enumerate(shown):
        assert np.array_equal(greys[index], pictures.to_uint8(frame.mean))
        assert np.array_equal(coloured[index], pictures.difference(frame.difference))
    observed = pixels(film["observed"])
    assert np.array_equal(observed[::16, ::16], pictures.to_uint8(shown[0].observed))


@pytest.mark.parametrize("name", ["mnist", "mnist-2d-autoencoder"])
def test_each_frame_has_the_code_of_its_beta_most_used_first(name):
    model, shown, _ = computed(name)
    code = film_of(name)["code"]
    order = list(model.metrics.at(1.0).dimensions_by_rate)
    assert code["dimensions"] == len(order) == model.network.config.latent_dim
    assert code["names"] == [f"dimension {dimension + 1}" for dimension in order]
    fields = {
        "mean": "posterior_mean",
        "deviation": "posterior_deviation",
        "z": "z",
        "rate": "rate_per_dimension",
    }
    for key, field in fields.items():
        values = np.frombuffer(code[key], "<f4").reshape(len(shown), len(order))
        expected = np.stack([getattr(frame, field) for frame in shown])[:, order]
        assert np.array_equal(values, expected.astype(np.float32)), key


@pytest.mark.parametrize("name", ["mnist", "mnist-2d-autoencoder", "faces"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_frame_has_the_words_of_its_beta(name, language):
    text = Text(language)
    model, shown, own = computed(name)
    film = film_of(name, language)
    alts, says = film["alts"], film["says"]
    assert alts["observed"] == sentences.seen_alt(text, model, shown[0])
    for index, (average, frame) in enumerate(zip(model.metrics.betas, shown, strict=True)):
        loss = experiments.breakdown(own, average)
        beta = average.beta
        assert alts["reconstruction"][index] == sentences.reconstruction_alt(
            text, model, beta, frame
        )
        assert alts["difference"][index] == sentences.difference_alt(text, model, frame)
        assert alts["code"][index] == sentences.code_alt(text, model, beta, frame)
        assert alts["loss"][index] == sentences.loss_alt(text, loss)
        assert says["loss"][index] == marked(sentences.loss(text, loss))
        assert says["verdict"][index] == marked(sentences.verdict(text, loss))
        if beta:
            assert alts["plane"][index] == sentences.plane_alt(text, model, loss)
        else:
            assert alts["plane"][index] == text("plane.no_point")
        if model.network.config.binarised:
            assert says["bits"] is None
        else:
            assert says["bits"][index] == marked(sentences.bits(text, loss))


def test_the_curves_are_the_pictures_own_the_test_sets_and_the_rivals():
    model, shown, own = computed("mnist")
    rival = Dedicated(0.1, 30.0, 40.0, examples=1, seed=1)
    with_rival = dataclasses.replace(model, dedicated=(rival,))
    content = frames.picture(Text("en"), with_rival, shown, own).content
    film = opened(content)["film"]
    assert film["own"]["rate"] == pytest.approx(own.rate, abs=6e-5)
    assert film["own"]["distortion"] == pytest.approx(own.distortion, abs=6e-5)
    entries = model.metrics.betas
    assert film["average"]["rate"] == pytest.approx([entry.rate for entry in entries], abs=6e-5)
    assert film["average"]["distortion"] == pytest.approx(
        [entry.distortion for entry in entries], abs=6e-5
    )
    assert film["rivals"] == [{"beta": 0.1, "rate": 30.0, "distortion": 40.0}]


def test_a_plain_autoencoders_infinite_rate_is_no_number():
    made = frames.picture(Text("en"), *computed("mnist-2d-autoencoder"))
    film = opened(made.content)["film"]
    assert film["betas"] == [0]
    assert film["own"]["rate"] == film["average"]["rate"] == [None]
    assert np.isfinite(film["own"]["distortion"]).all()
    assert b"Infinity" not in made.content
    assert b"NaN" not in made.content


def test_a_film_is_known_by_its_content():
    one, again = (frames.picture(Text("en"), *computed("mnist")) for _ in range(2))
    assert one == again
    assert opened(one.content)["id"] == one.id
    assert frames.picture(Text("ko"), *computed("mnist")).id != one.id


@pytest.mark.parametrize("settings", [{}, {"draw_pixels": True}, {"count": 40, "temperature": 0.5}])
def test_a_grey_gallery_is_exact_three_stops_in_a_sheet(settings):
    model = model_of("mnist")
    gallery = gallery_film(model, **settings)
    (sheet,) = gallery["frames"]
    count, stops = settings.get("count", 8), frames.stops(model)
    assert (sheet["first"], sheet["count"], sheet["packing"]) == (0, len(stops), "rgb")
    assert gallery["exact"]
    assert gallery["columns"] == (16 if count > 32 else 8)
    tall = -(-count // gallery["columns"]) * gallery["height"]
    packed = pixels(sheet["source"])
    assert packed.shape[1:] == (min(count, gallery["columns"]) * gallery["width"], 3)
    values = {"seed": SEED, "temperature": 1.0} | settings | {"count": count}
    for index, beta in enumerate(stops):
        down = index // 3 * tall
        frame = packed[down : down + tall, :, index % 3]
        alone = experiments.gallery(model.network, beta, **values).images
        assert np.array_equal(frame, pictures.grid(alone, gallery["columns"], gap=0))


def test_a_gallery_says_what_it_shows_at_each_beta_and_how_its_file_is_called():
    model = model_of("mnist")
    gallery = gallery_film(model)
    for index, beta in enumerate(frames.stops(model)):
        alt = sentences.gallery_alt(Text("en"), model, beta, count=8, temperature=1.0, seed=SEED)
        assert gallery["alts"][index] == alt
        assert gallery["file_names"][index] == f"mnist-beta-{beta:g}-seed-{SEED}.png"


@pytest.mark.parametrize(("channels", "name"), [(1, "mnist"), (3, "faces")])
def test_what_is_too_large_loses_a_little_and_says_so(monkeypatch, channels, name):
    """Pictures of noise: nothing shrinks them without loss."""
    noise = np.random.default_rng(0).random((4, 8, channels, 28, 28), np.float32)
    model = model_of(name)
    monkeypatch.setitem(frames.MOST_BYTES, channels, 12_000)
    made = frames.gallery(Text("en"), model, noise, SETTINGS)
    gallery = opened(made.content)["gallery"]
    assert not gallery["exact"]
    assert [(sheet["first"], sheet["count"]) for sheet in gallery["frames"]] == [
        (index, 1) for index in range(4)
    ]
    assert {sheet["packing"] for sheet in gallery["frames"]} == {"plain"}
    grid = pictures.grid(noise[2], 8, gap=0)
    for sheet in gallery["frames"]:
        assert pixels(sheet["source"]).shape[:2] == grid.shape[:2]
    exact = frames.gallery(Text("en"), model, noise[2:3], SETTINGS, first=2)
    assert exact.id == made.id
    part = opened(exact.content)["gallery"]
    (sheet,) = part["frames"]
    assert part["exact"]
    assert (sheet["first"], sheet["count"], sheet["packing"]) == (2, 1, "plain")
    shown = pixels(sheet["source"])
    assert np.array_equal(shown if channels == 3 else shown[..., 0], grid)


def test_galleries_of_other_settings_have_other_names():
    model = model_of("mnist")
    one = frames.gallery_id(Text("en"), model, SETTINGS)
    assert one == frames.gallery_id(Text("en"), model, dataclasses.replace(SETTINGS))
    others = [
        frames.gallery_id(Text("en"), model, dataclasses.replace(SETTINGS, **change))
        for change in ({"count": 16}, {"seed": 8}, {"temperature": 0.9}, {"draw_pixels": True})
    ]
    others += [
        frames.gallery_id(Text("ko"), model, SETTINGS),
        frames.gallery_id(Text("en"), sources.resolve("fashion-mnist"), SETTINGS),
    ]
    assert len({one, *others}) == 7


@pytest.mark.parametrize("name", MOST)
def test_a_film_and_a_gallery_are_small_enough_for_a_phones_network(name):
    model = sources.resolve(name)
    picture = model.examples.picture(model.examples.names[0]).numpy()
    film = cache.film(picture, model, SEED, 0, False, "ko")  # its letters are longer
    gallery = cache.gallery_film(model, dataclasses.replace(SETTINGS, count=32), "ko")
    assert len(film.content) + len(gallery.content) <= 1000 * MOST[name]
