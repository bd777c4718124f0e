"""Pages are drawn a few at a time, and nobody waits for somebody's long work."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from ui import turns

MOST = turns._turns._initial_value


def test_no_more_pages_are_drawn_at_once_than_there_are_turns():
    now, most, guard = 0, 0, threading.Lock()

    def draw(_):
        nonlocal now, most
        with turns.turn(), turns.turn():  # a fragment within its page
            with guard:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with guard:
                now -= 1

    with ThreadPoolExecutor(4 * MOST) as pool:
        list(pool.map(draw, range(8 * MOST)))
    assert most == MOST


def test_long_work_set_aside_leaves_all_turns_to_others_and_gives_the_turn_back_also_after_an_error():
    begun, go_on, drawn = threading.Barrier(MOST + 1), threading.Event(), threading.Event()

    def long_work():
        with turns.turn():
            try:
                with turns.aside():
                    begun.wait(10)
                    go_on.wait(10)
                    raise ValueError
            except ValueError:
                return True

    def quick():
        with turns.turn():
            drawn.set()

    with ThreadPoolExecutor(MOST + 1) as pool:
        waiting = [pool.submit(long_work) for _ in range(MOST)]
        begun.wait(10)
        pool.submit(quick)
        assert drawn.wait(10)
        go_on.set()
        assert all(work.result(10) for work in waiting)
    assert turns._turns._value == MOST


def test_set_aside_without_a_turn_takes_and_gives_none():
    with turns.aside():
        assert turns._turns._value == MOST
    assert turns._turns._value == MOST
