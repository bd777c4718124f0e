"""A weights folder: config.json, model.safetensors and what was measured of them.

It is saved as a whole, and loaded strictly or not at all. No pickle is ever read. A file that is
missing, cut short, an error page, or of another model is an error that names it; nothing is loaded
in part, because random weights look just like a badly trained model. config.json holds the sha256
of the other files (format 2; in format 1, which is read too, of the weights alone).
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, TypeVar, cast

import numpy as np
import safetensors
import safetensors.torch
import torch
from pydantic import Field, StringConstraints, TypeAdapter

from vae.config import MAX_PARAMETERS, VAEConfig
from vae.hub import files
from vae.hub.metrics import Dedicated, Metrics, parse_dedicated, parse_metrics
from vae.model import VAE

FORMAT = 2
# of one file; more is not even read
MAX_BYTES = {".safetensors": 4 * MAX_PARAMETERS + 2**20, ".npz": 2**24, ".json": 2**21}
MAX_HEADER = 2**20  # bytes, of the names and shapes in a .safetensors
MAX_UNPACKED = 64 * 2**20  # bytes of an .npz: a small file may claim to be a huge one
MAX_ARRAYS = 16  # in an .npz: a small file may hold a hundred thousand
MAX_REASON = 300  # characters: a file may be full of names
MAX_EXAMPLES, MAX_REFERENCE, MAX_NAME = 12, 10_000, 60
CONFIG, WEIGHTS = "config.json", "model.safetensors"
METRICS, DEDICATED, EXAMPLES, REFERENCE = (
    "metrics.json",
    "dedicated.json",
    "examples.npz",
    "reference.npz",
)
TRAINING, CARD, FIGURES = "training.json", "README.md", "figures"
OPTIONAL = (DEDICATED, REFERENCE)
LOADED = (CONFIG, WEIGHTS, METRICS, EXAMPLES, *OPTIONAL)  # what the app needs
# whose sha256 is in config.json, beside that of the weights
SEALED = (METRICS, DEDICATED, EXAMPLES, REFERENCE, TRAINING)

Read = TypeVar("Read")
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class WeightsError(ValueError):
    """A weights folder cannot be used.

    One sentence: which file is wrong, and why.
    """


@dataclass(frozen=True, kw_only=True)
class _Format1(VAEConfig):
    """config.json in format 1, with the checksum of the weights alone."""

    format: Literal[1]
    weights_sha256: Sha256


@dataclass(frozen=True, kw_only=True)
class _Format2(VAEConfig):
    """config.json in format 2.

    sha256: the checksum of each file that belongs to these weights.
    """

    format: Literal[2]
    sha256: dict[Literal[WEIGHTS, *SEALED], Sha256]  # type: ignore[valid-type]  # one list of names


@dataclass(frozen=True)
class _Format:
    """The version of config.json, which is read before the rest."""

    format: Annotated[int, Field(ge=1, le=FORMAT)]


_FORMAT = TypeAdapter(_Format)
_FORMATS: dict[int, TypeAdapter] = {1: TypeAdapter(_Format1), 2: TypeAdapter(_Format2)}


@dataclass(frozen=True)
class _Config:
    """config.json, checked.

    sha256: by the name of the file. whole: whether a file that is not in it belongs to another
    model.
    """

    model: VAEConfig
    sha256: dict[str, str]
    whole: bool


@dataclass(frozen=True)
class Examples:
    """A few test pictures.

    images: (M, C, H, W) uint8; names: one each; labels: (M,).
    """

    images: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray

    def picture(self, name: str) -> torch.Tensor:
        """The picture of that name as the model sees it: (C, H, W) float32 in [0, 1].

        Raises ValueError for an unknown name.
        """
        return torch.from_numpy(self.images[self.names.index(name)].astype(np.float32) / 255)


@dataclass(frozen=True)
class Reference:
    """Test pictures for maps and comparisons.

    images: (M, C, H, W) uint8, grey; labels: (M,); mean_training_pixel: (C, H, W) float32, from 0
    to 1.
    """

    images: np.ndarray
    labels: np.ndarray
    mean_training_pixel: np.ndarray


@dataclass(frozen=True)
class Folder:
    """The checked content of a weights folder."""

    network: VAE
    metrics: Metrics
    dedicated: tuple[Dedicated, ...]
    examples: Examples
    reference: Reference | None

    @property
    def model(self) -> VAE:
        """The network, by the name that scripts outside this project rely on."""
        return self.network


def save_model(folder: Path, model: VAE, dtype: torch.dtype = torch.float16) -> None:
    """Write config.json and model.safetensors.

    Stored as float16 (half the size; NumPy reads it), computed in float32. What was measured of
    other weights in this folder no longer belongs to it, until it is measured anew. Raises
    WeightsError when a weight is not finite or does not fit the type.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().cpu().to(dtype).contiguous()
        for name, tensor in model.state_dict().items()
    }
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{WEIGHTS} was not written: {name} is not finite as {dtype}")
    content = safetensors.torch.save(tensors, metadata={"format": "pt"})
    (folder / WEIGHTS).write_bytes(content)
    _write_config(folder, model.config, {WEIGHTS: hashlib.sha256(content).hexdigest()})


