"""What a body may take of size, time and room before it is passed on, and how a class waits."""

import asyncio
import contextlib
import json
import math
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.processes import HANGING
from tests.servers import UVICORN
from tests.ui.server.line import Phone, answers, run
from tests.ui.server.served import served
from ui.server import bodies, connections, quotas
from ui.server.bodies import BodyMiddleware, address
from ui.server.quotas import Quotas

PICTURE = 3_500_000  # a phone's
SMALL_PICTURE = 500_000  # arrives in two seconds
MBIT = 125_000  # bytes a second
TOO_SLOW = (503, "the request came too slowly and was given up; try again")
WAITING = quotas.WAITING_OF_ONE.encode()
IN_A_MINUTE = (503, "too many pictures of yours are waiting; try again in a minute")


async def echo(scope, receive, send) -> None:
    """An application that answers with the length of its body."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(body)).encode()})


class Client:
    """Sends its pieces, one each time it is asked, and then waits for ever or leaves."""

    def __init__(
        self, *pieces, whole=True, announced=None, address="1.2.3.4", leaves=False, wait=0
    ):
        self.pieces, self.whole, self.leaves, self.wait = list(pieces), whole, leaves, wait
        headers = [] if announced is None else [(b"content-length", str(announced).encode())]
        self.scope = {
            "type": "http",
            "method": "POST",
            "path": "/call",
            "headers": headers,
            "client": (address, 1),
        }
        self.answer: list[dict] = []

    async def receive(self) -> dict:
        await asyncio.sleep(self.wait)
        if not self.pieces:
            if self.leaves:
                return {"type": "http.disconnect"}
            await asyncio.Event().wait()
        piece = self.pieces.pop(0)
        return {
            "type": "http.request",
            "body": piece,
            "more_body": bool(self.pieces) or not self.whole,
        }

    async def send(self, message: dict) -> None:
        self.answer.append(message)

    async def ask(self, app) -> tuple[int, str]:
        await app(self.scope, self.receive, self.send)
        if not self.answer:
            return 0, ""
        said = b"".join(message["body"] for message in self.answer[1:]).decode()
        return self.answer[0]["status"], json.loads(said)["error"] if said.startswith("{") else said


@pytest.fixture
def book() -> Iterator[Quotas]:
    """Quotas in which nothing is left at the end."""
    book = Quotas()
    yield book
    assert not any((book.bytes, book.small_bytes, book.requests, book.sockets))
    assert not any((book.small, book.silent, book.queues, book.transfer))


@pytest.fixture
def app(book) -> BodyMiddleware:
    return BodyMiddleware(echo, book, lambda path: 1_000_000)


def test_a_body_arrives_whole_and_in_one_piece(app):
    assert run(Client(b"ab", b"", b"cde", announced=5).ask(app)) == (200, "5")
    assert run(Client(*[b"x" * 100_000] * 9).ask(app)) == (200, "900000")


@pytest.mark.parametrize(
    "client",
    [
        Client(announced=1_000_001, whole=False),
        Client(*[b"x" * 100_000] * 11, whole=False),
        Client(b"x" * 101, announced=100, whole=False),
    ],
    ids=["announced", "in chunks", "more than announced"],
)
def test_what_is_too_large_is_refused_with_the_limit(app, client):
    assert run(client.ask(app)) == (413, "a body of 1,000,000 bytes at most is read here")


@pytest.mark.parametrize(
    "client",
    [
        Client(whole=False, announced=900_000),
        Client(b"x" * 900_000, b"x", whole=False),
        Client(b"x" * 100, announced=200, whole=False),
    ],
    ids=["nothing", "fast at first", "small"],
)
def test_what_never_comes_is_given_up_and_leaves_nothing(app, client):
    assert run(client.ask(app)) == TOO_SLOW
    assert (b"connection", b"close") in client.answer[0]["headers"]
    assert (b"retry-after", b"10") in client.answer[0]["headers"]


def test_a_small_body_is_whole_in_ten_seconds_and_a_large_one_may_drip_for_ten_minutes(app):
    pieces = [b"x" * 10] * 20
    assert run(Client(*pieces, announced=200, wait=6).ask(app)) == TOO_SLOW
    assert run(Client(*pieces, wait=6).ask(app)) == (200, "200")
    assert run(Client(*pieces * 6, wait=6).ask(app)) == TOO_SLOW


def test_somebody_who_leaves_in_the_middle_leaves_nothing(app):
    assert run(Client(b"x" * 1000, whole=False, leaves=True).ask(app)) == (0, "")


@pytest.mark.parametrize("window", [131_072, math.inf], ids=["held back", "behind a proxy"])
@pytest.mark.parametrize(
    ("phones", "megabits"), [(100, 10), (30, 5), (200, 100)], ids=lambda number: str(number)
)
def test_a_class_behind_one_address_waits_and_nobody_is_refused(book, phones, megabits, window):
    """Held back: the server reads from a few, and the others send no more than fits between.

    Behind a proxy that takes everything all share the line until the end.
    """
    most = 0

    async def noting(scope, receive, send) -> None:
        nonlocal most
        most = max(most, book.bytes.total())
        await echo(scope, receive, send)

    students = [Phone(PICTURE, delay=2 * n / phones, window=window) for n in range(phones)]
    (found,) = run(answers(BodyMiddleware(noting, book), (students, megabits * MBIT)))
    assert found == [200] * phones
    assert {phone.said for phone in students} == {str(PICTURE).encode()}
    assert most <= quotas.MOST_BYTES


def test_slow_bodies_of_two_addresses_do_not_stop_a_third_one(book):
    """They announce the most and send a little, for as long as they may."""
    attackers = [
        Phone(28_000_000, address=f"6.6.6.{n % 2}", most=50_000, window=math.inf) for n in range(40)
    ]
    third = Phone(PICTURE, address="1.2.3.4", delay=5)
    found = run(
        answers(BodyMiddleware(echo, book, lambda _: 28_000_000), (attackers, 1e9), ([third], 1e6))
    )
    assert found[1] == [200]
    assert third.seconds < 20
    assert 200 in found[0]


def test_slow_bodies_of_the_same_address_do_not_hold_up_the_next(book):
    slow = [Phone(PICTURE, most=20_000) for _ in range(2 * quotas.AT_ONCE_OF_ONE)]
    next_one = Phone(PICTURE, delay=1)
    (found,) = run(answers(BodyMiddleware(echo, book), ([*slow, next_one], 1e7)))
    assert found == [200] * len(found)
    assert next_one.seconds < 60  # they take three minutes


def test_addresses_take_turns(book):
    """However many of one wait, the next of another is not behind them all."""
    many = [Phone(PICTURE, window=math.inf) for _ in range(60)]
    other = Phone(PICTURE, address="5.6.7.8", delay=5)
    found = run(answers(BodyMiddleware(echo, book), (many, 10 * MBIT), ([other], 10 * MBIT)))
    assert [set(statuses) for statuses in found] == [{200}, {200}]
    assert other.seconds < 25  # they take three minutes


def test_where_no_room_is_left_what_took_its_time_makes_some(book, monkeypatch):
    """Many addresses have shared all of it: the newcomer's turn comes after two minutes."""
    monkeypatch.setattr(quotas, "MOST_BYTES", 20_000_000)
    holders = [Phone(PICTURE, address=f"6.6.6.{n}", most=1_000) for n in range(4)]
    newcomer = Phone(PICTURE, address="1.2.3.4", delay=5)
    calls = [Phone(1000, address="1.2.3.4", delay=9 * n, sends=10) for n in range(30)]
    found = run(answers(BodyMiddleware(echo, book), (holders, 1e6), ([newcomer, *calls], 1e6)))
    assert found[1] == [200] + [503] * len(calls)
    assert quotas.TURN_SECONDS - 10 < newcomer.seconds < 2 * quotas.TURN_SECONDS
    assert found[0] == [503] * 4


