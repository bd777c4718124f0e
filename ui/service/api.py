"""The API's endpoints, for homework from Python or curl.

Each function here is an endpoint of gradio_app.py with the same name. Plain values in, dictionaries
of plain values out, as JSON has them. Arrays are nested lists of float32 values written in full, so
that NumPy reads back the same bits. An infinite rate (of a plain autoencoder) is null.

Raises InputError for an argument that cannot be used, vae.ImageError for a picture, WeightsError
for a model.
"""

from typing import TypedDict

import numpy as np

import vae
from ui.service import validation
from ui.service.cache import trade_off
from ui.service.validation import DEFAULT_SEED, LARGEST_SEED, InputError
from ui.text import DEFAULT, Text
from ui.view import sentences
from vae import experiments
from vae.experiments import Breakdown, TradeOff
from vae.hub import sources
from vae.hub.sources import Resolved

DEFAULT_MODEL = "mnist"


class ModelCard(TypedDict):
    """A model's sizes, measured betas and examples.

    betas: those measured on the whole test set; any beta from the first to the last can be asked
    for.
    """

    name: str
    title: str
    image_shape: list[int]
    latent_dim: int
    likelihood: str
    betas: list[float]
    examples: list[str]
    test_count: int
    weights: str


class Code(TypedDict):
    """The posterior q(z|x) of one picture.

    observed (C, H, W): what the encoder saw, binarised where the likelihood is Bernoulli.
    """

    observed: list
    mean: list[float]
    standard_deviation: list[float]
    rate_per_dimension: list[float | None]
    rate: float | None


class Reconstructed(TypedDict):
    """A picture's reconstruction, and its loss in nats.

    reconstruction (C, H, W): E[x|z]. distortion: the mean over `draws` samples z ~ q(z|x), not that
    of the one z shown. average_distortion, average_rate: over the whole test set at this beta.
    easier_than: the share of test pictures that are harder. These three are null at a beta that was
    not measured.
    """

    beta: float
    observed: list
    mean: list[float]
    standard_deviation: list[float]
    z: list[float]
    reconstruction: list
    rate_per_dimension: list[float | None]
    distortion: float
    rate: float | None
    negative_elbo: float | None
    draws: int
    average_distortion: float | None
    average_rate: float | None
    easier_than: float | None


class Pictures(TypedDict):
    """Decoded pictures: images (N, C, H, W), values from 0 to 1; latents (N, D)."""

    images: list
    latents: list[list[float]]


class Curve(TypedDict):
    """Rate and distortion at each beta, in nats.

    dedicated_…: of networks trained for one beta alone, where there are some.
    """

    betas: list[float]
    test_rate: list[float | None]
    test_distortion: list[float]
    picture_rate: list[float | None] | None
    picture_distortion: list[float] | None
    dedicated_betas: list[float]
    dedicated_rate: list[float]
    dedicated_distortion: list[float]


def models() -> list[ModelCard]:
    """The models that can be asked: sizes, measured betas and names of their examples."""
    text = Text(DEFAULT)
    return [
        ModelCard(
            name=name,
            title=sentences.title(text, name),
            image_shape=list(model.network.config.image_shape),
            latent_dim=model.network.config.latent_dim,
            likelihood=model.network.config.likelihood,
            betas=[entry.beta for entry in model.metrics.betas],
            examples=list(model.examples.names),
            test_count=model.metrics.test_count,
            weights=sentences.source(text, model),
        )
        for name in sources.names()
        for model in [resolve(name)]
    ]


def encode(
    picture: str, model: str = DEFAULT_MODEL, beta: float | None = None, seed: int = DEFAULT_SEED
) -> Code:
    """The posterior q(z|x) of a picture, and its rate in nats.

    Mean and standard deviation of each dimension.

    Args:
        picture: a picture file in base64, or the name of one of the model's examples, such as "7"
        model: a name from /models
        beta: a number in the range of the model's betas; 1 where it is left out
        seed: of the binarisation, 0 to 99999
    """
    chosen = resolve(model)
    seen = experiments.reconstruct(
        chosen.network,
        image(picture, chosen),
        validation.beta(beta, chosen),
        seed=_seed(seed),
        use_mean=True,
    )
    return Code(
        observed=_list(seen.observed),
        mean=_list(seen.posterior_mean),
        standard_deviation=_list(seen.posterior_deviation),
        rate_per_dimension=_list(seen.rate_per_dimension),
        rate=_finite(seen.rate),
    )


def decode(
    latents: list[list[float]], model: str = DEFAULT_MODEL, beta: float | None = None
) -> Pictures:
    """The pictures E[x|z] of latents of your own.

    Args:
        latents: 1 to 64 codes (fewer of large pictures), each a list of latent_dim numbers
        model: a name from /models
        beta: a number in the range of the model's betas; 1 where it is left out
    """
    chosen = resolve(model)
    return _pictures(
        experiments.decode(
            chosen.network,
            validation.latents(latents, chosen),
            validation.beta(beta, chosen),
            seed=DEFAULT_SEED,
        )
    )


