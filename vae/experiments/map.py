"""The map of a two-dimensional latent space: codes, decoded tiles and the true posterior."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import map_coordinates

from vae.elbo import exact_elbo
from vae.experiments.arrays import reference_observations, tensor
from vae.experiments.playground import Reconstruction
from vae.model import VAE
from vae.posterior import GridPosterior, grid_posterior

# The mass that a Gaussian over a plane has within 1, 2 and 3 standard deviations: 1 - exp(-r^2 /
# 2).
SHARES = tuple(1 - math.exp(-(deviations**2) / 2) for deviations in (1, 2, 3))
RASTER = 256  # pixels a side of the picture of a density
VISIBLE = 0.03  # of the side of a plot: less is lost under the ellipse of q
FAINT = 15.0  # nats below its peak: too faint to be seen
MOST_SQUARES = 1024  # a side, to draw from


@dataclass(frozen=True)
class Window:
    """A square part of the plane: its centre, and half of its side."""

    x: float
    y: float
    half: float

    def centres(self, side: int) -> np.ndarray:
        """The centres of a grid of side × side squares: (side * side, 2) float32.

        Rows go from top to bottom.
        """
        steps = (np.arange(side) + 0.5) / side * 2 - 1
        rows, columns = np.meshgrid(-steps, steps, indexing="ij")
        centres = np.stack([self.x + self.half * columns, self.y + self.half * rows], axis=-1)
        return centres.reshape(-1, 2).astype(np.float32)

    def covers(self, point: tuple[float, float]) -> bool:
        """Whether a point lies in it."""
        return max(abs(point[0] - self.x), abs(point[1] - self.y)) <= self.half

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Which of the points (N, 2) lie in it, (N,) bool."""
        return np.all(np.abs(points - (self.x, self.y)) <= self.half, axis=1)


AROUND = 6.0  # standard deviations
WHOLE_PLANE = Window(0.0, 0.0, 4.0)  # all but a few codes in 2,000 lie in it


@dataclass(frozen=True)
class Codes:
    """q(z|x) of many pictures at one beta: mean and deviation, (N, 2) float32.

    A plain autoencoder's deviation is 0.
    """

    mean: np.ndarray
    deviation: np.ndarray

    @property
    def aggregate_mean(self) -> np.ndarray:
        """Mean of the aggregate posterior, (2,): the mixture of all these q in equal parts."""
        return self.mean.mean(0)

    @property
    def aggregate_deviation(self) -> np.ndarray:
        """Standard deviation of the aggregate posterior, (2,).

        The spread of the means and that within each q add up.
        """
        return np.sqrt(self.mean.var(0) + np.square(self.deviation).mean(0))


@dataclass(frozen=True)
class PosteriorMap:
    """A posterior of one picture over the plane, beside q.

    tempered: whether it is p(z) p(x|z)^(1/beta), normalised, instead of p(z|x). shares: (R, R)
    uint8, rows from top to bottom of `window`: in how many of the highest-density regions with
    39.3, 86.5 and 98.9 % of the mass (those of a Gaussian's 1, 2 and 3 standard deviations) each
    point lies. log_evidence: log of the integral that normalises it, nats, by quadrature: log p(x)
    of the true posterior. error: by how much the last halving of the grid changed it. mean,
    deviation: (2,) of the posterior. gap: KL(q || this posterior), nats, what q misses. peak: (2,),
    the middle of its densest square. prior_share: how much of the prior lies in the region of 98.9
    %, 0 to 1.
    """

    tempered: bool
    window: Window
    shares: np.ndarray
    log_evidence: float
    error: float
    mean: np.ndarray
    deviation: np.ndarray
    gap: float
    peak: np.ndarray
    prior_share: float

    @property
    def exact(self) -> bool:
        """Whether halving the grid changed the integral by less than 1e-3 nats."""
        return self.error < 1e-3

    def visible(self, window: Window) -> bool:
        """Whether it is large enough to be seen in a plot of that window."""
        return self.window.half > VISIBLE * window.half


@torch.no_grad()
def codes(model: VAE, images: np.ndarray, beta: float) -> Codes:
    """Encode pictures (N, 1, H, W) uint8: one binarisation of each, the same at every beta."""
    q = model.encode(reference_observations(model, images), beta)
    return Codes(q.mean.numpy(), q.standard_deviation.numpy())


