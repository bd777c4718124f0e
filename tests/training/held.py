"""training.train, held before step HOLD_AT.

It is held as long as the file HOLD_FILE exists and no signal has come: so a test can do to a run
what it has to, however fast or slow the machine is. The file gets a neighbour for each process that
has come so far.
"""

import os
import signal
import sys
import time
from pathlib import Path

from training import train
from training.distributed import own
from training.loop import Trainer

STEP, FILE = int(os.environ["HOLD_AT"]), Path(os.environ["HOLD_FILE"])
train_on = Trainer._train_on


def interrupted() -> bool:
    """Whether training.train has noticed a signal: its handler is a method of what remembers it."""
    return signal.getsignal(signal.SIGINT).__self__.requested


def held(trainer: Trainer, indices):
    """A step, once nothing holds it."""
    if trainer.step == STEP:
        FILE.with_suffix(f".{own().rank}").touch()
        while FILE.exists() and not interrupted():
            time.sleep(0.01)
    return train_on(trainer, indices)


if __name__ == "__main__":
    Trainer._train_on = held
    sys.exit(train.main(sys.argv[1:]))
