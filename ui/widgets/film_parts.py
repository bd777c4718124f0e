"""Streamlit components that show parts of a page's film, and what they tell the server."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import streamlit as st

from ui.film import frames, part_views, parts, views
from ui.service import received
from ui.text import Text
from ui.widgets import film, link
from ui.widgets.sidebar import SidebarSelection
from vae.hub.sources import Resolved

Selection = TypeVar("Selection", bound=SidebarSelection)


def _view(name: str) -> Callable[..., Any]:
    """A component that draws: its page, style and script."""
    return st.components.v2.component(
        f"vae_lab_film_{name}",
        html=views.content(f"{name}.html"),
        css=views.content(f"{name}.css"),
        js=part_views.script(name),
    )


_strip, _sentences, _curve, _bars, _heat, _awaited = map(_view, part_views.VIEWS)


@dataclass(frozen=True)
class Follow:
    """What a page's views follow.

    scope: the name of those that move together. at: number of the stop where none is moved. pages:
    names of the pages that they show, the preferred one first.
    """

    scope: str
    at: int
    pages: tuple[str, ...] = ()

    def showing(self, *pages: str) -> "Follow":
        """A copy that shows these pages, each after the one of its present stop."""
        return replace(
            self, pages=tuple(one for page in pages for one in (parts.present(page), page))
        )

    def data(self, more: dict[str, Any]) -> dict[str, Any]:
        """The data of a view."""
        return part_views.following(self.scope, self.at, self.pages) | more


def follow(choice: SidebarSelection, page: str) -> Follow:
    """What the views of a page follow: another model has other stops of beta."""
    stops = frames.stops(choice.model)
    return Follow(f"{page} {choice.model.name}", stops.index(choice.beta))


def beta(text: Text, choice: Selection, scope: str) -> Selection:
    """Draw the slider of beta unless the link hides it; returns the selection at its beta."""
    if link.is_hidden("beta") or len(frames.stops(choice.model)) == 1:
        return choice
    with st.container(key="following_beta"):
        now = film.beta_bar(text, choice.model, at=choice.beta, scope=scope)
    return replace(choice, beta_metrics=choice.model.metrics.at(now))


def strip(follow: Follow, name: str, *, key: str) -> None:
    """Draw a row of pictures with their numbers."""
    _strip(key=f"row_{key}", data=follow.data({"strip": name}))


def sentences(follow: Follow, *names: str, key: str, caption: bool = False) -> None:
    """Draw sentences, one below the other. caption: small."""
    look = "caption" if caption else "text"
    _sentences(key=f"says_{key}", data=follow.data({"names": names, "look": look}))


def curve(follow: Follow, name: str, **words: str) -> None:
    """Draw a curve over beta. words: as of `part_views.curve`."""
    _curve(key=f"curve_{name}", data=follow.data(part_views.curve(name, **words)))


def heat(text: Text, model: Resolved, follow: Follow, *, key: str) -> None:
    """Draw the heat map of the test set's rates."""
    _heat(key=key, data=follow.data(part_views.heat(text, model)))


def bars(
    text: Text,
    follow: Follow,
    chosen: int,
    names: Mapping[int, str],
    on_choice: Callable[[int], None],
) -> None:
    """Draw the rates of each dimension. on_choice: called with a dimension that was chosen."""

    def choose() -> None:
        dimension = received.dimension(st.session_state["bars"].get("dimension"))
        if dimension is not None:
            on_choice(dimension)

    data = follow.data(part_views.bars(text, chosen, names))
    _bars(key="bars", data=data, on_dimension_change=choose)


def awaited(
    follow: Follow, pages: Sequence[str], waiting: str, stops: Sequence[float]
) -> int | None:
    """Say that stops are on their way; returns the one near which the browser asks for them.

    pages: which must have all stops; the last takes longest. waiting: says so, with {known} and
    {count}, of the last page. None where the link hides beta: then all is still.
    """
    if link.is_hidden("beta"):
        return None
    data = replace(follow, pages=tuple(pages)).data(part_views.awaited(waiting, len(stops)))
    asked = _awaited(key="awaited", data=data, on_wanted_change=lambda: None)
    wanted = received.wanted_frame(asked.get("wanted"))
    return wanted if isinstance(wanted, int) and wanted < len(stops) else None
