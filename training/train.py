"""Train a beta-conditioned VAE.

    python -m training.train --preset mnist --data-dir DIR

Writes runs/NAME/: checkpoint.safetensors and log.jsonl while it runs, weights/ (config.json,
model.safetensors, training.json) at the end. Ctrl-C saves and says how to go on; `--resume` reaches
the weights of an uninterrupted run.

Several processes, on CPUs or GPUs, train one network with the same options:

    torchrun --nproc-per-node 4 -m training.train …

On several machines --run-dir and --data-dir must be folders that all of them see. They may be
resumed in another number.
"""

if __name__ == "__main__":
    from training import interruption

    interruption.exit_on_interrupt()  # before the imports below, which take seconds

import contextlib
import dataclasses
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import torch
import tyro
from torch import Tensor

from training import checkpoint, data, distributed, precision
from training.distributed import ProcessLostError
from training.error import TrainingError
from training.export import export
from training.interruption import EXIT_CODE, Interruption, run_command
from training.loop import LOG_EVERY, Objective, Trainer
from training.memory import keep_freed_memory
from training.progress import Progress
from training.run_folder import CHECKPOINT, LOG, WEIGHTS, Log, means, run_lock
from training.settings import PRESETS, Settings
from vae.hub.repository import HubError, require_writer
from vae.likelihood import observe
from vae.noise import seeded, standard_normal

