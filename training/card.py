"""The model card: README.md of a weights folder, filled in from card.md and the measurements.

The numbers are those of metrics.json and training.json.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from huggingface_hub import EvalResult, ModelCardData
from pydantic import StringConstraints, TypeAdapter

from training import figures
from training.data import SOURCES
from vae.config import LIKELIHOODS, VAEConfig
from vae.hub.files import Beta, Count, NonNegative, Seed, WholeNumber, parse_json
from vae.hub.folder import read_training
from vae.hub.metrics import Dedicated, Metrics, slopes
from vae.likelihood import bits_per_dimension

TEMPLATE = Path(__file__).with_name("card.md")
TASK = "unconditional-image-generation"
TABLE_BETAS = (0.001, 0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 100.0, 1000.0, 5000.0)
FIDELITY_BETAS = (0.01, 0.1, 1.0, 10.0, 100.0)
EVERY_BETA = (
    "A variational autoencoder for every beta from {low:g} to {high:g}: one network, conditioned "
    "on beta, that a slider can\n"
    "move along the whole rate–distortion curve. Made for teaching."
)
AUTOENCODER = (
    "A plain autoencoder: the network of the variational models beside it, trained without noise "
    "and without KL, to\n"
    "compare them with. `vae.elbo` refuses it; its loss is `vae.point_distortion(model, images, "
    "0)`. Its code was scaled\n"
    "to mean 0 and variance 1 in each dimension over the training pictures, by rewriting two "
    "layers, which changes no\n"
    "reconstruction."
)
ONE_BETA = (
    "A variational autoencoder trained at beta = {beta:g} alone, without conditioning, to compare "
    "others with."
)
OTHER_BETAS = (
    "The numbers at other betas than 1 belong to other decoders: distortion + rate there is an "
    "upper bound on that decoder's\n"
    "−log p(x). "
)
MEASUREMENTS = """\
{test_set}: all {metrics.test_count:,} pictures, seed {metrics.seed}, {metrics.samples} draws of \
z for each
picture's distortion. Nats, summed over pixels and latent dimensions. Rate = KL(q(z|x) ‖ p(z)), \
distortion =
−E[log p(x|z)]; their sum is the negative ELBO of the decoder at that beta, and at beta = 1 also \
what was minimised. An active
unit is a dimension whose mean rate exceeds 0.01 nats.

{table}

**−log p(x) at beta = {bound.beta:g}, importance-weighted with K = {bound.samples}:
{bound.nats:.2f} ± {bound.standard_error:.2f} nats**
(mean and standard error over {bound.count:,} pictures; an upper bound on average).{uncertainty}"""
BOUND_BIAS = """ Of the first {more.count:,} pictures, K = {same.samples:,} gives
{same.nats:.2f} and K = {more.samples:,} {more.nats:.2f}: \
the former lies at least {bias:.2f} nats too high."""
BINARISATIONS = """
Over {repeated.count} binarisations of the whole test set distortion + rate \
at beta = {repeated.beta:g} is
{repeated.negative_elbo:.2f} ± {repeated.spread:.2f} (standard deviation); \
the table is of one of them."""
SLOPES = """

### The slope of the curve

Of the best possible curve the slope at a point is minus its beta. Of this one, \
from the two measured betas around each: the
nats of distortion that one nat of rate is worth.

| beta | minus the slope | share of beta |
|---:|---:|---:|
{rows}"""
AUTOENCODER_DISTORTION = """\
{test_set}: all {metrics.test_count:,} pictures, binarised with seed {metrics.seed}; nats, summed \
over pixels.

**Distortion −log p(x|z) at the code of each picture: {distortion:.2f} nats.**
There is no rate: a code without noise could hold any amount of information. So this number is no \
bound on anything, and not
to be compared with a negative ELBO."""
REGRET = """

### What one network for every beta costs

The same network without conditioning, trained for one beta alone: from the same initial weights, \
on the same examples in
the same order, with the same noise and schedule. The objective distortion + beta · rate on the \
same test pictures, nats;
regret is the difference. `python -m training.regret weights/{name}` trains and measures them \
({examples:,} examples each,
seed {seed}).

