"""Pictures in a weights folder: examples.npz and reference.npz as data classes.

They may come from anywhere: no pickle is loaded, and nothing is unpacked before its size is known.
"""

import io
import zipfile
from dataclasses import dataclass

import numpy as np
import torch

from vae.config import VAEConfig

MAX_UNPACKED = 64 * 2**20  # bytes of an .npz: a small file may unpack to a huge one
MAX_ARRAYS = 16  # in an .npz: a small file may hold a hundred thousand
MAX_EXAMPLES, MAX_REFERENCE = 12, 10_000  # pictures
MAX_NAME = 60  # characters


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


def parse_examples(content: bytes, config: VAEConfig) -> Examples:
    """Parse examples.npz. Raises ValueError, one sentence, for content that does not fit config."""
    arrays = _parse_arrays(content, ("images", "names", "labels"))
    _require_pictures(arrays["images"], arrays["labels"], config, MAX_EXAMPLES)
    if arrays["names"].ndim != 1 or arrays["names"].dtype.kind != "U":
        raise ValueError("it needs a name for each picture")
    names = tuple(str(name) for name in arrays["names"])
    if len(set(names)) != len(names) or len(names) != len(arrays["images"]):
        raise ValueError("it needs a different name for each picture")
    if not all(name.isprintable() and 1 <= len(name) <= MAX_NAME for name in names):
        raise ValueError(f"its names must be of 1 to {MAX_NAME} printable characters")
    return Examples(arrays["images"], names, arrays["labels"])


def parse_reference(content: bytes, config: VAEConfig) -> Reference:
    """Parse reference.npz. Raises ValueError as parse_examples."""
    arrays = _parse_arrays(content, ("images", "labels", "mean_training_pixel"))
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


def _parse_arrays(content: bytes, names: tuple[str, ...]) -> dict[str, np.ndarray]:
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
