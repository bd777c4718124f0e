"""A weights folder: config.json, model.safetensors and what was measured of them. Saved whole, loaded strictly or not at all.

No pickle is ever read. A file that is missing, cut short, an error page, or for another network is an error that names it;
nothing is loaded in part, because random weights look just like a badly trained model.
"""

import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch

from vae.metrics import Dedicated, Metrics, read_dedicated, read_metrics
from vae.model import MAX_PARAMETERS, VAE, VAEConfig

FORMAT = 1
MAX_BYTES = {".safetensors": 4 * MAX_PARAMETERS + 2**20, ".npz": 2**24, ".json": 2**21}  # of one file; more is not even read
MAX_UNPACKED = 64 * 2**20  # bytes of an .npz: a small file may claim to be a huge one
CONFIG, WEIGHTS = "config.json", "model.safetensors"
METRICS, DEDICATED, EXAMPLES, REFERENCE = "metrics.json", "dedicated.json", "examples.npz", "reference.npz"
TRAINING, CARD, FIGURES = "training.json", "README.md", "figures"
OPTIONAL = (DEDICATED, REFERENCE)
LOADED = (CONFIG, WEIGHTS, METRICS, EXAMPLES, *OPTIONAL)  # what the app needs


class WeightsError(ValueError):
    """A weights folder cannot be used. One sentence: which file is wrong, and why."""


@dataclass(frozen=True)
class Examples:
    """A few test pictures. images: (M, C, H, W) uint8; names: one each; labels: (M,)."""

    images: np.ndarray
    names: tuple[str, ...]
    labels: np.ndarray

    def picture(self, name: str) -> torch.Tensor:
        """The picture of that name as the model sees it: (C, H, W) float32 in [0, 1]. ValueError for an unknown name."""
        return torch.from_numpy(self.images[self.names.index(name)].astype(np.float32) / 255)


@dataclass(frozen=True)
class Reference:
    """Test pictures for maps and comparisons. images: (M, C, H, W) uint8, grey; labels: (M,);
    mean_training_pixel: (C, H, W) float32 in [0, 1]."""

    images: np.ndarray
    labels: np.ndarray
    mean_training_pixel: np.ndarray


@dataclass(frozen=True)
class Folder:
    """Everything the app needs of a weights folder, checked."""

    model: VAE
    metrics: Metrics
    dedicated: tuple[Dedicated, ...]
    examples: Examples
    reference: Reference | None