| beta | this network | trained for it alone | regret |
|---:|---:|---:|---:|
{rows}"""
FIDELITY = """

**{bits:.3f} bits per dimension** at beta = {beta:g}: the negative ELBO in bits, over \
{pixel_values:,} numbers a picture.
Likewise importance-weighted: {bound_bits:.3f}.

### Beside PCA

Squared error of reconstructions from z = mu, mean over pixels and channels of the test pictures, \
where white is 1; and of the
first {fidelity.pca_components} principal components of the training pictures{mirrored}, as many \
numbers as this code has.

| | squared error | root, in grey levels |
|---|---:|---:|
{rows}

To {fidelity.identified:.1%} of reconstructions at beta = {fidelity.identified_at:g}, of one z ~ \
q(z|x) each, their own original
is the nearest of {fidelity.candidates} test pictures."""
PORTRAITS = """
**Its samples show no one, but it was made from photographs of real people.** It is for learning \
how such a model works. It must
not be used to recognise or identify a person, to guess anything about one (age, gender, origin, \
character, health), to judge
one, or to pass off its pictures as photographs. The balance of the data says nothing of how well \
it treats any group: that was
not measured. At most a dozen test pictures lie here as examples; the labels of the data set were \
not used and are not here.
"""
CAPTIONS = {
    "rate_distortion": "Rate–distortion curve of the test set",
    "reconstructions": "Reconstructions of test pictures",
    "samples": "Samples from the prior",
    "latent_plane": "Codes of test pictures in the latent plane, by class",
}
LIKELIHOOD_LIMITS = {
    "bernoulli": (
        "Its likelihood is that of binarised pixels and cannot be compared with one of grey pixels."
    ),
    "discretized_logistic": "Its likelihood is that of 8-bit pixels.",
}


# also of a folder
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
Line = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f\x85\u2028\u2029]+$", max_length=1000)
]


@dataclass(frozen=True)
class _Network:
    """Schema of the network's config, as far as the card shows it."""

    beta_range: tuple[Beta, Beta]
    likelihood: Literal[LIKELIHOODS]  # type: ignore[valid-type]  # one list of names
    latent_dim: Count


@dataclass(frozen=True)
class _Settings:
    """Schema of the settings that the card shows; training.settings reads them all."""

    dataset: Name
    epochs: Count
    network: _Network
    flips: bool = False


@dataclass(frozen=True)
class _Record:
    """Schema of the fields of training.json that the card, evaluate and regret read by key."""

    settings: _Settings
    preset: Name
    seed: Seed
    examples_seen: WholeNumber
    minutes: NonNegative
    parameters: Count
    machine: Line
    command: Line


_RECORD = TypeAdapter(_Record)


def summary(metrics: Metrics) -> str:
    """The most important measurements in one line."""
    if metrics.importance_weighted is None:
        return (
            f"plain autoencoder: distortion {metrics.betas[0].distortion:.2f} nats at its code; "
            "no rate, no ELBO"
        )
    one, bound = metrics.at(1.0), metrics.importance_weighted
    return (
        f"beta = {one.beta:g}: negative ELBO {one.negative_elbo:.2f} nats = distortion "
        f"{one.distortion:.2f} + rate {one.rate:.2f}; importance-weighted, K = {bound.samples}: "
        f"{bound.nats:.2f} ± {bound.standard_error:.2f} nats"
    )


def read_record(path: Path) -> dict:
    """training.json of the weights beside it, as training.train writes it.

    Raises ValueError, naming the file.
    """
    content = read_training(path.parent)
    try:
        parse_json(_RECORD, content, ignore_unknown=True)
    except ValueError as error:
        raise ValueError(f"{path}: it is not the record of a training run: {error}") from error
    return json.loads(content)


