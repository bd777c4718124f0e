"""Each picture's rate–distortion curve is computed once, however often beta moves and however many look at it."""

import hashlib
from collections import OrderedDict
from threading import Lock

import torch

from vae import experiments
from vae.experiments import TradeOff
from vae.hub import Resolved

MOST_REMEMBERED = 512

_guard = Lock()
_remembered: OrderedDict[tuple, TradeOff] = OrderedDict()
_computing: dict[tuple, Lock] = {}


def trade_off(model: Resolved, pixels: torch.Tensor, seed: int) -> TradeOff:
    """The rate and distortion of what the model sees, (C, H, W), at every measured beta.

    Remembered are these numbers and a digest, never a picture: it ends with its session.
    """
    key = (model.model, hashlib.sha256(pixels.numpy().tobytes()).digest(), seed)
    with _guard:
        lock = _computing.setdefault(key, Lock())
    try:
        with lock:  # a class that opens one link computes it once
            known = _remembered.get(key)
            if known is None:
                betas = tuple(entry.beta for entry in model.metrics.betas)
                known = _remembered[key] = experiments.trade_off(model.model, pixels, betas, seed=seed)
            return known
    finally:
        with _guard:
            _computing.pop(key, None)
            while len(_remembered) > MOST_REMEMBERED:
                _remembered.popitem(last=False)
