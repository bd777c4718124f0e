"""What a session remembers, and what of it lives in the URL so that a link reopens the same view.

Streamlit's own bind="query-params" writes the words that a widget shows, which change with the
language; here the link holds the values themselves, and a value that no longer fits (another
model's beta, an edited link) moves to one that does.

When the page is switched, Streamlit empties the URL and forgets the widgets of the page that was
left. What stands in the link is therefore kept in the session, and is back with its page; the URL
is read when the session begins.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import streamlit as st

from ui.service.validation import LARGEST_SEED
from ui.text import LANGUAGES, Text, preferred
from vae.hub import metrics

Value = TypeVar("Value")
FARTHEST_PIN = 100.0  # standard deviations of the prior
CONTROLS = (
    "model",
    "beta",
    "seed",
    "noise",
    "source",
    "example",
    "language",
)  # that a link may hide: ?hide=beta,seed
EVERYWHERE = (
    "hide",
    "only",
    "answers",
    "seen",
)  # in the link of every page: what a teacher chose, and how far a student is


def current_text() -> Text:
    """The strings of the session's language: chosen here, else in the link, else the browser's."""
    if st.session_state.get("language") not in LANGUAGES:
        named = in_link("lang")
        st.session_state["language"] = named if named in LANGUAGES else preferred(st.context.locale)
    return Text(st.session_state["language"])


def linked(
    widget: Callable[..., Value],
    label: str,
    *arguments: object,
    key: str,
    default: Value,
    accept: Callable[[object], Value],
    **more: object,
) -> Value:
    """Draw a widget whose value stands in the URL as ?key=value, unless it is the default.

    accept: turns a link's string, or the session's last value, into one that the widget can take;
    ValueError or TypeError mean that it can't. A control that the link hides is not drawn and keeps
    the link's value.
    """
    value = value_of(key, default, accept)
    if not hidden(key):
        if st.session_state.get(key, value) != value:
            st.session_state[key] = value
        value = placed(widget, label, *arguments, key=key, value=value, **more)
    _write_link(
        key, None if value == default else f"{value:g}" if isinstance(value, float) else str(value)
    )
    return value


def value_of(key: str, default: Value, accept: Callable[[object], Value]) -> Value:
    """The value with which a linked widget is going to be drawn."""
    before = (
        in_link(key, default) if hidden(key) else st.session_state.get(key, in_link(key, default))
    )
    try:
        return accept(before)
    except (ValueError, TypeError):
        return default


def placed(
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
    # A widget that was not there in the last run is a new one to Streamlit, whatever the session
    # holds of its key.
    if key not in drawn | before_that or key not in st.session_state:
        st.session_state[key] = st.session_state.get(key, value)
    drawn.add(key)
    return widget(label, *arguments, key=key, **more)


def put(key: str, value: object) -> None:
    """What a linked widget is to show when it is drawn next; before that, in the same run."""
    st.session_state[key] = value


def hidden(key: str) -> bool:
    """Whether the link hides this control: ?hide=beta,seed. The second picture's are hidden with
    the first's."""
    name = key.rstrip("0123456789")
    return name in CONTROLS and name in words("hide")


@contextmanager
def page(name: str) -> Iterator[None]:
    """Around the drawing of a page: what it writes into the link becomes one entry of the browser's
    history, not one each."""
    same = st.session_state.get("page") == name
    if not same:  # its widgets are new ones, also those that the page before had
        st.session_state["page"], st.session_state["language"] = name, st.session_state["language"]
    st.session_state["drawn_before"] = st.session_state.get("drawn", set()) if same else set()
    st.session_state["drawn"], st.session_state["linked_here"], st.session_state["gathering"] = (
        set(),
        set(),
        True,
    )
    # Always in the URL, also when it is the browser's own: a link must open in the same language
    # elsewhere.
    _write_link("lang", st.session_state["language"])
    for key in EVERYWHERE:
        _note(key)
    try:
        yield
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


def keep_choices() -> None:
    """When the language changes: the browser names a choice by the words that it shows, so it must
    be told the new ones."""
    for key in st.session_state.get("drawn", ()):
        if key in st.session_state:  # widgets of another kind of model are not drawn now
            st.session_state[key] = st.session_state[key]


def one_of(options: Sequence[Value]) -> Callable[[object], Value]:
    """Accepts one of the options, or its string."""

    def accept(value: object) -> Value:
        return options[[str(option) for option in options].index(str(value))]

    return accept


def number(low: float, high: float, kind: type = float) -> Callable[[object], float]:
    """Accepts a finite number between low and high."""

    def accept(value: object) -> float:
        parsed = kind(value)
        if not low <= parsed <= high:
            raise ValueError(parsed)
        return parsed

    return accept


def nearest(stops: Sequence[float]) -> Callable[[object], float]:
    """Accepts any positive number: the stop that is nearest to it on a logarithmic scale."""

    def accept(value: object) -> float:
        parsed = float(value)
        if not (math.isfinite(parsed) and parsed > 0):
            raise ValueError(parsed)
        return stops[metrics.nearest(stops, parsed)]

    return accept


def eps_number() -> int:
    """Which eps of the seed is shown: 0 at first, one more for each press of "new eps"; in the URL
    as ?eps=."""
    try:
        return number(0, LARGEST_SEED, int)(in_link("eps", 0))
    except ValueError:
        return 0


def next_eps() -> None:
    """Draw another eps."""
    _write_link("eps", str((eps_number() + 1) % (LARGEST_SEED + 1)))


def new_seed() -> None:
    """Another seed, in order, so that a class can follow; eps starts anew."""
    st.session_state["seed"] = (st.session_state["seed"] + 1) % (LARGEST_SEED + 1)
    _write_link("eps", None)


def pin(slot: str = "") -> tuple[float, float] | None:
    """The point that is pinned on the map, in the URL as ?pin=x,y. slot: which of a page's maps, as
    for pictures."""
    try:
        x, y = (
            number(-FARTHEST_PIN, FARTHEST_PIN)(part)
            for part in str(in_link(f"pin{slot}", "")).split(",")
        )
    except ValueError:
        return None
    return x, y


def set_pin(point: tuple[float, float] | None, slot: str = "") -> None:
    """Pin a point, or none."""
    _write_link(f"pin{slot}", point and ",".join(f"{coordinate:.5g}" for coordinate in point))


def words(key: str) -> list[str]:
    """What stands in the link under this key, apart by commas: ?seen=step1,step2."""
    return [word for word in str(in_link(key, "")).split(",") if word]


def set_words(key: str, values: Sequence[str]) -> None:
    """Write them into the link; none takes the key away."""
    _write_link(key, ",".join(values) or None)


def expects_own_picture(slot: str) -> bool:
    """Whether the link was made with a picture of one's own in this place, which no link can hold."""
    return in_link(f"own{slot}") == "1"


def set_own_picture(slot: str, shown: bool) -> None:
    """Note in the link whether this place shows a picture of one's own, or says that it did."""
    _write_link(f"own{slot}", "1" if shown else None)


def in_link(key: str, default: object = None) -> object:
    """What the link says of a key, also on a page that was left."""
    _note(key)
    return _link().get(key, default)


def _note(key: str) -> None:
    """This key belongs to the link of the page that is drawn."""
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