def test_who_announces_and_sends_nothing_shuts_out_nobody(book):
    idle = [Phone(PICTURE, sends=0) for _ in range(quotas.MOST_WAITING_OF_ONE)]
    student = Phone(PICTURE, delay=5)
    (found,) = run(answers(BodyMiddleware(echo, book), ([*idle, student], 1e6)))
    assert found == [503] * len(idle) + [200]
    assert student.seconds < 20  # as long as it takes
    assert idle[0].seconds == pytest.approx(5 + bodies.LINGERING_SILENCE, abs=1)  # it made room


def test_so_many_of_one_address_wait_and_no_more(book, monkeypatch):
    monkeypatch.setattr(quotas, "MOST_WAITING_OF_ONE", 5)
    many = [Phone(PICTURE, delay=n) for n in range(quotas.AT_ONCE_OF_ONE + 8)]
    other = Phone(PICTURE, address="5.6.7.8", delay=12)
    (found,) = run(answers(BodyMiddleware(echo, book), ([*many, other], 1e6)))
    assert found == [200] * 9 + [503] * 3 + [200]
    assert json.loads(many[-1].said)["error"] == IN_A_MINUTE[1]


def test_silent_bodies_of_several_addresses_shut_out_nobody(book):
    """They announce large bodies, as many as there is room for, and send nothing."""
    idle = [
        Phone(PICTURE, address=f"6.6.6.{n % 4}", sends=0, delay=2)
        for n in range(quotas.MOST_WAITING)
    ]
    student = Phone(SMALL_PICTURE, delay=5)
    (found,) = run(answers(BodyMiddleware(echo, book), ([*idle, student], 1e6)))
    assert found == [503] * len(idle) + [200]
    assert student.seconds < 11  # before they are given up


