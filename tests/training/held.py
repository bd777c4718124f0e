"""training.train, held before step HOLD_AT.

It is held as long as the file HOLD_FILE exists and no signal has come: so a test can do to a run
what it has to, however fast or slow the machine is. The file gets a neighbour for each process that
has come so far.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from training import loop, train
from training.distributed import current_process
from training.loop import Trainer

train_on = Trainer._train_step
# A server that has imported everything is forked for each process: no test waits for imports again.
# It ends with the process of the tests.
FORKS = multiprocessing.get_context("forkserver") if os.name != "nt" else None
if FORKS:
    FORKS.set_forkserver_preload(["tests.conftest", "tests.training.held"])


def interrupted() -> bool:
    """Whether training.train has noticed a signal: its handler is a method of what remembers it."""
    return signal.getsignal(signal.SIGINT).__self__.requested


def held(trainer: Trainer, indices):
    """A step, once nothing holds it."""
    if trainer.step == int(os.environ["HOLD_AT"]):
        file = Path(os.environ["HOLD_FILE"])
        file.with_suffix(f".{current_process().rank}").touch()
        while file.exists() and not interrupted():
            time.sleep(0.01)
    return train_on(trainer, indices)


def main(arguments: Sequence[str]) -> int:
    """The exit code of training.train, with a line of its log every LOG_EVERY steps."""
    Trainer._train_step = held
    train.LOG_EVERY = loop.LOG_EVERY = int(os.environ.get("LOG_EVERY", loop.LOG_EVERY))
    return train.main(arguments)


def in_fork(
    function: Callable[..., object], told: Path, environment: Mapping[str, str], *arguments: object
) -> None:
    """Call a function and end with what it returns; what it prints goes to a file."""
    output = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    # as in the processes of the tests
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(function(*arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