def save_model(folder: Path, model: VAE, dtype: torch.dtype = torch.float16) -> None:
    """Write config.json and model.safetensors. Stored as float16 (half the size; NumPy reads it), computed in float32.

    Raises WeightsError when a weight is not finite or does not fit the type.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().to(dtype).contiguous() for name, tensor in model.state_dict().items()}
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise WeightsError(f"{WEIGHTS} was not written: {name} is not finite as {dtype}")
    content = safetensors.torch.save(tensors, metadata={"format": "pt"})
    config = {"format": FORMAT, **asdict(model.config), "weights_sha256": hashlib.sha256(content).hexdigest()}
    (folder / WEIGHTS).write_bytes(content)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8", newline="\n")


def load_model(folder: Path) -> VAE:
    """The model of a weights folder, ready to use on the CPU: float32, no gradients. Raises WeightsError."""
    config, sha256 = _read_config(folder / CONFIG)
    tensors = _read_tensors(folder / WEIGHTS, config, sha256)
    with torch.device("meta"):  # no random weights that a missing tensor could leave behind
        model = VAE(config)
    model.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=True, assign=True)
    return model.eval().requires_grad_(False)


def load_folder(folder: Path) -> Folder:
    """The model and everything measured of it. Raises WeightsError naming the file that is wrong."""
    model = load_model(folder)
    metrics = _checked(folder / METRICS, read_metrics)
    low, high = model.config.beta_range
    if not all(low <= entry.beta <= high for entry in metrics.betas):
        raise WeightsError(f"{folder / METRICS}: it has betas outside the model's range, {low:g} to {high:g}")
    if any(len(entry.rate_per_dimension) != model.config.latent_dim for entry in metrics.betas):
        raise WeightsError(f"{folder / METRICS}: it is of a model with another latent_dim than {model.config.latent_dim}")
    dedicated = _checked(folder / DEDICATED, read_dedicated)
    if unknown := {entry.beta for entry in dedicated} - {entry.beta for entry in metrics.betas}:
        raise WeightsError(f"{folder / DEDICATED}: it has a network for beta {min(unknown):g}, which metrics.json has not")
    examples = _checked(folder / EXAMPLES, lambda path: _read_examples(path, model.config))
    reference = None
    if (folder / REFERENCE).exists():
        reference = _checked(folder / REFERENCE, lambda path: _read_reference(path, model.config))
    return Folder(model, metrics, dedicated, examples, reference)


def contents(folder: Path) -> tuple[str, ...]:
    """Names of all files of a finished weights folder, figures included, sorted: exactly what its repository on the Hub holds.

    Raises WeightsError for a file that is missing and for one that does not belong there, such as a pickle.
    """
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    names = {name for name in names if "/." not in f"/{name}"}  # what a file manager or the Hub's client leaves
    figures = {name for name in names if name.startswith(f"{FIGURES}/") and name.endswith(".png") and name.count("/") == 1}
    required = {*LOADED, TRAINING, CARD} - set(OPTIONAL)
    if missing := sorted(required - names):
        raise WeightsError(f"{folder / missing[0]}: it is missing; `python -m training.evaluate {folder}` completes the folder")
    if foreign := sorted(names - required - set(OPTIONAL) - figures):
        raise WeightsError(f"{folder / foreign[0]}: it does not belong into a weights folder; move it away")
    return tuple(sorted(names))


def largest(name: str) -> int:
    """The most bytes that a file of this name may have."""
    return MAX_BYTES[Path(name).suffix]


def _require_no_larger(path: Path) -> None:
    if (size := path.stat().st_size) > largest(path.name):
        raise WeightsError(f"{path}: it has {size:,} bytes; at most {largest(path.name):,} are read")


def _read_config(path: Path) -> tuple[VAEConfig, str]:
    if not path.parent.is_dir():
        raise WeightsError(f"{path.parent}: there is no such folder")
    if not path.is_file():
        raise WeightsError(f"{path}: it is missing; a weights folder without it cannot be used")
    try:
        _require_no_larger(path)
        raw = json.loads(path.read_text(encoding="utf-8"))
    except WeightsError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: it is not JSON ({error})") from error
    if not isinstance(raw, dict) or raw.pop("format", None) != FORMAT:
        raise WeightsError(f"{path}: it does not say \"format\": {FORMAT}, the only one this version reads")
    sha256 = raw.pop("weights_sha256", None)
    known = {field.name for field in fields(VAEConfig)}
    if set(raw) != known or not isinstance(sha256, str):
        missing = sorted((known | {"weights_sha256"}) - set(raw) - ({"weights_sha256"} if sha256 else set()))
        unknown = sorted(set(raw) - known)
        raise WeightsError(f"{path}: missing {missing or 'nothing'}, unknown {unknown or 'nothing'}")
    try:
        return VAEConfig(**raw), sha256
    except (ValueError, TypeError, OverflowError) as error:
        raise WeightsError(f"{path}: {error}") from error


def _read_tensors(path: Path, config: VAEConfig, sha256: str) -> dict[str, torch.Tensor]:
    try:
        _require_no_larger(path)
        content = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: it cannot be read ({error.strerror})") from error
    if content.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{path}: it is a Git LFS pointer, not the weights; fetch the real file with git lfs pull")
    if content.lstrip()[:1] == b"<":
        raise WeightsError(f"{path}: it is a web page, not weights; download it again")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(f"{path}: its sha256 is {found[:12]}…, config.json says {sha256[:12]}…; the file ({len(content):,} "
                           "bytes) is cut short or of another model; download it again")
    try:
        tensors = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path}: it is not a safetensors file ({error})") from error
    with torch.device("meta"):
        expected = {name: tensor.shape for name, tensor in VAE(config).state_dict().items()}
    if set(tensors) != set(expected):
        missing, extra = sorted(set(expected) - set(tensors)), sorted(set(tensors) - set(expected))
        raise WeightsError(f"{path}: it is of another network (missing {missing[:3] or 'nothing'}, "
                           f"unknown {extra[:3] or 'nothing'})")
    for name, tensor in tensors.items():
        if tensor.shape != expected[name]:
            raise WeightsError(f"{path}: {name} has shape {tuple(tensor.shape)}, config.json means {tuple(expected[name])}")
        if tensor.dtype not in (torch.float16, torch.float32) or not torch.isfinite(tensor).all():
            raise WeightsError(f"{path}: {name} holds values that are not finite numbers in float16 or float32")
    return tensors


def _checked(path: Path, read):
    try:
        if path.exists():
            _require_no_larger(path)
        return read(path)
    except WeightsError:
        raise
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: it is missing") from error
    except Exception as error:  # whatever a file from anywhere holds: a list where a number should be, or a thousand brackets
        raise WeightsError(f"{path}: {str(error) or type(error).__name__}") from error


def _read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    content = path.read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise ValueError(f"unpacked it would be {unpacked:,} bytes, more than the {MAX_UNPACKED:,} allowed")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except Exception as error:  # a damaged zip raises anything from BadZipFile to zlib.error
        raise ValueError(f"it is not an .npz file with {', '.join(names)} ({error})") from error


def _pictures(images: np.ndarray, labels: np.ndarray, config: VAEConfig) -> None:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError("its labels must be whole numbers, one for each picture")
    if images.dtype != np.uint8 or images.shape[1:] != config.image_shape or len(labels) != len(images) or not len(images):
        raise ValueError(f"its images must be (M, {', '.join(map(str, config.image_shape))}) uint8 with a label each")


def _read_examples(path: Path, config: VAEConfig) -> Examples:
    arrays = _read_arrays(path, ("images", "names", "labels"))
    _pictures(arrays["images"], arrays["labels"], config)
    if arrays["names"].ndim != 1:
        raise ValueError("it needs a name for each picture")
    names = tuple(str(name) for name in arrays["names"])
    if len(set(names)) != len(arrays["images"]):
        raise ValueError("it needs a different name for each picture")
    return Examples(arrays["images"], names, arrays["labels"])


def _read_reference(path: Path, config: VAEConfig) -> Reference:
    arrays = _read_arrays(path, ("images", "labels", "mean_training_pixel"))
    _pictures(arrays["images"], arrays["labels"], config)
    mean = arrays["mean_training_pixel"]
    if mean.shape != config.image_shape or mean.dtype != np.float32 or not np.isfinite(mean).all():
        raise ValueError(f"its mean_training_pixel must be finite float32 of shape {config.image_shape}")
    return Reference(**arrays)