def test_a_piece_of_each_body_from_several_addresses_shuts_out_nobody(book):
    """They fill the lines; of a class, behind another address, each is served."""
    attackers = [
        Phone(PICTURE, address=f"6.6.6.{n % 4}", sends=1, delay=n / 500)
        for n in range(quotas.MOST_WAITING + 20)
    ]
    students = [Phone(PICTURE, delay=5 + n / 30, window=math.inf) for n in range(30)]
    found = run(answers(BodyMiddleware(echo, book), (attackers, 1e6), (students, 100 * MBIT)))
    assert found[1] == [200] * len(students)
    assert max(student.seconds for student in students) < 60  # the attackers' lines take minutes
    turned_away = [one for one in attackers if WAITING in one.said]
    assert len({one.scope["client"] for one in turned_away}) == 4


def test_so_many_of_all_wait_and_whoever_has_most_makes_room(book, monkeypatch):
    monkeypatch.setattr(quotas, "MOST_WAITING", 5)
    many = [Phone(PICTURE, delay=n) for n in range(quotas.AT_ONCE_OF_ONE + 6)]
    other = Phone(PICTURE, address="5.6.7.8", delay=10)
    small = Phone(1000, address="5.6.7.8", delay=10)
    (found,) = run(answers(BodyMiddleware(echo, book), ([*many, other, small], 1e6)))
    assert found == [200] * 8 + [503, 503, 200, 200]  # the newest, and one more of the same address
    assert "of yours" in many[8].said.decode()
    assert "of yours" not in many[9].said.decode()


def test_silence_makes_room_before_a_class_does(book, monkeypatch):
    """Though the class has most of those that wait."""
    monkeypatch.setattr(quotas, "MOST_WAITING", 5)
    students = [Phone(PICTURE, delay=n / 2) for n in range(quotas.AT_ONCE_OF_ONE + 3)]
    idle = [Phone(PICTURE, address=f"6.6.6.{n}", sends=0, delay=5) for n in range(2)]
    newcomer = Phone(PICTURE, address="5.6.7.8", delay=9)
    (found,) = run(answers(BodyMiddleware(echo, book), ([*students, *idle, newcomer], 1e6)))
    assert found == [200] * len(students) + [503] * 2 + [200]


def test_a_body_whose_turn_does_not_come_is_given_up(book, monkeypatch):
    monkeypatch.setattr(quotas, "WAITING_SECONDS", 20.0)
    book.other_bytes.append(lambda: quotas.MOST_BYTES)
    waiting = Phone(PICTURE)
    assert run(answers(BodyMiddleware(echo, book), ([waiting], 1e6))) == [[503]]
    assert WAITING in waiting.said
    assert 20 < waiting.seconds < 25


def test_what_has_arrived_of_waiting_bodies_is_bounded(book, monkeypatch):
    """The newest of whoever has most is turned away; another's still comes."""
    monkeypatch.setattr(quotas, "MOST_WAITING_BYTES", 300_000)
    blocked = True
    book.other_bytes.append(lambda: quotas.MOST_BYTES * blocked)
    many = [Phone(PICTURE, delay=n, window=math.inf) for n in range(8)]
    other = Phone(PICTURE, address="5.6.7.8", delay=10, window=math.inf)

    async def work():
        nonlocal blocked
        asked = asyncio.create_task(answers(BodyMiddleware(echo, book), ([*many, other], 1e9)))
        await asyncio.sleep(20)
        assert sum(len(body.content) for line in book.queues.values() for body in line) <= 300_000
        blocked = False
        return await asked

    (found,) = run(work())
    assert found == [200] * 3 + [503] * 5 + [200]