def write(
    folder: Path,
    config: VAEConfig,
    metrics: Metrics,
    training: dict,
    dedicated: Sequence[Dedicated] = (),
    *,
    repo_id: str | None = None,
) -> None:
    """Write folder/README.md.

    training: the content of training.json. repo_id: the repository on the Hub that the card will
    lie in, which then is what its lines of Python load; without it they load what the card there
    already names.
    """
    captions = CAPTIONS | (
        {"samples": "Pictures decoded from N(0, I)"} if config.autoencoder else {}
    )
    binarised = "Dynamically binarised test set" if config.binarised else "Test set"
    test_set = f"{binarised} of {training['settings']['dataset']}"
    fields = _fields(training)
    card = TEMPLATE.read_text(encoding="utf-8").format(
        metadata=_metadata(name(training), config, metrics, training["settings"]["dataset"]),
        address=repo_id or _repository_named_in(folder) or fields["name"],
        measured=(
            _autoencoder_distortion(metrics, test_set)
            if config.autoencoder
            else _measurements(metrics, test_set)
            + _slopes(metrics)
            + _fidelity(metrics, config, training)
            + _regret(metrics, dedicated, training["preset"])
        ),
        figures="\n\n".join(
            f"![{captions[name]}](figures/{name}.png)" for name in figures.names(config)
        ),
        other_betas="" if config.autoencoder else OTHER_BETAS,
        **fields,
    )
    (folder / "README.md").write_text(card, encoding="utf-8", newline="\n")


def name(training: dict) -> str:
    """The name of a model: its preset, and its beta where it is for one alone."""
    low, high = training["settings"]["network"]["beta_range"]
    return training["preset"] if low < high or not high else f"{training['preset']}-beta-{low:g}"


def _repository_named_in(folder: Path) -> str | None:
    """The repository that the card in this folder loads, if it is one on the Hub."""
    card = folder / "README.md"
    match = (
        re.search(r'vae\.load\("([^"]+/[^"]+)"\)', card.read_text(encoding="utf-8"))
        if card.exists()
        else None
    )
    return match and match[1]


def _metadata(name: str, config: VAEConfig, metrics: Metrics, dataset: str) -> str:
    """The YAML metadata that the Hub reads, with the measured numbers as a model-index."""
    source, one = SOURCES.get(dataset), metrics.betas[0] if config.autoencoder else metrics.at(1.0)
    measured = (
        {"distortion": ("Distortion at the code, nats", one.distortion)}
        if config.autoencoder
        else {
            "negative_elbo": (f"Negative ELBO at beta = {one.beta:g}, nats", one.negative_elbo),
            "distortion": (f"Distortion at beta = {one.beta:g}, nats", one.distortion),
            "rate": (f"Rate at beta = {one.beta:g}, nats", one.rate),
        }
    )
    if bound := metrics.importance_weighted:
        measured["nll"] = (
            f"−log p(x) at beta = {bound.beta:g}, importance-weighted, K = {bound.samples}, nats",
            bound.nats,
        )
        if not config.binarised:
            bits = bits_per_dimension(one.negative_elbo, math.prod(config.image_shape))
            measured["bits_per_dimension"] = (f"Bits per dimension at beta = {one.beta:g}", bits)
    hub_id = source.hub_id if source else ""
    results = [
        EvalResult(
            task_type=TASK,
            dataset_type=hub_id or dataset,
            dataset_split="test",
            dataset_name=f"{dataset}{', dynamically binarised' if config.binarised else ''}",
            metric_type=kind,
            metric_name=title,
            metric_value=float(f"{value:.6g}"),
        )
        for kind, (title, value) in measured.items()
    ]
    return ModelCardData(
        model_name=f"vae-lab-{name}",
        library_name="pytorch",
        pipeline_tag=TASK,
        license="apache-2.0",
        tags=["vae", "beta-vae", "rate-distortion", "education"],
        datasets=[hub_id] if hub_id else None,
        eval_results=results,
    ).to_yaml()


