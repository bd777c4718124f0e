"""The numbers behind each page: one pure function for each thing a student does.

Both front ends call these, so a number cannot differ between them. Arrays come in and go out as
NumPy's, pictures and latents as float32: an image as vae.images.read gives it, (C, H, W) in [0, 1],
an observation in the form that the likelihood is defined for. Models are on the CPU. seed fixes
every draw. The same seed is the same binarisation, the same eps and the same prior latents at every
beta, so that moving beta shows the effect of beta alone.

The pages of the lab are in modules of this package. The steps of the lesson are in
vae.experiments.lesson: pixels, plane, inference, variational, evidence, reparameterisation, holes,
gaussian; and misconceptions, decoders, beta_conventions, worksheet.
"""

from vae.experiments.dimensions import Traversal, traverse
from vae.experiments.film import galleries, reconstructions
from vae.experiments.map import (
    WHOLE_PLANE,
    Codes,
    PosteriorMap,
    Window,
    around,
    codes,
    codes_at,
    decode_point,
    decode_point_at,
    posterior_map,
    tiles,
)
from vae.experiments.path import Path, path
from vae.experiments.playground import (
    Breakdown,
    Gallery,
    Reconstruction,
    TradeOff,
    breakdown,
    decode,
    gallery,
    observation,
    observe,
    reconstruct,
    trade_off,
)

__all__ = [
    "WHOLE_PLANE",
    "Breakdown",
    "Codes",
    "Gallery",
    "Path",
    "PosteriorMap",
    "Reconstruction",
    "TradeOff",
    "Traversal",
    "Window",
    "around",
    "breakdown",
    "codes",
    "codes_at",
    "decode",
    "decode_point",
    "decode_point_at",
    "galleries",
    "gallery",
    "observation",
    "observe",
    "path",
    "posterior_map",
    "reconstruct",
    "reconstructions",
    "tiles",
    "trade_off",
    "traverse",
]
