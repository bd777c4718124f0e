"""Whatever is computed at once, a session's page ends with the answer to its last event."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from types import SimpleNamespace

import gradio as gr
import pytest

import vae
from benchmarks.film import opened
from tests.pictures import portrait
from tests.processes import HANGING
from ui.gradio_page import handlers
from ui.gradio_page.answers import Photo
from ui.gradio_page.language import warnings
from ui.gradio_page.order import Order, newest_wins
from ui.gradio_page.page import options
from ui.service import cache
from ui.service.validation import InputError
from ui.view.source_picture import SourcePicture
from vae.hub import sources
from vae.images.reading import WHOLE


def request(session: str = "one") -> SimpleNamespace:
    return SimpleNamespace(query_params={"lang": "en"}, headers={}, session_hash=session)


@pytest.fixture
def both():
    """Two calls, of which the first computes until the second has answered; gives both answers."""
    with ThreadPoolExecutor(1) as thread:

        def called(handler: Callable, first: tuple, second: tuple) -> tuple[object, object]:
            begun, go_on = Event(), Event()

            def slow(value: object) -> object:
                if value == "slow":
                    begun.set()
                    assert go_on.wait(HANGING)
                return value

            older = thread.submit(handler(slow), *first)
            assert begun.wait(HANGING)
            newer = handler.last(*second)
            go_on.set()
            return older.result(HANGING), newer

        yield called


def ordered(function: Callable[[object], object]) -> Callable:
    """A handler in an order; `function` computes its answer."""

    @newest_wins
    @warnings
    def handler(_: object, value: object) -> object:
        if value == "unusable":
            raise InputError("source.no_camera")
        return function(value)

    return handler


class Ordered:
    """Makes a handler, and remembers it for a second call."""

    def __call__(self, function: Callable[[object], object]) -> Callable:
        self.last = ordered(function)
        return self.last


def test_an_overtaken_answer_changes_nothing(both):
    older, newer = both(Ordered(), (request(), "slow"), (request(), "new"))
    assert (older, newer) == (gr.skip(), "new")


def test_another_session_overtakes_nobody(both):
    older, newer = both(Ordered(), (request(), "slow"), (request("two"), "new"))
    assert (older, newer) == ("slow", "new")


def test_a_refused_value_overtakes_nothing(both, monkeypatch):
    told = []
    monkeypatch.setattr(gr, "Warning", told.append)
    older, newer = both(Ordered(), (request(), "slow"), (request(), "unusable"))
    assert (older, newer) == ("slow", gr.skip())
    assert len(told) == 1


def test_a_framing_is_dropped_where_another_picture_has_come_meanwhile():
    order = Order()
    picture = order.newest_wins(lambda _, value: value)
    framed = order.while_unchanged(lambda who, value: picture(who, value) and "framed")
    assert framed(request(), "another") == gr.skip()
    assert order.while_unchanged(lambda _, value: value)(request(), "framed") == "framed"
    assert picture(request(), "newer") == "newer"  # a framing overtakes none


@pytest.mark.parametrize("name", ["faces", "mnist"])
def test_a_photograph_for_another_model_is_preprocessed_anew(name):
    """It may come while the model is changing, also from digits, whose pictures are as large."""
    picture, garments = vae.images.decode(portrait()), sources.resolve("fashion-mnist")
    other = vae.images.view(picture, sources.resolve("faces").network.config)
    photo = Photo(name, picture, WHOLE, SourcePicture(other))
    assert not photo.fits(garments)
    answer = handlers.update_view(request(), garments.name, 1.0, 7, "draw", 0, None, photo)
    film = opened(base64.b64decode(answer[0]))["film"]
    own = cache.film(photo.framed(garments, WHOLE).given.image, garments, 7, 0, False, "en")
    assert film == opened(own.content)["film"]


def test_a_picture_that_comes_while_the_model_changes_stays(monkeypatch):
    """What the change of the model began with is older."""
    resolve = sources.resolve
    monkeypatch.setattr(
        handlers.api, "resolve", lambda name: handlers.choose_example(request()) and resolve(name)
    )
    answer = handlers.choose_model(request(), "mnist", 1.0, "", None)
    assert answer[3] == gr.skip()  # the example
    assert answer[-6:] == [gr.skip()] * 6  # photograph and framing
    monkeypatch.undo()
    assert handlers.choose_model(request(), "mnist", 1.0, "", None)[3] != gr.skip()


def test_one_after_the_other_both_answer():
    handler = ordered(lambda value: value)
    assert [handler(request(), value) for value in (1, 2, 2)] == [1, 2, 2]


def test_a_refused_value_is_a_warning_and_no_error(monkeypatch):
    """After an error Gradio would forget a deferred event, and the page would stay as it was."""
    told = []
    monkeypatch.setattr(gr, "Warning", told.append)
    answer = handlers.update_view(request(), "mnist", 1.0, 100_000, "draw", 0, 0, None)
    assert answer == gr.skip()
    assert told == ["Seed must be a whole number from 0 to 99999; 100000 is not."]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("take_picture", "multiple"),
        ("move_beta", "multiple"),
        ("carry_gallery", "multiple"),
        ("choose_example", "always_last"),
        ("update_view", "always_last"),
    ],
)
def test_events_with_data_of_their_own_are_never_deferred(name, mode):
    """A deferred event is sent with the data of the one before it (Gradio 6.31)."""
    assert options(getattr(handlers, name))["trigger_mode"] == mode
