"""The committed weights are the ones that were measured, and they reach what they promise."""

import itertools
import json
import math
import tomllib
from pathlib import Path

import pytest
import torch

import vae
from training import evaluate, figures
from vae.hub import sources
from vae.hub.folder import Folder, load_folder
from vae.hub.metrics import Metrics
from vae.noise import seeded

WEIGHTS = Path(__file__).parents[1] / "weights"
DIGITS = ("mnist", "mnist-2d", "mnist-2d-autoencoder")
NAMES = ("faces", "fashion-mnist", *DIGITS)
CONDITIONED = ("faces", "fashion-mnist", "mnist", "mnist-2d")
RIVALLED = {"fashion-mnist": [1.0], "mnist": [0.01, 1.0]}  # and at which betas
DATA = {
    "faces": ("faces64", "faces64.npz", "c6c05c7a"),
    "fashion-mnist": ("fashion-mnist", "train-images-idx3-ubyte.gz", "3aede38d"),
}
MNIST = ("mnist", "train-images-idx3-ubyte.gz", "440fcabf")


@pytest.fixture(scope="module")
def folders() -> dict[str, Folder]:
    return {name: load_folder(WEIGHTS / name) for name in NAMES}


def test_the_bundled_names_are_these_folders():
    assert sources.bundled() == NAMES
    assert vae.load("mnist").config == vae.load(WEIGHTS / "mnist").config
    assert sources.resolve("mnist").source == "bundled"
    assert sources.resolve("mnist") is sources.resolve("mnist")  # chosen once per process


def test_the_file_of_sources_has_an_entry_for_each_and_names_no_repository_that_nobody_published():
    """Each entry is empty, which means bundled, or a full commit.

    So a release that pins its own weights keeps this test green.
    """
    assert set(tomllib.loads((WEIGHTS / sources.SOURCES).read_text(encoding="utf-8"))) == set(NAMES)
    for name in NAMES:
        assert sources.source(name) is None or len(sources.source(name).commit) == 40


def test_digits_reach_what_was_promised_on_the_whole_test_set(folders):
    metrics = folders["mnist"].metrics
    assert metrics.test_count == 10_000
    assert metrics.at(1.0).negative_elbo <= 86.3
    assert metrics.at(0.01).objective <= 37.0
    assert metrics.at(10.0).objective <= 179.8
    bound = metrics.importance_weighted
    assert (bound.beta, bound.samples, bound.count) == (1.0, 500, 10_000)
    assert bound.nats <= 82.8
    assert_trusted(metrics)


def assert_trusted(metrics: Metrics) -> None:
    """More samples lower the estimate a little, other binarisations change little."""
    tighter, repeated = metrics.tighter, metrics.repeated
    assert (tighter.same.count, tighter.same.samples, tighter.more.samples) == (1_000, 500, 5_000)
    assert 0 < tighter.bias < 0.5
    assert (repeated.beta, repeated.count) == (1.0, 5)
    assert abs(repeated.negative_elbo - metrics.at(1.0).negative_elbo) < 4 * repeated.spread < 1.0


def test_garments_reach_what_was_promised_on_the_whole_test_set(folders):
    metrics, config = folders["fashion-mnist"].metrics, folders["fashion-mnist"].network.config
    assert 24 <= config.latent_dim <= 40
    assert metrics.test_count == 10_000
    bound = metrics.importance_weighted
    assert (bound.beta, bound.samples, bound.count) == (1.0, 500, 10_000)
    assert bound.nats <= 227.3
    assert metrics.at(1.0).negative_elbo <= 229.8
    assert_trusted(metrics)


def test_faces_reach_what_was_promised_on_the_whole_test_set(folders):
    metrics, config = folders["faces"].metrics, folders["faces"].network.config
    assert (config.image_shape, config.likelihood) == ((3, 64, 64), "discretized_logistic")
    assert 64 <= config.latent_dim <= 128
    assert metrics.test_count == 1_869
    fidelity = metrics.fidelity
    assert (fidelity.pca_components, fidelity.identified_at, fidelity.candidates) == (
        config.latent_dim,
        0.1,
        20,
    )
    assert fidelity.identified >= 0.9
    assert fidelity.squared_errors[0] < 1.6 * fidelity.pca_squared_error
    assert metrics.importance_weighted.count == 1_869