def test_small_bodies_do_not_wait_and_one_address_has_so_many(book):
    many = [Phone(1000, sends=10) for _ in range(quotas.MOST_SMALL_OF_ONE)]
    large = [Phone(PICTURE) for _ in range(10)]
    late = [Phone(1000, delay=5), Phone(1000, address="5.6.7.8", delay=5)]
    (found,) = run(answers(BodyMiddleware(echo, book), ([*many, *large, *late], 1e6)))
    assert found == [503] * len(many) + [200] * 10 + [503, 200]
    assert late[1].seconds < 6


def test_small_bodies_that_send_nothing_shut_out_nobody(book):
    """Neither another address' picture, nor a small body of their own."""
    size = quotas.MOST_SMALL_BYTES
    idle = [Phone(size, address=f"6.6.6.{n % 2}", sends=0) for n in range(800)]
    student, own = Phone(SMALL_PICTURE, delay=1), Phone(1000, address="6.6.6.0", delay=9)
    (found,) = run(answers(BodyMiddleware(echo, book), ([*idle, student, own], 1e6)))
    assert found == [503] * len(idle) + [200, 200]
    assert student.seconds < 9  # before they are given up
    assert own.seconds < 11


def test_what_has_arrived_of_small_bodies_is_bounded(book):
    """Two addresses send nearly everything; two others are served."""
    most, size = 0, quotas.MOST_SMALL_BYTES

    class MeasuringMiddleware(BodyMiddleware):
        async def _piece(self, *arguments):
            nonlocal most
            arrived = (len(one.content) for small in book.small.values() for one in small)
            most = max(most, sum(arrived))
            return await super()._piece(*arguments)

    filled = [Phone(size, address=f"6.6.6.{n % 2}", sends=size - 1) for n in range(400)]
    student = Phone(SMALL_PICTURE, delay=3)
    others = [Phone(1000, address="5.6.7.8", delay=3), Phone(1000, delay=4)]
    found = run(answers(MeasuringMiddleware(echo, book), (filled, 1e9), ([student, *others], 1e7)))
    assert found == [[503] * len(filled), [200] * 3]
    assert max(one.seconds for one in (student, *others)) < 9
    assert quotas.MOST_BYTES_OF_SMALL * 0.9 < most <= quotas.MOST_BYTES_OF_SMALL + size


async def open_ones(app, addresses, kind="http") -> list[list[dict]]:
    """What each of these requests, all at once, is answered before any of them ends."""
    answered: list[list[dict]] = [[] for _ in addresses]
    scopes = [{"type": kind, "method": "GET", "path": "/", "client": (one, 1)} for one in addresses]
    tasks = []
    for scope, answer in zip(scopes, answered, strict=True):

        async def send(message, answer=answer) -> None:
            answer.append(message)

        tasks.append(asyncio.create_task(app(scope, None, send)))
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return answered


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_an_address_has_as_many_open_requests_as_it_leaves_free(book, monkeypatch, kind):
    """Pages that are read slowly, or websockets of which nobody sees the page."""
    monkeypatch.setattr(quotas, "MOST_REQUESTS" if kind == "http" else "MOST_SOCKETS", 12)

    async def endless(scope, receive, send) -> None:
        await asyncio.Event().wait()

    addresses = ["6.6.6.6"] * 8 + ["7.7.7.7"] * 4 + ["1.2.3.4"] * 2
    answered = run(open_ones(BodyMiddleware(endless, book), addresses, kind))
    refused = [bool(messages) for messages in answered]
    assert refused == [False] * 6 + [True] * 2 + [False] * 3 + [True] + [False] * 2
    first = answered[6][0]
    if kind == "http":
        assert first["status"] == 503
        assert json.loads(answered[6][1]["body"])["error"] == quotas.TOO_MANY
    else:
        assert (first["type"], first["code"]) == ("websocket.close", 1013)


def test_a_class_has_room_for_its_pages_and_websockets():
    """Two hundred browsers behind one address, also where a stranger came first."""
    assert quotas.MOST_REQUESTS // 2 >= 200 * 6
    assert quotas.MOST_SOCKETS // 4 >= 200
    in_all = quotas.MOST_REQUESTS + quotas.MOST_SOCKETS + connections.MOST_SILENT
    assert in_all < int(UVICORN[UVICORN.index("--limit-concurrency") + 1])


