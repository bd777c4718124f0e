"""Measure a weights folder on the whole test set.

    python -m training.evaluate weights/mnist --data-dir DIR

Recomputes metrics.json, examples.npz, reference.npz, figures/ and the model card (README.md), and
writes the sha256 of what the folder holds into config.json. All numbers are those of the stored
file, in nats, in float32 on every machine, whatever the precision of its training. With --check
nothing is written: the exit code says whether metrics.json is reproduced.
"""

if __name__ == "__main__":
    from training import interruption

    interruption.exit_on_interrupt()  # before the imports below, which take seconds

import dataclasses
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import numpy as np
import torch
import tyro
from torch import Tensor

import vae
from training import card, data, fidelity, figures
from training.interruption import EXIT_CODE, run_command
from training.memory import keep_freed_memory
from training.progress import Progress
from vae.hub.folder import (
    EXAMPLES,
    METRICS,
    REFERENCE,
    WeightsError,
    load_folder,
    load_model,
    write_checksums,
)
from vae.hub.metrics import (
    ACTIVE_NATS,
    QUANTILES,
    BetaMetrics,
    BinarisationSpread,
    BoundBias,
    ImportanceWeighted,
    Metrics,
    beta_stops,
    read_metrics,
    write_metrics,
)
from vae.likelihood import observe
from vae.model import VAE
from vae.noise import seeded

BATCH = 500  # pictures; it affects the results, since the noise is drawn batch by batch
EXAMPLE_COUNT, REFERENCE_COUNT = 10, 2_000
REFERENCE_BETAS = (0.1, 1.0, 10.0)
BIAS_SAMPLES = 10  # times as many samples, to measure the bias of the estimate of log p(x)
# The first of the test set, for that measurement; fewer of larger pictures, which take longer.
BIAS_PICTURES, BIAS_PIXELS = 1_000, 1_000 * 28**2
BINARISATIONS = 5  # of the test set, to measure the spread
TOLERANCE = 2e-4  # relative; another machine sums float32 in another order


@dataclass(frozen=True)
class Arguments:
    """Recompute everything that is published about a weights folder."""

    folder: Annotated[Path, tyro.conf.Positional]
    """Weights folder, e.g. weights/mnist."""
    data_dir: Path | None = None
    """Folder that holds a folder for each data set. Without it, a known data set is downloaded into
    data/."""
    check: bool = False
    """Write nothing; compare with the metrics.json that lies there, exit code 1 if a number
    differs."""
    seed: int = 0
    """Fixes the binarisation of the test set and all noise."""
    samples: int = 4
    """Draws of z for each picture's distortion."""
    importance_samples: int = 500
    """K of the importance-weighted bound at beta = 1."""
    device: str = "cpu"
    """cpu, cuda or mps; the metrics of one are reproduced on another."""