def test_of_the_faces_no_labels_and_at_most_a_dozen_pictures_are_passed_on(folders):
    assert folders["faces"].reference is None
    assert len(folders["faces"].examples.images) <= 12
    assert not folders["faces"].examples.labels.any()
    card = (WEIGHTS / "faces" / "README.md").read_text(encoding="utf-8")
    for words in ("Kärkkäinen", "CC BY 4.0", "most frontal half", "must\nnot be used to recognise"):
        assert words in card


def test_two_dimensions_reach_what_was_promised_from_nearly_an_autoencoder_to_collapse(folders):
    metrics = folders["mnist-2d"].metrics
    assert folders["mnist-2d"].network.config.latent_dim == 2
    assert metrics.test_count == 10_000
    assert metrics.at(1.0).negative_elbo <= 135.5
    assert metrics.betas[0].beta == 0.001
    assert metrics.betas[0].distortion < metrics.at(1.0).distortion
    assert metrics.betas[0].rate > 1.8 * metrics.at(1.0).rate


def test_the_plain_autoencoder_is_the_same_network_and_has_no_elbo(folders):
    autoencoder, variational = folders["mnist-2d-autoencoder"], folders["mnist-2d"]
    shapes = {name: tensor.shape for name, tensor in autoencoder.network.state_dict().items()}
    rival = {name: tensor.shape for name, tensor in variational.network.state_dict().items()}
    assert shapes.items() <= rival.items()
    assert all(
        "scale_shift" in name or "beta_embedding" in name for name in set(rival) - set(shapes)
    )
    images = vae.binarize(torch.from_numpy(autoencoder.examples.images) / 255, generator=seeded(0))
    with pytest.raises(ValueError, match="plain autoencoder"):
        vae.elbo(autoencoder.network, images, 0.0, generator=seeded(0))
    assert autoencoder.metrics.betas[0].distortion < variational.metrics.at(1.0).distortion
    assert math.isinf(autoencoder.metrics.betas[0].rate)


def test_the_plain_autoencoders_code_has_variance_one(folders):
    model = folders["mnist-2d-autoencoder"].network
    images = vae.binarize(
        torch.from_numpy(folders["mnist-2d-autoencoder"].reference.images) / 255,
        generator=seeded(0),
    )
    code = model.encode(images, 0.0).mean
    torch.testing.assert_close(code.mean(0), torch.zeros(2), atol=0.2, rtol=0)
    torch.testing.assert_close(code.std(0), torch.ones(2), atol=0.2, rtol=0)


@pytest.mark.parametrize("name", CONDITIONED)
def test_the_rate_falls_strictly_until_it_is_dead(folders, name):
    rates = {entry.beta: entry.rate for entry in folders[name].metrics.betas}
    assert len(rates) >= 25
    rising = sorted(beta for beta in rates if beta <= 10)
    assert all(rates[low] > rates[high] for low, high in itertools.pairwise(rising))
    assert rates[max(rates)] < 0.05


@pytest.mark.parametrize("name", CONDITIONED)
def test_each_beta_is_best_at_its_own_objective(folders, name):
    """No other setting of the slider has a lower distortion + beta * rate.

    That is what "the slider is real" means.
    """
    apart = (1.0, 10.0, 100.0, 1000.0) if name == "faces" else (0.01, 0.1, 1.0, 3.15, 10.0)
    entries = [entry for entry in folders[name].metrics.betas if entry.beta in apart]
    assert len(entries) == len(apart)
    for wanted in entries:
        objectives = {entry.beta: entry.distortion + wanted.beta * entry.rate for entry in entries}
        assert min(objectives, key=objectives.get) == pytest.approx(wanted.beta), objectives


@pytest.mark.parametrize("name", RIVALLED)
def test_rivals_for_single_betas_saw_as_many_examples_in_the_same_order(folders, name):
    record = json.loads((WEIGHTS / name / "training.json").read_text(encoding="utf-8"))
    assert [rival.beta for rival in folders[name].dedicated] == RIVALLED[name]
    for rival in folders[name].dedicated:
        assert (rival.examples, rival.seed) == (record["examples_seen"], record["seed"])


