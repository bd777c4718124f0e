"""Pictures drawn pixel by pixel beside pictures drawn through z.

Three distributions over the same set, all binary pictures of one size: every picture equally
probable; each pixel drawn on its own with the data set's frequency of ink; the model. So log p(x),
in nats, may be compared between them.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.elbo import elbo_with_noise, weighted_bound
from vae.experiments.arrays import tensor, unit_interval
from vae.hub.metrics import ImportanceWeighted, Metrics
from vae.latent import prior_sample
from vae.likelihood import binarize
from vae.model import VAE, DiagonalGaussian
from vae.noise import seeded, standard_normal, uniform

UNIFORM, FREQUENCIES, MODEL = LAWS = ("uniform", "frequencies", "model")
NOISE, CLOUD, PICTURE, BLANK = SUBJECTS = ("noise", "cloud", "picture", "blank")
# no pixel is impossible: fewer than one of the training pictures has ink there
LEAST_FREQUENCY = 1e-5

ATOMS = 80.0  # in the observable universe, log10: about 10^80
# since the Big Bang: 13.8 billion years (Planck 2018, arXiv 1807.06209, table 2)
AGE_SECONDS = 4.35e17
PICTURES_A_SECOND = 1e9  # that every atom is imagined to draw

SAMPLES = 500  # of the importance-weighted bound, as in metrics.json
FIT_STEPS, FIT_DRAWS, FIT_RATE = 100, 8, 0.2
ADAM_MEMORY, ADAM_LEAST = (0.9, 0.999), 1e-8  # as in PyTorch
CEILING_ODDS = 1e6  # pictures, of the ceiling


@dataclass(frozen=True)
class Sheet:
    """Pictures drawn from one of the LAWS: images (N, C, H, W), only 0 and 1.

    distances: (N,), in how many pixels each differs from the reference picture that is nearest to
    it.
    """

    law: str
    images: np.ndarray
    distances: np.ndarray


@dataclass(frozen=True)
class Counts:
    """How many binary pictures there are, beside large numbers, as logarithms to base 10.

    pictures: 2 to the number of pixels. atoms: of the observable universe. drawn: pictures that all
    of them would have drawn since the Big Bang, a billion a second each. like_data: exp of the test
    set's mean -log p(x) in nats, as many equally probable pictures as would cost as much to name.
    """

    pixels: int
    pictures: float
    atoms: float
    drawn: float
    like_data: float

    @property
    def rarity(self) -> float:
        """Log10 of how many random pictures there are for one that is like the data."""
        return self.pictures - self.like_data

    @property
    def rarity_beyond_drawn(self) -> float:
        """Log10 of how many universes of atoms, drawing since the Big Bang, would have met one."""
        return self.rarity - self.drawn


@dataclass(frozen=True)
class Verdict:
    """log p(x) of one binary picture (C, H, W) under the three laws, nats.

    uniform, frequencies: exact. model: the importance-weighted lower bound from `samples` draws,
    effective_samples of which carry it. ceiling: above it lies the model's log p(x) of at most one
    in CEILING_ODDS of the pictures that were drawn as this one was; None for a picture that was
    not drawn from one of the two other laws.
    """

    observed: np.ndarray
    uniform: float
    frequencies: float
    model: float
    effective_samples: float
    samples: int
    ceiling: float | None = None


@torch.no_grad()
def draw_pictures(
    model: VAE,
    frequencies: np.ndarray,
    law: str,
    beta: float,
    *,
    count: int,
    seed: int,
    sheet: int = 0,
) -> np.ndarray:
    """The sheet-th `count` pictures of this seed from one of the LAWS, (count, C, H, W).

    Only 0 and 1. frequencies: (C, H, W), the training pictures' mean. Raises ValueError for another
    law.
    """
    generator = seeded(seed, law, sheet)
    shape = (count, *model.config.image_shape)
    if law == MODEL:
        latents = prior_sample(count, model.config.latent_dim, generator=generator)
        return model.decode(latents, beta).sample(generator).numpy()
    if law not in LAWS:
        raise ValueError(f"pictures are drawn from one of {LAWS}, not {law!r}")
    ink = torch.full(shape[1:], 0.5) if law == UNIFORM else tensor(frequencies)
    return (uniform(shape, generator, torch.device("cpu")) < ink).float().numpy()


def sheet(
    model: VAE,
    frequencies: np.ndarray,
    reference: np.ndarray,
    law: str,
    beta: float,
    *,
    count: int,
    seed: int,
    number: int,
) -> Sheet:
    """The number-th sheet of pictures from a law, and their distances from the reference pictures.

    reference: (M, C, H, W) uint8.
    """
    images = draw_pictures(model, frequencies, law, beta, count=count, seed=seed, sheet=number)
    return Sheet(
        law,
        images,
        _differing(tensor(images).flatten(1), _known(reference)).min(1).values.int().numpy(),
    )


def reference_distance(reference: np.ndarray) -> float:
    """Mean distance, in pixels, of a reference picture from its nearest neighbour.

    reference: (M, C, H, W) uint8.
    """
    known = _known(reference)
    return float(_differing(known, known).fill_diagonal_(math.inf).min(1).values.mean())


def _known(reference: np.ndarray) -> Tensor:
    """One binarisation of each reference picture, the same as in the map: (M, P)."""
    return binarize(unit_interval(reference), generator=seeded(0, "reference")).flatten(1)


def _differing(pictures: Tensor, others: Tensor) -> Tensor:
    """Hamming distances between binary pictures (N, P) and others (M, P): (N, M) pixels."""
    return pictures.sum(1)[:, None] + others.sum(1)[None] - 2 * pictures @ others.T


def counts(metrics: Metrics, pixels: int) -> Counts:
    """How many binary pictures of this many pixels there are, beside other large numbers."""
    return Counts(
        pixels=pixels,
        pictures=pixels * math.log10(2),
        atoms=ATOMS,
        drawn=ATOMS + math.log10(PICTURES_A_SECOND) + math.log10(AGE_SECONDS),
        like_data=_bound(metrics).nats / math.log(10),
    )


def uniform_log_prob(pixels: int) -> float:
    """log of one in all binary pictures, nats."""
    return -pixels * math.log(2)


def frequencies_log_prob(observed: np.ndarray, frequencies: np.ndarray) -> float:
    """log p(x) of a binary picture (C, H, W) with independent pixels, nats.

    Each pixel is ink with its own frequency; none is 0 or 1.
    """
    ink = tensor(frequencies).double().clamp(LEAST_FREQUENCY, 1 - LEAST_FREQUENCY)
    return float(torch.where(tensor(observed) > 0, ink.log(), torch.log1p(-ink)).sum())


def subject(model: VAE, frequencies: np.ndarray, name: str, *, seed: int) -> np.ndarray:
    """One of the SUBJECTS except PICTURE, (C, H, W).

    The first picture of its law's first sheet, or a page without ink.
    """
    if name == BLANK:
        return np.zeros(model.config.image_shape, np.float32)
    law = {NOISE: UNIFORM, CLOUD: FREQUENCIES}[name]
    return draw_pictures(model, frequencies, law, 1.0, count=1, seed=seed)[0]


def verdict(
    model: VAE, frequencies: np.ndarray, observed: np.ndarray, beta: float, *, name: str = PICTURE
) -> Verdict:
    """log p(x) of a binary picture (C, H, W) under the three laws.

    A picture that is no digit gets z from a Gaussian fitted to it, since the encoder never learned
    where its z are. The ceiling is Markov's inequality: averaged over the pictures of a law, p(x)
    of the model divided by that of the law is 1, since probabilities add up to 1; so it exceeds
    CEILING_ODDS for at most one in CEILING_ODDS of them.
    """
    proposal = None if name == PICTURE else fitted(model, observed[None], beta)
    found = weighted_bound(
        model,
        tensor(observed)[None],
        beta,
        samples=SAMPLES,
        generator=seeded(0, "verdict"),
        proposal=proposal,
    )
    every, each = uniform_log_prob(observed.size), frequencies_log_prob(observed, frequencies)
    law = {NOISE: every, CLOUD: each}.get(name)
    return Verdict(
        observed=observed,
        uniform=every,
        frequencies=each,
        model=float(found.nats[0]),
        effective_samples=float(found.effective_samples[0]),
        samples=SAMPLES,
        ceiling=None if law is None else law + math.log(CEILING_ODDS),
    )


def fitted(model: VAE, observed: np.ndarray, beta: float) -> DiagonalGaussian:
    """A diagonal Gaussian for each picture (N, C, H, W), fitted by gradient ascent on its ELBO.

    Begins at the encoder's; returns mean and log variance, (N, D). The steps are Adam's (Kingma &
    Ba 2015, algorithm 1, with its usual constants), written out: torch.optim loads PyTorch's
    compiler, for which the page's first visitor would wait three seconds.
    """
    pictures = tensor(observed)
    start = model.encode(pictures, beta)
    mean, log_variance = (
        part.detach().clone().requires_grad_() for part in (start.mean, start.log_variance)
    )
    moments = [(torch.zeros_like(part), torch.zeros_like(part)) for part in (mean, log_variance)]
    generator = seeded(0, "fit")
    for step in range(1, FIT_STEPS + 1):
        eps = standard_normal((FIT_DRAWS, *mean.shape), generator, pictures.device)
        with torch.enable_grad():
            loss = elbo_with_noise(
                model, pictures, beta, eps, DiagonalGaussian(mean, log_variance)
            ).negative_elbo.sum()
            slopes = torch.autograd.grad(loss, (mean, log_variance))
        with torch.no_grad():
            for part, slope, (first, second) in zip(
                (mean, log_variance), slopes, moments, strict=True
            ):
                first.lerp_(slope, 1 - ADAM_MEMORY[0])
                second.mul_(ADAM_MEMORY[1]).addcmul_(slope, slope, value=1 - ADAM_MEMORY[1])
                scale = (second.sqrt() / (1 - ADAM_MEMORY[1] ** step) ** 0.5).add_(ADAM_LEAST)
                part.addcdiv_(first, scale, value=-FIT_RATE / (1 - ADAM_MEMORY[0] ** step))
    return DiagonalGaussian(mean.detach(), log_variance.detach())


def share_less_probable(metrics: Metrics, nats: float) -> float:
    """The share of the test pictures, 0 to 1, whose log p(x) is lower than this.

    log p(x) of each is taken as its ELBO and what the ELBO lacks on average, both from metrics.json
    at the beta of its importance-weighted estimate.
    """
    bound = _bound(metrics)
    now = metrics.at(bound.beta)
    return now.share_above(-nats + now.negative_elbo - bound.nats)


def _bound(metrics: Metrics) -> ImportanceWeighted:
    """The importance-weighted estimate, which the variational model of this page has."""
    if metrics.importance_weighted is None:
        raise ValueError("these metrics have no importance-weighted estimate")
    return metrics.importance_weighted


def least_gap(picture: Verdict, drawn: Verdict) -> float:
    """How many nats the bound on a picture exceeds the ceiling of pictures from another law."""
    if drawn.ceiling is None:
        raise ValueError("the law of these pictures is not known")
    return picture.model - drawn.ceiling
