"""Small models and data, made here: no test needs the data sets, a network or a GPU."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from vae.model import VAE, VAEConfig


@pytest.fixture(autouse=True)
def one_thread():
    """Sums are added in the same order on every machine, and tests run side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tiny_config(**changes) -> VAEConfig:
    values = {
        "image_shape": (1, 6, 5), "latent_dim": 3, "likelihood": "bernoulli", "beta_range": (0.01, 50.0), "preprocess": "ink",
        "channels": 4, "width": 16, "blocks": 1, "beta_embedding": 8,
    }
    return VAEConfig(**(values | changes))


def random_model(config: VAEConfig, seed: int = 0) -> VAE:
    """Untrained, but with every parameter random: the identity start of the modulations would hide beta."""
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
    return random_model(tiny_config(image_shape=(3, 4, 4), likelihood="discretized_logistic", preprocess="photo"))


@pytest.fixture
def binary_images() -> torch.Tensor:
    return (torch.rand(7, 1, 6, 5, generator=generator(1)) < 0.4).float()


def striped_digits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(count, 28, 28) uint8 and labels: a bar at one of ten places, a picture language that a small network learns fast."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 10, count).astype(np.uint8)
    images = np.zeros((count, 28, 28), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[4:24, 4 + 2 * label:7 + 2 * label] = draw.integers(200, 256)
    return images, labels


def write_idx(folder: Path, train: int = 1200, test: int = 120) -> Path:
    """The four IDX files of a small data set."""
    folder.mkdir(parents=True)
    for name, count, seed in (("train", train, 1), ("t10k", test, 2)):
        images, labels = striped_digits(count, seed)
        header = struct.pack(">4i", 2051, count, 28, 28)
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(header + images.tobytes()))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(struct.pack(">2i", 2049, count) + labels.tobytes()))
    return folder
