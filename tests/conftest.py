"""Small models and data, made here: no test needs the data sets, a network or a GPU."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

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


def coloured_pictures(count: int, seed: int, side: int = 16) -> np.ndarray:
    """(count, side, side, 3) uint8: two smooth fields of colour, as JPEG can hold them."""
    random = np.random.default_rng(seed)
    fields = np.stack([np.linspace(0, 1, side)[:, None].repeat(side, 1), np.linspace(0, 1, side)[None].repeat(side, 0)])
    colours = random.uniform(0, 255, (count, 3, 3))
    return np.einsum("nfc,fhw->nhwc", colours, np.stack([(1 - fields[0]), fields[0] * (1 - fields[1]), fields[0] * fields[1]])
                     ).astype(np.uint8)


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
