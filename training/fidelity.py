"""Similarity of reconstructed colour pictures to the originals.

It is measured as squared error, beside that of PCA, and as the share of reconstructions whose
nearest picture is their own original.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from vae.hub.metrics import Fidelity
from vae.model import VAE
from vae.noise import seeded, standard_normal

BATCH = 500
IDENTIFIED_AT, CANDIDATES = 0.1, 20
PCA_OVERSAMPLING, PCA_ITERATIONS = 32, 4  # of the randomised decomposition (Halko et al. 2011)


@torch.no_grad()
def measure(
    model: VAE,
    pictures: Tensor,
    training_images: Tensor,
    mirrored: bool,
    betas: Sequence[float],
    seed: int,
) -> Fidelity:
    """The fidelity of a model at these betas.

    For test pictures (N, C, H, W) float32 in [0, 1] and training pictures uint8. mirrored: whether
    PCA sees the training pictures both ways round, as the network did.
    """
    components = model.config.latent_dim
    low, high = model.config.beta_range
    identified_at = min(max(IDENTIFIED_AT, low), high)
    return Fidelity(
        squared_errors=tuple(squared_error(model, pictures, beta) for beta in betas),
        pca_squared_error=pca_squared_error(training_images, mirrored, pictures, components, seed),
        pca_components=components,
        identified_at=identified_at,
        candidates=CANDIDATES,
        identified=identified_share(model, pictures, identified_at, CANDIDATES, seed),
    )


def squared_error(model: VAE, pictures: Tensor, beta: float) -> float:
    """Mean over pictures, pixels and channels of (E[x|z] - x)^2 at z = mu, where white is 1."""
    total = sum(
        (model.decode(model.encode(batch, beta).mean, beta).mean - batch)
        .double()
        .square()
        .sum()
        .item()
        for batch in pictures.split(BATCH)
    )
    return total / pictures.numel()


def pca_squared_error(
    training_images: Tensor, mirrored: bool, pictures: Tensor, components: int, seed: int
) -> float:
    """Mean squared error of the best linear code with as many numbers.

    That is the principal components of the training pictures (Pearson 1901).
    """
    if mirrored:
        training_images = torch.cat([training_images, training_images.flip(3)])
    data = training_images.flatten(1).float() / 255
    mean = data.mean(0)
    data -= mean
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        rank = min(components + PCA_OVERSAMPLING, *data.shape)
        _, _, basis = torch.svd_lowrank(data, q=rank, niter=PCA_ITERATIONS)
    basis = basis[:, :components]
    flat, mean, basis = pictures.flatten(1), mean.to(pictures.device), basis.to(pictures.device)
    # Clipped, since E[x|z] cannot leave the range either.
    reconstructed = (((flat - mean) @ basis) @ basis.T + mean).clamp(0, 1)
    return (reconstructed - flat).double().square().mean().item()


def identified_share(
    model: VAE, pictures: Tensor, beta: float, candidates: int, seed: int
) -> float:
    """The share of reconstructions that are nearer to their own original than to other pictures.

    Each is made from one z ~ q(z|x), and compared with `candidates` - 1 other test pictures, drawn
    anew for each; the distance is Euclidean, in pixel space.
    """
    count, hits = len(pictures), 0
    candidate_table = candidate_indices(count, candidates - 1, seed)
    for number, batch in enumerate(torch.arange(count).split(BATCH)):
        eps = standard_normal(
            (len(batch), model.config.latent_dim),
            seeded(seed, "identified", number),
            pictures.device,
        )
        q = model.encode(pictures[batch.to(pictures.device)], beta)
        reconstructions = model.decode(q.at(eps), beta).mean.flatten(1)
        for index, reconstruction in zip(batch.tolist(), reconstructions, strict=True):
            candidate_pictures = pictures[
                torch.cat([torch.tensor([index]), candidate_table[index]]).to(pictures.device)
            ].flatten(1)
            hits += int((candidate_pictures - reconstruction).square().sum(1).argmin()) == 0
    return hits / count


def candidate_indices(count: int, others: int, seed: int) -> Tensor:
    """For each of `count` pictures the indices of so many other ones: (count, others).

    All different; or all that there are.
    """
    steps = (
        torch.rand(count, count - 1, generator=seeded(seed, "candidates")).argsort(1)[:, :others]
        + 1
    )
    # at least one and at most all but one further, around the circle
    return (torch.arange(count)[:, None] + steps) % count
