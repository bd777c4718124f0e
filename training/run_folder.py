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
def run_lock(folder: Path, processes: Processes) -> Iterator[None]:
    """A context in which the folder exists and is locked for this run.

    The first process holds the lock for all of them, until the end of the context or of the
    process. A folder in which nothing was written is removed again. Raises TrainingError, in every
    process, where another run uses the folder; OSError; ProcessLostError.
    """
    is_taken, created = False, []
    with contextlib.ExitStack() as stack:
        if processes.rank == 0:
            created = [path for path in (folder, *folder.parents) if not path.exists()]
            folder.mkdir(parents=True, exist_ok=True)
            try:
                stack.enter_context(FileLock(folder / _LOCK).acquire(blocking=False))
            except Timeout:
                is_taken = True
        if processes.logical_or(is_taken):
            raise TrainingError(
                f"another run is at work in {folder}; wait for its end, or choose another --run-dir"
            )
        try:
            yield
        finally:
            # While the lock is held: a run that has just opened this file and gets the lock sees
            # that the file is gone, and makes another.
            if created and [path.name for path in folder.iterdir()] == [_LOCK]:
                with contextlib.suppress(OSError):  # Windows removes no open file
                    (folder / _LOCK).unlink()
                    for path in created:
                        path.rmdir()


def means(reports: Sequence[StepReport]) -> dict[str, float]:
    """Mean distortion, rate and loss of the steps that were not skipped; NaN without any."""
    finite = [report for report in reports if not report.skipped]
    return {
        name: float(np.mean([getattr(report, name) for report in finite]))
        if finite
        else float("nan")
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
        history = [line for line in lines if _step(line) <= step]
        # Written beside it and renamed, as a checkpoint, so that a crash does not lose the history.
        temporary = path.with_suffix(".tmp")
        temporary.write_text("".join(line + "\n" for line in history), encoding="utf-8")
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