@torch.no_grad()
def codes_at(model: VAE, images: np.ndarray, betas: tuple[float, ...]) -> tuple[Codes, ...]:
    """What `codes` gives at each beta, in less time."""
    observed = reference_observations(model, images)
    return tuple(
        Codes(q.mean.numpy(), q.standard_deviation.numpy())
        for q in model.encode_at(observed, betas)
    )


@torch.no_grad()
def tiles(model: VAE, window: Window, beta: float, side: int) -> np.ndarray:
    """E[x|z] at the centres of a grid over the window: (side * side, C, H, W).

    side × side equal squares, rows from top to bottom.
    """
    return model.decode(tensor(window.centres(side)), beta).mean.numpy()


@torch.no_grad()
def decode_point_at(model: VAE, point: tuple[float, float], betas: tuple[float, ...]) -> np.ndarray:
    """E[x|z] at one point of the plane and each beta: (B, C, H, W)."""
    latents = torch.tensor([point], dtype=torch.float32).expand(len(betas), -1)
    return model.decode(latents, torch.tensor(betas)).mean.numpy()


@torch.no_grad()
def decode_point(model: VAE, point: tuple[float, float], beta: float) -> np.ndarray:
    """E[x|z] at one point of the plane: (C, H, W)."""
    return model.decode(torch.tensor([point], dtype=torch.float32), beta).mean[0].numpy()


def around(seen: Reconstruction) -> Window:
    """The square about a picture's q that shows AROUND standard deviations to each side."""
    x, y = (float(value) for value in seen.posterior_mean)
    return Window(x, y, float(AROUND * seen.posterior_deviation.max()))


@torch.no_grad()
def posterior_map(
    model: VAE, observed: np.ndarray, beta: float, *, temper: bool = False
) -> PosteriorMap:
    """The true posterior of a picture (C, H, W), or the tempered one.

    Raises as grid_posterior does.
    """
    picture = tensor(observed)
    grid = grid_posterior(model, picture, beta, temper=temper)
    terms = exact_elbo(model, picture, beta)
    distortion = float(terms.distortion[0]) / (beta if temper else 1.0)
    window = _window(grid)
    return PosteriorMap(
        tempered=temper,
        window=window,
        shares=_shares(grid, window),
        log_evidence=grid.log_evidence,
        error=grid.error,
        mean=grid.mean,
        deviation=np.sqrt(np.diag(grid.covariance)),
        gap=grid.log_evidence + distortion + float(terms.rate[0]),
        peak=grid.centres[grid.log_density.argmax()],
        prior_share=grid.prior_mass(SHARES[-1]),
    )


def _window(grid: GridPosterior) -> Window:
    """The square around the outermost region, with a margin."""
    low, high = grid.box(SHARES[-1])
    (x, y), half = (low + high) / 2, float((high - low).max() / 2)
    return Window(float(x), float(y), 1.1 * half)


def _shares(grid: GridPosterior, window: Window) -> np.ndarray:
    """Highest-density regions on a raster, (R, R) uint8, drawn from the grid's squares.

    Only the smallest squares are used, which are where all the mass is, with a smooth curve between
    them.
    """
    side = grid.sides.min()
    smallest = grid.sides == side
    first = grid.centres[smallest].min(0)
    places = np.rint((grid.centres[smallest] - first) / side).astype(np.int64)
    # where several squares fall into one pixel, the highest counts
    coarser = int(places.max()) // MOST_SQUARES + 1
    floor = grid.log_density.max() - FAINT
    heights = np.full(places.max(0) // coarser + 1, floor)
    np.maximum.at(heights, tuple((places // coarser).T), grid.log_density[smallest].clip(floor))
    points = (window.centres(RASTER).astype(np.float64) - first) / side
    points = (points - (coarser - 1) / 2) / coarser
    heights = map_coordinates(heights, points.T, order=3, mode="constant", cval=floor)
    # The densest points that hold a share of the mass: by the drawn density, which is finer than
    # the squares.
    order = np.argsort(-heights)
    held = np.cumsum(np.exp(heights[order] - heights.max()))
    shares = np.zeros(RASTER**2, np.uint8)
    for share in SHARES:
        shares[order[: 1 + np.searchsorted(held, share * held[-1])]] += 1
    return shares.reshape(RASTER, RASTER)