def _fields(training: dict) -> dict[str, object]:
    """The card's fields about the training run."""
    settings = training["settings"]
    network, source = settings["network"], SOURCES.get(settings["dataset"])
    low, high = network["beta_range"]
    portraits = bool(source and source.portraits)
    return {
        "name": name(training),
        "kind": (
            EVERY_BETA.format(low=low, high=high)
            if low < high
            else ONE_BETA.format(beta=low)
            if low
            else AUTOENCODER
        ),
        "likelihood_limit": LIKELIHOOD_LIMITS[network["likelihood"]],
        "latent_dim": network["latent_dim"],
        "epochs": settings["epochs"],
        "training_seed": training["seed"],
        "citation": source.citation if source else "A data set of one's own.",
        "licence": source.licence if source else "its owner's",
        "selection": f"\n{source.selection}" if source and source.selection else "",
        "portraits": PORTRAITS if portraits else "",
        "not_for": "" if portraits else "Not made to recognise or judge anything.",
        "data_dir": "" if source is None or source.home else " --data-dir DIR",
        **{
            key: training[key]
            for key in ("examples_seen", "minutes", "machine", "parameters", "command")
        },
    }


def _autoencoder_distortion(metrics: Metrics, test_set: str) -> str:
    return AUTOENCODER_DISTORTION.format(
        test_set=test_set, metrics=metrics, distortion=metrics.betas[0].distortion
    )


def _measurements(metrics: Metrics, test_set: str) -> str:
    uncertainty = ""
    if bias := metrics.tighter:
        uncertainty += BOUND_BIAS.format(same=bias.same, more=bias.more, bias=bias.bias)
    if metrics.repeated:
        uncertainty += BINARISATIONS.format(repeated=metrics.repeated)
    bound, table = metrics.importance_weighted, _table(metrics)
    return MEASUREMENTS.format(
        test_set=test_set, metrics=metrics, bound=bound, table=table, uncertainty=uncertainty
    )


def _slopes(metrics: Metrics) -> str:
    """Table of the slopes, without those between all but equal rates: there they are noise."""
    rows = [
        f"| {beta:g} | {slope:.3g} | {slope / beta:.2f} |"
        for beta, slope in slopes(metrics)
        if any(math.isclose(beta, shown) for shown in TABLE_BETAS)
    ]
    return SLOPES.format(rows="\n".join(rows)) if rows else ""


def _fidelity(metrics: Metrics, config: VAEConfig, training: dict) -> str:
    fidelity, bound = metrics.fidelity, metrics.importance_weighted
    if fidelity is None or bound is None:
        return ""
    errors = {
        entry.beta: error
        for entry, error in zip(metrics.betas, fidelity.squared_errors, strict=True)
    }
    shown = {
        f"beta = {entry.beta:g}": errors[entry.beta] for entry in map(metrics.at, FIDELITY_BETAS)
    }
    shown[f"PCA, {fidelity.pca_components} components"] = fidelity.pca_squared_error
    pixel_values = math.prod(config.image_shape)
    return FIDELITY.format(
        fidelity=fidelity,
        pixel_values=pixel_values,
        beta=metrics.at(1.0).beta,
        mirrored=" and their mirror images" if training["settings"].get("flips") else "",
        bits=bits_per_dimension(metrics.at(1.0).negative_elbo, pixel_values),
        bound_bits=bits_per_dimension(bound.nats, pixel_values),
        rows="\n".join(
            f"| {name} | {error:.5f} | {255 * error**0.5:.1f} |" for name, error in shown.items()
        ),
    )


def _regret(metrics: Metrics, dedicated: Sequence[Dedicated], name: str) -> str:
    if not dedicated:
        return ""
    rows = "\n".join(
        f"| {entry.beta:g} | {metrics.at(entry.beta).objective:.2f} | {entry.objective:.2f} | "
        f"{metrics.regret(entry):.2f} |"
        for entry in dedicated
    )
    return REGRET.format(
        name=name, examples=dedicated[0].examples, seed=dedicated[0].seed, rows=rows
    )


def _table(metrics: Metrics) -> str:
    lines = [
        "| beta | rate | distortion | distortion + rate | active units |",
        "|---:|---:|---:|---:|---:|",
    ]
    entries = {entry.beta: entry for entry in map(metrics.at, TABLE_BETAS)}
    lines += [
        f"| {entry.beta:g} | {entry.rate:.2f} | {entry.distortion:.2f} | "
        f"{entry.negative_elbo:.2f} | {entry.active_units} |"
        for entry in entries.values()
    ]
    return "\n".join(lines)
