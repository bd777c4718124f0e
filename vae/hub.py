"""Where models come from: a folder, or one of the bundled names in weights/."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vae.model import VAE
from vae.weights import CONFIG, Folder, WeightsError, load_folder, load_model

BUNDLE = Path(__file__).resolve().parent.parent / "weights"


@dataclass(frozen=True)
class Resolved(Folder):
    """A checked weights folder, its name, and where it came from: source is "bundled"."""

    name: str
    source: str


def bundled() -> tuple[str, ...]:
    """Names of the models that lie in weights/, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in BUNDLE.glob(f"*/{CONFIG}")))


def load(name: str | Path) -> VAE:
    """The model in an existing folder, else the bundled one of that name; never another than the one asked for.

    Ready to use on the CPU, in float32, without gradients. Raises WeightsError: which file is wrong, or which names there are.
    """
    return load_model(_locate(name))


@cache
def resolve(name: str) -> Resolved:
    """What the app uses: a bundled model with everything measured of it, chosen once per process. Raises WeightsError."""
    if name not in bundled():
        raise WeightsError(_unknown(name))
    return Resolved(**vars(load_folder(BUNDLE / name)), name=name, source="bundled")


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
