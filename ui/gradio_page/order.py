"""Order of a session's answers: one that a newer call has overtaken changes nothing.

Gradio computes several calls of a session at once, also two of one handler, where the second event
comes while the first is on its way to the server; the slower one would be shown last.
"""

from collections.abc import Callable
from functools import wraps
from itertools import count
from threading import Lock

import gradio as gr
from cachetools import LRUCache

MOST_SESSIONS = 2000


class Order:
    """The order of the calls of some handlers, in each session."""

    def __init__(self) -> None:
        self._numbers = count()
        self._answered: LRUCache[str | None, int] = LRUCache(MOST_SESSIONS)
        self._lock = Lock()

    def newest_wins(self, function: Callable) -> Callable:
        """Decorator: drop an answer where a call that began later has answered already.

        An answer that changes nothing overtakes none.
        """

        @wraps(function)
        def answer(request: gr.Request, *values: object) -> object:
            number = next(self._numbers)
            result = function(request, *values)
            with self._lock:
                if self._answered.get(request.session_hash, -1) > number:
                    return gr.skip()
                if result != gr.skip():
                    self._answered[request.session_hash] = number
            return result

        return answer

    def while_unchanged(self, function: Callable) -> Callable:
        """Decorator: drop an answer where one of this order has come since the call began.

        It changes what another handler of the order has made, and overtakes none.
        """

        @wraps(function)
        def answer(request: gr.Request, *values: object) -> object:
            before = self.last(request)
            result = function(request, *values)
            return result if self.last(request) == before else gr.skip()

        return answer

    def last(self, request: gr.Request) -> int | None:
        """The number of the session's last answer."""
        with self._lock:
            return self._answered.get(request.session_hash)


def newest_wins(function: Callable) -> Callable:
    """Decorator: an order of this handler alone."""
    return Order().newest_wins(function)
