"""The playground at every beta of the slider: one frame for each, computed in one go."""

from collections.abc import Iterator

import numpy as np
import torch

from vae.elbo import kl_to_standard_normal
from vae.experiments.arrays import tensor
from vae.experiments.playground import Reconstruction, gallery, observe
from vae.model import VAE
from vae.noise import seeded, standard_normal

BATCH = 16  # frames decoded at once, so that those of colour pictures fit into memory


@torch.no_grad()
def reconstructions(
    model: VAE,
    image: np.ndarray,
    betas: tuple[float, ...],
    *,
    seed: int,
    draw: int = 0,
    use_mean: bool = False,
) -> tuple[Reconstruction, ...]:
    """One picture's way through the network at each beta: a frame each, as `reconstruct` gives it.

    image: (C, H, W) in [0, 1]. The binarisation and eps are those of the seed, the same at every
    beta. Raises as VAE.encode does.
    """
    observed = observe(model, tensor(image), seed=seed)
    eps = standard_normal((1, model.config.latent_dim), seeded(seed, "eps", draw), observed.device)
    eps = torch.zeros_like(eps) if use_mean else eps
    frames: list[Reconstruction] = []
    for part in torch.tensor(betas).split(BATCH):
        q = model.encode(observed.expand(len(part), *observed.shape), part)
        z = q.at(eps.expand(len(part), -1))
        means = model.decode(z, part).mean
        rates = kl_to_standard_normal(q)
        frames += [
            Reconstruction(
                observed=observed.numpy(),
                posterior_mean=q.mean[index].numpy(),
                posterior_deviation=q.standard_deviation[index].numpy(),
                eps=eps[0].numpy(),
                z=z[index].numpy(),
                mean=means[index].numpy(),
                difference=(means[index] - observed).numpy(),
                rate_per_dimension=rates[index].numpy(),
            )
            for index in range(len(part))
        ]
    return tuple(frames)


def galleries(
    model: VAE,
    betas: tuple[float, ...],
    *,
    count: int,
    seed: int,
    temperature: float = 1.0,
    draw_pixels: bool = False,
) -> Iterator[np.ndarray]:
    """The pictures of `gallery` at each beta, (N, C, H, W), one beta after the other."""
    for beta in betas:
        yield gallery(
            model,
            beta,
            count=count,
            seed=seed,
            temperature=temperature,
            draw_pixels=draw_pixels,
        ).images
