"""The model card: README.md of a weights folder, from card.md and the numbers of metrics.json and training.json."""

from pathlib import Path

from training.data import SOURCES
from vae.metrics import Metrics

TEMPLATE = Path(__file__).with_name("card.md")
TABLE_BETAS = (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)
LIKELIHOOD_LIMITS = {
    "bernoulli": "Its likelihood is that of binarised pixels and cannot be compared with one of grey pixels.",
    "discretized_logistic": "Its likelihood is that of 8-bit pixels.",
}


def summary(metrics: Metrics) -> str:
    """One line: the two numbers that a researcher looks for."""
    one, bound = metrics.at(1.0), metrics.importance_weighted
    return (f"beta = {one.beta:g}: negative ELBO {one.negative_elbo:.2f} nats = distortion {one.distortion:.2f} + rate "
            f"{one.rate:.2f}; importance-weighted, K = {bound.samples}: {bound.nats:.2f} ± {bound.standard_error:.2f} nats")


def write(folder: Path, metrics: Metrics, training: dict) -> None:
    """Write folder/README.md. training: the content of training.json."""
    settings = training["settings"]
    network, source = settings["network"], SOURCES.get(settings["dataset"])
    low, high = network["beta_range"]
    card = TEMPLATE.read_text(encoding="utf-8").format(
        name=folder.name, folder=f"weights/{folder.name}", dataset=settings["dataset"], low=low, high=high,
        test_set="Dynamically binarised test set" if network["likelihood"] == "bernoulli" else "Test set",
        test_count=metrics.test_count, seed=metrics.seed, samples=metrics.samples, bound=metrics.importance_weighted,
        table=_table(metrics), epochs=settings["epochs"], latent_dim=network["latent_dim"], training_seed=training["seed"],
        examples_seen=training["examples_seen"], minutes=training["minutes"], machine=training["machine"],
        parameters=training["parameters"], command=training["command"],
        citation=source.citation if source else "A data set of one's own.", licence=source.licence if source else "its owner's",
        likelihood_limit=LIKELIHOOD_LIMITS[network["likelihood"]],
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def _table(metrics: Metrics) -> str:
    lines = ["| beta | rate | distortion | distortion + rate | active units |", "|---:|---:|---:|---:|---:|"]
    entries = {entry.beta: entry for entry in map(metrics.at, TABLE_BETAS)}
    lines += [
        f"| {entry.beta:g} | {entry.rate:.2f} | {entry.distortion:.2f} | {entry.negative_elbo:.2f} | {entry.active_units} |"
        for entry in entries.values()
    ]
    return "\n".join(lines)
