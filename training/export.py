"""Export of a finished run: a weights folder and training.json, which holds all to repeat it."""

import dataclasses
import json
import platform
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.loop import Trainer
from vae.hub.folder import TRAINING, save_model, write_checksums
from vae.likelihood import observe
from vae.model import VAE
from vae.noise import seeded


def export(trainer: Trainer, folder: Path, preset: str, command: str) -> None:
    """Write config.json, model.safetensors and training.json of the averaged weights.

    command: repeats the run.
    """
    model = trainer.averaged_model()
    if model.config.autoencoder:
        standardise_code(model, trainer.images, trainer.settings.seed)
    save_model(folder, model)
    settings = dataclasses.asdict(trainer.settings)
    record = {
        "command": command,
        "preset": preset,
        "settings": settings,
        "seed": settings["seed"],
        "data_sha256": trainer.data_sha256,
        "examples_seen": trainer.step * trainer.settings.batch_size,
        "steps": trainer.step,
        "skipped_steps": trainer.skipped,
        "minutes": round(trainer.seconds / 60, 1),
        "parameters": sum(parameter.numel() for parameter in trainer.model.parameters()),
        "machine": _machine(trainer),
        "device": trainer.device.type,
        "processes": trainer.processes.count,
        "threads": torch.get_num_threads(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
    }
    (folder / TRAINING).write_text(
        json.dumps(record, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    write_checksums(folder, TRAINING)


@torch.no_grad()
def standardise_code(model: VAE, images: Tensor, seed: int) -> None:
    """Give a plain autoencoder's code mean 0 and variance 1 in each dimension.

    Over the training pictures. Nothing in its loss decides where the code lies and how wide it is.
    Both go into the layers on either side of it, so that no reconstruction changes and its map can
    be laid beside that of a variational model.
    """
    observed = observe(
        images.float() / 255, model.config.likelihood, generator=seeded(seed, "code")
    )
    # double precision on the CPU, since MPS has no float64
    code = (
        torch.cat([model.encode(batch, 0.0).mean for batch in observed.split(1000)]).cpu().double()
    )
    mean, deviation = (
        value.float().to(images.device) for value in (code.mean(0), code.std(0).clamp(min=1e-6))
    )
    head, first = model.encoder.head, model.decoder.first
    head.weight[: len(mean)] /= deviation[:, None]
    head.bias[: len(mean)] = (head.bias[: len(mean)] - mean) / deviation
    first.bias.add_(first.weight @ mean)
    first.weight.mul_(deviation)


def _machine(trainer: Trainer) -> str:
    count = trainer.processes.count
    if trainer.device.type == "cuda":
        return f"{count} x {torch.cuda.get_device_name(trainer.device)}"
    cores = torch.get_num_threads() * count
    return f"{cores} CPU core{'s' if cores > 1 else ''} ({platform.machine()}, {platform.system()})"
