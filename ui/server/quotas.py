"""Quotas of the request bodies in this process: the memory they take, and whose turn it is.

A class behind one address, with a slow line, must be served: a large body waits for its turn rather
than being refused. While it waits the server does not read it, so that TCP holds the client back,
and the few whose turn it is get the line for themselves.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MOST_SMALL_BYTES = 262_144  # bodies as small as this do not wait for a turn
MOST_SMALL_OF_ONE = 400  # of them that one address may have unanswered
# All bodies in transfer and not yet answered, and what waits elsewhere: a class that uploads.
MOST_BYTES = 200_000_000
MOST_BYTES_OF_SMALL = 50_000_000  # of them, what has arrived of small bodies
AT_ONCE_OF_ONE = 4  # bodies in transfer from one address, not counting those below the least speed
MOST_WAITING_OF_ONE = 300
MOST_WAITING = 1000
MOST_WAITING_BYTES = 100_000_000  # what has arrived of bodies that wait for their turn
SILENT_SECONDS = 2.0  # without a first piece, after which a body makes room for another address'
WAITING_SECONDS = 900.0  # for its turn
# Unanswered at once, of all addresses. A class of two hundred has a websocket for every open page,
# and for a moment six requests each.
MOST_REQUESTS = 2400
MOST_SOCKETS = 800
SECONDS = 10.0  # between two pieces of a body, at most; a small one is complete by then
LEAST_BYTES = 327_680  # in SECONDS: a slower body does not hold up the next of its address
TURN_SECONDS = 120.0  # for a body, where another address waits that has none at all
LONGEST_SECONDS = 600.0  # for a body
SECONDS_BETWEEN_LOOKS = 0.5  # at what waits elsewhere and at speeds, while somebody waits
TOO_SLOW = "the request came too slowly and was given up; try again"
TOO_MANY = "too many requests of yours are on the way; try again in some seconds"
WAITING_OF_ONE = "too many pictures of yours are waiting; try again in a minute"
WAITING_OF_ALL = "too many pictures are waiting; try again in a minute"


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
    admission: asyncio.Future[None] | None = None  # done when it is this body's turn
    wait: asyncio.Timeout | None = None  # the limit on the wait for the next piece, during it
    refusal: RefusedError | None = None  # why it was given up
    is_complete: bool = False
    arrival: float = 0.0  # when its request came,
    admitted: float = 0.0  # and when its turn began
    is_slow: bool = False  # below the least speed in the last SECONDS
    counted: int = 0  # bytes that the quotas count for it
    _measured: float = 0.0  # when its speed was last measured,
    _measured_bytes: int = 0  # and how much had come by then

    @property
    def is_small(self) -> bool:
        """Whether it does not wait for a turn."""
        return self.size <= MOST_SMALL_BYTES

    def begin(self, now: float) -> None:
        """Note that its turn has begun."""
        self.admitted = self._measured = now
        self._measured_bytes = len(self.content)

    def measure(self, now: float) -> None:
        """Note whether it is slow, once in SECONDS."""
        if now - self._measured >= SECONDS:
            self.is_slow = len(self.content) - self._measured_bytes < LEAST_BYTES
            self._measured, self._measured_bytes = now, len(self.content)

    def take(self) -> bytearray:
        """Return its content, which is then no longer kept here."""
        content, self.content = self.content, bytearray()
        return content

    def give_up(self, sentence: str = TOO_SLOW) -> None:
        """Refuse it, and end its wait for the next piece or for its turn."""
        self.refusal = RefusedError(503, sentence)
        if self.wait and not self.wait.expired():
            self.wait.reschedule(asyncio.get_running_loop().time())
        if self.admission and not self.admission.done():
            self.admission.set_result(None)


class Quotas:
    """Memory that the bodies of a process take, by address, and the queue of those that wait.

    One for all servers of the process. An address may hold as many bytes as it leaves free. So one
    alone gets half of the memory, a second one a quarter, and however many bodies a few addresses
    send there is room for another's. Its unanswered requests are counted in the same way. Where so
    many bodies wait that there is no room for another's, whoever has most makes some.

    other_bytes: functions that return the bytes of bodies passed on and not worked on yet.
    """

    def __init__(self, *other_bytes: Callable[[], int]) -> None:
        self.other_bytes = list(other_bytes)
        self.requests: Counter[str] = Counter()  # unanswered ones by address
        self.sockets: Counter[str] = Counter()  # open websockets by address
        self.bytes: Counter[str] = Counter()  # bytes by address
        self.small_bytes: Counter[str] = Counter()  # those of them that small bodies take
        self.small: dict[str, list[Body]] = {}  # small bodies by address; the oldest first
        self.silent: dict[str, list[Body]] = {}  # of which no piece has come; the oldest first
        self.queues: dict[str, deque[Body]] = {}  # who waits; the address in front is next
        self.transfer: dict[str, list[Body]] = {}  # whose turn it is
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.contextmanager
    def count_request(self, address: str, is_socket: bool) -> Iterator[None]:
        """Count a request or a websocket until it ends.

        Raises RefusedError where its address has as many as it leaves free.
        """
        open_ones = self.sockets if is_socket else self.requests
        most = MOST_SOCKETS if is_socket else MOST_REQUESTS
        require(open_ones[address] < most - open_ones.total(), 503, TOO_MANY)
        open_ones[address] += 1
        try:
            yield
        finally:
            open_ones[address] -= 1
            if not open_ones[address]:
                del open_ones[address]

    def enter(self, body: Body) -> None:
        """Register a new request. Raises RefusedError where its address has too many."""
        address = body.address
        body.arrival = asyncio.get_running_loop().time()
        if body.is_small:
            small = self.small.get(address, [])
            if len(small) >= MOST_SMALL_OF_ONE:
                # Whoever sends nothing shuts out nobody.
                idle = next((one for one in small if not one.content and not one.is_complete), None)
                if idle is None:
                    raise RefusedError(503, TOO_MANY)
                self._refuse(idle, TOO_SLOW)
            self.small.setdefault(address, []).append(body)
            return
        if self._waiting(address) >= MOST_WAITING_OF_ONE:
            require(address in self.silent, 503, WAITING_OF_ONE)
            self._refuse(self.silent[address][0], TOO_SLOW)
        elif sum(map(len, (*self.silent.values(), *self.queues.values()))) >= MOST_WAITING:
            self._make_room(body)
        self.silent.setdefault(address, []).append(body)

    def _waiting(self, address: str) -> int:
        """How many large bodies of an address wait."""
        return len(self.silent.get(address, ())) + len(self.queues.get(address, ()))

    def _make_room(self, body: Body) -> None:
        """Turn one of the waiting bodies away for a new one. Raises RefusedError where none is.

        The oldest silent one of whoever has most of them, if it had the time to send something;
        otherwise a body of the address that has more waiting than this one.
        """
        silent = max(self.silent.values(), key=len, default=[])
        if silent and body.arrival - silent[0].arrival >= SILENT_SECONDS:
            self._refuse(silent[0], TOO_SLOW)
            return
        most = max({**self.silent, **self.queues}, key=self._waiting, default=body.address)
        require(self._waiting(most) > self._waiting(body.address), 503, WAITING_OF_ALL)
        if most in self.silent:
            self._refuse(self.silent[most][0], TOO_SLOW)
        else:  # of which least has come; of such ones, which has waited least
            line = reversed(self.queues[most])
            self._refuse(min(line, key=lambda one: len(one.content)), WAITING_OF_ONE)

    def _refuse(self, body: Body, sentence: str) -> None:
        """Refuse a body that is not whole, and keep nothing of it."""
        self._forget(body)
        body.give_up(sentence)

    def grow(self, body: Body) -> None:
        """Note that a piece of a small body has come.

        Where all small ones take too much, whoever holds most loses the oldest that is not whole.
        """
        self._hold(body, len(body.content))
        while self.small_bytes.total() > MOST_BYTES_OF_SMALL:
            unfinished = (
                one
                for address, _ in self.small_bytes.most_common()
                for one in self.small[address]
                if one.counted and not one.is_complete
            )
            self._refuse(next(unfinished, body), TOO_MANY)
            if body.refusal:
                return

    async def wait_for_admission(self, body: Body) -> None:
        """Wait until the rest of a large body may be read; its first piece has come.

        Raises RefusedError where it was turned away, or its turn did not come.
        """
        _remove(self.silent, body)
        body.admission = asyncio.get_running_loop().create_future()
        self.queues.setdefault(body.address, deque()).append(body)
        arrived = {
            address: sum(len(one.content) for one in line) for address, line in self.queues.items()
        }
        if sum(arrived.values()) > MOST_WAITING_BYTES:
            most = max(arrived, key=arrived.__getitem__)
            self._refuse(self.queues[most][-1], WAITING_OF_ONE)
        self.admit()
        try:
            async with asyncio.timeout(WAITING_SECONDS):
                await body.admission
        except TimeoutError:
            raise RefusedError(503, WAITING_OF_ONE) from None
        if body.refusal:
            raise body.refusal

    def complete(self, body: Body) -> None:
        """Note that the whole body is there, and admit the next one. It is held until `leave`."""
        body.is_complete = True
        _remove(self.silent, body)
        _remove(self.transfer, body)
        self._hold(body, len(body.content))
        self.admit()

    def leave(self, body: Body) -> None:
        """Drop a body whose request was answered, refused or left by its client.

        A second call changes nothing.
        """
        self._forget(body)
        self.admit()

    def _forget(self, body: Body) -> None:
        for place in (self.small, self.silent, self.queues, self.transfer):
            _remove(place, body)
        self._hold(body, 0)
        body.content = bytearray()

    def admit(self) -> None:
        """Admit every body whose turn it is; the addresses take turns."""
        now = asyncio.get_running_loop().time()
        for body in (body for others in self.transfer.values() for body in others):
            body.measure(now)
        elsewhere = sum(count() for count in self.other_bytes) if self.queues else 0
        is_admitting = True
        while is_admitting:
            is_admitting = False
            for address in list(self.queues):
                if self._may_begin(self.queues[address][0], elsewhere):
                    self._begin(self.queues[address].popleft(), now)
                    line = self.queues.pop(address)
                    if line:
                        self.queues[address] = line  # behind the others
                    is_admitting = True
        if any(self.bytes[address] == self.small_bytes[address] for address in self.queues):
            for body in [body for others in self.transfer.values() for body in others]:
                if now - body.admitted > TURN_SECONDS:
                    body.give_up()
        self._look_again()

    def _may_begin(self, body: Body, elsewhere: int) -> bool:
        others = self.transfer.get(body.address, [])
        left = MOST_BYTES - self.bytes.total() - elsewhere - body.size
        is_room = self.bytes[body.address] + body.size <= left
        return is_room and sum(not other.is_slow for other in others) < AT_ONCE_OF_ONE

    def _begin(self, body: Body, now: float) -> None:
        self._hold(body, body.size)
        self.transfer.setdefault(body.address, []).append(body)
        body.begin(now)
        if body.admission and not body.admission.done():  # or its client has just gone
            body.admission.set_result(None)

    def _hold(self, body: Body, size: int) -> None:
        """Set the bytes that a body takes."""
        for total in (self.bytes, self.small_bytes) if body.is_small else (self.bytes,):
            total[body.address] += size - body.counted
            if not total[body.address]:
                del total[body.address]
        body.counted = size

    def _look_again(self) -> None:
        """Look again soon, while somebody waits: what waits elsewhere changes without notice."""
        if self._timer:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SECONDS_BETWEEN_LOOKS, self.admit) if self.queues else None


def _remove(places: dict[str, list[Body]] | dict[str, deque[Body]], body: Body) -> None:
    bodies = places.get(body.address)
    if bodies and body in bodies:
        bodies.remove(body)
    if not bodies:
        places.pop(body.address, None)
