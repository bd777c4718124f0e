"""Ctrl-C at any moment of a command: one line and exit code 130, never a traceback.

Imports nothing that takes long. Before the first line of a command Python prepares itself, for some
hundredths of a second, and answers by its own traceback.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

EXIT_CODE = 130
_STOP_MESSAGE = "\nstopped; the same command begins again"


def exit_on_interrupt() -> None:
    """Let an interruption end the process at once, until run_command.

    It is the first thing that a command does, since whatever is being imported could swallow an
    exception, or print it.
    """
    # not where a shell's background job ignores it
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _exit_at_once)


def run_command(main: Callable[[Sequence[str]], int]) -> None:
    """Run a command's main with its arguments and exit with its code.

    Where main does not handle KeyboardInterrupt itself, it ends with one line.
    """
    try:
        if signal.getsignal(signal.SIGINT) is _exit_at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        print(_STOP_MESSAGE, file=sys.stderr)
        code = EXIT_CODE
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # while Python shuts down, an exception would only be printed
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Libraries make functions from text. Where that was interrupted, Python would end by the
    # signal, whoever caught the exception, until another text has run to its end.
    exec("")
    sys.exit(code)


def _exit_at_once(_: int, __: FrameType | None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, f"{_STOP_MESSAGE}\n".encode())
    os._exit(EXIT_CODE)


class Interruption:
    """Ctrl-C and SIGTERM, noticed between two steps.

    In the middle of one, weights and step number would not agree.
    """

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> "Interruption":
        self._previous_handlers = {
            number: signal.signal(number, self._request)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def _request(self, *_: object) -> None:
        self.requested = True
