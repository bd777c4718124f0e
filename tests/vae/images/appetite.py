"""The cost of reading picture files, measured in a process of its own.

    python -m tests.vae.images.appetite KIND,KIND,… PATH KIND,KIND,… PATH …

For each file a line of JSON: what came of it for the models of these kinds (ink, garment, photo),
the seconds of computing, the same in units of a small picture's decoding, and by how many megabytes
the process grew at its height while a thread for each kind read that file.
"""

import ctypes
import functools
import gc
import io
import json
import re
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image, ImageDraw

from tests.processes import HANGING, completed
from vae.images import reading
from vae.images.framing import WHOLE, Framing

MODELS = {
    "ink": SimpleNamespace(image_shape=(1, 28, 28), preprocess="ink"),
    "garment": SimpleNamespace(image_shape=(1, 28, 28), preprocess="garment"),
    "photo": SimpleNamespace(image_shape=(3, 64, 64), preprocess="photo"),
}
MOST_UNITS = 80  # for any file: two seconds where the limits were measured


@dataclass(frozen=True)
class Cost:
    """The cost of reading one file.

    code: "read", that of the refusal, or a traceback. seconds: of computing. units: the same in
    units of what this machine needs for a small picture, as busy as it is. megabytes: above what
    there was before.
    """

    code: str
    seconds: float
    units: float
    megabytes: float


def costs(jobs: Sequence[tuple[Sequence[str], Path]]) -> list[Cost]:
    """The cost of each job, in one process that has read small pictures before.

    A job is the kinds of models for which it is read at once, and a file.
    """
    words = [str(word) for kinds, path in jobs for word in (",".join(kinds), path)]
    done = completed([sys.executable, "-m", __name__, *words], check=True)
    return [Cost(**json.loads(line)) for line in done.stdout.splitlines()]


def outcome(file: bytes, kind: str, framing: Framing = WHOLE) -> str:
    """ "read", the code of a refusal, or the traceback of what must not happen."""
    model = MODELS[kind]
    try:
        image = reading.read(file, model, framing).image
    except reading.ImageError as error:
        return error.code
    except BaseException:
        return traceback.format_exc()
    is_sound = image.shape == model.image_shape and 0 <= image.min() <= image.max() <= 1
    return (
        "read"
        if is_sound
        else f"not a picture for a model: {image.shape}, {image.min()} to {image.max()}"
    )


def warm_up() -> None:
    """Load what is loaded at the first picture.

    Only the limits that depend on no machine stay in force.
    """
    reading.DECODING_SECONDS = HANGING
    picture, file = Image.new("RGB", (300, 300), "white"), io.BytesIO()
    ImageDraw.Draw(picture).line((150, 60, 150, 240), fill=0, width=15)
    picture.save(file, "PNG")
    for kind in MODELS:
        outcome(file.getvalue(), kind)
    _unit()
    _first_unit()


@functools.cache
def _small_picture() -> bytes:
    """A picture of 4 megapixels of noise."""
    file, noise = io.BytesIO(), np.random.default_rng(0).integers(0, 4, (2000, 2000), np.uint8)
    Image.fromarray(noise).save(file, "PNG", compress_level=1)
    return file.getvalue()


def _unit() -> float:
    """Seconds of computing for a small picture, on this machine as busy as it is now.

    A fortieth of a second where the product's limits were measured.
    """
    start = time.thread_time()
    Image.open(io.BytesIO(_small_picture())).load()
    return time.thread_time() - start


_first_unit = functools.cache(_unit)


def _units(seconds: float) -> float:
    """Seconds of computing in units; where they are many, the machine is measured once more."""
    return seconds / max(_first_unit(), _unit() if seconds > 10 * _first_unit() else 0)


def cost(file: bytes, kinds: Sequence[str], framing: Framing = WHOLE) -> Cost:
    """The cost of reading a file now, in this process, for models of these kinds at once."""
    codes: list[str] = []
    threads = [
        threading.Thread(target=lambda kind=kind: codes.append(outcome(file, kind, framing)))
        for kind in kinds
    ]
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the file before left is not at hand for this one
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    before, start = _megabytes("VmRSS"), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, megabytes = time.process_time() - start, _megabytes("VmHWM") - before
    return Cost(" ".join(sorted(set(codes))), seconds, _units(seconds), megabytes)


def _megabytes(what: str) -> float:
    """Memory of this process alone, unlike what the resource module tells.

    VmRSS: now. VmHWM: the most since it was reset.
    """
    return int(re.search(what + r":\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


if __name__ == "__main__":
    warm_up()
    words = iter(sys.argv[1:])
    for kinds, path in zip(words, words, strict=True):
        print(json.dumps(asdict(cost(Path(path).read_bytes(), kinds.split(",")))), flush=True)
