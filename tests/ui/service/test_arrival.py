"""What a body may take of size, time and room before it is passed on; checked with clients made
here."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from ui.service import arrival
from ui.service.arrival import Arrival


async def echo(scope, receive, send) -> None:
    """An application that answers with the length of its body."""
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(len(body)).encode()})


class Client:
    """Sends its pieces, one each time it is asked, and then waits for ever."""

    def __init__(
        self,
        *pieces: bytes,
        whole: bool = True,
        announced: int | None = None,
        address: str = "1.2.3.4",
        leaves: bool = False,
    ) -> None:
        self.pieces, self.whole, self.leaves = list(pieces), whole, leaves
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
        if not self.pieces:
            if self.leaves:
                return {"type": "http.disconnect"}
            await asyncio.Event().wait()
        piece = self.pieces.pop(0)
        await asyncio.sleep(0)
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
        said = self.answer[1]["body"].decode()
        return self.answer[0]["status"], json.loads(said)["error"] if said.startswith("{") else said


def run(work):
    """In a thread of its own: a browser that other tests have opened runs this one's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture
def app(monkeypatch):
    monkeypatch.setattr(arrival, "SECONDS", 0.05)
    return Arrival(echo, lambda path: 1_000_000)


def test_a_body_arrives_whole_and_in_one_piece(app):
    assert run(Client(b"ab", b"", b"cde", announced=5).ask(app)) == (200, "5")
    assert not app.held
    assert not app.arriving


@pytest.mark.parametrize(
    "client",
    [
        Client(announced=1_000_001, whole=False),
        Client(*[b"x" * 100_000] * 11, whole=False),
    ],
    ids=["announced", "in chunks"],
)
def test_what_is_too_large_is_refused_with_the_limit(app, client):
    assert run(client.ask(app)) == (413, "a body of 1,000,000 bytes at most is read here")
    assert not app.held


@pytest.mark.parametrize(
    "client", [Client(whole=False, announced=900_000), Client(b"x" * 100, whole=False)]
)
def test_what_never_comes_is_given_up_and_leaves_nothing(app, client):
    status, sentence = run(client.ask(app))
    assert status == 408
    assert "too slowly" in sentence
    assert (b"connection", b"close") in client.answer[0]["headers"]
    assert not app.held
    assert not app.arriving


def test_what_comes_at_the_least_speed_has_the_time_that_it_takes(app, monkeypatch):
    """Ten pieces, each almost too late for the one before."""
    monkeypatch.setattr(arrival, "LEAST_BYTES", 100)
    monkeypatch.setattr(arrival, "SECONDS", 2.0)

    class Slow(Client):
        async def receive(self) -> dict:
            await asyncio.sleep(0.3)
            return await super().receive()

    assert run(Slow(*[b"x" * 100] * 10).ask(app)) == (200, "1000")


def test_what_came_fast_buys_no_silence(app, monkeypatch):
    """The speed is that of the last seconds, not of all."""
    monkeypatch.setattr(arrival, "LEAST_BYTES", 100)
    client = Client(b"x" * 900_000, b"x", whole=False)
    assert run(client.ask(app))[0] == 408
    assert not app.held


def test_somebody_who_leaves_in_the_middle_leaves_nothing(app):
    assert run(Client(b"x" * 1000, whole=False, leaves=True).ask(app)) == (0, "")
    assert not app.held
    assert not app.arriving


def test_only_what_has_arrived_takes_room_and_one_address_gets_a_share(monkeypatch):
    """Ten that announce everything and send nothing leave room for an eleventh."""
    monkeypatch.setattr(arrival, "MOST_HELD_BYTES", 2_000_000)
    monkeypatch.setattr(arrival, "MOST_HELD_OF_ONE", 1_000_000)
    app = Arrival(echo, lambda path: 1_000_000)

    async def work():
        waiting = [
            asyncio.create_task(Client(announced=1_000_000, whole=False).ask(app))
            for _ in range(10)
        ]
        await asyncio.sleep(0)
        found = [await Client(b"x" * 900_000).ask(app)]
        waiting += [asyncio.create_task(Client(b"x" * 600_000, whole=False, address="a").ask(app))]
        while not app.held["a"]:
            await asyncio.sleep(0)
        found += [
            await Client(b"x" * 600_000, address="a").ask(app),
            await Client(b"x" * 600_000, address="b").ask(app),
        ]
        waiting += [asyncio.create_task(Client(b"x" * 900_000, whole=False, address="b").ask(app))]
        while not app.held["b"]:
            await asyncio.sleep(0)
        found += [
            await Client(b"x" * 600_000, address="c").ask(app),
            await Client(b"x" * 1_000, address="c").ask(app),
        ]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return found

    assert run(work()) == [
        (200, "900000"),
        (503, "too many pictures of yours are on the way; try again in some seconds"),
        (200, "600000"),
        (503, "too many pictures are waiting; try again in some seconds"),
        (200, "1000"),
    ]
    assert not app.held
    assert not app.arriving


def test_of_too_many_from_one_address_the_one_of_which_least_has_come_makes_room(monkeypatch):
    """So whoever announces and sends nothing shuts out himself, and not those who share his
    address."""
    monkeypatch.setattr(arrival, "MOST_BODIES_OF_ONE", 3)
    app = Arrival(echo)

    async def work():
        clients = [
            Client(b"x" * 10, whole=False),
            Client(whole=False),
            Client(b"x" * 20, whole=False),
        ]
        waiting = [asyncio.create_task(client.ask(app)) for client in clients]
        while app.held["1.2.3.4"] < 30:
            await asyncio.sleep(0)
        found = await Client(b"x").ask(app), await Client(b"x", address="another").ask(app)
        status, _ = await waiting[1]
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return found, status, [bool(client.answer) for client in clients]

    assert run(work()) == (((200, "1"), (200, "1")), 408, [False, True, False])
    assert not app.arriving
    assert not app.held
