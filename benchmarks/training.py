"""Training examples per second of this trainer beside the loop that tutorials show.

    python -m benchmarks.training

All train the same network on the same pictures, in turns on the same cores, each in a process of
its own. The plain loop is that of PyTorch's own VAE example: a DataLoader over single pictures in
batches of 128, float32, default Adam. It also runs with this trainer's batch size. The pictures are
noise: speed does not depend on what they show. --kinds own avx2 measures this machine as it is and,
beside it in the same turns, as a CPU without AVX-512 and without bfloat16 instructions.
"""

import dataclasses
import itertools
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Literal

import numpy as np
import torch
import tyro
from PIL import Image
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset

import vae
from benchmarks.machine import machine
from training import precision
from training.loop import Objective, Trainer, draw_betas
from training.memory import keep_freed_memory
from training.settings import AUTO, PRESETS, Precision, Settings
from vae.likelihood import observe

TRAINER, PLAIN, PLAIN_SAME_BATCH = "training.train", "plain loop", "plain, same batch"
PROFILE = "profile"
PICTURES = 10_000
PLAIN_BATCH = 128  # github.com/pytorch/examples, vae/main.py
WARM_UP_STEPS = 4
PROFILED_STEPS = 10
# What PyTorch's kernels and oneDNN's may use at most. Intel's MKL, which multiplies float32
# matrices, has a switch of its own.
KINDS = {
    "own": {},
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    },
}


@dataclass(frozen=True)
class Arguments:
    """Compare the speed of training.train with that of a plain loop."""

    preset: Literal[tuple(PRESETS)] = "mnist"  # type: ignore[valid-type]  # one list of names
    """Preset whose network, batch size and optimiser settings are used."""
    seconds: float = 3.0
    """Seconds for each turn of each loop."""
    turns: int = 10
    """Repetitions of each; medians count."""
    threads: int = 0
    """Threads of PyTorch on the CPU; 0 for as many as it takes by itself."""
    compile: bool = False
    """Compile this trainer's network, as training.train --compile does."""
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    """Device on which all run."""
    precision: Precision = AUTO
    """Precision of this trainer; the plain loops compute in float32."""
    kinds: tuple[Literal["own", "avx2"], ...] = ("own",)
    """Which kinds of CPU: own, this one as it is; avx2, the same restricted to AVX2."""
    profile: bool = False
    """Also list the five operations in which this trainer spends most time."""


class Pictures(Dataset):
    """Picture and label as torchvision.datasets.MNIST with ToTensor gives them.

    Tutorials read it so: by way of a Pillow image.
    """

    def __init__(self, images: torch.Tensor) -> None:
        self.images, self.labels = images, torch.zeros(len(images), dtype=torch.int64)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        # grey has one channel, colour three
        picture = Image.fromarray(self.images[index].permute(1, 2, 0).squeeze(2).numpy())
        rows = torch.from_numpy(np.array(picture, np.uint8, copy=True)).view(
            picture.height, picture.width, -1
        )
        return rows.permute(2, 0, 1).contiguous().float().div(255), int(self.labels[index])


def plain_steps(settings: Settings, images: torch.Tensor, device: torch.device) -> Iterator[int]:
    """The number of examples of each step of the plain loop."""
    objective = Objective(vae.VAE(settings.network).to(device))
    optimizer = torch.optim.Adam(objective.parameters(), lr=settings.learning_rate)
    loader = DataLoader(Pictures(images), batch_size=settings.batch_size, shuffle=True)
    generator = torch.Generator().manual_seed(settings.seed)
    total = 0.0
    while True:
        for pictures, _ in loader:
            x = observe(pictures, settings.network.likelihood, generator=generator).to(device)
            beta = draw_betas(*settings.network.beta_range, len(x), generator).to(device)
            eps = torch.randn((1, len(x), settings.network.latent_dim), generator=generator).to(
                device
            )
            optimizer.zero_grad()
            distortion, rate = objective(x, beta, eps)
            loss = (distortion + beta * rate).mean()
            loss.backward()
            total += loss.item()
            optimizer.step()
            yield len(x)


def trainer_steps(
    settings: Settings, images: torch.Tensor, device: torch.device, compiled: bool
) -> Iterator[int]:
    """The number of examples of each step of this trainer."""
    endless = dataclasses.replace(settings, epochs=1_000_000)
    return (
        settings.batch_size
        for _ in Trainer(endless, images, device, {}, compiled=compiled).remaining_steps()
    )


