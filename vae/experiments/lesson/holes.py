"""Holes in a latent plane: the prior's mass far from every code, and a path across a hole."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import cKDTree

from vae.experiments.arrays import tensor
from vae.experiments.map import Codes
from vae.experiments.playground import gallery
from vae.latent import interpolate, typical_radius
from vae.likelihood import bernoulli
from vae.model import VAE
from vae.noise import seeded, standard_normal

NEAR = 0.2  # standard deviations of the prior: a point with no code within it lies in a hole
PROBES = 10_000  # draws from the prior
SHOWN = 1_000  # of them, to be drawn on a map
# of the prior's mass: farther out few codes are expected, so an empty place is no defect
DISC = 0.95
CELL = 0.02  # of the raster on which distances are looked up
ONE_PLACE = 1e-3  # standard deviations of the prior
STEPS = 11  # of a path; odd, so that one is its middle
GOOD_ENOUGH = 0.95  # of the emptiest middle: among these the shortest path is taken


@dataclass(frozen=True)
class Holes:
    """How the codes cover the prior: one z ~ q(z|x) of each reference picture.

    share: of `probes` draws from N(0, I), how many have none of the points within NEAR, 0 to 1;
    standard_error: of that share, by the number of probes. yardstick: the same share where as many
    points are drawn from N(0, I) itself: what a plane without holes leaves, because the points are
    finitely many. aggregate_mean, aggregate_deviation: (2,), of the mixture. points: (N, 2), these
    z. far: (F, 2), those of the first SHOWN probes that lie in a hole. beta: 0 for a plain
    autoencoder, whose q are points.
    """

    beta: float
    share: float
    yardstick: float
    count: int
    probes: int
    aggregate_mean: np.ndarray
    aggregate_deviation: np.ndarray
    points: np.ndarray
    far: np.ndarray

    @property
    def standard_error(self) -> float:
        """Standard error of the share, of a binomial proportion."""
        return float(np.sqrt(self.share * (1 - self.share) / self.probes))

    @property
    def yardstick_ratio(self) -> float:
        """The share of holes divided by the yardstick."""
        return self.share / self.yardstick


@dataclass(frozen=True)
class Walk:
    """A straight line from one reference picture's code to another's, decoded in S steps.

    start, end: their numbers among the reference pictures; labels: what they show. latents: (S, 2).
    images: (S, C, H, W), E[x|z]. distances: (S,), from each step to the nearest code. undecided:
    (S,), entropy of p(x|z) in nats, the sum over pixels: 0 where the decoder is sure of each pixel,
    0.69 for each of which it knows nothing.
    """

    beta: float
    start: int
    end: int
    labels: tuple[int, int]
    latents: np.ndarray
    images: np.ndarray
    distances: np.ndarray
    undecided: np.ndarray

    @property
    def emptiest(self) -> int:
        """The step that is farthest from all codes."""
        return int(self.distances.argmax())

    @property
    def most_undecided(self) -> int:
        """The step at which the decoder is least sure."""
        return int(self.undecided.argmax())


@dataclass(frozen=True)
class Plane:
    """A latent plane at one beta (0: the plain autoencoder's).

    The reference pictures' codes, its holes, and the two pictures between which the emptiest path
    leads.
    """

    codes: Codes
    holes: Holes
    pair: tuple[int, int]

    @property
    def collapsed(self) -> bool:
        """Whether all codes lie within ONE_PLACE of each other in each direction.

        No path leads anywhere then.
        """
        return bool(np.ptp(self.codes.mean, axis=0).max() < ONE_PLACE)


@dataclass(frozen=True)
class PriorPictures:
    """z drawn from the prior, decoded.

    images: (N, C, H, W), E[x|z]; the same z at every beta. difference: the largest difference, 0 to
    1, of any pixel between any two of them: 0 where the decoder no longer looks at z.
    """

    images: np.ndarray
    difference: float


def plane(found: Codes, beta: float) -> Plane:
    """Look for holes between the reference pictures' codes at one beta.

    Raises as emptiest_pair does.
    """
    return Plane(found, holes(found, beta), emptiest_pair(found))


def holes(found: Codes, beta: float) -> Holes:
    """Measure the holes of a plane by the codes of its reference pictures.

    The same probes, and the same noise in z, at every beta.
    """
    count = len(found.mean)
    noise, probes = (
        _normal(number, name) for number, name in ((count, "holes"), (PROBES, "probes"))
    )
    points = found.mean + found.deviation * noise
    empty = _empty(points, probes)
    return Holes(
        beta=beta,
        share=float(empty.mean()),
        yardstick=float(_empty(noise, probes).mean()),
        count=count,
        probes=PROBES,
        aggregate_mean=found.aggregate_mean,
        aggregate_deviation=found.aggregate_deviation,
        points=points,
        far=probes[:SHOWN][empty[:SHOWN]],
    )


def emptiest_pair(found: Codes) -> tuple[int, int]:
    """Two reference pictures with one of the emptiest places midway between their codes.

    Both codes lie where 95 % of the prior do. Of the pairs whose midpoint is within 5 % of the
    largest distance from all codes, it is the pair nearest to each other; the first has the larger
    x. Distances are looked up on a raster, so they are known to CELL. Raises ValueError where fewer
    than two codes lie there.
    """
    codes = found.mean.astype(np.float64)
    inside = np.flatnonzero(np.linalg.norm(codes, axis=1) <= typical_radius(2, DISC))
    if len(inside) < 2:
        raise ValueError("fewer than two codes lie where the prior's mass is")
    reach = typical_radius(2, DISC) + CELL
    ticks = np.arange(-reach, reach + CELL, CELL)
    raster = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1)
    distance = (
        cKDTree(codes)
        .query(raster.reshape(-1, 2))[0]
        .reshape(len(ticks), len(ticks))
        .astype(np.float32)
    )
    # half of each: the middle of two is their sum
    places = ((codes[inside] + reach) / (2 * CELL)).astype(np.float32)
    across, down = (
        np.rint(places[:, None, axis] + places[:, axis]).astype(np.int16) for axis in range(2)
    )
    empty = distance[across, down]
    first, second = np.nonzero(np.triu(empty >= GOOD_ENOUGH * empty.max()))
    lengths = np.linalg.norm(codes[inside[first]] - codes[inside[second]], axis=1)
    shortest = int(lengths.argmin())
    pair = int(inside[first[shortest]]), int(inside[second[shortest]])
    return pair if codes[pair[0], 0] >= codes[pair[1], 0] else pair[::-1]


@torch.no_grad()
def walk(
    model: VAE,
    found: Codes,
    labels: np.ndarray,
    pair: tuple[int, int],
    beta: float,
    *,
    steps: int = STEPS,
) -> Walk:
    """Decode the straight line between two reference pictures' codes (the means of their q).

    Raises as VAE.decode does.
    """
    start, end = (tensor(found.mean[number]) for number in pair)
    latents = interpolate(start, end, steps)
    pixels = bernoulli(model.decode(latents, beta))
    distances, _ = cKDTree(found.mean).query(latents.numpy())
    return Walk(
        beta,
        *pair,
        (int(labels[pair[0]]), int(labels[pair[1]])),
        latents.numpy(),
        pixels.mean.numpy(),
        distances,
        torch.distributions.Bernoulli(logits=pixels.logits).entropy().flatten(1).sum(1).numpy(),
    )


def prior_pictures(model: VAE, beta: float, *, seed: int, count: int = STEPS) -> PriorPictures:
    """Decode draws from N(0, I). Raises as VAE.decode does."""
    images = gallery(model, beta, count=count, seed=seed).images
    return PriorPictures(images, float((images.max(0) - images.min(0)).max()))


def _empty(points: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """Which probes have no point within NEAR, (P,) bool."""
    nearest, _ = cKDTree(points).query(probes)
    return nearest > NEAR


def _normal(count: int, name: str) -> np.ndarray:
    return standard_normal((count, 2), seeded(0, name), torch.device("cpu")).numpy()
