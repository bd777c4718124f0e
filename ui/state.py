"""What a session remembers, and what of it lives in the URL so that a link reopens the same view.

Widgets with bind="query-params" keep themselves there; the language and the number of the eps drawn are kept here.
"""

import math

import streamlit as st

from ui.text import LANGUAGES, Text, preferred

DEFAULT_SEED = 7
LARGEST_SEED = 99_999


def current_text() -> Text:
    """The strings of the session's language: chosen here, else in the link, else the browser's."""
    if st.session_state.get("language") not in LANGUAGES:
        linked = st.query_params.get("lang")
        st.session_state["language"] = linked if linked in LANGUAGES else preferred(st.context.locale)
    # Always in the URL, also when it is the browser's own: a link must open in the same language elsewhere.
    if st.query_params.get("lang") != st.session_state["language"]:
        st.query_params["lang"] = st.session_state["language"]
    return Text(st.session_state["language"])


def nearest_stop(beta: float, stops: tuple[float, ...]) -> float:
    """The stop of the slider nearest to beta on its logarithmic scale."""
    return min(stops, key=lambda stop: abs(math.log(stop / beta)))


def adopt_linked_beta(stops: tuple[float, ...]) -> None:
    """A link may name any beta, and a model's range ends somewhere: move to the nearest stop before the slider is drawn."""
    wanted = st.session_state.get("beta", st.query_params.get("beta"))
    try:
        wanted = float(wanted)
    except (TypeError, ValueError):
        return
    if math.isfinite(wanted) and wanted > 0 and wanted not in stops:
        st.session_state["beta"] = nearest_stop(wanted, stops)


def eps_number() -> int:
    """Which eps of the seed is shown: 0 at first, one more for each press of "new eps"; in the URL as ?eps=."""
    linked = st.query_params.get("eps", "0")
    return min(int(linked), LARGEST_SEED) if linked.isascii() and linked.isdigit() else 0


def next_eps() -> None:
    """Draw another eps."""
    st.query_params["eps"] = str(eps_number() + 1)


def new_seed() -> None:
    """Another seed, in order, so that a class can follow; eps starts anew."""
    st.session_state["seed"] = st.session_state.get("seed", DEFAULT_SEED) % LARGEST_SEED + 1
    st.query_params.pop("eps", None)
