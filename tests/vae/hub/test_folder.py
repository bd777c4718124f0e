"""A weights folder is used whole or not at all, and what is wrong with it is said by name."""

import hashlib
import itertools
import json
import os

import numpy as np
import pytest
import safetensors.torch
import torch

import vae
from tests.conftest import files_of, random_model, some_metrics, tiny_config, write_weights
from tests.vae.hub.published import in_format_1, resealed
from vae.hub import sources
from vae.hub.folder import CHECKSUMMED_FILES, load_folder, load_model, save_model, write_checksums
from vae.hub.metrics import Dedicated, beta_stops, read_metrics, write_metrics


@pytest.fixture
def folder(weights):
    return weights


def test_a_saved_model_computes_the_same_up_to_half_precision(folder, binary_images):
    model, loaded = random_model(tiny_config()), vae.load(folder)
    assert loaded.config == model.config
    assert not loaded.training
    assert all(
        parameter.dtype == torch.float32 and not parameter.requires_grad
        for parameter in loaded.parameters()
    )
    means = (loaded.encode(binary_images, 0.5).mean, model.encode(binary_images, 0.5).mean)
    torch.testing.assert_close(*means, atol=2e-2, rtol=1e-2)


def test_saving_what_was_loaded_gives_the_same_bytes(folder, tmp_path):
    save_model(tmp_path / "again", vae.load(folder))
    assert (tmp_path / "again" / "model.safetensors").read_bytes() == (
        folder / "model.safetensors"
    ).read_bytes()
    for name in CHECKSUMMED_FILES:
        (folder / name).unlink(missing_ok=True)
    write_checksums(folder)
    assert (tmp_path / "again" / "config.json").read_bytes() == (
        folder / "config.json"
    ).read_bytes()


def test_everything_measured_comes_with_the_model(folder):
    everything = load_folder(folder)
    assert everything.metrics == some_metrics()
    assert everything.examples.names == ("a", "b")
    assert everything.reference.mean_training_pixel.shape == (1, 6, 5)
    assert everything.dedicated == ()
    (folder / "dedicated.json").write_text(
        '[{"beta": 1.0, "rate": 2.0, "distortion": 3.0, "examples": 4, "seed": 5}]'
    )
    write_checksums(folder, "dedicated.json")
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


def change_measured(folder, **changes):
    path = folder / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def rewrite_weights(folder, tensors):
    content = safetensors.torch.save(tensors)
    (folder / "model.safetensors").write_bytes(content)
    sums = json.loads((folder / "config.json").read_text())["sha256"]
    change_config(folder, sha256=sums | {"model.safetensors": hashlib.sha256(content).hexdigest()})


def rewrite(folder, files):
    for name, content in files.items():
        (folder / name).write_bytes(content)


def write_examples(folder, **changes):
    arrays = {"images": np.zeros((2, 1, 6, 5), np.uint8), "names": ["a", "b"], "labels": [0, 1]}
    np.savez(folder / "examples.npz", **(arrays | changes))


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


