"""The model card: README.md of a weights folder, every number taken from metrics.json and training.json."""

from pathlib import Path

from training.data import SOURCES
from vae.metrics import Metrics

CARD_BETAS = (0.01, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0)


def summary(metrics: Metrics) -> str:
    """One line: the two numbers that a researcher looks for."""
    one, bound = metrics.at(1.0), metrics.importance_weighted
    return (f"beta = {one.beta:g}: negative ELBO {one.negative_elbo:.2f} nats (distortion {one.distortion:.2f} + rate {one.rate:.2f}); "
            f"importance-weighted, K = {bound.samples}: {bound.nats:.2f} ± {bound.standard_error:.2f} nats")


def write(folder: Path, metrics: Metrics, training: dict) -> None:
    """Write folder/README.md."""
    (folder / "README.md").write_text(_card(folder.name, metrics, training), encoding="utf-8")


def _table(metrics: Metrics) -> str:
    lines = ["| beta | rate | distortion | distortion + rate | active units |", "|---:|---:|---:|---:|---:|"]
    entries = {entry.beta: entry for entry in (metrics.at(beta) for beta in CARD_BETAS)}
    lines += [f"| {entry.beta:g} | {entry.rate:.2f} | {entry.distortion:.2f} | {entry.negative_elbo:.2f} | {entry.active_units} |"
              for entry in entries.values()]
    return "\n".join(lines)


def _card(name: str, metrics: Metrics, training: dict) -> str:
    settings, bound = training["settings"], metrics.importance_weighted
    network = settings["network"]
    source = SOURCES.get(settings["dataset"])
    dataset = settings["dataset"]
    binarised = network["likelihood"] == "bernoulli"
    low, high = network["beta_range"]
    return f"""---
license: apache-2.0
pipeline_tag: unconditional-image-generation
tags: [vae, beta-vae, rate-distortion, education]
datasets: [{dataset}]
---

# VAE Lab: {name}

A variational autoencoder for every beta from {low:g} to {high:g}: one network, conditioned on beta, that a slider can move
along the whole rate–distortion curve. Made for teaching.

```python
import vae
model = vae.load("{name}")
print(model.config)
```

## Measured

{"Dynamically binarised test set" if binarised else "Test set"} of {dataset}: all {metrics.test_count:,} pictures, seed {metrics.seed}, {metrics.samples} draws of z
for each picture's distortion; nats, summed over pixels and latent dimensions. Rate = KL(q(z|x) ‖ p(z)), distortion = −E[log p(x|z)];
their sum at beta = 1 is the negative ELBO. An active unit is a dimension whose mean rate exceeds 0.01 nats.

{_table(metrics)}

**−log p(x) at beta = {bound.beta:g}, importance-weighted with K = {bound.samples}: {bound.nats:.2f} ± {bound.standard_error:.2f} nats**
(mean and standard error over {bound.count:,} pictures; an upper bound on average).

![Rate–distortion curve](figures/rate_distortion.png)

![Reconstructions at four betas](figures/reconstructions.png)

![Samples at four betas](figures/samples.png)

## Trained

{training["examples_seen"]:,} examples ({settings["epochs"]} passes) in {training["minutes"]:.0f} minutes on {training["machine"]}; {training["parameters"]:,} parameters, stored
as float16; {network["latent_dim"]} latent dimensions; seed {training["seed"]}. All settings and checksums are in `training.json`. To repeat it, and to measure it again:

```
{training["command"]}
python -m training.evaluate weights/{name}
```

## Data and limits

{source.citation if source else f"Data set {dataset}."}
{f"Licence of the data: {source.licence}." if source else ""}

It knows nothing but pictures like its training data: a letter or a face comes back as the nearest thing it knows. Its likelihood is
{"that of binarised pixels and cannot be compared with one of grey pixels" if binarised else "that of 8-bit pixels"}. The numbers at other betas than 1 belong to other decoders: distortion + rate there is an upper
bound on that decoder's −log p(x). Not made to recognise or judge anything.
"""