def main(argv: Sequence[str]) -> int:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m training.evaluate")
    try:
        return evaluate(arguments)
    except (data.DataError, WeightsError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped; the same command begins again", file=sys.stderr)
        return EXIT_CODE
    return 2


def evaluate(arguments: Arguments) -> int:
    """Measure; then compare, or write everything. Returns the exit code.

    Raises DataError, WeightsError.
    """
    folder = arguments.folder
    torch.backends.cudnn.allow_tf32 = False  # float32 means float32
    model = load_model(folder).to(arguments.device)
    training = card.read_record(folder / "training.json")
    dataset = training["settings"]["dataset"]
    test = data.load(dataset, arguments.data_dir, "test")
    # Files and folders are checked before the measurement, not minutes later.
    published = read_metrics(folder / METRICS) if arguments.check else None
    if not arguments.check:
        (folder / "README.md").touch()
    in_colour = not (model.config.binarised or model.config.autoencoder)
    if in_colour or not arguments.check:
        training_images = data.load(dataset, arguments.data_dir, "train").images
    source = data.SOURCES.get(dataset)
    portraits = bool(source and source.portraits)
    metrics = measure(
        model,
        test.images,
        arguments.seed,
        arguments.samples,
        arguments.importance_samples,
        EXAMPLE_COUNT if portraits else REFERENCE_COUNT,
    )
    if in_colour:
        betas = [entry.beta for entry in metrics.betas]
        pictures, mirrored = (
            observe_test_set(model, test.images, arguments.seed),
            training["settings"].get("flips", False),
        )
        measured_fidelity = fidelity.measure(
            model, pictures.to(model.device), training_images, mirrored, betas, arguments.seed
        )
        metrics = dataclasses.replace(metrics, fidelity=measured_fidelity)
    if published:
        return _compare(published, metrics)
    write_metrics(folder / METRICS, metrics)
    _write_examples(folder, test, source.classes if source else ())
    if portraits:
        (folder / REFERENCE).unlink(missing_ok=True)
    else:
        _write_reference(folder, test, training_images)
    write_checksums(folder)
    measured, model = load_folder(folder), model.cpu()
    figures.write(
        folder, model, metrics, test.images[example_indices(test.labels)], measured.reference
    )
    card.write(folder, model.config, metrics, training, measured.dedicated)
    print(card.summary(metrics))
    return 0


def observe_test_set(model: VAE, images: Tensor, seed: int) -> Tensor:
    """uint8 test pictures in the form that the likelihood is defined for, float32.

    Binarised once, with this seed, for a Bernoulli model.
    """
    return observe(
        images.float() / 255, model.config.likelihood, generator=seeded(seed, "test set")
    )


@torch.no_grad()
def measure(
    model: VAE,
    images: Tensor,
    seed: int,
    samples: int,
    importance_samples: int,
    reference_count: int = REFERENCE_COUNT,
) -> Metrics:
    """All numbers of metrics.json but the fidelity, for uint8 test pictures (N, C, H, W).

    The same eps at every beta. reference_count: how many of the first pictures are published with
    the weights.
    """
    pictures = observe_test_set(model, images, seed)
    betas = beta_stops(model.config.beta_range)
    low, high = model.config.beta_range
    reference = pictures[:reference_count]
    reference_betas = [beta for beta in REFERENCE_BETAS if low <= beta <= high] or [low]
    draws = 1 if model.config.autoencoder else samples
    decoded_count = draws * (len(betas) * len(pictures) + len(reference_betas) * len(reference))
    if not model.config.autoencoder:
        decoded_count += importance_samples * (
            len(pictures) + (1 + BIAS_SAMPLES) * len(_bias_pictures(pictures))
        )
        decoded_count += model.config.binarised * BINARISATIONS * samples * len(pictures)
    with Progress(
        decoded_count, unit="picture", description=f"test set at {len(betas)} betas"
    ) as progress:
        entries = [at_beta(model, pictures, beta, seed, samples, progress) for beta in betas]
        reference_entries = [
            at_beta(model, reference, beta, seed, samples, progress) for beta in reference_betas
        ]
        bound = bias = spread = None
        if not model.config.autoencoder:
            unit_beta = min(max(1.0, low), high)
            bound = _importance_weighted(
                model, pictures, unit_beta, seed, importance_samples, progress
            )
            first_pictures = _bias_pictures(pictures)
            bias = BoundBias(
                _importance_weighted(
                    model, first_pictures, unit_beta, seed, importance_samples, progress
                ),
                _importance_weighted(
                    model,
                    first_pictures,
                    unit_beta,
                    seed,
                    BIAS_SAMPLES * importance_samples,
                    progress,
                ),
            )
            if model.config.binarised:
                spread = _binarisation_spread(model, images, unit_beta, seed, samples, progress)
    return Metrics(
        test_count=len(pictures),
        seed=seed,
        samples=samples,
        betas=tuple(entries),
        importance_weighted=bound,
        tighter=bias,
        repeated=spread,
        reference=tuple((entry.beta, entry.rate, entry.distortion) for entry in reference_entries),
    )


def at_beta(
    model: VAE,
    pictures: Tensor,
    beta: float,
    seed: int,
    samples: int,
    progress: Progress | None = None,
) -> BetaMetrics:
    """Rate, distortion and their spread over pictures (N, C, H, W) at one beta, in nats.

    progress counts decoded pictures.
    """
    distortions, rates = [], []
    for number, batch in enumerate(pictures.to(model.device).split(BATCH)):
        if model.config.autoencoder:
            distortions.append(vae.point_distortion(model, batch, beta))
            rates.append(torch.full((len(batch), model.config.latent_dim), torch.inf))
        else:
            terms = vae.elbo(
                model, batch, beta, generator=seeded(seed, "noise", number), samples=samples
            )
            distortions.append(terms.distortion)
            rates.append(terms.rate_per_dimension)
        if progress:
            progress.update(len(batch) * (1 if model.config.autoencoder else samples))
    # Averages over all pictures at once: averages of batch averages go wrong with a short last
    # batch.
    distortion, rate_per_dimension = (
        torch.cat(distortions).cpu().double(),
        torch.cat(rates).cpu().double(),
    )
    objective = distortion + beta * rate_per_dimension.sum(1) if beta else distortion
    mean_rates = rate_per_dimension.mean(0)
    return BetaMetrics(
        beta=beta,
        rate=mean_rates.sum().item(),
        distortion=distortion.mean().item(),
        rate_per_dimension=tuple(mean_rates.tolist()),
        active_units=int((mean_rates > ACTIVE_NATS).sum()),
        objective_quantiles=tuple(
            np.quantile(objective.numpy(), np.linspace(0, 1, QUANTILES)).tolist()
        ),
    )


def _bias_pictures(pictures: Tensor) -> Tensor:
    """The first pictures (N, C, H, W), as many as the bias of the bound is measured on."""
    return pictures[: min(BIAS_PICTURES, BIAS_PIXELS // math.prod(pictures.shape[1:]))]


def _importance_weighted(
    model: VAE, pictures: Tensor, beta: float, seed: int, samples: int, progress: Progress
) -> ImportanceWeighted:
    batch_bounds = []
    for number, batch in enumerate(pictures.to(model.device).split(BATCH)):
        noise = seeded(seed, "importance", number)
        batch_bounds.append(
            vae.importance_weighted_bound(model, batch, beta, samples=samples, generator=noise)
        )
        progress.update(len(batch) * samples)
    bounds = torch.cat(batch_bounds).cpu().double()
    return ImportanceWeighted(
        beta=beta,
        samples=samples,
        count=len(bounds),
        nats=-bounds.mean().item(),
        standard_error=(bounds.std() / len(bounds) ** 0.5).item(),
    )


def _binarisation_spread(
    model: VAE, images: Tensor, beta: float, seed: int, samples: int, progress: Progress
) -> BinarisationSpread:
    """Mean and spread over the table's binarisation with its noise and over further ones."""
    negative_elbos = [
        at_beta(
            model,
            observe_test_set(model, images, seed + number),
            beta,
            seed + number,
            samples,
            progress,
        ).negative_elbo
        for number in range(BINARISATIONS)
    ]
    return BinarisationSpread(
        beta=beta,
        count=BINARISATIONS,
        negative_elbo=float(np.mean(negative_elbos)),
        spread=float(np.std(negative_elbos, ddof=1)),
    )


def example_indices(labels: Tensor) -> list[int]:
    """The first test picture of each class, or of all where there is but one class.

    At most EXAMPLE_COUNT.
    """
    classes = labels.unique()
    if len(classes) == 1:
        return list(range(min(EXAMPLE_COUNT, len(labels))))
    return [int((labels == label).nonzero()[0]) for label in classes[:EXAMPLE_COUNT]]


def _write_examples(folder: Path, test: data.Split, classes: tuple[str, ...]) -> None:
    indices = example_indices(test.labels)
    labels = test.labels[indices].numpy()
    one_class = len(set(labels.tolist())) == 1
    names = [
        str(number + 1) if one_class else classes[label] if classes else str(label)
        for number, label in enumerate(labels)
    ]
    np.savez_compressed(
        folder / EXAMPLES, images=test.images[indices].numpy(), labels=labels, names=np.array(names)
    )


def _write_reference(folder: Path, test: data.Split, training_images: Tensor) -> None:
    mean = training_images.double().mean(0).div(255).float().numpy()
    np.savez_compressed(
        folder / REFERENCE,
        images=test.images[:REFERENCE_COUNT].numpy(),
        labels=test.labels[:REFERENCE_COUNT].numpy(),
        mean_training_pixel=mean,
    )


def _grey_levels(squared_error: float | tuple[float, ...]) -> list[float]:
    """Root mean squared errors in grey levels, so that they have the size of the other numbers."""
    return (255 * np.sqrt(np.atleast_1d(squared_error))).tolist()


def _compare(published: Metrics, measured: Metrics) -> int:
    """Print the largest relative difference of any number.

    Returns 0 if the published metrics are reproduced, else 1.
    """

    def numbers(value: object) -> list[float]:
        if isinstance(value, dict):
            # These may differ between machines: a dimension at the threshold may count as active
            # on one only, as may the nearest of two equally near pictures. Rates and squared errors
            # are compared.
            return [
                number
                for key, item in value.items()
                if key not in ("active_units", "identified")
                for number in (_grey_levels(item) if "squared_error" in key else numbers(item))
            ]
        if isinstance(value, list | tuple):
            return [number for item in value for number in numbers(item)]
        # None, infinite: what a plain autoencoder lacks
        return [] if value in (None, math.inf) else [float(cast(float, value))]

    before, after = (
        numbers(dataclasses.asdict(published)),
        numbers(dataclasses.asdict(measured)),
    )
    if len(before) != len(after):
        print(
            f"metrics.json holds {len(before)} numbers, this command measures {len(after)}; its "
            "settings were others"
        )
        return 1
    # Relative to 1 nat at least: near zero a relative difference means nothing.
    difference = np.max(
        np.abs(np.subtract(before, after))
        / np.maximum(np.maximum(np.abs(before), np.abs(after)), 1)
    )
    print(
        f"{len(before)} numbers, largest relative difference {difference:.1e} (allowed: "
        f"{TOLERANCE:.0e})"
    )
    return 0 if difference <= TOLERANCE else 1  # in this form NaN is a difference


if __name__ == "__main__":
    keep_freed_memory()
    run_command(main)
