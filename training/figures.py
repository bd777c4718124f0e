"""Figures of the model card, by matplotlib.

The rate–distortion curve, reconstructions, samples, and the latent plane of a 2-D model.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # no screen on a training machine
import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib import patheffects
from torch import Tensor

from vae import experiments
from vae.hub.folder import Reference
from vae.hub.metrics import BetaMetrics, Metrics
from vae.model import VAE, VAEConfig

SHOWN_BETAS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
SEED = 0
INK, MUTED = "#222222", "#767676"


def write(
    folder: Path, model: VAE, metrics: Metrics, examples: Tensor, reference: Reference | None
) -> None:
    """Write the figures that names() lists for this model into figures/.

    examples: (M, C, H, W) uint8.
    """
    target = folder / "figures"
    target.mkdir(exist_ok=True)
    low, high = model.config.beta_range
    betas = [beta for beta in SHOWN_BETAS if low <= beta <= high] or [low]
    draw = {
        "rate_distortion": lambda: _rate_distortion(metrics),
        "reconstructions": lambda: _reconstructions(model, betas, examples),
        "samples": lambda: _samples(model, betas),
        "latent_plane": lambda: _latent_plane(model, betas, reference),
    }
    with plt.rc_context(
        {"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "savefig.dpi": 130}
    ):
        for name in names(model.config):
            figure = draw[name]()
            figure.savefig(target / f"{name}.png", bbox_inches="tight", facecolor="white")
            plt.close(figure)


def names(config: VAEConfig) -> tuple[str, ...]:
    """The figures on the card of such a model."""
    curve = () if config.autoencoder else ("rate_distortion",)
    plane = ("latent_plane",) if config.latent_dim == 2 else ()
    return (*curve, "reconstructions", "samples", *plane)


def _rate_distortion(metrics: Metrics) -> plt.Figure:
    figure, axes = plt.subplots(figsize=(6.4, 4.4))
    rates = [entry.rate for entry in metrics.betas]
    distortions = [entry.distortion for entry in metrics.betas]
    axes.plot(rates, distortions, "o-", color=INK, markersize=3, linewidth=1.2, label="test set")
    entry_at_one = metrics.at(1.0)
    # The line of constant distortion + rate through the point of beta = 1.
    total = entry_at_one.negative_elbo
    axes.plot(
        [0, total],
        [total, 0],
        ":",
        color=MUTED,
        linewidth=1,
        label=f"distortion + rate = {total:.1f}",
    )
    label_betas = (metrics.betas[0].beta, 0.1, 1.0, 10.0, 3.15, 100.0, metrics.betas[-1].beta)
    labelled: list[BetaMetrics] = []
    for entry in map(metrics.at, label_betas):
        if any(
            abs(entry.rate - other.rate) < 0.12 * max(rates)
            and abs(entry.distortion - other.distortion)
            < 0.12 * (max(distortions) - min(distortions))
            for other in labelled
        ):
            continue  # the names would lie on each other
        labelled.append(entry)
        axes.annotate(
            f"β = {entry.beta:g}",
            (entry.rate, entry.distortion),
            xytext=(6, 6),
            textcoords="offset points",
        )
    axes.set_xlabel("rate, KL(q(z|x) ‖ p(z)), nats")
    axes.set_ylabel("distortion, −E[log p(x|z)], nats")
    axes.set_xlim(left=-1, right=1.08 * max(rates))
    # a colour picture's distortion never comes near it
    from_zero = min(distortions) < max(distortions) / 2
    axes.set_ylim(
        bottom=0 if from_zero else 0.98 * min(distortions),
        top=(1.06 if from_zero else 1.02) * max(distortions),
    )
    axes.legend(frameon=False)
    return figure


def _grid(rows: list[tuple[str, np.ndarray]], title: str) -> plt.Figure:
    """Rows of pictures (M, C, H, W) in [0, 1], a label at the left of each."""
    columns = max(len(pictures) for _, pictures in rows)
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(0.72 * columns + 1, 0.76 * len(rows) + 0.4), squeeze=False
    )
    for line, (label, pictures) in zip(axes, rows, strict=True):
        line[0].text(-0.25, 0.5, label, transform=line[0].transAxes, ha="right", va="center")
        for cell in line:
            cell.axis("off")
        for cell, picture in zip(line, pictures, strict=False):
            cell.imshow(
                picture.transpose(1, 2, 0).squeeze(),
                cmap="gray",
                vmin=0,
                vmax=1,
                interpolation="nearest",
            )
    figure.suptitle(title, fontsize=10)
    figure.subplots_adjust(wspace=0.06, hspace=0.06, top=0.9)
    return figure


def _reconstructions(model: VAE, betas: list[float], examples: Tensor) -> plt.Figure:
    inputs = [image.float() / 255 for image in examples]
    rows = [
        (
            "seen",
            np.stack([experiments.observe(model, image, seed=SEED).numpy() for image in inputs]),
        )
    ]
    for beta in betas:
        means = [experiments.reconstruct(model, image, beta, seed=SEED).mean for image in inputs]
        rows.append((_name(beta), np.stack(means)))
    which = (
        "decoded codes"
        if model.config.autoencoder
        else "E[x|z] for one z ~ q(z|x), the same noise at every beta"
    )
    return _grid(rows, f"Reconstructions of test pictures: {which}")


def _samples(model: VAE, betas: list[float]) -> plt.Figure:
    rows = [
        (_name(beta), experiments.gallery(model, beta, count=10, seed=SEED).images)
        for beta in betas
    ]
    if model.config.autoencoder:
        return _grid(rows, "E[x|z] for z ~ N(0, I), which this decoder was never trained for")
    return _grid(rows, "Samples: E[x|z] for z ~ N(0, I), the same z at every beta")


def _name(beta: float) -> str:
    return f"β = {beta:g}" if beta else "autoencoder"


@torch.no_grad()
def _latent_plane(model: VAE, betas: list[float], reference: Reference | None) -> plt.Figure:
    """Where the encoder puts the reference pictures: a colour for each class.

    Its digit stands at the class's median.
    """
    if reference is None:
        raise ValueError("this figure shows the reference pictures, which this folder lacks")
    images = torch.from_numpy(reference.images).float() / 255
    observed = experiments.observe(model, images, seed=SEED)
    figure, all_axes = plt.subplots(1, len(betas), figsize=(3.4 * len(betas), 3.6), squeeze=False)
    colours = plt.get_cmap("tab10")
    all_means = [model.encode(observed, beta).mean.numpy() for beta in betas]
    limit = max(3.3, *(1.05 * np.abs(means).max() for means in all_means))
    for axes, beta, means in zip(all_axes[0], betas, all_means, strict=True):
        axes.scatter(
            *means.T, s=2, c=reference.labels, cmap=colours, vmin=-0.5, vmax=9.5, rasterized=True
        )
        for radius in (1, 2, 3):
            axes.add_patch(plt.Circle((0, 0), radius, fill=False, color=MUTED, linewidth=0.6))
        for label in np.unique(reference.labels):
            axes.annotate(
                str(label),
                np.median(means[reference.labels == label], axis=0),
                fontsize=11,
                weight="bold",
                ha="center",
                va="center",
                path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white")],
            )
        axes.set(
            title=_name(beta),
            xlim=(-limit, limit),
            ylim=(-limit, limit),
            aspect="equal",
            xlabel="z₁",
        )
    all_axes[0, 0].set_ylabel("z₂")
    figure.suptitle(
        f"Codes mu of {len(images):,} test pictures; circles: 1, 2, 3 standard deviations of N(0, "
        "I)",
        fontsize=10,
    )
    figure.tight_layout()
    return figure
