"""The regret of one network for every beta against networks for a single one.

    python -m training.regret weights/mnist --data-dir DIR

Trains the same network without conditioning for a few single betas, from the same initial weights,
on the same examples in the same order with the same noise, by the same schedule as training.json
records, in the precision that this machine is faster with (--precision names another); measures
each on the whole test set with the noise of metrics.json; and writes dedicated.json and the model
card. Regret is the difference of the objectives, distortion + beta * rate, in nats. A run that was
interrupted goes on; one that is finished is only measured. Betas can be divided between cores or
machines by --betas: what dedicated.json says of other betas stays.
"""

if __name__ == "__main__":
    from training import interruption

    interruption.exit_on_interrupt()  # before the imports below, which take seconds

import dataclasses
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro

from training import card, data, evaluate, train
from training.checkpoint import differences
from training.error import TrainingError
from training.interruption import EXIT_CODE, run_command
from training.memory import keep_freed_memory
from training.settings import AUTO, Precision, Settings
from vae.hub.folder import CONFIG, DEDICATED, METRICS, WeightsError, load_model, write_checksums
from vae.hub.metrics import (
    Dedicated,
    Metrics,
    read_dedicated,
    read_metrics,
    write_dedicated,
)


@dataclass(frozen=True)
class Arguments:
    """Train a network for each of a few betas alone, to compare with the one for all of them."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Weights folder of the conditioned network, e.g. weights/mnist."""
    betas: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    """For each of which a network is trained. They must be among those of metrics.json."""
    data_dir: Path | None = None
    """Folder that holds a folder for each data set. Without it, a known data set is downloaded into
    data/."""
    runs: Path = Path("runs")
    """Where checkpoints, logs and weights of the dedicated networks go: NAME-beta-B for each."""
    precision: Precision = AUTO
    """Precision of their matrix products and convolutions; auto: bfloat16 where the machine is
    faster with it."""
    device: str = train.Arguments.device
    """cpu, cuda or mps."""


def main(argv: Sequence[str]) -> int:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m training.regret")
    try:
        measure(arguments)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return EXIT_CODE
    except (data.DataError, TrainingError, WeightsError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def measure(arguments: Arguments) -> None:
    """Train the networks, measure them, write and print the results.

    Raises DataError, TrainingError, WeightsError, ValueError, OSError, KeyboardInterrupt.
    """
    folder = arguments.folder
    config = load_model(folder).config
    if not config.conditioned:
        raise ValueError(
            f"{folder} holds a network for one beta; regret is that of a network for many"
        )
    record = card.read_record(folder / "training.json")
    metrics = read_metrics(folder / METRICS)
    measured_betas = [entry.beta for entry in metrics.betas]
    if unknown := sorted(set(arguments.betas) - set(measured_betas)):
        raise ValueError(
            f"metrics.json has no beta {unknown[0]:g}; choose among "
            f"{', '.join(f'{beta:g}' for beta in measured_betas)}"
        )
    settings = Settings.from_record(record["settings"])
    # At one beta all losses weigh the same and no betas are drawn: so rivals need not be trained
    # again where only the weights or the shares of betas changed.
    unweighted = dataclasses.replace(settings, loss_weight_power=0.0, precision=arguments.precision)
    for beta in arguments.betas:
        run_dir = arguments.runs / f"{record['preset']}-beta-{beta:g}"
        weights = _dedicated_weights(
            arguments, unweighted.for_one_beta(beta), record["preset"], run_dir
        )
        dedicated = _measure_dedicated(weights, settings, arguments.data_dir, metrics, beta)
        # Read again: another process may have written its betas meanwhile.
        other_entries = [
            entry for entry in read_dedicated(folder / DEDICATED) if entry.beta != beta
        ]
        temporary = folder / f"{DEDICATED}.{os.getpid()}.tmp"
        write_dedicated(temporary, [*other_entries, dedicated])
        os.replace(temporary, folder / DEDICATED)
        write_checksums(folder, DEDICATED)
        card.write(folder, config, metrics, record, read_dedicated(folder / DEDICATED))
        precision = card.read_record(weights / "training.json")["settings"]["precision"]
        precision_note = (
            f"; trained in {precision}, the other in {settings.precision}"
            if precision != settings.precision
            else ""
        )
        print(
            f"beta = {beta:g}: objective {metrics.at(beta).objective:.2f} conditioned, "
            f"{dedicated.objective:.2f} trained for it alone (rate {dedicated.rate:.2f}, "
            f"distortion {dedicated.distortion:.2f}); regret {metrics.regret(dedicated):.2f} nats"
            f"{precision_note}"
        )


def _dedicated_weights(
    arguments: Arguments, settings: Settings, preset: str, run_dir: Path
) -> Path:
    """The weights folder of the dedicated network; it is trained if that is missing."""
    weights = run_dir / "weights"
    if (weights / CONFIG).exists():
        record = card.read_record(weights / "training.json")
        trained = Settings.from_record(record["settings"])
        wanted = (
            settings
            if settings.precision != AUTO
            else dataclasses.replace(settings, precision=trained.precision)
        )
        if trained != wanted:
            changed = differences(
                *(json.loads(json.dumps(dataclasses.asdict(item))) for item in (trained, wanted))
            )
            raise TrainingError(
                f"{run_dir} holds a run with other settings ({changed}); move it away, or "
                "choose another --runs"
            )
        return weights
    beta = settings.network.beta_range[0]
    return train.run(
        train.Arguments(
            preset=preset,
            data_dir=arguments.data_dir,
            run_dir=run_dir,
            beta=beta,
            device=arguments.device,
            settings=settings,
            resume=(run_dir / train.CHECKPOINT).exists(),
            command=f"python -m training.regret weights/{preset} --betas {beta:g}",
        )
    )


def _measure_dedicated(
    weights: Path, settings: Settings, data_dir: Path | None, metrics: Metrics, beta: float
) -> Dedicated:
    model = load_model(weights)
    test = data.load(settings.dataset, data_dir, "test")
    with torch.no_grad():
        pictures = evaluate.observe_test_set(model, test.images, metrics.seed)
        entry = evaluate.at_beta(model, pictures, beta, metrics.seed, metrics.samples)
    record = card.read_record(weights / "training.json")
    return Dedicated(
        beta=beta,
        rate=entry.rate,
        distortion=entry.distortion,
        examples=record["examples_seen"],
        seed=record["seed"],
    )


if __name__ == "__main__":
    keep_freed_memory()
    run_command(main)
