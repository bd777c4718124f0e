"""The session's values, and those in the URL so that a link reopens the same view.

Streamlit's own bind="query-params" writes the words that a widget shows, which change with the
language; here the link holds the values themselves, and a value that no longer fits (another
model's beta, an edited link) moves to one that does.

When the page is switched, Streamlit empties the URL and forgets the widgets of the page that was
left. The session therefore keeps the link's values, and they are back with their page; the URL is
read when the session begins.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import streamlit as st
from streamlit.runtime.scriptrunner import RerunException

from ui.service.validation import LARGEST_SEED
from ui.text import LANGUAGES, Text, preferred
from vae.hub import metrics

Value = TypeVar("Value")
Number = TypeVar("Number", int, float)
FARTHEST_PIN = 100.0  # standard deviations of the prior
# Controls that a link may hide: ?hide=beta,seed.
CONTROLS = ("model", "beta", "seed", "noise", "source", "example", "language")
# Keys in the link of every page: a teacher's choices, and a student's progress.
EVERYWHERE = ("hide", "only", "answers", "seen")


@dataclass
class _Run:
    """One run of a page: what it has drawn, and which keys of the link it has read.

    known: keys of the widgets that Streamlit knew when it began. gathering: whether its writes to
    the link wait for its end. interrupted: by the next run, before its end.

    The session holds it as one object, since each assignment to the session's state is a moment at
    which the next run may break in, and after st.stop() one at which this run ends.
    """

    page: str
    known: frozenset[str] = frozenset()
    drawn: set[str] = field(default_factory=set)
    linked: set[str] = field(default_factory=set)
    gathering: bool = True
    interrupted: bool = False

    def known_afterwards(self) -> frozenset[str]:
        """Keys of the widgets that Streamlit knows when the page's next run begins.

        A run that another interrupts, as each move of a slider does, ends before its last widgets
        are drawn; Streamlit forgets none until a run is completed. To set such a widget's value
        again would push a slider back that is being moved. A run that stopped by itself, or failed,
        counts as completed: the browser forgets there what was not drawn.
        """
        return self.known | self.drawn if self.interrupted else frozenset(self.drawn)


def _run() -> _Run:
    """The session's latest run of a page; before the first, one that gathers nothing."""
    return st.session_state.setdefault("run", _Run("", gathering=False))


def current_text() -> Text:
    """The strings of the session's language: from the control, the link, or the browser."""
    if st.session_state.get("language") not in LANGUAGES:
        named = in_link("lang")
        st.session_state["language"] = named if named in LANGUAGES else preferred(st.context.locale)
    return Text(st.session_state["language"])


def linked_widget(
    widget: Callable[..., Value],
    label: str,
    *arguments: object,
    key: str,
    default: Value,
    accept: Callable[[object], Value],
    **more: object,
) -> Value:
    """Draw a widget whose value stands in the URL as ?key=value, unless it is the default.

    accept: turns a link's string, or the session's last value, into a value of the widget, or
    raises ValueError or TypeError. A control that the link hides is not drawn and keeps the link's
    value.
    """
    value = value_of(key, default, accept)
    if not is_hidden(key):
        if st.session_state.get(key, value) != value:
            st.session_state[key] = value
        value = widget_at(widget, label, *arguments, key=key, value=value, **more)
    _write_link(
        key, None if value == default else f"{value:g}" if isinstance(value, float) else str(value)
    )
    return value


def choice(
    widget: Callable[..., Value],
    label: str,
    options: Sequence[Value],
    *,
    key: str,
    default: Value,
    **more: object,
) -> Value:
    """Draw a linked widget of options, each of which stands in the link as its string."""
    return linked_widget(
        widget, label, options, key=key, default=default, accept=one_of(options), **more
    )


def stop(
    widget: Callable[..., float],
    label: str,
    stops: Sequence[float],
    *,
    key: str,
    default: float,
    **more: object,
) -> float:
    """Draw a linked slider of positive stops; a link's other number moves to the nearest."""
    return linked_widget(
        widget, label, stops, key=key, default=default, accept=nearest(stops), **more
    )


def quantity(
    widget: Callable[..., Number],
    label: str,
    low: Number,
    high: Number,
    *,
    key: str,
    default: Number,
    **more: object,
) -> Number:
    """Draw a linked widget of a number from low to high, whole where these are."""
    accept: Callable[[object], Number] = number(low, high)
    return linked_widget(widget, label, low, high, key=key, default=default, accept=accept, **more)


def value_of(key: str, default: Value, accept: Callable[[object], Value]) -> Value:
    """The value with which a linked widget will be drawn."""
    before = (
        in_link(key, default)
        if is_hidden(key)
        else st.session_state.get(key, in_link(key, default))
    )
    try:
        return accept(before)
    except (ValueError, TypeError):
        return default


def widget_at(
    widget: Callable[..., Value],
    label: str,
    *arguments: object,
    key: str,
    value: Value,
    **more: object,
) -> Value:
    """Draw a widget that shows this value until the student changes it."""
    run = _run()
    # Streamlit treats a widget that was not drawn in the last run as new, whatever the session
    # holds for its key.
    if key not in run.drawn | run.known or key not in st.session_state:
        st.session_state[key] = st.session_state.get(key, value)
    run.drawn.add(key)
    return widget(label, *arguments, key=key, **more)


def put(key: str, value: object) -> None:
    """Set the value of a linked widget before it is drawn in this run."""
    st.session_state[key] = value


