"""One pure function for each thing a student does. Both front ends call these, so a number cannot differ between them.

Pictures come in as the model sees them, (C, H, W) float32 in [0, 1] (vae.images.read); arrays go out as float32 NumPy.
seed fixes every draw. The same seed is the same binarisation, the same eps and the same prior latents at every beta, so
that moving beta shows beta and not luck.
"""

from vae.experiments.playground import (
    Breakdown,
    Gallery,
    Reconstruction,
    TradeOff,
    breakdown,
    decode,
    gallery,
    observe,
    reconstruct,
    trade_off,
)

__all__ = [
    "Breakdown", "Gallery", "Reconstruction", "TradeOff", "breakdown", "decode", "gallery", "observe", "reconstruct",
    "trade_off",
]