@pytest.mark.parametrize(
    ("damage", "file", "reason"),
    [
        (without("config.json"), "config.json", "missing"),
        (writing("config.json", b"<html>"), "config.json", "not JSON"),
        (writing("config.json", b"[]"), "config.json", "it should be an object"),
        (
            lambda folder: change_config(folder, format=3),
            "config.json",
            "format holds 3; it should be less than or equal to 2",
        ),
        (lambda folder: change_config(folder, format=None), "config.json", "format is missing"),
        (lambda folder: change_config(folder, format=True), "config.json", "format"),
        (lambda folder: change_config(folder, latent_dim=None), "config.json", "latent_dim"),
        (lambda folder: change_config(folder, colour="blue"), "config.json", "colour"),
        (lambda folder: change_config(folder, width=10**9), "config.json", "width"),
        (lambda folder: change_config(folder, latent_dim="3"), "config.json", "latent_dim"),
        (lambda folder: change_config(folder, width=16.0), "config.json", "width"),
        (lambda folder: change_config(folder, beta_range=[1e-9, 50]), "config.json", "beta_range"),
        (
            lambda folder: change_config(folder, beta_range=[0.01, 1e300]),
            "config.json",
            "beta_range",
        ),
        (lambda folder: change_config(folder, sha256=None), "config.json", "sha256 is missing"),
        (
            lambda folder: change_config(folder, sha256={}),
            "config.json",
            "it has no sha256 of model.safetensors",
        ),
        (lambda folder: change_config(folder, sha256={"../x": "0" * 64}), "config.json", "sha256"),
        (
            lambda folder: change_config(folder, format=1),
            "config.json",
            "weights_sha256 is missing",
        ),
        (without("model.safetensors"), "model.safetensors", "it is missing"),
        (truncating("model.safetensors"), "model.safetensors", "cut short"),
        (
            writing("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n"),
            "model.safetensors",
            "LFS pointer",
        ),
        (writing("model.safetensors", b"<!doctype html>"), "model.safetensors", "web page"),
        (dropping_a_tensor, "model.safetensors", "decoder.first.weight"),
        (of_another_width, "model.safetensors", "shape"),
        (with_a_nan, "model.safetensors", "decoder.first.bias"),
        (without("metrics.json"), "metrics.json", "missing"),
        (writing("metrics.json", b"{}"), "metrics.json", "test_count is missing"),
        (
            lambda folder: write_metrics(folder / "metrics.json", some_metrics(latent_dim=4)),
            "metrics.json",
            "latent_dim",
        ),
        (
            lambda folder: change_metrics(folder, rate=float("nan")),
            "metrics.json",
            "betas[1].rate: a rate is from 0",
        ),
        (
            lambda folder: change_metrics(folder, rate=-1),
            "metrics.json",
            "betas[1].rate: a rate is from 0",
        ),
        (
            lambda folder: change_metrics(folder, rate=1e308),
            "metrics.json",
            "betas[1].rate: a rate is from 0",
        ),
        (
            lambda folder: change_metrics(folder, rate=float("inf")),
            "metrics.json",
            "rates must be finite",
        ),
        (
            lambda folder: change_metrics(folder, beta="1"),
            "metrics.json",
            "betas[1].beta holds '1'",
        ),
        (lambda folder: change_metrics(folder, beta=0.001), "metrics.json", "betas must rise"),
        (
            lambda folder: change_metrics(folder, beta=True),
            "metrics.json",
            "betas[1].beta holds True",
        ),
        (
            lambda folder: change_metrics(folder, distortion={}),
            "metrics.json",
            "betas[1].distortion holds {}",
        ),
        (
            lambda folder: change_metrics(folder, distortion=[1]),
            "metrics.json",
            "betas[1].distortion holds [1]",
        ),
        (
            lambda folder: change_metrics(folder, distortion=1e308),
            "metrics.json",
            "betas[1].distortion holds 1e+308",
        ),
        (lambda folder: change_metrics(folder, active_units=4), "metrics.json", "active_units"),
        (
            lambda folder: change_metrics(folder, active_units=1.5),
            "metrics.json",
            "betas[1].active_units holds 1.5",
        ),
        (
            lambda folder: change_metrics(folder, rate_per_dimension=[1.0, 1.0]),
            "metrics.json",
            "rate_per_dimension",
        ),
        (
            lambda folder: change_metrics(folder, objective_quantiles=[1.0] * 100),
            "metrics.json",
            "101 items",
        ),
        (
            lambda folder: change_metrics(folder, colour="blue"),
            "metrics.json",
            "betas[1].colour is unknown",
        ),
        (
            lambda folder: change_measured(folder, test_count=None),
            "metrics.json",
            "test_count holds None",
        ),
        (lambda folder: change_measured(folder, samples=0), "metrics.json", "samples holds 0"),
        (lambda folder: change_measured(folder, seed=10**30), "metrics.json", "seed holds"),
        (lambda folder: change_measured(folder, betas=[]), "metrics.json", "betas"),
        (
            lambda folder: change_measured(folder, importance_weighted=None),
            "metrics.json",
            "importance_weighted",
        ),
        (
            lambda folder: change_measured(folder, reference=[[1.0, -1, 2.0]]),
            "metrics.json",
            "reference[0][1]",
        ),
        (writing("metrics.json", b"[" * 100_000), "metrics.json", "it has 100,000 lists"),
        (writing("metrics.json", b"[" * 9_000), "metrics.json", "it is not JSON"),
        (writing("metrics.json", b"\xff\xfe"), "metrics.json", "it is not JSON"),
        (writing("metrics.json", b" " * 3_000_000), "metrics.json", "it has 3,000,000 bytes"),
        (
            lambda folder: change_metrics(folder, objective_quantiles=list(range(100, -1, -1))),
            "metrics.json",
            "must not fall",
        ),
        (
            writing(
                "dedicated.json",
                b'[{"beta": "x", "rate": 1, "distortion": 1, "examples": 1, "seed": 1}]',
            ),
            "dedicated.json",
            "[0].beta holds 'x'",
        ),
        (
            writing(
                "dedicated.json",
                b'[{"beta": 1.0, "rate": 1, "distortion": 1, "examples": null, "seed": 1}]',
            ),
            "dedicated.json",
            "[0].examples holds None",
        ),
        (writing("dedicated.json", b'{"0": 1}'), "dedicated.json", "holds"),
        (truncating("examples.npz"), "examples.npz", "npz"),
        (without("examples.npz"), "examples.npz", "missing"),
        (
            lambda folder: np.savez(
                folder / "examples.npz",
                images=np.zeros((1, 1, 9, 9), np.uint8),
                names=["a"],
                labels=[0],
            ),
            "examples.npz",
            "6, 5",
        ),
        (truncating("reference.npz"), "reference.npz", "npz"),
        (writing("dedicated.json", b"{"), "dedicated.json", "it is not JSON"),
        (lambda folder: write_examples(folder, labels=[0, 300]), "examples.npz", "labels"),
        (lambda folder: write_examples(folder, labels=[0, -1]), "examples.npz", "labels"),
        (
            lambda folder: write_examples(folder, names=[1.0, 2.0]),
            "examples.npz",
            "a name for each picture",
        ),
        (
            lambda folder: write_examples(folder, names=["a", "a"]),
            "examples.npz",
            "a different name",
        ),
        (lambda folder: write_examples(folder, names=["a", "b\n"]), "examples.npz", "printable"),
        (lambda folder: write_examples(folder, names=[object(), "b"]), "examples.npz", "npz"),
        (
            lambda folder: write_examples(
                folder,
                images=np.zeros((0, 1, 6, 5), np.uint8),
                labels=np.zeros(0, int),
                names=np.zeros(0, "U"),
            ),
            "examples.npz",
            "1 to 12 pictures",
        ),
    ],
)
def test_a_broken_folder_says_which_file_is_wrong_and_why(folder, damage, file, reason):
    damage(folder)
    rewrite(folder, resealed(files_of(folder)))
    with pytest.raises(vae.WeightsError, match=file) as error:
        load_folder(folder)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def named(folder) -> str:
    """The sentence with which the folder is refused."""
    with pytest.raises(vae.WeightsError) as caught:
        load_folder(folder)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["metrics.json", "dedicated.json", "examples.npz", "reference.npz"]
)
def test_a_file_of_another_model_is_noticed_though_it_would_fit(folder, name):
    other = write_weights(folder.parent / "other", seed=1)
    for each, distortion in ((folder, 3.0), (other, 4.0)):
        (each / "dedicated.json").write_text(
            json.dumps(
                [{"beta": 1.0, "rate": 2.0, "distortion": distortion, "examples": 4, "seed": 5}]
            )
        )
        change_measured(each, seed=int(distortion))
        write_examples(each, labels=[0, int(distortion)])
        with np.load(each / "reference.npz") as arrays:
            np.savez(
                each / "reference.npz", **dict(arrays) | {"labels": np.array([0, int(distortion)])}
            )
        write_checksums(each)
        load_folder(each)
    (folder / name).write_bytes((other / name).read_bytes())
    assert f"{name}: its sha256 is" in named(folder)
    rewrite(folder, in_format_1(files_of(folder)))
    load_folder(folder)  # which is why there is a second format