def reconstruct(
    picture: str,
    model: str = DEFAULT_MODEL,
    beta: float | None = None,
    seed: int = DEFAULT_SEED,
    draw: int = 0,
    use_mean: bool = False,
) -> Reconstructed:
    """A picture encoded, one z drawn and decoded, with distortion and rate in nats.

    Beside them stand the test set's averages.

    Args:
        picture: a picture file in base64, or the name of one of the model's examples, such as "7"
        model: a name from /models
        beta: a number in the range of the model's betas; 1 where it is left out
        seed: of the binarisation and of all noise, 0 to 99999
        draw: which eps of this seed: 0, 1, 2, …
        use_mean: take z = mu instead of a draw; the distortion remains that of draws
    """
    chosen = resolve(model)
    pixels, at, seed = image(picture, chosen), validation.beta(beta, chosen), _seed(seed)
    seen = experiments.reconstruct(
        chosen.network,
        pixels,
        at,
        seed=seed,
        draw=validation.integer("draw", draw, 0, LARGEST_SEED),
        use_mean=validation.flag("use_mean", use_mean),
    )
    own, loss = _loss(chosen, pixels, at, seed)
    index = own.betas.index(at)
    distortion, rate = float(own.distortion[index]), float(own.rate[index])
    return Reconstructed(
        beta=at,
        observed=_list(seen.observed),
        mean=_list(seen.posterior_mean),
        standard_deviation=_list(seen.posterior_deviation),
        z=_list(seen.z),
        reconstruction=_list(seen.mean),
        rate_per_dimension=_list(seen.rate_per_dimension),
        distortion=distortion,
        rate=_finite(rate),
        negative_elbo=_finite(distortion + rate),
        draws=own.draws,
        average_distortion=loss.average_distortion if loss else None,
        average_rate=_finite(loss.average_rate) if loss else None,
        easier_than=loss.easier_than if loss else None,
    )


def sample(
    model: str = DEFAULT_MODEL,
    beta: float | None = None,
    count: int = 16,
    seed: int = DEFAULT_SEED,
    temperature: float = 1.0,
    draw_pixels: bool = False,
) -> Pictures:
    """Samples from the prior, decoded. The same seed is the same latents at every beta.

    Args:
        model: a name from /models
        beta: a number in the range of the model's betas; 1 where it is left out
        count: how many, 1 to 64; of large pictures fewer, which a refusal says
        seed: of the latents, 0 to 99999
        temperature: z ~ N(0, temperature² · I), 0 to 10; only 1 is the prior
        draw_pixels: draw from p(x|z) instead of its mean
    """
    chosen = resolve(model)
    return _pictures(
        experiments.gallery(
            chosen.network,
            validation.beta(beta, chosen),
            seed=_seed(seed),
            count=validation.integer("count", count, 1, validation.most_pictures(chosen)),
            temperature=validation.number(
                "temperature", temperature, 0, validation.HIGHEST_TEMPERATURE
            ),
            draw_pixels=validation.flag("draw_pixels", draw_pixels),
        )
    )


def rate_distortion(
    model: str = DEFAULT_MODEL, picture: str | None = None, seed: int = DEFAULT_SEED
) -> Curve:
    """The rate–distortion curve of the whole test set and, where one is given, of a picture.

    Args:
        model: a name from /models
        picture: a picture file in base64, or an example's name; left out, the test set alone
        seed: of the picture's binarisation and noise, 0 to 99999
    """
    chosen, seed = resolve(model), _seed(seed)
    own = trade_off(chosen, image(picture, chosen), seed) if picture else None
    return Curve(
        betas=[entry.beta for entry in chosen.metrics.betas],
        test_rate=[_finite(entry.rate) for entry in chosen.metrics.betas],
        test_distortion=[entry.distortion for entry in chosen.metrics.betas],
        picture_rate=_list(own.rate) if own else None,
        picture_distortion=_list(own.distortion) if own else None,
        dedicated_betas=[network.beta for network in chosen.dedicated],
        dedicated_rate=[network.rate for network in chosen.dedicated],
        dedicated_distortion=[network.distortion for network in chosen.dedicated],
    )


def resolve(name: object) -> Resolved:
    """The loaded model of a name. Raises InputError for an unknown name."""
    return sources.resolve(validation.one_of("model", name, sources.names()))


def image(picture: object, model: Resolved) -> np.ndarray:
    """The image (C, H, W) float32, from an example's name or a picture file in base64."""
    if isinstance(picture, str) and picture in model.examples.names:
        return model.examples.picture(picture).numpy()
    return vae.images.read(validation.file(picture, model), model.network.config).image.numpy()


def _loss(
    model: Resolved, pixels: np.ndarray, beta: float, seed: int
) -> tuple[TradeOff, Breakdown | None]:
    """Trade-off at one beta, and its breakdown where the test set was measured there."""
    average = model.metrics.at(beta) if beta else model.metrics.betas[0]
    if average.beta == beta:
        own = trade_off(model, pixels, seed)
        return own, experiments.breakdown(own, average)
    return experiments.trade_off(model.network, pixels, (beta,), seed=seed), None


def _seed(value: object) -> int:
    return validation.integer("seed", value, 0, LARGEST_SEED)


def _pictures(drawn: experiments.Gallery) -> Pictures:
    return Pictures(images=_list(drawn.images), latents=_list(drawn.latents))


def _list(array: np.ndarray) -> list:
    return array.tolist() if np.isfinite(array).all() else [_finite(value) for value in array]


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


ENDPOINTS = (models, encode, decode, reconstruct, sample, rate_distortion)
__all__ = ["ENDPOINTS", "InputError", *(endpoint.__name__ for endpoint in ENDPOINTS)]
