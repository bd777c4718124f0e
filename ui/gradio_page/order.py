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


def newest_wins() -> Callable[[Callable], Callable]:
    """Make a decorator; the handlers that it decorates are in one order.

    An answer is dropped where a call of the same session that began later has answered already,
    and has changed something.
    """
    numbers, answered, lock = count(), LRUCache[str | None, int](MOST_SESSIONS), Lock()

    def decorate(function: Callable) -> Callable:
        @wraps(function)
        def answer(request: gr.Request, *values: object) -> object:
            number = next(numbers)
            result = function(request, *values)
            with lock:
                if answered.get(request.session_hash, -1) > number:
                    return gr.skip()
                if result != gr.skip():
                    answered[request.session_hash] = number
            return result

        return answer

    return decorate
