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
from typing import Any, TypeVar, cast

import streamlit as st

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
    drawn, before_that = (
        st.session_state.setdefault(name, set()) for name in ("drawn", "drawn_before")
    )
    # Streamlit treats a widget that was not drawn in the last run as new, whatever the session
    # holds for its key.
    if key not in drawn | before_that or key not in st.session_state:
        st.session_state[key] = st.session_state.get(key, value)
    drawn.add(key)
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
    same = st.session_state.get("page") == name
    if not same:  # all widgets are new, also those that the last page had
        st.session_state["page"], st.session_state["language"] = name, st.session_state["language"]
    st.session_state["drawn_before"] = _known_widgets() if same else set()
    st.session_state["drawn"], st.session_state["linked_here"], st.session_state["gathering"] = (
        set(),
        set(),
        True,
    )
    st.session_state["completed"] = False
    # Always in the URL, even the browser's own language: a link must open in the same language
    # elsewhere.
    _write_link("lang", st.session_state["language"])
    for key in EVERYWHERE:
        _note(key)
    try:
        yield
        st.session_state["completed"] = True
    finally:
        st.session_state["gathering"] = False
    link, here = _link(), st.session_state["linked_here"]
    others = {
        key: value
        for key, value in st.query_params.to_dict().items()
        if key not in st.session_state["linked_ever"]
    }
    wanted = others | {key: link[key] for key in sorted(here & link.keys(), key=list(link).index)}
    if wanted != st.query_params.to_dict():
        st.query_params.from_dict(wanted)


def _known_widgets() -> set[str]:
    """Keys of the widgets that Streamlit still knows when a run begins.

    A run that another interrupts, as each move of a slider does, ends before its last widgets are
    drawn; Streamlit forgets none until a run is completed. To set such a widget's value again
    would push a slider back that is being moved.
    """
    drawn = st.session_state.get("drawn", set())
    return drawn if st.session_state.get("completed") else drawn | st.session_state["drawn_before"]


def keep_choices() -> None:
    """Set all drawn widgets' values again after a change of the language.

    The browser names a choice by its label, so it must be sent the new ones.
    """
    for key in st.session_state.get("drawn", ()):
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


def in_link(key: str, default: object = None) -> object:
    """A key's value in the link, also one of a page that was left."""
    _note(key)
    return _link().get(key, default)


def _note(key: str) -> None:
    """Add the key to those of the current page's link."""
    for keys in ("linked_here", "linked_ever"):
        st.session_state.setdefault(keys, set()).add(key)


def _link() -> dict[str, str]:
    return st.session_state.setdefault("link", st.query_params.to_dict())


def _write_link(key: str, value: str | None) -> None:
    link = _link()
    _note(key)
    if value is None:
        link.pop(key, None)
    else:
        link[key] = value
    if st.session_state.get("gathering"):
        return
    if value is None:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != value:
        st.query_params[key] = value
