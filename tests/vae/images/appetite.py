"""The cost of reading picture files, measured in a process of its own.

    python -m tests.vae.images.appetite KIND AT_ONCE PATH KIND AT_ONCE PATH …

For each file a line of JSON: what came of it for the model of this kind (ink, garment, photo), the
seconds of computing, and by how many megabytes the process grew at its height while AT_ONCE threads
read that file at the same time.
"""

import ctypes
import gc
import io
import itertools
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

from PIL import Image, ImageDraw

from tests.processes import HANGING, completed
from vae.images import reading
from vae.images.framing import WHOLE, Framing

MODELS = {
    "ink": SimpleNamespace(image_shape=(1, 28, 28), preprocess="ink"),
    "garment": SimpleNamespace(image_shape=(1, 28, 28), preprocess="garment"),
    "photo": SimpleNamespace(image_shape=(3, 64, 64), preprocess="photo"),
}


@dataclass(frozen=True)
class Cost:
    """The cost of reading one file.

    code: "read", that of the refusal, or a traceback. seconds: of computing. megabytes: above what
    there was before.
    """

    code: str
    seconds: float
    megabytes: float


def costs(jobs: Sequence[tuple[str, int, Path]]) -> list[Cost]:
    """The cost of each job, in one process that has read small pictures before.

    A job is a kind of model, how many read at once, and a file.
    """
    words = [str(word) for job in jobs for word in job]
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


def cost(file: bytes, kind: str, framing: Framing = WHOLE, at_once: int = 1) -> Cost:
    """The cost of reading a file now, in this process."""
    codes: list[str] = []
    threads = [
        threading.Thread(target=lambda: codes.append(outcome(file, kind, framing)))
        for _ in range(at_once)
    ]
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the file before left is not at hand for this one
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak
    before, start = _megabytes("VmRSS"), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Cost(
        " ".join(sorted(set(codes))), time.process_time() - start, _megabytes("VmHWM") - before
    )


def _megabytes(what: str) -> float:
    """Memory of this process alone, unlike what the resource module tells.

    VmRSS: now. VmHWM: the most since it was reset.
    """
    return int(re.search(what + r":\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1000


if __name__ == "__main__":
    warm_up()
    words = iter(sys.argv[1:])
    for kind, at_once, path in itertools.zip_longest(words, words, words):
        print(
            json.dumps(asdict(cost(Path(path).read_bytes(), kind, at_once=int(at_once)))),
            flush=True,
        )
