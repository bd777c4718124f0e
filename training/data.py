"""The data sets on disk, verified, and held in memory as one tensor of 8-bit pixels.

They are IDX files, or JPEGs packed in an .npz.
"""

import gzip
import hashlib
import io
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pooch
import torch
from PIL import Image
from torch import Tensor

IMAGES_MAGIC, LABELS_MAGIC = 2051, 2049  # IDX: unsigned bytes in three dimensions, and in one


class DataError(Exception):
    """A data file is missing, cannot be downloaded, or is not what it should be.

    One sentence that says what to do.
    """


@dataclass(frozen=True)
class Source:
    """Where a known data set comes from.

    Its public home, if it has one, and the sha256 of each file. classes: what its labels mean,
    where numbers would not say it. selection: how its pictures were chosen and changed. portraits:
    photographs of people, of which no labels and no more than the examples are passed on. hub_id:
    its name on the Hugging Face Hub, or that of the set which it was selected from.
    """

    home: str | None
    sha256: dict[str, str]
    licence: str
    citation: str
    classes: tuple[str, ...] = ()
    selection: str = ""
    portraits: bool = False
    hub_id: str = ""


FILES = {
    ("train", "images"): "train-images-idx3-ubyte.gz",
    ("train", "labels"): "train-labels-idx1-ubyte.gz",
    ("test", "images"): "t10k-images-idx3-ubyte.gz",
    ("test", "labels"): "t10k-labels-idx1-ubyte.gz",
}

