"""Fidelity of colour pictures, against plain loops and NumPy's exact PCA."""

import dataclasses
import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import coloured_pictures, generator, random_model, tiny_config, write_packed
from training import data, evaluate, fidelity
from vae.hub.folder import load_folder, save_model
from vae.hub.metrics import read_metrics
from vae.likelihood import bits_per_dimension
from vae.model import DiagonalGaussian

CONFIG = tiny_config(
    image_shape=(3, 16, 16),
    likelihood="discretized_logistic",
    preprocess="photo",
    beta_range=(0.1, 10.0),
)


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.from_numpy(coloured_pictures(50, seed=3)).permute(0, 3, 1, 2).float() / 255


def test_squared_error_is_that_of_the_mean_picture_at_z_equal_mu(pictures):
    model = random_model(CONFIG)
    codes = [model.encode(picture[None], 1.0).mean for picture in pictures]
    expected = np.mean(
        [
            ((model.decode(code, 1.0).mean[0] - picture) ** 2).mean().item()
            for code, picture in zip(codes, pictures, strict=True)
        ]
    )
    assert fidelity.squared_error(model, pictures, 1.0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("components", [1, 3, 9])
def test_pca_is_the_exact_one(pictures, components, mirrored):
    random = np.random.default_rng(0)
    # nothing that few components would hold
    training = random.integers(0, 256, (60, 3, 16, 16)).astype(np.uint8) // 3
    rows = training.astype(np.float64) / 255
    rows = np.concatenate([rows, rows[..., ::-1]]) if mirrored else rows
    rows = rows.reshape(len(rows), -1)
    _, _, basis = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    flat = pictures.flatten(1).double().numpy()
    rebuilt = (flat - rows.mean(0)) @ basis[:components].T @ basis[:components] + rows.mean(0)
    expected = ((rebuilt.clip(0, 1) - flat) ** 2).mean()
    found = fidelity.pca_squared_error(
        torch.from_numpy(training), mirrored, pictures, components, seed=0
    )
    assert found == pytest.approx(expected, rel=0.01)


class Perfect:
    """Stands for a model whose code is the picture itself, off by a noise of its own."""

    def __init__(self, error: float) -> None:
        self.config = dataclasses.replace(CONFIG, latent_dim=768)
        self.error = error

    def encode(self, images, beta):
        flat = images.flatten(1)
        return DiagonalGaussian(flat, torch.full_like(flat, 2 * np.log(self.error)))

    def decode(self, z, beta):
        return type("Pixels", (), {"mean": z.reshape(-1, 3, 16, 16)})


def test_originals_are_told_apart_where_reconstructions_are_good_and_by_chance_where_they_are_noise(
    pictures,
):
    assert fidelity.identified_share(Perfect(0.001), pictures, 1.0, candidates=20, seed=0) == 1
    # all about as far from a noise as any other
    many = torch.rand(900, 3, 16, 16, generator=generator(1))
    for candidates in (3, 10):
        found = fidelity.identified_share(Perfect(1000.0), many, 1.0, candidates=candidates, seed=0)
        assert found == pytest.approx(1 / candidates, abs=0.05)


@pytest.mark.parametrize("count", [20, 21, 50])
def test_each_picture_meets_nineteen_others_and_never_itself(count):
    others = fidelity.candidate_indices(count, 19, seed=0)
    for picture, met in enumerate(others.tolist()):
        assert len(set(met)) == 19
        assert picture not in met
        assert set(met) <= set(range(count))


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Iterator[Path]:
    """An untrained colour model and a data set of portraits."""
    root = tmp_path_factory.mktemp("untrained")
    write_packed(root / "data" / "colours")
    source = data.Source(
        None,
        {"colours.npz": _sha256(root / "data" / "colours" / "colours.npz")},
        licence="CC BY 4.0",
        citation="A. Author. A Set.",
        selection="Every second one was kept.",
        portraits=True,
    )
    save_model(root / "toy", random_model(CONFIG))
    network = {"likelihood": CONFIG.likelihood, "beta_range": [0.1, 10.0], "latent_dim": 3}
    record = {
        "settings": {"dataset": "colours", "epochs": 1, "network": network, "flips": True},
        "examples_seen": 1,
        "minutes": 0.1,
        "machine": "none",
        "parameters": 1,
        "seed": 1,
        "command": "x",
        "preset": "toy",
    }
    (root / "toy" / "training.json").write_text(json.dumps(record))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(data.SOURCES, "colours", source)
        yield root / "toy"


@pytest.fixture
def folder(untrained, tmp_path) -> Path:
    """The untrained model and its data, for one test alone."""
    shutil.copytree(untrained.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / "toy"


@pytest.fixture(scope="module")
def evaluated(untrained, tmp_path_factory) -> Path:
    """The untrained model once it was measured, over what an earlier version had left."""
    root = tmp_path_factory.mktemp("evaluated")
    shutil.copytree(untrained.parent, root, dirs_exist_ok=True)
    (root / "toy" / "reference.npz").write_bytes(b"left from an earlier version")
    assert run(root / "toy") == 0
    return root / "toy"


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(folder, *more: str) -> int:
    data_dir = str(folder.parent / "data")
    return evaluate.main(
        [str(folder), "--data-dir", data_dir, "--samples", "1", "--importance-samples", "3", *more]
    )


def test_a_colour_model_is_measured_and_reproduced_with_its_fidelity(evaluated):
    folder = evaluated
    assert run(folder, "--check") == 0
    metrics = read_metrics(folder / "metrics.json")
    assert len(metrics.fidelity.squared_errors) == len(metrics.betas)
    assert metrics.fidelity.pca_components == 3
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert (
        f"{bits_per_dimension(metrics.at(1.0).negative_elbo, 768):.3f} bits per dimension" in card
    )
    assert f"{metrics.fidelity.pca_squared_error:.5f}" in card
    assert "weights/toy --data-dir DIR" in card  # these pictures have no public home
    assert f"{metrics.fidelity.identified:.1%}" in card


@pytest.mark.parametrize("beta_range", [(2.0, 2.0), (1.0, 50.0)])
def test_a_network_that_does_not_know_a_tenth_is_asked_at_its_nearest_beta(folder, beta_range):
    save_model(folder, random_model(dataclasses.replace(CONFIG, beta_range=beta_range)))
    record = json.loads((folder / "training.json").read_text())
    record["settings"]["network"]["beta_range"] = beta_range
    (folder / "training.json").write_text(json.dumps(record))
    assert run(folder) == 0
    assert read_metrics(folder / "metrics.json").fidelity.identified_at == beta_range[0]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"reconstructions at beta = {beta_range[0]:g}," in card
    assert f"bits per dimension** at beta = {beta_range[0]:g}:" in card


def test_of_portraits_no_labels_and_at_most_a_dozen_pictures_are_passed_on(evaluated):
    folder = evaluated
    everything = load_folder(folder)
    assert everything.reference is None
    assert not (folder / "reference.npz").exists()
    assert 0 < len(everything.examples.images) <= 12
    assert not everything.examples.labels.any()
    card = (folder / "README.md").read_text(encoding="utf-8")
    for words in (
        "A. Author. A Set.",
        "Every second one was kept.",
        "CC BY 4.0",
        "must\nnot be used to recognise",
    ):
        assert words in card


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw["fidelity"].pop("identified"),
        lambda raw: raw["fidelity"]["squared_errors"].pop(),
        lambda raw: raw["fidelity"].update(pca_squared_error="small"),
    ],
)
def test_a_spoiled_fidelity_is_refused(evaluated, tmp_path, spoil):
    raw = json.loads((evaluated / "metrics.json").read_text())
    spoil(raw)
    (tmp_path / "metrics.json").write_text(json.dumps(raw))
    with pytest.raises(ValueError, match=r"squared|identified is missing"):
        read_metrics(tmp_path / "metrics.json")


def test_bits_per_dimension_of_a_fair_coin_is_one():
    assert bits_per_dimension(768 * np.log(2), 768) == pytest.approx(1)