def test_what_waits_elsewhere_takes_room_until_it_is_worked_on(book):
    bytes_elsewhere = 199_000_000
    book.other_bytes.append(lambda: bytes_elsewhere)

    async def work():
        nonlocal bytes_elsewhere
        asked = asyncio.create_task(Client(*[b"x" * 300_000] * 3).ask(BodyMiddleware(echo, book)))
        await asyncio.sleep(30)
        waits, bytes_elsewhere = not asked.done(), 0
        return waits, await asked

    assert run(work()) == (True, (200, "900000"))


def test_two_servers_of_a_process_share_one_ledger(book):
    """And what was announced is held until the request is answered."""
    one, two = BodyMiddleware(echo, book), BodyMiddleware(echo, book)
    seen = []

    async def slow(scope, receive, send) -> None:
        await asyncio.sleep(50)
        seen.append(dict(book.bytes))
        await echo(scope, receive, send)

    async def work():
        return await asyncio.gather(
            Client(b"x" * 700_000, announced=700_000).ask(BodyMiddleware(slow, book)),
            *(Client(b"x" * 10, announced=10).ask(app) for app in (one, two)),
        )

    assert [status for status, _ in run(work())] == [200] * 3
    assert seen == [{"1.2.3.4": 700_000}]


@pytest.mark.parametrize(
    ("client", "counted"),
    [
        (("1.2.3.4", 5), "1.2.3.4"),
        (("::ffff:1.2.3.4", 5), "1.2.3.4"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1::/56"),
        (("2001:db8:1:ff:3:4:5:6", 5), "2001:db8:1::/56"),
        (("2001:db8:1:100::1", 5), "2001:db8:1:100::/56"),
        (("fe80::1%eth0", 5), "fe80::/56"),
        (("testclient", 5), "testclient"),
        (None, ""),
    ],
)
def test_an_address_is_counted_by_what_one_subscriber_has(client, counted):
    assert address({"client": client}) == counted


def throttled(port: int, announced: int, *pauses: float) -> str:
    """Send a body as most clients do, a piece after each pause, and only then read the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=HANGING) as connection:
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n"
        connection.sendall(head.encode())
        for pause in pauses:
            time.sleep(pause)
            connection.sendall(bytes(announced // len(pauses)))
        return b"".join(iter(lambda: connection.recv(1 << 16), b"")).decode()


@pytest.mark.parametrize(
    ("announced", "pauses", "said"),
    [
        (8_000_000, [0.02] * 40, "HTTP/1.1 413 "),
        (900_000, [0.02, 0.8, *[0.02] * 30], "HTTP/1.1 503 "),
    ],
    ids=["too large", "too slow"],
)
def test_a_client_that_goes_on_sending_reads_why_it_was_refused(
    book, monkeypatch, announced, pauses, said
):
    """Over a real connection, which a server that closes it on unread bytes would reset."""
    monkeypatch.setattr(quotas, "SECONDS", 0.3)
    with served(BodyMiddleware(echo, book, lambda _: 1_000_000)) as port:
        answer = throttled(port, announced, *pauses)
    assert said in answer
    assert json.loads(answer.partition("\r\n\r\n")[2])["error"]


def test_while_a_body_waits_for_its_turn_nothing_of_it_is_lost_and_little_is_read(book):
    """With a real server: half a megabyte at most, of five."""
    begin = threading.Event()
    book.other_bytes.append(lambda: 0 if begin.is_set() else quotas.MOST_BYTES)
    with (
        served(BodyMiddleware(echo, book)) as port,
        socket.create_connection(("127.0.0.1", port), timeout=HANGING) as connection,
    ):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n")
        connection.setblocking(False)
        sent, deadline = 0, time.monotonic() + 1
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                sent += connection.send(bytes(min(100_000, 5_000_000 - sent)) or b"")
            time.sleep(0.001)
        (line,) = book.queues.values()
        assert len(line[0].content) < 500_000
        begin.set()
        connection.setblocking(True)
        connection.sendall(bytes(5_000_000 - sent))
        answer = b""
        while b"5000000" not in answer:
            answer += connection.recv(1 << 16)
    assert answer.startswith(b"HTTP/1.1 200")
