"""The progress of a long command: a bar for whoever watches, and a forecast in one line for whoever reads the log later."""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from tqdm import tqdm

FIRST_MINUTE = 60.0  # seconds of work after which the rest is foretold
MANY = 1_000_000  # units that are shown in thousands and millions


class Progress:
    """tqdm's bar over `total` units, of which `initial` are done. After the first minute it prints how long the rest takes.

    hidden: neither shows nor prints, as in all processes of a run but one. clock: seconds from any moment on.
    """

    def __init__(
        self, total: int, *, unit: str, initial: int = 0, description: str | None = None, hidden: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bar = tqdm(total=total, initial=initial, unit=unit, desc=description, smoothing=0.01, dynamic_ncols=True,
                         unit_scale=total >= MANY, disable=hidden)
        self._total, self._initial, self._done, self._hidden = total, initial, initial, hidden
        self._clock, self._start, self._foretold = clock, clock(), False

    def update(self, units: int = 1) -> None:
        """Count units that were done."""
        self._bar.update(units)
        self._done += units
        if self._foretold or self._hidden or self._done >= self._total:
            return
        elapsed = self._clock() - self._start
        if elapsed >= FIRST_MINUTE:
            self._foretold = True
            rest = elapsed * (self._total - self._done) / (self._done - self._initial)
            end = datetime.now().astimezone() + timedelta(seconds=rest)
            self._bar.write(f"about {duration(rest)} to go, until {end:%H:%M}", file=sys.stdout)
            sys.stdout.flush()

    def show(self, **values: str) -> None:
        """Show values beside the bar."""
        self._bar.set_postfix(values, refresh=False)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def duration(seconds: float) -> str:
    """A duration as a person says it: "40 seconds", "25 minutes", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
