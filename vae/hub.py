"""Where models come from: a folder, or one of the bundled names in weights/."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock

from vae.model import VAE
from vae.weights import Folder, WeightsError, load_folder, load_model

_resolving = Lock()
BUNDLE = Path(__file__).resolve().parent.parent / "weights"


@dataclass(frozen=True)
class Resolved(Folder):
    """A checked weights folder, its name, and where it came from: source is "bundled"."""

    name: str
    source: str


def bundled() -> tuple[str, ...]:
    """Names of the folders in weights/, whole or broken, in alphabetical order."""
    return tuple(sorted(path.name for path in BUNDLE.iterdir() if path.is_dir())) if BUNDLE.is_dir() else ()


def load(name: str | Path) -> VAE:
    """The model in an existing folder, else the bundled one of that name; never another than the one asked for.

    Ready to use on the CPU, in float32, without gradients. Raises WeightsError: which file is wrong, or which names there are.
    """
    return load_model(_locate(name))


def resolve(name: str) -> Resolved:
    """What the app uses: a bundled model with everything measured of it, chosen once per process. Raises WeightsError."""
    with _resolving:  # a class that opens the link at once loads a model once
        return _resolve(name)


@cache
def _resolve(name: str) -> Resolved:
    if name not in bundled():
        raise WeightsError(_unknown(name))
    return Resolved(**vars(load_folder(BUNDLE / name)), name=name, source="bundled")


def forget() -> None:
    """Let the next resolve read the folders anew."""
    _resolve.cache_clear()


def _locate(name: str | Path) -> Path:
    folder = Path(name)
    if folder.is_dir():
        return folder
    if str(name) in bundled():
        return BUNDLE / str(name)
    raise WeightsError(_unknown(name))


def _unknown(name: str | Path) -> str:
    names = ", ".join(bundled()) or "none in this installation"
    return f"there is no folder and no bundled model named {str(name)!r}; bundled models: {names}"
