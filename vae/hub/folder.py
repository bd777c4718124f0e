"""A weights folder: config.json, model.safetensors and what was measured of them.

It is saved as a whole, and loaded strictly or not at all. No pickle is ever read. A file that is
missing, cut short, an error page, or of another model is an error that names it; nothing is loaded
in part, because random weights look just like a badly trained model. config.json holds the sha256
of the other files (format 2; in format 1, which is read too, of the weights alone).
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, TypeVar, cast

import safetensors
import safetensors.torch
import torch
from pydantic import Field, StringConstraints, TypeAdapter

from vae.config import MAX_PARAMETERS, VAEConfig
from vae.hub import files
from vae.hub.metrics import Dedicated, Metrics, parse_dedicated, parse_metrics
from vae.hub.pictures import Examples, Reference, parse_examples, parse_reference
from vae.model import VAE

FORMAT = 2
# of one file; a larger one is refused before it is read
MAX_BYTES = {".safetensors": 4 * MAX_PARAMETERS + 2**20, ".npz": 2**24, ".json": 2**21}
MAX_HEADER = 2**20  # bytes of the names and shapes in a .safetensors
MAX_REASON = 300  # characters: a file may be full of names
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
# their sha256 are in config.json, beside that of the weights
CHECKSUMMED_FILES = (METRICS, DEDICATED, EXAMPLES, REFERENCE, TRAINING)

Content = TypeVar("Content")
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
    sha256: dict[Literal[WEIGHTS, *CHECKSUMMED_FILES], Sha256]  # type: ignore[valid-type]  # one list of names


@dataclass(frozen=True)
class _Format:
    """The version of config.json, which is read before the rest."""

    format: Annotated[int, Field(ge=1, le=FORMAT)]


_FORMAT = TypeAdapter(_Format)
_FORMATS: dict[int, TypeAdapter] = {1: TypeAdapter(_Format1), 2: TypeAdapter(_Format2)}


@dataclass(frozen=True)
class _Config:
    """config.json, checked.

    sha256: by the name of the file. is_complete: whether it has one of every file, so that a file
    without one belongs to another model.
    """

    model: VAEConfig
    sha256: dict[str, str]
    is_complete: bool


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

    Stored as float16 (half the size; NumPy reads it), computed in float32. Measurements of
    other weights in this folder are no longer valid, until they are made again. Raises
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


def write_checksums(folder: Path, *names: str) -> None:
    """Write checksums of these files of the folder (none named: all) into its config.json.

    Files with a checksum belong to the folder's weights (format 2). names: of CHECKSUMMED_FILES;
    the checksum of one that does not exist is removed. The checksum of the weights themselves
    stays. For a folder in format 1, all files are written in. Raises WeightsError.
    """
    config = _read_config(folder / CONFIG)
    names = names if names and config.is_complete else CHECKSUMMED_FILES
    checksums = {name: sha256 for name, sha256 in config.sha256.items() if name not in names}
    for name in names:
        if (folder / name).exists():
            with _weights_errors(folder / name):
                content = files.read_bounded(folder / name, max_bytes(name))
            checksums[name] = hashlib.sha256(content).hexdigest()
    _write_config(folder, config.model, checksums)


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
    metrics = _read_required(folder, METRICS, config, parse_metrics)
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
    dedicated = _read_optional(folder, DEDICATED, config, parse_dedicated) or ()
    if unknown := {entry.beta for entry in dedicated} - {entry.beta for entry in metrics.betas}:
        raise WeightsError(
            f"{folder / DEDICATED}: it has a network for beta {min(unknown):g}, which "
            "metrics.json has not"
        )
    examples = _read_required(
        folder, EXAMPLES, config, lambda content: parse_examples(content, model.config)
    )
    reference = _read_optional(
        folder, REFERENCE, config, lambda content: parse_reference(content, model.config)
    )
    return Folder(model, metrics, dedicated, examples, reference)


def read_training(folder: Path) -> bytes:
    """training.json of a weights folder, if it belongs to these weights.

    Raises WeightsError.
    """
    config = _read_config(folder / CONFIG)
    # older versions wrote the file without its checksum
    lenient = _Config(config.model, config.sha256, is_complete=False)
    return _read_required(folder, TRAINING, lenient, bytes)


def file_names(folder: Path) -> tuple[str, ...]:
    """Names of all files of a finished weights folder, figures included, sorted.

    Its repository on the Hub holds exactly these. Raises WeightsError for a file that is
    missing and for one that does not belong there, such as a pickle.
    """
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    # hidden files of a file manager or of the Hub's client
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


def max_bytes(name: str) -> int:
    """The most bytes that a file of this name may have."""
    return MAX_BYTES[Path(name).suffix]


def _write_config(folder: Path, config: VAEConfig, sha256: dict[str, str]) -> None:
    """Write config.json atomically: two processes may write their measurements at the same time."""
    ordered = {name: sha256[name] for name in (WEIGHTS, *CHECKSUMMED_FILES) if name in sha256}
    temporary = folder / f"{CONFIG}.{os.getpid()}.tmp"
    content = json.dumps({"format": FORMAT, **asdict(config), "sha256": ordered}, indent=2) + "\n"
    temporary.write_text(content, encoding="utf-8", newline="\n")
    os.replace(temporary, folder / CONFIG)


def _read_config(path: Path) -> _Config:
    if not path.parent.is_dir():
        raise WeightsError(f"{path.parent}: there is no such folder")

    with _weights_errors(path):
        content = files.read_bounded(path, max_bytes(path.name))
        version = files.parse_json(_FORMAT, content, ignore_unknown=True).format
        stored: _Format1 | _Format2 = files.parse_json(_FORMATS[version], content)
        model = VAEConfig(
            **{field.name: getattr(stored, field.name) for field in fields(VAEConfig)}
        )
        low, high = model.beta_range
        if high > files.MAX_BETA or 0 < low < files.MIN_BETA:
            raise ValueError(
                f"its beta_range reaches beyond {files.MIN_BETA:g} to {files.MAX_BETA:g}"
            )
        if isinstance(stored, _Format1):
            return _Config(model, {WEIGHTS: stored.weights_sha256}, is_complete=False)
        if WEIGHTS not in stored.sha256:
            raise ValueError(f"it has no sha256 of {WEIGHTS}")
        return _Config(model, dict(stored.sha256), is_complete=True)


def _read_required(
    folder: Path, name: str, config: _Config, read: Callable[[bytes], Content]
) -> Content:
    """The parsed content of a required file, its checksum verified. Raises WeightsError."""
    assert name not in OPTIONAL
    return cast(Content, _read_optional(folder, name, config, read))


def _read_optional(
    folder: Path, name: str, config: _Config, read: Callable[[bytes], Content]
) -> Content | None:
    """The parsed content of a file of the folder, its checksum verified. Raises WeightsError.

    None for an optional one that does not exist and has no checksum.
    """

    path = folder / name
    with _weights_errors(path):
        expected = config.sha256.get(name)
        if name in OPTIONAL and expected is None and not path.exists():
            return None
        content = files.read_bounded(path, max_bytes(name))
        if content.startswith(b"version https://git-lfs"):
            raise ValueError(
                "it is a Git LFS pointer, not the file itself; fetch that with git lfs pull"
            )
        if content.lstrip()[:1] == b"<":
            raise ValueError("it is a web page; download the file again")
        sha256 = hashlib.sha256(content).hexdigest()
        if expected is None and config.is_complete:
            raise ValueError(
                f"{CONFIG} does not name it, so it may be of another model; measure anew with "
                "training.evaluate"
            )
        if expected not in (None, sha256):
            hint = ", or measure anew with training.evaluate" if name in LOADED[2:] else ""
            raise ValueError(
                f"its sha256 is {sha256[:12]}…, {CONFIG} says {expected[:12]}…; the file "
                f"({len(content):,} bytes) is cut short or of another model; download it "
                f"again{hint}"
            )
        return read(content)


@contextlib.contextmanager
def _weights_errors(path: Path) -> Iterator[None]:
    """A context in which every error is raised as a WeightsError that names the file."""
    try:
        yield
    except FileNotFoundError as error:
        raise WeightsError(
            f"{path}: it is missing; a weights folder cannot be used without it"
        ) from error
    except OSError as error:
        raise WeightsError(f"{path}: it cannot be read ({error.strerror})") from error
    except Exception as error:  # libraries raise anything for an untrusted file
        reason = " ".join(str(error).split()) or type(error).__name__
        reason = "".join(letter if letter.isprintable() else "?" for letter in reason[:MAX_REASON])
        raise WeightsError(f"{path}: {reason}") from error


def _load_model(folder: Path, config: _Config) -> VAE:
    tensors = _read_required(
        folder, WEIGHTS, config, lambda content: _parse_tensors(content, config.model)
    )
    with torch.device("meta"):  # no random weights, in case a tensor were missing
        model = VAE(config.model)
    model.load_state_dict(
        {name: tensor.float() for name, tensor in tensors.items()}, strict=True, assign=True
    )
    return model.eval().requires_grad_(False)


def _parse_tensors(content: bytes, config: VAEConfig) -> dict[str, torch.Tensor]:
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
