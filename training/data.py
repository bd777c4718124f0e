"""The data sets on disk: the original IDX files, verified, held in memory as one tensor of 8-bit pixels."""

import gzip
import hashlib
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import pooch
import torch
from torch import Tensor

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049  # IDX: unsigned bytes in three dimensions, and in one


class DataError(Exception):
    """A data file is missing, cannot be downloaded, or is not what it should be. One sentence that says what to do."""


@dataclass(frozen=True)
class Source:
    """Where a known data set comes from: its public home and the sha256 of each file."""

    home: str
    sha256: dict[str, str]
    licence: str
    citation: str


FILES = {
    ("train", "images"): "train-images-idx3-ubyte.gz",
    ("train", "labels"): "train-labels-idx1-ubyte.gz",
    ("test", "images"): "t10k-images-idx3-ubyte.gz",
    ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
}

SOURCES = {
    "mnist": Source(
        home="https://ossci-datasets.s3.amazonaws.com/mnist/",
        sha256={
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
        licence="CC BY-SA 3.0, as it is widely given (Y. LeCun, C. Cortes); the original files carry no licence text",
        citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. Gradient-based learning applied to document recognition. "
                 "Proceedings of the IEEE 86(11), 1998. The MNIST database: Y. LeCun, C. Cortes, C. J. C. Burges.",
    ),
}


@dataclass(frozen=True)
class Split:
    """images: (N, 1, H, W) uint8, white ink (255) on black; labels: (N,) uint8; sha256 of the two files, by name."""

    images: Tensor
    labels: Tensor
    sha256: dict[str, str]


def load(dataset: str, data_dir: Path | None, part: str) -> Split:
    """Read one part, "train" or "test", of a data set in the four original IDX files.

    dataset: a key of SOURCES (checked against its sha256), or the name of any folder in data_dir with files of those names
    (their own sha256 is recorded). data_dir: holds a folder for each data set; None downloads a known one into data/.
    Raises DataError.
    """
    source = SOURCES.get(dataset)
    folder = (data_dir or Path("data")) / dataset
    if source and data_dir is None:
        _download(dataset, source, folder)
    elif not folder.is_dir():
        raise DataError(f"there is no folder {folder}; --data-dir must hold a folder named {dataset}, "
                        + ("or leave --data-dir out to download it" if source else "with the four IDX files in it"))
    files, sha256 = {}, {}
    for content in ("images", "labels"):
        name = FILES[part, content]
        files[content], sha256[name] = _read(folder / name, source.sha256[name] if source else None)
    images = _parse(files["images"], IMAGES_MAGIC, 3, folder / FILES[part, "images"])[:, None]
    labels = _parse(files["labels"], LABELS_MAGIC, 1, folder / FILES[part, "labels"])
    if len(images) != len(labels):
        raise DataError(f"{folder} has {len(images)} {part} pictures but {len(labels)} labels; fetch its files again")
    return Split(images, labels, sha256)


def _download(dataset: str, source: Source, folder: Path) -> None:
    for name, sha256 in source.sha256.items():
        try:
            # pooch keeps a file whose checksum is right, and writes a new one under its name only once it is verified.
            pooch.retrieve(source.home + name, known_hash=f"sha256:{sha256}", fname=name, path=folder, progressbar=True)
        except (OSError, ValueError) as error:
            raise DataError(f"could not download {name} of {dataset} from {source.home} ({error}); download it by hand "
                            f"into a folder {dataset}/ and pass --data-dir with the folder that holds it") from error


def _read(path: Path, expected: str | None) -> tuple[bytes, str]:
    """The unpacked content and the sha256 of the file as it lies there."""
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror}); it is one of the four original IDX files") from error
    sha256 = hashlib.sha256(packed).hexdigest()
    if expected is not None and sha256 != expected:
        raise DataError(f"{path} is not the original file: its sha256 is {sha256}, expected {expected}; fetch it again")
    try:
        return gzip.decompress(packed), sha256
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); fetch it again") from error


def _parse(content: bytes, magic: int, dimensions: int, path: Path) -> Tensor:
    header = 4 * (1 + dimensions)
    found, *shape = struct.unpack(f">{1 + dimensions}i", content[:header]) if len(content) >= header else (None,)
    if found != magic or len(content) != header + int(torch.tensor(shape).prod()):
        raise DataError(f"{path} is not an IDX file of {'images' if dimensions == 3 else 'labels'}; fetch it again")
    return torch.frombuffer(bytearray(content[header:]), dtype=torch.uint8).reshape(shape)
