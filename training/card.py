"""The model card: README.md of a weights folder, from card.md and the numbers of metrics.json and training.json."""

import json
from pathlib import Path

from training.data import SOURCES
from vae.metrics import Metrics

TEMPLATE = Path(__file__).with_name("card.md")
TABLE_BETAS = (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
EVERY_BETA = (
    "A variational autoencoder for every beta from {low:g} to {high:g}: one network, conditioned on beta, that a slider can\n"
    "move along the whole rate–distortion curve. Made for teaching."
)
ONE_BETA = "A variational autoencoder trained at beta = {beta:g} alone, without conditioning, to compare others with."
LIKELIHOOD_LIMITS = {
    "bernoulli": "Its likelihood is that of binarised pixels and cannot be compared with one of grey pixels.",
    "discretized_logistic": "Its likelihood is that of 8-bit pixels.",
}


def summary(metrics: Metrics) -> str:
    """One line: the two numbers that a researcher looks for."""
    one, bound = metrics.at(1.0), metrics.importance_weighted
    return (f"beta = {one.beta:g}: negative ELBO {one.negative_elbo:.2f} nats = distortion {one.distortion:.2f} + rate "
            f"{one.rate:.2f}; importance-weighted, K = {bound.samples}: {bound.nats:.2f} ± {bound.standard_error:.2f} nats")


def read_training(path: Path) -> dict:
    """training.json, as training.train writes it. Raises ValueError naming the file, or OSError."""
    try:
        training = json.loads(path.read_text(encoding="utf-8"))
        _fields(training)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: it is not the record of a training run ({error!r})") from error
    return training


def write(folder: Path, metrics: Metrics, training: dict) -> None:
    """Write folder/README.md. training: the content of training.json."""
    card = TEMPLATE.read_text(encoding="utf-8").format(
        test_count=metrics.test_count, seed=metrics.seed, samples=metrics.samples, bound=metrics.importance_weighted,
        table=_table(metrics), **_fields(training),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _fields(training: dict) -> dict[str, object]:
    """What the card says of the training run."""
    settings = training["settings"]
    network, source = settings["network"], SOURCES.get(settings["dataset"])
    low, high = network["beta_range"]
    return {
        "name": training["preset"] if low < high else f"{training['preset']}-beta-{low:g}",
        "kind": EVERY_BETA.format(low=low, high=high) if low < high else ONE_BETA.format(beta=low),
        "dataset": settings["dataset"],
        "test_set": "Dynamically binarised test set" if network["likelihood"] == "bernoulli" else "Test set",
        "likelihood_limit": LIKELIHOOD_LIMITS[network["likelihood"]],
        "latent_dim": network["latent_dim"],
        "epochs": settings["epochs"],
        "training_seed": training["seed"],
        "citation": source.citation if source else "A data set of one's own.",
        "licence": source.licence if source else "its owner's",
        **{key: training[key] for key in ("examples_seen", "minutes", "machine", "parameters", "command")},
    }


def _table(metrics: Metrics) -> str:
    lines = ["| beta | rate | distortion | distortion + rate | active units |", "|---:|---:|---:|---:|---:|"]
    entries = {entry.beta: entry for entry in map(metrics.at, TABLE_BETAS)}
    lines += [
        f"| {entry.beta:g} | {entry.rate:.2f} | {entry.distortion:.2f} | {entry.negative_elbo:.2f} | {entry.active_units} |"
        for entry in entries.values()
    ]
    return "\n".join(lines)
