"""A weights folder is used whole or not at all, and what is wrong with it is said by name."""

import hashlib
import itertools
import json

import numpy as np
import pytest
import safetensors.torch
import torch

import vae
from tests.conftest import random_model, some_metrics, tiny_config
from vae import hub
from vae.metrics import Dedicated, beta_stops, read_metrics, write_metrics
from vae.weights import load_folder, load_model, save_model


@pytest.fixture
def folder(weights):
    return weights


def test_a_saved_model_computes_the_same_up_to_half_precision(folder, binary_images):
    model, loaded = random_model(tiny_config()), vae.load(folder)
    assert loaded.config == model.config
    assert not loaded.training
    assert all(parameter.dtype == torch.float32 and not parameter.requires_grad for parameter in loaded.parameters())
    means = (loaded.encode(binary_images, 0.5).mean, model.encode(binary_images, 0.5).mean)
    torch.testing.assert_close(*means, atol=2e-2, rtol=1e-2)


def test_saving_what_was_loaded_gives_the_same_bytes(folder, tmp_path):
    save_model(tmp_path / "again", vae.load(folder))
    for name in ("config.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_everything_measured_comes_with_the_model(folder):
    everything = load_folder(folder)
    assert everything.metrics == some_metrics()
    assert everything.examples.names == ("a", "b")
    assert everything.reference.mean_training_pixel.shape == (1, 6, 5)
    assert everything.dedicated == ()
    (folder / "dedicated.json").write_text('[{"beta": 1.0, "rate": 2.0, "distortion": 3.0, "examples": 4, "seed": 5}]')
    assert load_folder(folder).dedicated == (Dedicated(1.0, 2.0, 3.0, 4, 5),)


def change_config(folder, **changes):
    path = folder / "config.json"
    raw = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in raw.items() if value is not None}))


def change_metrics(folder, **changes):
    path = folder / "metrics.json"
    raw = json.loads(path.read_text())
    raw["betas"][1] |= changes
    path.write_text(json.dumps(raw))


def rewrite_weights(folder, tensors):
    content = safetensors.torch.save(tensors)
    (folder / "model.safetensors").write_bytes(content)
    change_config(folder, weights_sha256=hashlib.sha256(content).hexdigest())


def without(name):
    return lambda folder: (folder / name).unlink()


def writing(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def truncating(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-100])


def dropping_a_tensor(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    tensors.pop("decoder.first.weight")
    rewrite_weights(folder, tensors)


def with_a_nan(folder):
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    tensors["decoder.first.bias"][0] = float("nan")
    rewrite_weights(folder, tensors)


def of_another_width(folder):
    other = folder.parent / "other"
    save_model(other, random_model(tiny_config(width=12)))
    rewrite_weights(folder, safetensors.torch.load_file(other / "model.safetensors"))


@pytest.mark.parametrize(("damage", "file", "reason"), [
    (without("config.json"), "config.json", "missing"),
    (writing("config.json", b"<html>"), "config.json", "not JSON"),
    (writing("config.json", b"[]"), "config.json", "format"),
    (lambda folder: change_config(folder, format=2), "config.json", "format"),
    (lambda folder: change_config(folder, latent_dim=None), "config.json", "latent_dim"),
    (lambda folder: change_config(folder, colour="blue"), "config.json", "colour"),
    (lambda folder: change_config(folder, width=10**9), "config.json", "width"),
    (lambda folder: change_config(folder, latent_dim="3"), "config.json", "latent_dim"),
    (lambda folder: change_config(folder, weights_sha256=None), "config.json", "weights_sha256"),
    (without("model.safetensors"), "model.safetensors", "cannot be read"),
    (truncating("model.safetensors"), "model.safetensors", "cut short"),
    (writing("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n"), "model.safetensors", "LFS pointer"),
    (writing("model.safetensors", b"<!doctype html>"), "model.safetensors", "web page"),
    (dropping_a_tensor, "model.safetensors", "decoder.first.weight"),
    (of_another_width, "model.safetensors", "shape"),
    (with_a_nan, "model.safetensors", "decoder.first.bias"),
    (without("metrics.json"), "metrics.json", "missing"),
    (writing("metrics.json", b"{}"), "metrics.json", "betas"),
    (lambda folder: write_metrics(folder / "metrics.json", some_metrics(latent_dim=4)), "metrics.json", "latent_dim"),
    (lambda folder: change_metrics(folder, rate=None), "metrics.json", "rate holds None"),
    (lambda folder: change_metrics(folder, rate=float("nan")), "metrics.json", "rate holds nan"),
    (lambda folder: change_metrics(folder, beta="1"), "metrics.json", "beta holds '1'"),
    (lambda folder: change_metrics(folder, objective_quantiles=list(range(100, -1, -1))), "metrics.json", "must not fall"),
    (writing("dedicated.json", b'[{"beta": "x", "rate": 1, "distortion": 1, "examples": 1, "seed": 1}]'),
     "dedicated.json", "beta holds 'x'"),
    (truncating("examples.npz"), "examples.npz", "npz"),
    (without("examples.npz"), "examples.npz", "missing"),
    (lambda folder: np.savez(folder / "examples.npz", images=np.zeros((1, 1, 9, 9), np.uint8), names=["a"], labels=[0]),
     "examples.npz", "6, 5"),
    (truncating("reference.npz"), "reference.npz", "npz"),
    (writing("dedicated.json", b"{"), "dedicated.json", "expects"),
])
def test_a_broken_folder_says_which_file_is_wrong_and_why(folder, damage, file, reason):
    damage(folder)
    with pytest.raises(vae.WeightsError, match=file) as error:
        load_folder(folder)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_that_fit_another_config_are_never_loaded_in_part(folder):
    change_config(folder, blocks=2)
    with pytest.raises(vae.WeightsError, match="another network"):
        load_model(folder)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = random_model(tiny_config())
    model.decoder.first.bias[0] = 1e6  # beyond half precision
    with pytest.raises(vae.WeightsError, match=r"decoder\.first\.bias"):
        save_model(tmp_path / "overflow", model)
    assert not (tmp_path / "overflow" / "config.json").exists()


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(vae.WeightsError, match=r"bundled models: .*mnist"):
        vae.load("nonsense")
    with pytest.raises(vae.WeightsError, match=r"bundled models: .*mnist"):
        hub.resolve("../weights/mnist")


def test_a_folder_comes_before_a_bundled_name(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    folder.rename(folder.parent / "mnist")
    assert vae.load("mnist").config == tiny_config()


def test_metrics_survive_the_file(tmp_path):
    write_metrics(tmp_path / "metrics.json", some_metrics())
    assert read_metrics(tmp_path / "metrics.json") == some_metrics()


def test_the_share_of_harder_pictures_follows_the_quantiles():
    entry = some_metrics().betas[1]  # objectives 0, 1, …, 100 at 0 %, 1 %, …, 100 %
    assert entry.share_above(25) == pytest.approx(0.75)
    assert entry.share_above(-5) == 1
    assert entry.share_above(500) == 0


def test_the_slider_stops_at_both_ends_and_ten_times_a_decade():
    stops = beta_stops((0.01, 50.0))
    assert stops[0] == 0.01
    assert stops[-1] == 50.0
    assert {0.1, 1.0, 10.0, 3.15} <= set(stops)
    assert len(stops) == 38
    assert max(b / a for a, b in itertools.pairwise(stops)) < 1.3
    assert beta_stops((0.5, 0.5)) == (0.5,)