def seal(folder: Path, *names: str) -> None:
    """Write checksums of these files of the folder (none named: all) into its config.json.

    Files with a checksum belong to the folder's weights (format 2). names: of SEALED; one that is
    not there is taken out. The checksum of the weights themselves stays. For a folder in format 1,
    all files are written in. Raises WeightsError.
    """
    config = _read_config(folder / CONFIG)
    names = names if names and config.whole else SEALED
    sums = {name: sha256 for name, sha256 in config.sha256.items() if name not in names}
    for name in names:
        if (folder / name).exists():
            content = _checked(folder / name, lambda path: files.content(path, largest(path.name)))
            sums[name] = hashlib.sha256(content).hexdigest()
    _write_config(folder, config.model, sums)


def load_model(folder: Path) -> VAE:
    """The model of a weights folder, ready to use on the CPU: float32, no gradients.

    Raises WeightsError.
    """
    return _load_model(folder, _read_config(folder / CONFIG))


def load_folder(folder: Path) -> Folder:
    """The model and everything measured of it.

    Raises WeightsError naming the file that is wrong.
    """
    config = _read_config(folder / CONFIG)
    model = _load_model(folder, config)
    metrics = _required(folder, METRICS, config, parse_metrics)
    low, high = model.config.beta_range
    if not all(low <= entry.beta <= high for entry in metrics.betas):
        raise WeightsError(
            f"{folder / METRICS}: it has betas outside the model's range, {low:g} to {high:g}"
        )
    if any(len(entry.rate_per_dimension) != model.config.latent_dim for entry in metrics.betas):
        raise WeightsError(
            f"{folder / METRICS}: it is of a model with another latent_dim than "
            f"{model.config.latent_dim}"
        )
    dedicated = _file(folder, DEDICATED, config, parse_dedicated) or ()
    if unknown := {entry.beta for entry in dedicated} - {entry.beta for entry in metrics.betas}:
        raise WeightsError(
            f"{folder / DEDICATED}: it has a network for beta {min(unknown):g}, which "
            "metrics.json has not"
        )
    examples = _required(folder, EXAMPLES, config, lambda content: _examples(content, model.config))
    reference = _file(folder, REFERENCE, config, lambda content: _reference(content, model.config))
    return Folder(model, metrics, dedicated, examples, reference)


def read_training(folder: Path) -> bytes:
    """training.json of a weights folder, if it belongs to these weights.

    Raises WeightsError.
    """
    config = _read_config(folder / CONFIG)
    # what a run of older versions wrote beside its weights
    sealed = _Config(config.model, config.sha256, whole=False)
    return _required(folder, TRAINING, sealed, bytes)


def contents(folder: Path) -> tuple[str, ...]:
    """Names of all files of a finished weights folder, figures included, sorted.

    That is exactly what its repository on the Hub holds. Raises WeightsError for a file that is
    missing and for one that does not belong there, such as a pickle.
    """
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    # what a file manager or the Hub's client leaves
    names = {name for name in names if "/." not in f"/{name}"}
    figures = {
        name
        for name in names
        if name.startswith(f"{FIGURES}/") and name.endswith(".png") and name.count("/") == 1
    }
    required = {*LOADED, TRAINING, CARD} - set(OPTIONAL)
    if missing := sorted(required - names):
        raise WeightsError(
            f"{folder / missing[0]}: it is missing; `python -m training.evaluate {folder}` "
            "completes the folder"
        )
    if foreign := sorted(names - required - set(OPTIONAL) - figures):
        raise WeightsError(
            f"{folder / foreign[0]}: it does not belong into a weights folder; move it away"
        )
    return tuple(sorted(names))