VALIDATE_EVERY = 10  # epochs, and at the end
VALIDATION_BETAS = (0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True)
class Arguments:
    """Train one network for every beta (or, with --beta, for one) on one of the presets."""

    preset: str = "mnist"
    """Which settings to start from; every other option changes one of them."""
    data_dir: Path | None = None
    """Folder that holds a folder for each data set. Without it, a known data set is downloaded into
    data/."""
    run_dir: Path | None = None
    """Where checkpoint, log and weights go [default: runs/PRESET, or runs/PRESET-beta-B]."""
    beta: float | None = None
    """Train for this beta alone, the same network without conditioning."""
    resume: bool = False
    """Go on from the checkpoint in --run-dir."""
    checkpoint_seconds: float = 60.0
    """Seconds between two checkpoints."""
    device: str = (
        "cuda"
        if torch.cuda.is_available()
        else "mps"
        if torch.backends.mps.is_available()
        else "cpu"
    )
    """cpu, cuda or mps."""
    threads: int = 0
    """Threads of each process on the CPU; 0: as many as PyTorch takes by itself, alone one for each
    core. Where something else keeps a core busy, one thread fewer is much faster: at each operation
    all wait for the last."""
    push_to_hub: str | None = None
    """Repository on the Hugging Face Hub, user/name: at the end, measure the weights on the test
    set and publish them there."""
    compile: bool = False
    """Compile the network with torch.compile: a minute or more at the start, needs a C++ compiler.
    On CPUs it gains nothing."""
    command: tyro.conf.Suppress[str] = ""
    settings: Annotated[Settings, tyro.conf.arg(name="")] = field(
        default_factory=lambda: PRESETS["mnist"]
    )

    def directory(self) -> Path:
        return self.run_dir or Path("runs") / (
            self.preset if self.beta is None else f"{self.preset}-beta-{self.beta:g}"
        )


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments of a command line, with the preset's values as defaults.

    The preset is looked up first, so that --help shows its values and every option overrides one of
    them.
    """
    preset = "mnist"
    for position, word in enumerate(argv):
        if word.startswith("--preset"):
            preset = word.partition("=")[2] or (
                argv[position + 1] if position + 1 < len(argv) else ""
            )
    if preset not in PRESETS:
        raise TrainingError(f"there is no preset {preset!r}; presets: {', '.join(PRESETS)}")
    arguments = tyro.cli(
        Arguments,
        args=list(argv),
        prog="python -m training.train",
        default=Arguments(preset=preset, settings=PRESETS[preset], command=_repeat_command(argv)),
    )
    if arguments.threads < 0:
        raise TrainingError(f"--threads must be 0 or more, not {arguments.threads}")
    if arguments.beta is not None:
        if arguments.beta <= 0:
            raise TrainingError(
                f"--beta must be positive, not {arguments.beta:g}; a plain autoencoder is a "
                "preset of its own"
            )
        arguments = dataclasses.replace(
            arguments, settings=arguments.settings.for_one_beta(arguments.beta)
        )
    return arguments


def _repeat_command(argv: Sequence[str]) -> str:
    """The command without options of this machine and this interruption.

    --precision is added once it is resolved.
    """
    words, skip = [], False
    for word in argv:
        # tyro takes --data_dir as well.
        is_local = word.replace("_", "-").startswith(
            ("--data-dir", "--run-dir", "--checkpoint-seconds", "--push-to-hub", "--precision")
        )
        if not (skip or is_local or word == "--resume"):
            words.append(word)
        skip = is_local and "=" not in word
    return _command(words)


def _command(words: Sequence[str]) -> str:
    """The command that starts these options in as many processes as there are now."""
    process = distributed.current_process()
    start = (
        ["python"]
        if process.count == 1
        else ["torchrun", "--nproc-per-node", str(process.local_count)]
    )
    return shlex.join([*start, "-m", "training.train", *words])


def run(arguments: Arguments) -> Path:
    """Train to the end and return the weights folder.

    Raises DataError or TrainingError; after saving also ProcessLostError or KeyboardInterrupt.
    """
    directory = arguments.directory()
    _require_new_or_resumed(directory, arguments)
    device = _device(arguments.device)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    # or a resumed run would not repeat an uninterrupted one
    torch.backends.cudnn.deterministic = True
    with distributed.process_group(device) as processes, run_lock(directory, processes):
        _require_new_or_resumed(directory, arguments)  # again: it may have come to be since
        return _run(arguments, directory, device, processes)


def _require_new_or_resumed(directory: Path, arguments: Arguments) -> None:
    if (directory / CHECKPOINT).exists() and not arguments.resume:
        raise TrainingError(
            f"{directory} already holds a run; add --resume to go on with it, or choose another "
            "--run-dir"
        )


def _run(
    arguments: Arguments, directory: Path, device: torch.device, processes: distributed.Processes
) -> Path:
    """Train to the end, in a folder that is locked for this run."""
    settings = arguments.settings
    resumed = checkpoint.read(directory / CHECKPOINT) if arguments.resume else None
    # The first process of each machine may have to download.
    if processes.local_rank != 0:
        processes.barrier()
    split = data.load(settings.dataset, arguments.data_dir, "train")
    if processes.local_rank == 0:
        processes.barrier()
    pictures, validation = _split_validation(settings, split.images)
    settings, sentence = precision.resolve(
        settings, device, processes, resumed.precision if resumed else None
    )
    trainer = Trainer(settings, pictures, device, split.sha256, processes, arguments.compile)
    if resumed:
        trainer.restore(resumed)
    if processes.rank == 0:
        print(sentence, flush=True)
        # an unwritable folder or a full disk shows now, not after hours
        trainer.save(directory / CHECKPOINT)
    with Interruption() as interruption:
        try:
            _train(trainer, directory, arguments.checkpoint_seconds, validation, interruption)
        except ProcessLostError as error:
            # printed now, since torchrun soon sends SIGTERM to the other processes
            print(f"error: {error}", file=sys.stderr, flush=True)
            raise SystemExit(2) from error
    if processes.rank == 0:
        # Another machine may choose another precision: what repeats the run names this one.
        command = f"{arguments.command} --precision {settings.precision}"
        export(trainer, directory / WEIGHTS, arguments.preset, command)
    return directory / WEIGHTS


def _split_validation(settings: Settings, images: Tensor) -> tuple[Tensor, Tensor]:
    """The pictures to train on, and those held out for validation."""
    if tuple(images.shape[1:]) != settings.network.image_shape:
        raise TrainingError(
            f"{settings.dataset} has pictures of shape {tuple(images.shape[1:])}, "
            f"the network is for {settings.network.image_shape}; set --network.image-shape"
        )
    if settings.held_out >= len(images):
        raise TrainingError(
            f"--held-out {settings.held_out} leaves none of the {len(images)} training pictures"
        )
    count = len(images) - settings.held_out
    return images[:count], images[count:]


def _train(
    trainer: Trainer,
    directory: Path,
    checkpoint_seconds: float,
    validation: Tensor,
    interruption: Interruption,
) -> None:
    """Train to the last step, or until KeyboardInterrupt or ProcessLostError.

    A checkpoint is saved in any of these cases.
    """
    first = trainer.processes.rank == 0
    last_save = last_step = time.monotonic()
    with (
        Log(directory / LOG, trainer.step) if first else contextlib.nullcontext(None) as log,
        Progress(
            trainer.total_steps, initial=trainer.step, unit="step", hidden=not first
        ) as progress,
    ):
        try:
            for _ in trainer.remaining_steps():
                now = time.monotonic()
                trainer.seconds += now - last_step
                last_step = now
                if log is not None:
                    _report(trainer, validation, log, progress)
                    if now - last_save > checkpoint_seconds:
                        trainer.save(directory / CHECKPOINT)
                        last_save = now
                if trainer.processes.logical_or(interruption.requested):
                    raise KeyboardInterrupt
        except (KeyboardInterrupt, ProcessLostError):
            if first:
                # The trainer is between two steps: none changes it before all processes answered.
                trainer.save(directory / CHECKPOINT)
            raise
    if first:
        trainer.save(directory / CHECKPOINT)


def _report(trainer: Trainer, validation: Tensor, log: Log, progress: Progress) -> None:
    """Show and log what is due after a step: progress bar, a line of the log, validation."""
    progress.update()
    if trainer.step % LOG_EVERY == 0:
        averages = means(trainer.reports)
        log.write(
            step=trainer.step,
            examples=trainer.step * trainer.settings.batch_size,
            seconds=round(trainer.seconds, 1),
            skipped=trainer.skipped,
            **averages,
        )
        progress.show(distortion=f"{averages['distortion']:.1f}", rate=f"{averages['rate']:.1f}")
    is_due = (
        trainer.step % (VALIDATE_EVERY * trainer.steps_per_epoch) == 0
        or trainer.step == trainer.total_steps
    )
    if len(validation) and is_due:
        log.write(step=trainer.step, validation=_validate(trainer, validation))


@torch.no_grad()
def _validate(trainer: Trainer, pictures: Tensor) -> list[dict[str, float]]:
    """Rate and distortion of the held-out pictures by the averaged weights, one draw each.

    At a few betas.
    """
    model = trainer.averaged_model()
    images = observe(
        pictures.to(trainer.device).float() / 255,
        model.config.likelihood,
        generator=seeded(trainer.settings.seed, "validation"),
    )
    low, high = model.config.beta_range
    results = []
    for beta in [beta for beta in VALIDATION_BETAS if low <= beta <= high] or [low]:
        noise = seeded(trainer.settings.seed, "validation noise")
        eps = standard_normal((1, len(images), model.config.latent_dim), noise, trainer.device)
        distortion, rate = Objective(model)(images, beta, eps)
        results.append(
            {"beta": beta, "rate": rate.mean().item(), "distortion": distortion.mean().item()}
        )
    return results


def _device(name: str) -> torch.device:
    process = distributed.current_process()
    if process.count > 1 and (
        name == "mps" or (name == "cuda" and process.local_count > torch.cuda.device_count())
    ):
        raise TrainingError(
            f"--device {name} cannot be shared by {process.local_count} processes here; start one "
            "process for each GPU, or choose --device cpu"
        )
    try:
        device = torch.device("cuda", process.local_rank) if name == "cuda" else torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TrainingError(
            f"--device {name} cannot be used here; leave it out, or choose cpu"
        ) from error
    return device


def main(argv: Sequence[str]) -> int:
    process = distributed.current_process()
    try:
        arguments = parse(argv)
        if arguments.push_to_hub and process.rank == 0:
            require_writer(arguments.push_to_hub)  # now, not after an hour
        try:
            folder = run(arguments)
        except KeyboardInterrupt:
            if process.rank == 0:
                words = [word for word in argv if word != "--resume"]
                if (arguments.directory() / CHECKPOINT).exists():
                    words.append("--resume")
                print(f"\nstopped; go on with: {_command(words)}", file=sys.stderr)
            return EXIT_CODE
    except OSError as error:
        print(
            f"error: cannot write {error.filename or arguments.directory()} ({error.strerror}); "
            "choose another --run-dir",
            file=sys.stderr,
        )
        return 2
    except ProcessLostError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except torch.OutOfMemoryError:
        print(
            "error: the device has too little memory; choose a smaller --batch-size",
            file=sys.stderr,
        )
        return 2
    except RuntimeError as error:
        if not arguments.compile:
            raise
        print(
            f"error: --compile does not work here ({str(error).splitlines()[0]}); leave it out",
            file=sys.stderr,
        )
        return 2
    except HubError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (data.DataError, TrainingError, ValueError) as error:
        # settings and files are the same for the other processes of this machine
        if process.local_rank == 0:
            print(f"error: {error}", file=sys.stderr)
        return 2
    if process.rank == 0 and arguments.push_to_hub:
        return _measure_and_publish(folder, arguments.data_dir, arguments.push_to_hub)
    if process.rank == 0:
        print(f"weights in {folder}; measure them with: python -m training.evaluate {folder}")
    return 0


def _measure_and_publish(folder: Path, data_dir: Path | None, repo_id: str) -> int:
    """Measure the weights and publish them; a card without measured numbers is not published."""
    from training import evaluate, publish  # with Matplotlib, which is not needed before

    source = ["--data-dir", str(data_dir)] if data_dir else []
    failed = evaluate.main([str(folder), *source])  # which answers Ctrl-C, as the next
    failed = failed or publish.main([str(folder), "--repo-id", repo_id])
    if failed:
        push = shlex.join(["python", "-m", "training.publish", str(folder), "--repo-id", repo_id])
        measure = shlex.join(["python", "-m", "training.evaluate", str(folder), *source])
        print(f"the weights are safe in {folder}; go on with: {measure} && {push}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    keep_freed_memory()
    run_command(main)
