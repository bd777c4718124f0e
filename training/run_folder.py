"""The folder of a run: its lock, so that one run at a time uses it, and its log."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from training.checkpoint import StepReport
from training.distributed import Processes
from training.error import TrainingError

CHECKPOINT, LOG, WEIGHTS = "checkpoint.safetensors", "log.jsonl", "weights"
_LOCK = "lock"


@contextlib.contextmanager
def held(folder: Path, processes: Processes) -> Iterator[None]:
    """Make the folder and lock it until the end of the block or of the process.

    The first process holds the lock, for all of them. A folder where nothing was written meanwhile
    is gone afterwards. Raises TrainingError, in every process, where another run is in it; OSError;
    ProcessLostError.
    """
    taken, created = False, []
    with contextlib.ExitStack() as stack:
        if processes.rank == 0:
            created = [each for each in (folder, *folder.parents) if not each.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            try:
                stack.enter_context(FileLock(folder / _LOCK).acquire(blocking=False))
            except Timeout:
                taken = True
        if processes.any(taken):
            raise TrainingError(
                f"another run is at work in {folder}; wait for its end, or choose another --run-dir"
            )
        try:
            yield
        finally:
            # While it is held: who has just opened this file and gets the lock sees that it is
            # gone, and makes another.
            if created and [path.name for path in folder.iterdir()] == [_LOCK]:
                with contextlib.suppress(OSError):  # Windows removes no open file
                    (folder / _LOCK).unlink()
                    for each in created:
                        each.rmdir()


def means(reports: Sequence[StepReport]) -> dict[str, float]:
    """Mean distortion, rate and loss of the steps that were not skipped; NaN without any."""
    kept = [report for report in reports if not report.skipped]
    return {
        name: float(np.mean([getattr(report, name) for report in kept])) if kept else float("nan")
        for name in ("distortion", "rate", "loss")
    }


class Log:
    """log.jsonl, a line for each write.

    On resuming, lines later than the checkpoint are dropped: they come again.
    """

    def __init__(self, path: Path, step: int) -> None:
        lines = (
            path.read_text(encoding="utf-8", errors="replace").splitlines()
            if path.exists() and step
            else []
        )
        kept = [line for line in lines if _step(line) <= step]
        # Beside it and renamed, as a checkpoint: a crash at this moment must not cost the history.
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(line + "\n" for line in kept), encoding="utf-8")
        os.replace(temporary, path)
        self._file = path.open("a", encoding="utf-8")

    def write(self, **values: object) -> None:
        print(json.dumps(values), file=self._file, flush=True)

    def __enter__(self) -> "Log":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _step(line: str) -> float:
    """The step of a line of the log; infinite for a line that a crash cut off."""
    try:
        return float(json.loads(line)["step"])
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
        return float("inf")