def run_loop(name: str, arguments: Arguments, orders: Connection) -> None:
    """Run one loop in a process of its own, as the orders say.

    An order is a number of seconds, answered with examples per second, or PROFILE, answered with
    the operations that take most time. None is the last order. The first answer, once the loop is
    warm, is the number of threads and, for this trainer, its precision and why.
    """
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    settings, device = PRESETS[arguments.preset], torch.device(arguments.device)
    shape, sentence = (PICTURES, *settings.network.image_shape), ""
    images = torch.randint(
        0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    if name == TRAINER:
        keep_freed_memory()
        settings, sentence = precision.resolve(
            dataclasses.replace(settings, precision=arguments.precision), device
        )
        steps = trainer_steps(settings, images, device, arguments.compile)
    else:
        batch = PLAIN_BATCH if name == PLAIN else settings.batch_size
        steps = plain_steps(dataclasses.replace(settings, batch_size=batch), images, device)
    for _ in itertools.islice(steps, WARM_UP_STEPS):
        pass
    orders.send((torch.get_num_threads(), sentence))
    while (order := orders.recv()) is not None:
        orders.send(top_five(steps) if order == PROFILE else examples_per_second(steps, order))


@contextmanager
def restricted_cpu(kind: str) -> Iterator[None]:
    """The environment in which a process takes this CPU for one of this kind.

    It is read when PyTorch is imported.
    """
    environment = dict(os.environ)
    os.environ.update(KINDS[kind])
    try:
        yield
    finally:
        for name in KINDS[kind]:
            os.environ.pop(name)
        os.environ.update(environment)


def examples_per_second(steps: Iterator[int], seconds: float) -> float:
    """Training speed, measured over at least `seconds`."""
    examples, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        examples += next(steps)
    return examples / elapsed


def top_five(steps: Iterator[int]) -> str:
    """The five operations that take most of the time, as a table."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in itertools.islice(steps, PROFILED_STEPS):
            pass
    return profiler.key_averages().table(
        sort_by="self_cpu_time_total", row_limit=5, max_name_column_width=40
    )


def main(argv: Sequence[str]) -> None:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m benchmarks.training")
    processes = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        loops: dict[tuple[str, str], Connection] = {}
        ready: dict[tuple[str, str], tuple[int, str]] = {}
        # This trainer first and alone: it may have to time what it chooses.
        for names in ((TRAINER,), (PLAIN, PLAIN_SAME_BATCH)):
            for kind, name in itertools.product(arguments.kinds, names):
                orders, worker_end = processes.Pipe()
                process = processes.Process(
                    target=run_loop, args=(name, arguments, worker_end), daemon=True
                )
                with restricted_cpu(kind):
                    process.start()
                stack.callback(process.join)
                stack.callback(orders.send, None)
                worker_end.close()  # or a loop that fails would be waited for
                loops[kind, name] = orders
                if name == TRAINER:
                    ready[kind, name] = orders.recv()
            ready |= {loop: orders.recv() for loop, orders in loops.items() if loop not in ready}
        speeds_by_loop: dict[tuple[str, str], list[float]] = {loop: [] for loop in loops}
        for _ in range(arguments.turns):
            for loop, orders in loops.items():
                orders.send(arguments.seconds)
                speeds_by_loop[loop].append(orders.recv())
        threads = ready[arguments.kinds[0], TRAINER][0]
        print(
            f"preset {arguments.preset}, {arguments.device}, {threads} threads, {arguments.turns} "
            f"turns of {arguments.seconds:g} s each; {machine()}"
        )
        for kind in arguments.kinds:
            print(
                "\n"
                f"{'this machine' if kind == 'own' else 'restricted to AVX2'}: "
                f"{ready[kind, TRAINER][1]}"
            )
            print(f"{'loop':20}{'examples/s':>10}{'ratio':>8}   batch")
            for name in (PLAIN, PLAIN_SAME_BATCH, TRAINER):
                speeds = speeds_by_loop[kind, name]
                # Turn by turn: the machine's other load changes more slowly than the turns do.
                ratio = statistics.median(
                    trainer_speed / other
                    for trainer_speed, other in zip(
                        speeds_by_loop[kind, TRAINER], speeds, strict=True
                    )
                )
                batch = PLAIN_BATCH if name == PLAIN else PRESETS[arguments.preset].batch_size
                print(f"{name:20}{statistics.median(speeds):10,.0f}{ratio:8.2f}   {batch}")
        if arguments.profile:
            for kind in arguments.kinds:
                loops[kind, TRAINER].send(PROFILE)
                print(loops[kind, TRAINER].recv())


if __name__ == "__main__":
    main(sys.argv[1:])
