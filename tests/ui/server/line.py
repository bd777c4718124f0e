"""Phones that send pictures through one line of so many bytes a second, in virtual time."""

# mypy: disable-error-code="attr-defined, misc"
# The loop's own queue, which asyncio types for nobody.

import asyncio
import heapq
import math
from concurrent.futures import ThreadPoolExecutor

TICK = 0.5  # seconds
WINDOW = 131_072  # bytes that a system and a server take of a connection that nobody reads from
PIECE = 65_536


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time."""

    now = 0.0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        while self._scheduled and self._scheduled[0]._cancelled:  # not to wait for the one behind
            heapq.heappop(self._scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()


def run(work):
    """Run in virtual time, in a thread of its own: a browser of other tests runs a loop in this."""

    def alone():
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(work)

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(alone).result()


class Phone:
    """Sends a body of `size` bytes, announced, after `delay` seconds.

    window: what the line carries before the server reads it; a proxy may take everything. most: the
    bytes a second that it sends at most. sends: how many bytes it sends at all, and is then silent.
    """

    def __init__(
        self, size, address="1.2.3.4", delay=0.0, window=WINDOW, most=math.inf, sends=None
    ):
        self.size, self.window, self.most, self.delay = size, window, most, delay
        self.left = size if sends is None else sends  # to be sent
        self.unsent = size - self.left  # never
        self.carried = 0  # and not read
        self.arrived = asyncio.Event()
        self.scope = {
            "type": "http",
            "method": "PUT",
            "path": "/_stcore/upload_file/a/b",
            "headers": [(b"content-length", str(size).encode())],
            "client": (address, 1),
        }
        self.status, self.said, self.seconds, self.is_on = 0, b"", math.nan, False

    async def receive(self) -> dict:
        while not self.carried:
            self.arrived.clear()
            await self.arrived.wait()
        piece = min(PIECE, self.carried)
        self.carried -= piece
        return {
            "type": "http.request",
            "body": bytes(piece),
            "more_body": self.carried + self.left + self.unsent > 0,
        }

    async def send(self, message: dict) -> None:
        if message["type"] == "http.response.start":
            self.status, self.is_on = message["status"], False
        else:
            self.said += message["body"]

    async def ask(self, app) -> int:
        clock = asyncio.get_running_loop()
        await asyncio.sleep(self.delay)
        self.is_on = True
        await app(self.scope, self.receive, self.send)
        self.seconds = clock.time()
        return self.status


async def carry(phones: list[Phone], bytes_a_second: float) -> None:
    """Carry what the phones of one line send, each its share, for ever."""
    while True:
        await asyncio.sleep(TICK)
        active = [
            phone for phone in phones if phone.is_on and phone.left and phone.carried < phone.window
        ]
        for phone in active:
            share = int(min(bytes_a_second / len(active), phone.most) * TICK)
            share = min(max(1, share), phone.left, phone.window - phone.carried)
            phone.left -= share
            phone.carried += share
            phone.arrived.set()


async def answers(app, *lines: tuple[list[Phone], float]) -> list[list[int]]:
    """The statuses of all phones, line by line."""
    carriers = [asyncio.create_task(carry(phones, speed)) for phones, speed in lines]
    try:
        return [
            await asyncio.gather(*asking)
            for asking in [
                [asyncio.create_task(phone.ask(app)) for phone in phones] for phones, _ in lines
            ]
        ]
    finally:
        for carrier in carriers:
            carrier.cancel()
