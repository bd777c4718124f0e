"""The progress of a long command: a bar, and a forecast of its duration in one line.

The bar is for whoever watches, the line for whoever reads the log later.
"""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from tqdm import tqdm

SECONDS_BEFORE_FORECAST = 60.0  # seconds of work after which the rest is forecast
LARGE_TOTAL = 1_000_000  # units that are shown in thousands and millions


class Progress:
    """tqdm's bar over `total` units, of which `initial` are done, with a forecast.

    After the first minute it prints how long the rest will take. The first update does not count:
    what is loaded or compiled before it comes once. hidden: neither shows nor prints, as in all
    processes of a run but one. clock: seconds since any moment.
    """

    def __init__(
        self,
        total: int,
        *,
        unit: str,
        initial: int = 0,
        description: str | None = None,
        hidden: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bar = tqdm(
            total=total,
            initial=initial,
            unit=unit,
            desc=description,
            smoothing=0.01,
            dynamic_ncols=True,
            unit_scale=total >= LARGE_TOTAL,
            disable=hidden,
        )
        self._left, self._hidden, self._clock = total - initial, hidden, clock
        self._done, self._forecast = 0, False
        self._start: float | None = None

    def update(self, units: int = 1) -> None:
        """Count units that were done."""
        self._bar.update(units)
        self._left -= units
        if self._start is None:
            self._start = self._clock()
            return
        self._done += units
        elapsed = self._clock() - self._start
        if (
            elapsed >= SECONDS_BEFORE_FORECAST
            and self._left > 0
            and not (self._forecast or self._hidden)
        ):
            self._forecast = True
            rest = elapsed * self._left / self._done
            end = datetime.now().astimezone() + timedelta(seconds=rest)
            day = "" if end.date() == datetime.now().astimezone().date() else f"{end:%Y-%m-%d} "
            self._bar.write(
                f"about {duration(rest)} to go; ends at about {day}{end:%H:%M}", file=sys.stdout
            )
            sys.stdout.flush()

    def show(self, **values: str) -> None:
        """Show values beside the bar."""
        self._bar.set_postfix(values, refresh=False)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def duration(seconds: float) -> str:
    """A duration in words: "40 seconds", "25 minutes", "3 h 20 min"."""
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"