@pytest.mark.parametrize("name", ["dedicated.json", "reference.npz"])
def test_a_file_that_may_be_missing_must_not_where_it_was_sealed_and_must_not_come_from_elsewhere(
    folder, name
):
    (folder / "dedicated.json").write_text(
        '[{"beta": 1.0, "rate": 2.0, "distortion": 3.0, "examples": 4, "seed": 5}]'
    )
    write_checksums(folder)
    content = (folder / name).read_bytes()
    (folder / name).unlink()
    assert f"{name}: it is missing" in named(folder)
    write_checksums(folder)
    load_folder(folder)
    (folder / name).write_bytes(content)
    assert f"{name}: config.json does not name it" in named(folder)


def test_a_folder_in_format_1_is_loaded_and_sealed_whole(folder):
    before = load_folder(folder)
    sealed = (folder / "config.json").read_bytes()
    rewrite(folder, in_format_1(files_of(folder)))
    again = load_folder(folder)
    assert again.metrics == before.metrics
    assert again.network.config == before.network.config
    # what is measured of a part keeps the rest, which was trusted before
    write_checksums(folder, "dedicated.json")
    assert (folder / "config.json").read_bytes() == sealed


def test_new_weights_do_not_take_over_what_was_measured_of_others(folder):
    save_model(folder, random_model(tiny_config(), seed=9))
    assert "metrics.json: config.json does not name it" in named(folder)
    load_model(folder)


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "model.safetensors",
        "metrics.json",
        "dedicated.json",
        "examples.npz",
        "reference.npz",
    ],
)
@pytest.mark.parametrize("kind", ["fifo", "folder", "zero", "loop", "dangling"])
def test_only_regular_files_are_read(folder, name, kind):
    """A FIFO would block for ever, /dev/zero never ends."""
    path = folder / name
    path.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"zero": "/dev/zero", "loop": path.name, "dangling": "nowhere"}[kind])
    if (name, kind) in {("dedicated.json", "dangling"), ("dedicated.json", "loop")}:
        load_folder(folder)  # as if it were not there, which it need not be
    else:
        assert f"{folder / name}: it " in named(folder)


def test_links_to_files_are_followed_as_in_the_hubs_cache(folder):
    blobs = folder.parent / "blobs"
    blobs.mkdir()
    for name in files_of(folder):
        if "/" not in name:
            (folder / name).rename(blobs / name)
            (folder / name).symlink_to(blobs / name)
    assert load_folder(folder).metrics == some_metrics()


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
        sources.resolve("../weights/mnist")


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