@pytest.mark.parametrize("name", RIVALLED)
def test_what_one_network_for_every_beta_costs_is_in_its_card(folders, name):
    metrics, card = (
        folders[name].metrics,
        (WEIGHTS / name / "README.md").read_text(encoding="utf-8"),
    )
    for rival in folders[name].dedicated:
        cost = metrics.regret(rival)
        assert (
            f"| {rival.beta:g} | {metrics.at(rival.beta).objective:.2f} | {rival.objective:.2f} | "
            f"{cost:.2f} |" in card
        )


@pytest.mark.parametrize(
    "beta",
    [
        pytest.param(0.1, marks=pytest.mark.weekly),
        1.0,
        pytest.param(10.0, marks=pytest.mark.weekly),
    ],
)
@pytest.mark.parametrize("name", CONDITIONED)
def test_metrics_are_reproduced_on_the_reference_pictures(folders, name, beta):
    """The reference pictures are the first of the test set.

    The same binarisation, the same noise, the same numbers.
    """
    model, metrics, reference = (
        folders[name].network,
        folders[name].metrics,
        folders[name].reference,
    )
    pictures = torch.from_numpy((reference or folders[name].examples).images)
    everything = torch.zeros(metrics.test_count, *pictures.shape[1:], dtype=torch.uint8)
    # the binarisation was drawn for the whole test set at once
    everything[: len(pictures)] = pictures
    observed = evaluate.observe_test_set(model, everything, metrics.seed)[: len(pictures)]
    assert [entry[0] for entry in metrics.reference] == [0.1, 1.0, 10.0]
    ((rate, distortion),) = [entry[1:] for entry in metrics.reference if entry[0] == beta]
    batches = [
        vae.elbo(
            model,
            batch,
            beta,
            generator=seeded(metrics.seed, "noise", number),
            samples=metrics.samples,
        )
        for number, batch in enumerate(observed.split(evaluate.BATCH))
    ]
    for part, expected in (("rate", rate), ("distortion", distortion)):
        found = torch.cat([getattr(terms, part) for terms in batches]).double().mean().item()
        assert found == pytest.approx(expected, rel=2e-4)


def test_the_autoencoders_distortion_is_reproduced_on_the_reference_pictures(folders):
    model, metrics, reference = (
        getattr(folders["mnist-2d-autoencoder"], part) for part in ("model", "metrics", "reference")
    )
    everything = torch.zeros(metrics.test_count, *reference.images.shape[1:], dtype=torch.uint8)
    everything[: len(reference.images)] = torch.from_numpy(reference.images)
    observed = evaluate.observe_test_set(model, everything, metrics.seed)[: len(reference.images)]
    ((beta, _, distortion),) = metrics.reference
    assert vae.point_distortion(model, observed, beta).double().mean().item() == pytest.approx(
        distortion, rel=2e-4
    )


def test_reconstructions_of_the_examples_are_close_at_a_small_beta_and_all_alike_after_collapse(
    folders,
):
    model, examples = folders["mnist"].network, folders["mnist"].examples
    images = vae.binarize(torch.from_numpy(examples.images) / 255, generator=seeded(0))
    close = model.decode(model.encode(images, 0.01).mean, 0.01).mean
    assert ((close > 0.5).float() == images).float().mean() > 0.93
    blind = model.decode(model.encode(images, 50.0).mean, 50.0).mean
    assert (blind - blind[:1]).abs().max() < 0.1


@pytest.mark.parametrize("name", ["fashion-mnist", *DIGITS])
def test_the_examples_are_one_of_each_class(folders, name):
    assert sorted(folders[name].examples.labels.tolist()) == list(range(10))
    assert len(folders[name].reference.images) == 2_000


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_is_small_and_says_where_it_comes_from(folders, name):
    folder = WEIGHTS / name
    assert (folder / "model.safetensors").stat().st_size <= 16_000_000
    record = json.loads((folder / "training.json").read_text())
    dataset, file, sha256 = DATA.get(name, MNIST)
    assert record["settings"]["dataset"] == dataset
    # that of the machine it was trained on; another may choose another
    precision = record["settings"]["precision"]
    assert record["command"] == f"python -m training.train --preset {name} --precision {precision}"
    assert record["data_sha256"][file].startswith(sha256)
    card = (folder / "README.md").read_text(encoding="utf-8")
    for picture in figures.names(folders[name].network.config):
        assert f"figures/{picture}.png" in card
        assert (folder / "figures" / f"{picture}.png").stat().st_size > 5_000


def test_all_weights_together_are_small():
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*.safetensors")) <= 60_000_000
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file()) <= 60_000_000