def largest(name: str) -> int:
    """The most bytes that a file of this name may have."""
    return MAX_BYTES[Path(name).suffix]


def _write_config(folder: Path, config: VAEConfig, sha256: dict[str, str]) -> None:
    """Write config.json atomically: two processes may write what they measured at the same time."""
    ordered = {name: sha256[name] for name in (WEIGHTS, *SEALED) if name in sha256}
    temporary = folder / f"{CONFIG}.{os.getpid()}.tmp"
    content = json.dumps({"format": FORMAT, **asdict(config), "sha256": ordered}, indent=2) + "\n"
    temporary.write_text(content, encoding="utf-8", newline="\n")
    os.replace(temporary, folder / CONFIG)


def _read_config(path: Path) -> _Config:
    if not path.parent.is_dir():
        raise WeightsError(f"{path.parent}: there is no such folder")

    def read(path: Path) -> _Config:
        content = files.content(path, largest(path.name))
        number = files.parsed(_FORMAT, content, more=True).format
        found: _Format1 | _Format2 = files.parsed(_FORMATS[number], content)
        model = VAEConfig(**{field.name: getattr(found, field.name) for field in fields(VAEConfig)})
        low, high = model.beta_range
        if high > files.MAX_BETA or 0 < low < files.MIN_BETA:
            raise ValueError(
                f"its beta_range reaches beyond {files.MIN_BETA:g} to {files.MAX_BETA:g}"
            )
        if isinstance(found, _Format1):
            return _Config(model, {WEIGHTS: found.weights_sha256}, whole=False)
        if WEIGHTS not in found.sha256:
            raise ValueError(f"it has no sha256 of {WEIGHTS}")
        return _Config(model, dict(found.sha256), whole=True)

    return _checked(path, read)


def _required(folder: Path, name: str, config: _Config, read: Callable[[bytes], Read]) -> Read:
    """One file that every folder has, its checksum verified."""
    assert name not in OPTIONAL
    return cast(Read, _file(folder, name, config, read))


def _file(folder: Path, name: str, config: _Config, read: Callable[[bytes], Read]) -> Read | None:
    """One file of the folder, its checksum verified.

    None for an optional one that is not there and need not be.
    """

    def checked(path: Path) -> Read | None:
        expected = config.sha256.get(name)
        if name in OPTIONAL and expected is None and not path.exists():
            return None
        content = files.content(path, largest(name))
        if content.startswith(b"version https://git-lfs"):
            raise ValueError(
                "it is a Git LFS pointer, not the file itself; fetch that with git lfs pull"
            )
        if content.lstrip()[:1] == b"<":
            raise ValueError("it is a web page; download the file again")
        found = hashlib.sha256(content).hexdigest()
        if expected is None and config.whole:
            raise ValueError(
                f"{CONFIG} does not name it, so it may be of another model; measure anew with "
                "training.evaluate"
            )
        if expected not in (None, found):
            anew = ", or measure anew with training.evaluate" if name in LOADED[2:] else ""
            raise ValueError(
                f"its sha256 is {found[:12]}…, {CONFIG} says {expected[:12]}…; the file "
                f"({len(content):,} bytes) is cut short or of another model; download it "
                f"again{anew}"
            )
        return read(content)

    return _checked(folder / name, checked)


def _checked(path: Path, read: Callable[[Path], Read]) -> Read:
    """read(path), any error raised as a WeightsError that names the file."""
    try:
        return read(path)
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path}: it is missing; a weights folder cannot be used without it"
        ) from error
    except OSError as error:
        raise WeightsError(f"{path}: it cannot be read ({error.strerror})") from error
    except Exception as error:  # whatever a file from anywhere makes of a library
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = "".join(letter if letter.isprintable() else "?" for letter in reason[:MAX_REASON])
        raise WeightsError(f"{path}: {reason}") from error


