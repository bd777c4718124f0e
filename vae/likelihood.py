"""Likelihoods p(x|z): the probability of every picture that could have been observed.

Both treat pixels as independent given z, so log p(x|z) is the *sum* over pixels, in nats. A mean
over pixels would silently divide the reconstruction error by the number of pixels, which is the
same as multiplying beta by it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vae.noise import uniform

GREY_LEVELS = 256


def binarize(images: Tensor, *, generator: torch.Generator) -> Tensor:
    """Dynamic binarisation: draw each pixel as 1 with its grey value as the probability.

    images: any shape, float32 in [0, 1]. Returns the same shape, float32, only 0 and 1. This is the
    data set that the published MNIST numbers in nats are about (Salakhutdinov & Murray 2008; Burda
    et al. 2016, section 5). Raises ValueError for values outside [0, 1].
    """
    low, high = images.aminmax() if images.numel() else (0, 1)
    if not (low >= 0 and high <= 1):  # written so that NaN fails too
        raise ValueError("binarize expects grey values in [0, 1]; divide 8-bit pixels by 255 first")
    return observe_with_noise(images, uniform(images.shape, generator, images.device))


def observe(images: Tensor, likelihood: str, *, generator: torch.Generator) -> Tensor:
    """A picture in the form that the likelihood is defined for.

    It is a binarisation for "bernoulli", else the nearest of 256 levels. images: any shape, float32
    in [0, 1]; the same shape comes back. generator: for the binarisation; not used otherwise.
    """
    if likelihood == "bernoulli":
        return binarize(images, generator=generator)
    return observe_with_noise(images, None)


def observe_with_noise(images: Tensor, noise: Tensor | None) -> Tensor:
    """Pictures as the likelihood sees them, with the caller's noise for the binarisation.

    noise: uniform in [0, 1) and of the pictures' shape; None where pixels are not binarised.
    """
    if noise is None:
        return (images * (GREY_LEVELS - 1)).round() / (GREY_LEVELS - 1)
    return (noise < images).to(torch.float32)


def is_true_everywhere(condition: Tensor) -> bool:
    """Whether a condition is true everywhere.

    While a CUDA graph is captured no value can be read, and the condition counts as true: the same
    step has run before the capture, and was checked then.
    """
    return (condition.is_cuda and torch.cuda.is_current_stream_capturing()) or bool(condition.all())


def bits_per_dimension(nats: float, count: int) -> float:
    """Nats of a whole picture -> bits for each of its `count` pixel values.

    This is the unit in which models of colour pictures are compared.
    """
    return nats / (count * math.log(2))


def _require_same_shape(images: Tensor, parameters: Tensor) -> None:
    # Broadcasting (N, 1) against (N, N) has hidden many a wrong ELBO, so shapes must be equal.
    if images.shape != parameters.shape:
        raise ValueError(
            f"images have shape {tuple(images.shape)}, the likelihood {tuple(parameters.shape)}"
        )


@dataclass(frozen=True)
class Bernoulli:
    """Each pixel is 1 (ink) with probability sigmoid(logit), else 0; for binarised pictures only.

    logits: (N, C, H, W) float32. Kingma & Welling 2014, appendix C.1.
    """

    logits: Tensor

    def __len__(self) -> int:
        """Number N of pictures."""
        return len(self.logits)

    @property
    def mean(self) -> Tensor:
        """Probability of ink, (N, C, H, W) in [0, 1].

        It is the grey picture that is usually shown as "the reconstruction", but no sample.
        """
        return torch.sigmoid(self.logits)

    def sample(self, generator: torch.Generator) -> Tensor:
        """One draw from p(x|z): (N, C, H, W), float32, only 0 and 1."""
        return (uniform(self.logits.shape, generator, self.logits.device) < self.mean).to(
            torch.float32
        )

    def log_prob(self, images: Tensor) -> Tensor:
        """log p(x|z) in nats, (N,): the sum over pixels of x log p + (1 - x) log(1 - p).

        Raises ValueError for grey values: the same formula on them (binary cross entropy) is not a
        log probability.
        """
        _require_same_shape(images, self.logits)
        if not is_true_everywhere((images == 0) | (images == 1)):
            raise ValueError(
                "a Bernoulli likelihood is for pixels that are 0 or 1; call vae.binarize on grey "
                "pictures first"
            )
        return (
            -F.binary_cross_entropy_with_logits(self.logits, images, reduction="none")
            .flatten(1)
            .sum(1)
        )


@dataclass(frozen=True)
class DiscretizedLogistic:
    """Each pixel is one of 256 values k/255, with the mass of a logistic density in its bin.

    location: (N, C, H, W) float32, in pixel units (0 black, 1 white). log_scale: broadcastable to
    it, natural logarithm of the logistic's scale in the same units. The bins of 0 and 255 reach to
    minus and plus infinity, so that the 256 probabilities sum to one. Kingma et al. 2016 (inverse
    autoregressive flow), appendix; Salimans et al. 2017, eq. 2.
    """

    location: Tensor
    log_scale: Tensor

    def __len__(self) -> int:
        """Number N of pictures."""
        return len(self.location)

    @property
    def mean(self) -> Tensor:
        """Expected pixel, (N, C, H, W) in [0, 1], within half a grey level of the exact sum.

            E[x] = (1/255) sum_k P(x > k)  ~  integral of sigmoid((m - t)/s) over t in [0, 1]
                 = s (softplus(m/s) - softplus((m - 1)/s))

        The approximation is the midpoint rule; half a grey level is 1/510.
        """
        scale = self.log_scale.exp()
        return scale * (F.softplus(self.location / scale) - F.softplus((self.location - 1) / scale))

    def sample(self, generator: torch.Generator) -> Tensor:
        """One draw from p(x|z): (N, C, H, W), float32, multiples of 1/255 in [0, 1]."""
        u = uniform(self.location.shape, generator, self.location.device).clamp(1e-7, 1 - 1e-7)
        draw = self.location + self.log_scale.exp() * torch.logit(u)
        return (draw.clamp(0, 1) * (GREY_LEVELS - 1)).round() / (GREY_LEVELS - 1)

    def log_prob(self, images: Tensor) -> Tensor:
        """log p(x|z) in nats, (N,), summed over pixels.

        With a and b the standardised lower and upper edge of the bin, the mass is

            sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b))

        The right side keeps its digits where the two sigmoids are nearly equal; b - a is the bin's
        width. Raises ValueError for pixels that are no multiple of 1/255.
        """
        _require_same_shape(images, self.location)
        levels = images * (GREY_LEVELS - 1)
        if not is_true_everywhere(
            ((levels - levels.round()).abs() < 1e-3) & (images >= 0) & (images <= 1)
        ):
            raise ValueError(
                "a discretised logistic likelihood is for 8-bit pixels: multiples of 1/255 in [0, "
                "1]"
            )
        inverse_scale = (-self.log_scale).exp()
        offset, half_bin = (
            (images - self.location) * inverse_scale,
            0.5 / (GREY_LEVELS - 1) * inverse_scale,
        )
        # one edge of these bins lies at infinity: its sigmoid is 1
        lowest, highest = (levels < 0.5, levels > GREY_LEVELS - 1.5)
        log_upper = F.logsigmoid((half_bin + offset).masked_fill(highest, math.inf))
        log_lower = F.logsigmoid((half_bin - offset).masked_fill(lowest, math.inf))
        log_width = torch.log(-torch.expm1(-2 * half_bin))
        log_mass = log_upper + log_lower + ~(lowest | highest) * log_width
        return log_mass.flatten(1).sum(1)


Likelihood = Bernoulli | DiscretizedLogistic


def bernoulli(likelihood: Likelihood) -> Bernoulli:
    """The likelihood, where what follows needs its logits. Raises TypeError for another kind."""
    if not isinstance(likelihood, Bernoulli):
        raise TypeError("this is for models of binarised pictures only")
    return likelihood
