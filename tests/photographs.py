"""Noisy photographs of digits, one for each seed."""

import io

import numpy as np
from PIL import Image


def photograph(seed: int) -> bytes:
    """A stroke on paper, another one for each seed."""
    dice = np.random.default_rng(seed)
    paper = np.full((120, 120), 225, np.uint8)
    left, top = dice.integers(20, 60, 2)
    paper[top : top + 50, left : left + 10] = paper[
        top : top + 10, left : left + int(dice.integers(15, 50))
    ] = 30
    buffer = io.BytesIO()
    Image.fromarray(paper).save(buffer, "PNG")
    return buffer.getvalue()
