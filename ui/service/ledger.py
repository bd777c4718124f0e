"""Ledger of the request bodies in this process: the memory they take, and whose turn it is.

A class behind one address, with a slow line, must be served: a large body waits for its turn rather
than being refused. While it waits the server does not read it, so that TCP holds the client back,
and the few whose turn it is get the line for themselves.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

MOST_SMALL_BYTES = 262_144  # bodies as small as this do not wait for a turn
MOST_SMALL_OF_ONE = 400  # of them that one address may have unanswered
# All bodies in transfer and not yet answered, and what waits elsewhere: a class that uploads.
MOST_HELD_BYTES = 200_000_000
AT_ONCE_OF_ONE = 4  # bodies in transfer from one address, not counting those below the least speed
MOST_WAITING_OF_ONE = 300
MOST_WAITING = 1000
SECONDS = 10.0  # between two pieces of a body, at most; a small one is complete by then
LEAST_BYTES = 327_680  # in SECONDS: a slower body does not hold up the next of its address
TURN_SECONDS = 120.0  # for a body, where another address waits that has none at all
LONGEST_SECONDS = 600.0  # for a body
SECONDS_BETWEEN_LOOKS = 0.5  # at what waits elsewhere and at speeds, while somebody waits


class RefusedError(Exception):
    """A refused request: an HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def require(good: bool, status: int, sentence: str) -> None:
    """Raise RefusedError unless `good`."""
    if not good:
        raise RefusedError(status, sentence)


@dataclass(eq=False)
class Body:
    """A request body: its client's address, its announced size, and the bytes received."""

    address: str
    size: int  # as announced
    content: bytearray = field(default_factory=bytearray)
    turn: asyncio.Future[None] | None = None  # done when it is this body's turn
    wait: asyncio.Timeout | None = None  # the limit on the wait for the next piece, during it
    begun: float = 0.0  # when its turn began
    is_slow: bool = False  # below the least speed in the last SECONDS
    held: int = 0  # bytes that the ledger counts for it
    _looked: float = 0.0  # when its speed was last measured,
    _before: int = 0  # and how much had come by then

    def begin(self, now: float) -> None:
        """Note that its turn has begun."""
        self.begun = self._looked = now
        self._before = len(self.content)

    def measure(self, now: float) -> None:
        """Note whether it is slow, once in SECONDS."""
        if now - self._looked >= SECONDS:
            self.is_slow = len(self.content) - self._before < LEAST_BYTES
            self._looked, self._before = now, len(self.content)

    def take(self) -> bytearray:
        """Return its content, which is then no longer kept here."""
        content, self.content = self.content, bytearray()
        return content

    def give_up(self) -> None:
        """End the wait for its next piece."""
        if self.wait and not self.wait.expired():
            self.wait.reschedule(asyncio.get_running_loop().time())


