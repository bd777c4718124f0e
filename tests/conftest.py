"""Small models and data, made here: no test needs the data sets, a network or a GPU."""

import gzip
import io
import json
import os
import signal
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.utils import _http, close_session
from PIL import Image

from benchmarks import chromium
from tests.browser.app import close_pages, running_browser
from tests.hub_server import HubServer
from tests.processes import HANGING, completed
from training import card
from training.loop import Trainer
from vae.hub import sources
from vae.hub.folder import save_model, write_checksums
from vae.hub.metrics import BetaMetrics, ImportanceWeighted, Metrics, write_metrics
from vae.model import VAE, VAEConfig

# A test's server draws no page ahead of its visitors: every test would wait for all of them.
os.environ["VAE_LAB_WARM"] = "0"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hostile",
        type=int,
        default=200,
        help="attempts of each kind in tests/hostile (default: %(default)s)",
    )
    parser.addoption(
        "--hostile-seed",
        type=int,
        default=22,
        help="of what tests/hostile sends (default: %(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make Ctrl-C work also where pytest runs as a shell's background job.

    Such a job ignores it, and so would the processes that tests start and interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Sums are added in the same order on every machine, and tests run side by side: two threads
    # that wait for a busy core hold each other up.
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A test that changes the number of threads changes it for itself."""
    yield
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Streamlit makes each script the main module, which a process that is spawned then runs."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="session", autouse=True)
def patience():
    """Lift the limits on waiting for an app or a picture.

    They are promises to people, and decide no test on a slow machine.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchmarks.students.SECONDS_TO_WAIT", HANGING)
        patch.setattr("benchmarks.serving.SECONDS_TO_START", HANGING)
        patch.setattr("vae.images.reading.DECODING_SECONDS", HANGING)
        # what is collected in one test was left by another
        patch.setattr("ui.server.memory.SECONDS_BETWEEN", 1e6)
        yield


@pytest.fixture(autouse=True)
def visitors_leave(request):
    """Close the pages that a test has opened.

    That of a test that failed would go on asking the app.
    """
    yield
    if "browser" in request.fixturenames:
        close_pages(request.getfixturevalue("browser"))


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests of a process.

    Without a Chromium they are skipped, but never in CI.
    """
    if chromium.path() is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: CI must not skip the browser tests")
        pytest.skip("no Chromium or Chrome found; set CHROMIUM to its path")
    with running_browser() as browser:
        yield browser


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tiny_config(**changes) -> VAEConfig:
    values = {
        "image_shape": (1, 6, 5),
        "latent_dim": 3,
        "likelihood": "bernoulli",
        "beta_range": (0.01, 50.0),
        "preprocess": "ink",
        "channels": 4,
        "width": 16,
        "blocks": 1,
        "beta_embedding": 8,
    }
    return VAEConfig(**(values | changes))


def random_model(config: VAEConfig, seed: int = 0) -> VAE:
    """An untrained model in which every parameter is random.

    The identity start of the modulations would hide beta.
    """
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = VAE(config)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.15 * torch.randn_like(parameter))
    return model.eval().requires_grad_(False)


@pytest.fixture
def model() -> VAE:
    return random_model(tiny_config())


@pytest.fixture
def colour_model() -> VAE:
    return random_model(
        tiny_config(image_shape=(3, 4, 4), likelihood="discretized_logistic", preprocess="photo")
    )


def some_metrics(latent_dim: int = 3) -> Metrics:
    betas = tuple(
        BetaMetrics(
            beta=beta,
            rate=10 - beta / 10,
            distortion=20 + beta,
            rate_per_dimension=(1.0,) * latent_dim,
            active_units=3,
            objective_quantiles=tuple(float(value) for value in range(101)),
        )
        for beta in (0.01, 1.0, 50.0)
    )
    return Metrics(
        test_count=5,
        seed=0,
        samples=1,
        betas=betas,
        reference=((1.0, 2.0, 3.0),),
        importance_weighted=ImportanceWeighted(1.0, 5, 5, 30.0, 0.1),
    )


def write_weights(folder: Path, seed: int = 0, **changes) -> Path:
    """A finished weights folder of an untrained model."""
    config = tiny_config(**changes)
    save_model(folder, random_model(config, seed))
    write_metrics(folder / "metrics.json", some_metrics())
    images = np.zeros((2, 1, 6, 5), np.uint8)
    np.savez(
        folder / "examples.npz", images=images, names=np.array(["a", "b"]), labels=np.array([0, 1])
    )
    mean = np.zeros((1, 6, 5), np.float32)
    np.savez(
        folder / "reference.npz", images=images, labels=np.array([0, 1]), mean_training_pixel=mean
    )
    (folder / "figures").mkdir()
    Image.new("L", (9, 9), seed).save(folder / "figures" / "samples.png")
    network = {"likelihood": "bernoulli", "beta_range": [0.01, 50.0], "latent_dim": 3}
    record = {
        "settings": {"dataset": "bars", "epochs": 1, "network": network},
        "examples_seen": 1,
        "minutes": 0.1,
        "machine": "none",
        "parameters": 1,
        "seed": seed,
        "command": "x",
        "preset": "toy",
    }
    (folder / "training.json").write_text(json.dumps(record))
    card.write(folder, config, some_metrics(), record)
    write_checksums(folder)
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """All files of a folder except hidden ones and those in hidden folders.

    Such are the Hub's client's, or a file manager's.
    """
    paths = {
        path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()
    }
    return {name: path.read_bytes() for name, path in paths.items() if "/." not in f"/{name}"}


@pytest.fixture
def weights(tmp_path) -> Path:
    return write_weights(tmp_path / "toy")


def use_hub(
    monkeypatch: pytest.MonkeyPatch, url: str, home: Path, token: str | None = "hf_writer"
) -> None:
    """Set in this process what the HF_* environment variables set in a new one.

    They are HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_DISABLE_TELEMETRY.
    """
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    # or it asks once a day for names of agents
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    # between its own attempts
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=lambda seconds: None))
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    else:
        monkeypatch.delenv("HF_TOKEN", raising=False)


def hf(server: HubServer, home: Path, *arguments: str | Path) -> None:
    """The Hub's own command line.

    It would look for a newer version of itself, and takes every server for one with Xet; both are
    turned off.
    """
    environment = server.environment(home) | {
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    }
    command = [Path(sys.executable).with_name("hf"), *arguments]
    completed(command, env=environment, check=True)


@pytest.fixture
def local_hub(monkeypatch, tmp_path) -> Iterator[HubServer]:
    """A Hub on this machine, which the client in this process uses.

    Its cache is empty, and it asks as a user who may write. On a busy machine an answer may take
    longer than the app lets a visitor wait.
    """
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", HANGING)
    sources.forget()
    with HubServer() as server:
        use_hub(monkeypatch, server.url, tmp_path / "home")
        yield server
    for thread in threading.enumerate():
        if thread.name.startswith("pull "):  # given up, and now at its end: the server is gone
            thread.join(HANGING)
    close_session()
    sources.forget()


@pytest.fixture
def binary_images() -> torch.Tensor:
    return (torch.rand(7, 1, 6, 5, generator=generator(1)) < 0.4).float()


def striped_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 28, 28) uint8 and labels: a bar at one of ten places.

    A small network learns such pictures fast.
    """
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 10, count).astype(np.uint8)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4:24, 4 + 2 * label : 7 + 2 * label] = draw.integers(200, 256)
    return images, labels