SOURCES = {
    "mnist": Source(
        home="https://ossci-datasets.s3.amazonaws.com/mnist/",
        hub_id="ylecun/mnist",
        sha256={
            "train-images-idx3-ubyte.gz": (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
            ),
            "train-labels-idx1-ubyte.gz": (
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        },
        licence=(
            "CC BY-SA 3.0, as it is widely given (Y. LeCun, C. Cortes); the original files carry "
            "no licence text"
        ),
        citation=(
            "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. Gradient-based learning applied to "
            "document recognition. Proceedings of the IEEE 86(11), 1998. The MNIST database: Y. "
            "LeCun, C. Cortes, C. J. C. Burges."
        ),
    ),
    "fashion-mnist": Source(
        home="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        hub_id="zalando-datasets/fashion_mnist",
        sha256={
            "train-images-idx3-ubyte.gz": (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
            ),
            "train-labels-idx1-ubyte.gz": (
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
        },
        licence="MIT, © 2017 Zalando SE",
        citation=(
            "H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST: a Novel Image Dataset for "
            "Benchmarking Machine Learning Algorithms. arXiv:1708.07747, 2017."
        ),
        classes=(
            "T-shirt",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
    ),
    "faces64": Source(
        home=None,
        hub_id="HuggingFaceM4/FairFace",
        sha256={"faces64.npz": "c6c05c7ab80f9e83a6126de4626fbd30f287d3b2942b088ee859556fab617cc9"},
        licence="CC BY 4.0",
        citation=(
            "K. Kärkkäinen, J. Joo. FairFace: Face Attribute Dataset for Balanced Race, Gender, "
            "and Age for Bias Measurement and Mitigation. WACV 2021, arXiv:1908.04913."
        ),
        selection=(
            "Of a public copy of 45,000 of its pictures, everyone labelled under 20 was dropped, "
            "and near-grey, very dark, very bright and flat pictures; of the rest the most "
            "frontal half was kept, in equal share within every race-by-gender group of the "
            "original. They were downscaled to 64×64 and encoded anew."
        ),
        portraits=True,
    ),
}


@dataclass(frozen=True)
class Split:
    """The training or the test part of a data set.

    images: (N, C, H, W) uint8; labels: (N,) uint8, all 0 where there are none; sha256 of the files,
    by name.
    """

    images: Tensor
    labels: Tensor
    sha256: dict[str, str]


def load(dataset: str, data_dir: Path | None, part: str) -> Split:
    """Read one part, "train" or "test", of a data set.

    It lies in the four original IDX files, or packed in one .npz of its name. dataset: a key of
    SOURCES (checked against its sha256), or the name of any folder in data_dir with files of those
    names (their own sha256 is recorded). data_dir: holds a folder for each data set; None downloads
    a known one into data/. Raises DataError.
    """
    source = SOURCES.get(dataset)
    folder = (data_dir or Path("data")) / dataset
    if source and source.home and data_dir is None:
        _download(dataset, source, source.home, folder)
    elif not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}; --data-dir must hold a folder named {dataset}, "
            + (
                "or leave --data-dir out to download it"
                if source and source.home
                else f"with {dataset}.npz in it"
                if source
                else "with the four IDX files in it"
            )
        )
    packed = folder / f"{dataset}.npz"
    if packed.name in source.sha256 if source else packed.exists():
        return _read_packed(packed, part, source.sha256[packed.name] if source else None)
    files, sha256 = {}, {}
    for content in ("images", "labels"):
        name = FILES[part, content]
        files[content], sha256[name] = _read(folder / name, source.sha256[name] if source else None)
    images = _parse(files["images"], IMAGES_MAGIC, 3, folder / FILES[part, "images"])[:, None]
    labels = _parse(files["labels"], LABELS_MAGIC, 1, folder / FILES[part, "labels"])
    if len(images) != len(labels):
        raise DataError(
            f"{folder} has {len(images)} {part} pictures but {len(labels)} labels; fetch its "
            "files again"
        )
    return Split(images, labels, sha256)


def _download(dataset: str, source: Source, home: str, folder: Path) -> None:
    for name, sha256 in source.sha256.items():
        try:
            # pooch keeps a file whose checksum is right, and writes a new one under its name only
            # once it is verified.
            pooch.retrieve(
                home + name,
                known_hash=f"sha256:{sha256}",
                fname=name,
                path=folder,
                progressbar=True,
            )
        except (OSError, ValueError) as error:
            raise DataError(
                f"could not download {name} of {dataset} from {home} ({error}); download "
                f"it by hand into a folder {dataset}/ and pass --data-dir with the folder that "
                "holds it"
            ) from error


def _read_packed(path: Path, part: str, expected: str | None) -> Split:
    """JPEGs end to end in `PART_jpeg`, picture i from byte `PART_offsets[i]` to the next."""
    content, sha256 = _read_verified(path, expected)
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            jpegs, offsets = arrays[f"{part}_jpeg"], arrays[f"{part}_offsets"]
        pictures = [
            np.asarray(Image.open(io.BytesIO(jpegs[start:end].tobytes())).convert("RGB"))
            for start, end in pairwise(offsets)
        ]
        images = torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy())
    except Exception as error:  # a damaged zip or JPEG raises anything
        raise DataError(
            f"{path} does not hold {part}_jpeg and {part}_offsets, pictures of one size "
            f"({error}); fetch it again"
        ) from error
    return Split(images, torch.zeros(len(images), dtype=torch.uint8), {path.name: sha256})


def _read(path: Path, expected: str | None) -> tuple[bytes, str]:
    """The unpacked content and the sha256 of the file as it lies there."""
    packed, sha256 = _read_verified(path, expected)
    try:
        return gzip.decompress(packed), sha256
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); fetch it again") from error


def _read_verified(path: Path, expected: str | None) -> tuple[bytes, str]:
    """A file's bytes and their sha256, which is compared with the expected one."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"cannot read {path} ({error.strerror}); it is a file of the original data set"
        ) from error
    sha256 = hashlib.sha256(content).hexdigest()
    if expected is not None and sha256 != expected:
        raise DataError(
            f"{path} is not the original file: its sha256 is {sha256}, expected {expected}; fetch "
            "it again"
        )
    return content, sha256


def _parse(content: bytes, magic: int, dimensions: int, path: Path) -> Tensor:
    header = 4 * (1 + dimensions)
    actual_magic, *shape = (
        struct.unpack(f">{1 + dimensions}i", content[:header])
        if len(content) >= header
        else (None,)
    )
    if actual_magic != magic or len(content) != header + int(torch.tensor(shape).prod()):
        raise DataError(
            f"{path} is not an IDX file of {'images' if dimensions == 3 else 'labels'}; fetch it "
            "again"
        )
    return torch.frombuffer(bytearray(content[header:]), dtype=torch.uint8).reshape(shape)