def _load_model(folder: Path, config: _Config) -> VAE:
    tensors = _required(folder, WEIGHTS, config, lambda content: _tensors(content, config.model))
    with torch.device("meta"):  # no random weights that a missing tensor could leave behind
        model = VAE(config.model)
    model.load_state_dict(
        {name: tensor.float() for name, tensor in tensors.items()}, strict=True, assign=True
    )
    return model.eval().requires_grad_(False)


def _tensors(content: bytes, config: VAEConfig) -> dict[str, torch.Tensor]:
    if int.from_bytes(content[:8], "little") > MAX_HEADER:
        raise ValueError("it is not a safetensors file (its header would be too large)")
    try:
        tensors = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise ValueError(f"it is not a safetensors file ({error})") from error
    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in VAE(config).state_dict().items()}
    if set(tensors) != set(expected):
        missing, extra = sorted(set(expected) - set(tensors)), sorted(set(tensors) - set(expected))
        raise ValueError(
            f"it is of another network (missing {missing[:3] or 'nothing'}, unknown "
            f"{extra[:3] or 'nothing'})"
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name]:
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}, config.json means {tuple(expected[name])}"
            )
        if tensor.dtype not in (torch.float16, torch.float32) or not torch.isfinite(tensor).all():
            raise ValueError(
                f"{name} holds values that are not finite numbers in float16 or float32"
            )
    return tensors


def _arrays(content: bytes, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        if content.count(b"PK\1\2") > MAX_ARRAYS:  # before its directory is read
            raise ValueError(f"it holds more than {MAX_ARRAYS} arrays")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise ValueError(
                f"unpacked it would be {unpacked:,} bytes, more than the {MAX_UNPACKED:,} allowed"
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except Exception as error:  # a damaged zip raises anything from BadZipFile to zlib.error
        raise ValueError(f"it is not an .npz file with {', '.join(names)} ({error})") from error


def _require_pictures(images: np.ndarray, labels: np.ndarray, config: VAEConfig, most: int) -> None:
    if (
        labels.ndim != 1
        or labels.dtype.kind not in "iu"
        or (labels < 0).any()
        or (labels > 255).any()
    ):
        raise ValueError("its labels must be whole numbers from 0 to 255, one for each picture")
    if (
        images.dtype != np.uint8
        or images.shape[1:] != config.image_shape
        or len(labels) != len(images)
    ):
        raise ValueError(
            f"its images must be (M, {', '.join(map(str, config.image_shape))}) uint8 with a "
            "label each"
        )
    if not 1 <= len(images) <= most:
        raise ValueError(f"it must hold from 1 to {most:,} pictures, not {len(images):,}")


def _examples(content: bytes, config: VAEConfig) -> Examples:
    arrays = _arrays(content, ("images", "names", "labels"))
    _require_pictures(arrays["images"], arrays["labels"], config, MAX_EXAMPLES)
    if arrays["names"].ndim != 1 or arrays["names"].dtype.kind != "U":
        raise ValueError("it needs a name for each picture")
    names = tuple(str(name) for name in arrays["names"])
    if len(set(names)) != len(names) or len(names) != len(arrays["images"]):
        raise ValueError("it needs a different name for each picture")
    if not all(name.isprintable() and 1 <= len(name) <= MAX_NAME for name in names):
        raise ValueError(f"its names must be of 1 to {MAX_NAME} printable characters")
    return Examples(arrays["images"], names, arrays["labels"])


def _reference(content: bytes, config: VAEConfig) -> Reference:
    arrays = _arrays(content, ("images", "labels", "mean_training_pixel"))
    _require_pictures(arrays["images"], arrays["labels"], config, MAX_REFERENCE)
    mean = arrays["mean_training_pixel"]
    if (
        mean.shape != config.image_shape
        or mean.dtype != np.float32
        or not ((mean >= 0) & (mean <= 1)).all()
    ):
        raise ValueError(
            "its mean_training_pixel must be finite float32 from 0 to 1, of shape "
            f"{config.image_shape}"
        )
    return Reference(**arrays)