class Ledger:
    """Memory that the bodies of a process take, by address, and the queue of those that wait.

    One for all servers of the process. An address may hold as many bytes as it leaves free. So one
    alone gets half of the memory, a second one a quarter, and however many bodies a few addresses
    send there is room for another's.

    elsewhere: functions that return the bytes of bodies passed on and not worked on yet.
    """

    def __init__(self, *elsewhere: Callable[[], int]) -> None:
        self.elsewhere = list(elsewhere)
        self.held: Counter[str] = Counter()  # bytes by address
        self.small: dict[str, list[Body]] = {}  # small bodies by address
        self.silent: dict[str, list[Body]] = {}  # of which no piece has come; the oldest first
        self.lines: dict[str, deque[Body]] = {}  # who waits; the address in front is next
        self.transfer: dict[str, list[Body]] = {}  # whose turn it is
        self._look: asyncio.TimerHandle | None = None

    def enter(self, body: Body) -> None:
        """Register a new request. Raises RefusedError where its address has too many."""
        address = body.address
        if body.size <= MOST_SMALL_BYTES:
            too_many = "too many requests of yours are on the way; try again in some seconds"
            small = self.small.setdefault(address, [])
            require(len(small) < MOST_SMALL_OF_ONE, 503, too_many)
            small.append(body)
            self._hold(body, body.size)
            return
        of_all = sum(map(len, (*self.silent.values(), *self.lines.values())))
        require(of_all < MOST_WAITING, 503, "too many pictures are waiting; try again in a minute")
        silent = self.silent.setdefault(address, [])
        if len(silent) + len(self.lines.get(address, ())) >= MOST_WAITING_OF_ONE:
            too_many = "too many pictures of yours are waiting; try again in a minute"
            require(bool(silent), 503, too_many)
            silent.pop(0).give_up()  # whoever sends nothing shuts out nobody
        silent.append(body)

    async def wait_for_turn(self, body: Body) -> None:
        """Wait until the rest of a large body may be read; its first piece has come."""
        _remove(self.silent, body)
        body.turn = asyncio.get_running_loop().create_future()
        self.lines.setdefault(body.address, deque()).append(body)
        self.admit()
        await body.turn

    def complete(self, body: Body) -> None:
        """Note that the whole body is there, and admit the next one. It is held until `leave`."""
        _remove(self.silent, body)
        _remove(self.transfer, body)
        self._hold(body, len(body.content))
        self.admit()

    def leave(self, body: Body) -> None:
        """Drop a body whose request was answered, refused or left by its client.

        A second call changes nothing.
        """
        for place in (self.small, self.silent, self.lines, self.transfer):
            _remove(place, body)
        self._hold(body, 0)
        body.content = bytearray()
        self.admit()

    def admit(self) -> None:
        """Admit every body whose turn it is; the addresses take turns."""
        now = asyncio.get_running_loop().time()
        for body in (body for others in self.transfer.values() for body in others):
            body.measure(now)
        elsewhere = sum(bytes_of() for bytes_of in self.elsewhere) if self.lines else 0
        is_going_on = True
        while is_going_on:
            is_going_on = False
            for address in list(self.lines):
                if self._may_begin(self.lines[address][0], elsewhere):
                    self._begin(self.lines[address].popleft(), now)
                    line = self.lines.pop(address)
                    if line:
                        self.lines[address] = line  # behind the others
                    is_going_on = True
        if any(not self.held[address] for address in self.lines):
            for body in [body for others in self.transfer.values() for body in others]:
                if now - body.begun > TURN_SECONDS:
                    body.give_up()
        self._look_again()

    def _may_begin(self, body: Body, elsewhere: int) -> bool:
        others = self.transfer.get(body.address, [])
        left = MOST_HELD_BYTES - self.held.total() - elsewhere - body.size
        is_room = self.held[body.address] + body.size <= left
        return is_room and sum(not other.is_slow for other in others) < AT_ONCE_OF_ONE

    def _begin(self, body: Body, now: float) -> None:
        self._hold(body, body.size)
        self.transfer.setdefault(body.address, []).append(body)
        body.begin(now)
        if body.turn and not body.turn.done():  # or its client has just gone
            body.turn.set_result(None)

    def _hold(self, body: Body, size: int) -> None:
        """Set the bytes that a body takes."""
        self.held[body.address] += size - body.held
        body.held = size
        if not self.held[body.address]:
            del self.held[body.address]

    def _look_again(self) -> None:
        """Look again soon, while somebody waits: what waits elsewhere changes without notice."""
        if self._look:
            self._look.cancel()
        loop = asyncio.get_running_loop()
        self._look = loop.call_later(SECONDS_BETWEEN_LOOKS, self.admit) if self.lines else None


def _remove(places: dict[str, list[Body]] | dict[str, deque[Body]], body: Body) -> None:
    found = places.get(body.address)
    if found and body in found:
        found.remove(body)
    if not found:
        places.pop(body.address, None)
