"""Training examples per second, this trainer beside the loop that tutorials show: python -m benchmarks.training

Both train the same network on the same pictures with the same batch size, in turns on the same cores. The plain loop is a
DataLoader over single pictures, float32, default Adam. The pictures are noise: speed does not depend on what they show.
"""

import dataclasses
import itertools
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import tyro
from PIL import Image
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset

import vae
from training.loop import Objective, Trainer, log_uniform
from training.settings import PRESETS, Settings

PICTURES = 60_000
WARM_UP_STEPS = 5


@dataclass(frozen=True)
class Arguments:
    """Compare the speed of training.train with that of a plain loop."""

    preset: Literal[tuple(PRESETS)] = "mnist"
    """Whose network, batch size and optimiser settings."""
    seconds: float = 10.0
    """For each turn of each loop."""
    turns: int = 3
    """Of each; the median counts."""
    threads: int = 0
    """Of PyTorch on the CPU; 0 for as many as it takes by itself."""
    compile: bool = False
    """Compile this trainer's network, as training.train --compile does."""
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    """Where both run."""
    profile: bool = False
    """Also list the five operations in which this trainer spends most time."""


def trainer_steps(settings: Settings, images: torch.Tensor, device: torch.device, compiled: bool) -> Iterator[object]:
    """One item a step of the real trainer."""
    endless = dataclasses.replace(settings, epochs=1_000_000)
    return Trainer(endless, images, device, {}, compiled=compiled).remaining()


class Pictures(Dataset):
    """Single pictures as tutorials get them from torchvision.datasets.MNIST with ToTensor: by way of a Pillow image."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture = Image.fromarray(self.images[index, 0].numpy())
        return torch.from_numpy(np.array(picture, copy=True))[None].float().div(255)


def plain_steps(settings: Settings, images: torch.Tensor, device: torch.device) -> Iterator[object]:
    """One item a step of the plain loop."""
    objective = Objective(vae.VAE(settings.network).to(device))
    optimizer = torch.optim.Adam(objective.parameters(), lr=settings.learning_rate)
    loader = DataLoader(Pictures(images), batch_size=settings.batch_size, shuffle=True)
    generator = torch.Generator().manual_seed(settings.seed)
    while True:
        for grey in loader:
            x = vae.binarize(grey, generator=generator).to(device)
            beta = log_uniform(*settings.network.beta_range, len(x), generator).to(device)
            eps = torch.randn((1, len(x), settings.network.latent_dim), generator=generator).to(device)
            distortion, rate = objective(x, beta, eps)
            loss = (distortion + beta * rate).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            yield loss.item()


def examples_per_second(steps: Iterator[object], batch_size: int, seconds: float) -> float:
    """Over at least `seconds`, after a few steps that do not count."""
    for _ in itertools.islice(steps, WARM_UP_STEPS):
        pass
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        next(steps)
        count += 1
    return count * batch_size / elapsed


def main(argv: Sequence[str]) -> None:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.training")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    settings, device = PRESETS[arguments.preset], torch.device(arguments.device)
    shape = (PICTURES, *settings.network.image_shape)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    loops = {
        "plain loop": plain_steps(settings, images, device),
        "training.train": trainer_steps(settings, images, device, arguments.compile),
    }
    found: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(arguments.turns):
        for name, steps in loops.items():
            found[name].append(examples_per_second(steps, settings.batch_size, arguments.seconds))
    print(f"preset {arguments.preset}, batch {settings.batch_size}, {device}, {torch.get_num_threads()} threads, "
          f"{arguments.turns} turns of {arguments.seconds:g} s")
    print(f"{'loop':16}{'examples/s':>12}   all turns")
    for name, speeds in found.items():
        print(f"{name:16}{statistics.median(speeds):12,.0f}   {', '.join(f'{speed:,.0f}' for speed in speeds)}")
    plain, ours = (statistics.median(speeds) for speeds in found.values())
    print(f"ratio {ours / plain:.2f}")
    if arguments.profile:
        with profile(activities=[ProfilerActivity.CPU]) as profiler:
            for _ in itertools.islice(loops["training.train"], 20):
                pass
        print(profiler.key_averages().table(sort_by="self_cpu_time_total", row_limit=5, max_name_column_width=40))


if __name__ == "__main__":
    main(sys.argv[1:])