def write_idx(folder: Path, train: int = 1200, test: int = 120) -> Path:
    """The four IDX files of a small data set."""
    folder.mkdir(parents=True)
    for name, count, seed in (("train", train, 1), ("t10k", test, 2)):
        images, labels = striped_digits(count, seed)
        header = struct.pack(">4i", 2051, count, 28, 28)
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(
            gzip.compress(header + images.tobytes())
        )
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(
            gzip.compress(struct.pack(">2i", 2049, count) + labels.tobytes())
        )
    return folder


def coloured_pictures(count: int, seed: int, side: int = 16) -> np.ndarray:
    """(count, side, side, 3) uint8: two smooth fields of colour, as JPEG can hold them."""
    random = np.random.default_rng(seed)
    fields = np.stack(
        [
            np.linspace(0, 1, side)[:, None].repeat(side, 1),
            np.linspace(0, 1, side)[None].repeat(side, 0),
        ]
    )
    colours = random.uniform(0, 255, (count, 3, 3))
    return np.einsum(
        "nfc,fhw->nhwc",
        colours,
        np.stack([(1 - fields[0]), fields[0] * (1 - fields[1]), fields[0] * fields[1]]),
    ).astype(np.uint8)


def interrupt(patch: pytest.MonkeyPatch, step: int) -> None:
    """Interrupt every training run of this process after so many steps, as by Ctrl-C.

    Until the patch is undone.
    """
    remaining_steps = Trainer.remaining_steps

    def interrupted(trainer: Trainer) -> Iterator:
        for report in remaining_steps(trainer):
            yield report
            if trainer.step == step:
                raise KeyboardInterrupt

    patch.setattr(Trainer, "remaining_steps", interrupted)


def write_packed(folder: Path, train: int = 40, test: int = 30) -> Path:
    """The .npz of a small data set of JPEGs, beside labels that nobody should read."""
    folder.mkdir(parents=True)
    arrays = {}
    for part, count, seed in (("train", train, 1), ("test", test, 2)):
        files = []
        for picture in coloured_pictures(count, seed):
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "JPEG", quality=95, subsampling=0)
            files.append(buffer.getvalue())
        arrays[f"{part}_jpeg"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"{part}_offsets"] = np.cumsum([0, *map(len, files)])
        arrays[f"{part}_age"] = np.arange(count, dtype=np.uint8)
    np.savez(folder / f"{folder.name}.npz", **arrays)
    return folder
