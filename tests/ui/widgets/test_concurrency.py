"""A few pages are drawn at a time, and none waits for another one's long work."""

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.processes import HANGING
from ui.widgets import concurrency

MOST = concurrency._slots._initial_value


def test_no_more_pages_are_drawn_at_once_than_there_are_turns():
    now, most, guard, full = 0, 0, threading.Lock(), threading.Barrier(MOST)

    def draw(_):
        nonlocal now, most
        with concurrency.slot(), concurrency.slot():  # a fragment within its page
            with guard:
                now += 1
                most = max(most, now)
            full.wait(HANGING)  # all turns are taken at once, and then given back
            with guard:
                now -= 1

    with ThreadPoolExecutor(4 * MOST) as pool:
        list(pool.map(draw, range(8 * MOST)))
    assert most == MOST


def test_work_set_aside_leaves_all_turns_to_others_and_gives_its_turn_back_after_an_error():
    begun, go_on, drawn = threading.Barrier(MOST + 1), threading.Event(), threading.Event()

    def long_work():
        with concurrency.slot():
            try:
                with concurrency.released_slot():
                    begun.wait(HANGING)
                    go_on.wait(HANGING)
                    raise ValueError
            except ValueError:
                return True

    def quick():
        with concurrency.slot():
            drawn.set()

    with ThreadPoolExecutor(MOST + 1) as pool:
        waiting = [pool.submit(long_work) for _ in range(MOST)]
        begun.wait(HANGING)
        pool.submit(quick)
        assert drawn.wait(HANGING)
        go_on.set()
        assert all(work.result(HANGING) for work in waiting)
    assert concurrency._slots._value == MOST


def test_set_aside_without_a_turn_takes_and_gives_none():
    with concurrency.released_slot():
        assert concurrency._slots._value == MOST
    assert concurrency._slots._value == MOST
