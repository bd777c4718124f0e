"""Checkpoints of small runs, and changed ones."""

import json
from pathlib import Path

import safetensors.torch
import torch
from safetensors import safe_open

from tests.conftest import striped_digits, tiny_config
from tests.training.tiny import TINY
from training import checkpoint
from training.loop import Trainer
from training.settings import Settings

CPU = torch.device("cpu")


COLOUR = {"image_shape": (3, 16, 16), "likelihood": "discretized_logistic", "preprocess": "photo"}


NETWORKS = {
    "for many betas": tiny_config(image_shape=(1, 28, 28)),
    "for one beta": tiny_config(image_shape=(1, 28, 28), beta_range=(0.5, 0.5)),
    "autoencoder": tiny_config(image_shape=(1, 28, 28), beta_range=(0.0, 0.0)),
    "colour": tiny_config(**COLOUR),
}


OPTIONS = [*TINY, "--epochs", "1", "--precision", "float32"]


def trainer_of(network: str = "for many betas", steps: int = 0) -> Trainer:
    config = NETWORKS[network]
    images = torch.from_numpy(striped_digits(64, seed=1)[0])[:, None]
    if config.image_shape[0] == 3:
        images = images[:, :, 6:22, 6:22].expand(-1, 3, -1, -1)
    settings = Settings(
        dataset="bars",
        network=config,
        epochs=2,
        batch_size=8,
        warmup_steps=2,
        beta_warmup_steps=4,
        precision="float32",
    )
    trainer = Trainer(settings, images, CPU, {"images": "0" * 64})
    for _, __ in zip(range(steps), trainer.remaining_steps(), strict=False):
        pass
    return trainer


def written(path: Path) -> tuple[dict, dict[str, torch.Tensor]]:
    """State and tensors as anybody may read them."""
    with safe_open(path, "pt") as file:
        return json.loads(file.metadata()["state"]), {
            name: file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118
        }


def summed(path: Path, state: dict | str, tensors: dict[str, torch.Tensor]) -> None:
    """Written with a right checksum, whatever the content."""
    text = state if isinstance(state, str) else json.dumps(state)
    content = safetensors.torch.save(tensors, {"format": "2", "state": text, "sha256": "0" * 64})
    sha256 = checkpoint.hashlib.sha256(content).hexdigest()
    path.write_bytes(content.replace(b'"sha256":"' + b"0" * 64, f'"sha256":"{sha256}'.encode(), 1))