def is_hidden(key: str) -> bool:
    """Whether the link hides this control: ?hide=beta,seed.

    The second picture's controls are hidden with the first's.
    """
    name = key.rstrip("0123456789")
    return name in CONTROLS and name in words("hide")


@contextmanager
def page(name: str) -> Iterator[None]:
    """Context manager for drawing a page: gathers its writes to the link.

    They become one entry of the browser's history, not one each.
    """
    before = _run()
    if before.page != name:  # all widgets are new, also those that the last page had
        st.session_state["language"] = st.session_state["language"]
    run = _Run(name, before.known_afterwards() if before.page == name else frozenset())
    st.session_state["run"] = run
    # Always in the URL, even the browser's own language: a link must open in the same language
    # elsewhere.
    _write_link("lang", st.session_state["language"])
    for key in EVERYWHERE:
        _note(key)
    try:
        yield
    except RerunException:
        run.interrupted = True
        raise
    finally:
        run.gathering = False
    others = {
        key: value
        for key, value in st.query_params.to_dict().items()
        if key not in st.session_state["linked_ever"]
    }
    whole = others | query()
    if whole != st.query_params.to_dict():
        st.query_params.from_dict(whole)


def query() -> dict[str, str]:
    """The values in the link of the present page, as far as it is drawn."""
    link, linked = _link(), _run().linked
    return {key: link[key] for key in sorted(linked & link.keys(), key=list(link).index)}


def keep_choices() -> None:
    """Set all drawn widgets' values again after a change of the language.

    The browser names a choice by its label, so it must be sent the new ones.
    """
    for key in _run().drawn:
        if key in st.session_state:  # another kind of model has other widgets
            st.session_state[key] = st.session_state[key]


def one_of(options: Sequence[Value]) -> Callable[[object], Value]:
    """Parser of a link's value: one of the options, or its string."""

    def accept(value: object) -> Value:
        return options[[str(option) for option in options].index(str(value))]

    return accept


def number(low: Number, high: Number) -> Callable[[object], Number]:
    """Parser of a link's value: a finite number from low to high, whole where these are."""
    kind = type(low)

    def accept(value: object) -> Number:
        parsed = kind(cast(Any, value))
        if not low <= parsed <= high:
            raise ValueError(parsed)
        return parsed

    return accept


def nearest(stops: Sequence[float]) -> Callable[[object], float]:
    """Parser of a positive number: the nearest stop on a logarithmic scale."""

    def accept(value: object) -> float:
        parsed = float(cast(Any, value))
        if not (math.isfinite(parsed) and parsed > 0):
            raise ValueError(parsed)
        return stops[metrics.nearest(stops, parsed)]

    return accept


def eps_number() -> int:
    """The number of the seed's eps, in the URL as ?eps=: 0 at first, then counted up.

    Each press of "new eps" adds one.
    """
    try:
        return number(0, LARGEST_SEED)(in_link("eps", 0))
    except ValueError:
        return 0


def next_eps() -> None:
    """Count the eps up by one."""
    _write_link("eps", str((eps_number() + 1) % (LARGEST_SEED + 1)))


def new_seed() -> None:
    """Count the seed up by one, so that a class can follow; eps starts anew."""
    st.session_state["seed"] = (st.session_state["seed"] + 1) % (LARGEST_SEED + 1)
    _write_link("eps", None)


def pin(slot: str = "") -> tuple[float, float] | None:
    """The pinned point of a map, in the URL as ?pin=x,y.

    slot: which of a page's maps, as for pictures.
    """
    try:
        x, y = (
            number(-FARTHEST_PIN, FARTHEST_PIN)(part)
            for part in str(in_link(f"pin{slot}", "")).split(",")
        )
    except ValueError:
        return None
    return x, y


def set_pin(point: tuple[float, float] | None, slot: str = "") -> None:
    """Pin a point, or take the pin away."""
    _write_link(f"pin{slot}", point and ",".join(f"{coordinate:.5g}" for coordinate in point))


def words(key: str) -> list[str]:
    """The comma-separated words of a key in the link: ?seen=step1,step2."""
    return [word for word in str(in_link(key, "")).split(",") if word]


def set_words(key: str, values: Sequence[str]) -> None:
    """Write words into the link; an empty list removes the key."""
    _write_link(key, ",".join(values) or None)


def expects_own_picture(slot: str) -> bool:
    """Whether the link was made with a visitor's own picture in this slot; no link can hold one."""
    return in_link(f"own{slot}") == "1"


def set_own_picture(slot: str, shown: bool) -> None:
    """Note in the link whether this slot shows a visitor's own picture, or the note that it did."""
    _write_link(f"own{slot}", "1" if shown else None)


def is_own_picture(key: str) -> bool:
    """Whether a key of a link notes that a slot shows a visitor's own picture."""
    return key.rstrip("0123456789") == "own"


def in_link(key: str, default: object = None) -> object:
    """A key's value in the link, also one of a page that was left."""
    _note(key)
    return _link().get(key, default)


def _note(key: str) -> None:
    """Add the key to those of the current page's link."""
    _run().linked.add(key)
    st.session_state.setdefault("linked_ever", set()).add(key)


def _link() -> dict[str, str]:
    return st.session_state.setdefault("link", st.query_params.to_dict())


def _write_link(key: str, value: str | None) -> None:
    link = _link()
    _note(key)
    if value is None:
        link.pop(key, None)
    else:
        link[key] = value
    if _run().gathering:
        return
    if value is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value
