"""The true posterior of a model with two latent dimensions, by adaptive quadrature on a grid.

    p(z|x) = p(z) p(x|z) / p(x),      p(x) = integral of p(z) p(x|z) dz

The only approximation is the finite size of the grid's squares. Trained at beta, the best q is not
this posterior but the tempered one, proportional to p(z) p(x|z)^(1/beta), because

    distortion + beta * rate = beta * KL(q || tempered) + constant

The two agree at beta = 1.
"""

import functools
import math
import weakref
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vae.elbo import decode_in_parts, log_likelihoods_under
from vae.likelihood import Likelihood
from vae.model import VAE
from vae.quadrature import adaptive_squares, coarse_centres

GRID_REACH = 6.0  # standard deviations of the prior and of q that the grid covers
# Networks and betas whose coarse grid stays decoded in memory: it is two thirds of the work. The
# grids of larger pictures are decoded each time.
CACHED_GRIDS = 2
MAX_CACHED_PIXELS = 64**2 * 28**2  # of one grid: 13 MB


@dataclass(frozen=True)
class GridPosterior:
    """A density over the latent plane, as squares that may differ in size.

    centres: (M, 2) float64; sides: (M,); mass: (M,), sums to 1. log_evidence: log of the integral
    that normalises it, nats: log p(x) for the true posterior. error: by how much the last halving
    of the squares changed it, nats. A peak that lies wholly between the centres of the coarse
    squares, and that the values there do not rise towards, is missed by both.
    """

    centres: np.ndarray
    sides: np.ndarray
    mass: np.ndarray
    log_evidence: float
    error: float

    @property
    def log_density(self) -> np.ndarray:
        """Log density in each square, (M,) nats per unit of area; -inf where there is no mass."""
        with np.errstate(divide="ignore"):
            return np.log(self.mass) - 2 * np.log(self.sides)

    @property
    def mean(self) -> np.ndarray:
        """Mean of the density, (2,)."""
        return self.mass @ self.centres

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the density, (2, 2)."""
        deviations = self.centres - self.mean
        return (self.mass[:, None] * deviations).T @ deviations

    def level(self, share: float) -> float:
        """The log density at the edge of the highest-density region with this share of the mass."""
        order = np.argsort(-self.log_density, kind="stable")
        inside = int(np.searchsorted(np.cumsum(self.mass[order]), share))
        return float(self.log_density[order[min(inside, len(order) - 1)]])

    def prior_mass(self, share: float) -> float:
        """The prior's mass, 0 to 1, in the highest-density region of this share."""
        inside = self.log_density >= self.level(share)
        log_prior = -0.5 * np.square(self.centres[inside]).sum(1) - math.log(2 * math.pi)
        return float((np.exp(log_prior) * np.square(self.sides[inside])).sum())

    def box(self, share: float) -> tuple[np.ndarray, np.ndarray]:
        """The bounding box of the highest-density region of this share: its two corners, (2,) each.

        The lower corner comes first.
        """
        inside = self.log_density >= self.level(share)
        half = self.sides[inside, None] / 2
        return (self.centres[inside] - half).min(0), (self.centres[inside] + half).max(0)


@torch.no_grad()
def log_joint(
    model: VAE, observed: Tensor, z: Tensor, beta: float, *, temper: bool = False
) -> Tensor:
    """log p(z) + log p(x|z), (M,) float64 nats, at latents z (M, D).

    temper: divide the second term by beta. observed: (C, H, W), in the form that the likelihood is
    defined for. The decoder is the one at this beta.
    """
    return _log_joint(decode_in_parts(model, z, beta), observed, z, beta if temper else 1.0)


def _log_joint(
    likelihoods: Iterable[Likelihood], observed: Tensor, z: Tensor, temperature: float
) -> Tensor:
    """log p(z) + log p(x|z) / temperature, (M,) float64 nats, for the latents' likelihoods."""
    log_prior = -0.5 * z.double().square().sum(1) - z.shape[1] / 2 * math.log(2 * math.pi)
    return log_prior + log_likelihoods_under(likelihoods, observed) / temperature


@functools.lru_cache(CACHED_GRIDS)
def _decoded_grid(
    network: weakref.ref[VAE], beta: float, squares: int, fingerprint: bytes
) -> tuple[Likelihood, ...]:
    """Likelihoods at the centres of the coarse grid, which is the same for every picture.

    squares: their number. fingerprint: `_fingerprint` of the network. Both are part of the cache's
    key, so that another grid, or the network after further training, is decoded anew.
    """
    model = network()
    assert model is not None, "the caller keeps a reference to it"
    return tuple(decode_in_parts(model, torch.from_numpy(coarse_centres(GRID_REACH)), beta))


def _fingerprint(model: VAE, beta: float) -> bytes:
    """The decoder's output for a few latents, which changes when the network is trained further.

    The version counters of its weights would not do: fused optimisers do not increase them.
    """
    likelihood = model.decode(torch.tensor([[0.0, 0.0], [1.0, -2.0], [-0.5, 0.25]]), beta)
    return b"".join(tensor.numpy().tobytes() for tensor in vars(likelihood).values())


@torch.no_grad()
def grid_posterior(
    model: VAE, observed: Tensor, beta: float, *, temper: bool = False
) -> GridPosterior:
    """The true posterior p(z|x) of the decoder at this beta, or the tempered one, as a grid.

    temper: the posterior that training at this beta aims at. observed: (C, H, W), binarised for a
    Bernoulli model. Raises ValueError for a model that has not two latent dimensions, or for a
    plain autoencoder, which has no prior.
    """
    if model.config.latent_dim != 2 or model.config.autoencoder:
        raise ValueError(
            "the posterior is added up on a plane: it needs a variational autoencoder with two "
            "latent dimensions"
        )

    q = model.encode(observed[None], beta)
    mean, deviation = q.mean[0].double(), q.standard_deviation[0].double()
    reach = max(GRID_REACH, float((mean.abs() + GRID_REACH * deviation).max()))
    coarse = coarse_centres(reach)

    is_cached = (
        reach == GRID_REACH
        and len(coarse) * math.prod(model.config.image_shape) <= MAX_CACHED_PIXELS
    )

    def evaluate(centres: np.ndarray) -> np.ndarray:
        z = torch.from_numpy(centres)
        likelihoods = (
            _decoded_grid(weakref.ref(model), beta, len(coarse), _fingerprint(model, beta))
            if is_cached and np.array_equal(centres, coarse)
            else decode_in_parts(model, z, beta)
        )
        return _log_joint(likelihoods, observed, z, beta if temper else 1.0).numpy()

    squares = adaptive_squares(reach, evaluate)
    mass = np.exp(squares.log_mass - squares.log_sum)
    return GridPosterior(squares.centres, squares.sides, mass, squares.log_sum, squares.error)
