"""Widgets whose values stand in the link."""

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException
from streamlit.runtime.state import SessionStateProxy
from streamlit.testing.v1 import AppTest


def interrupted() -> None:
    """A page with a slider; two of its runs end before the slider is drawn."""
    import streamlit as st

    from ui.widgets import link

    link.current_text()
    with link.page("page"):
        st.write("before the slider")
        if st.session_state.get("interruptions", 0):
            st.session_state["interruptions"] -= 1
            st.rerun()  # as Streamlit does where a newer value has arrived
        link.stop(st.select_slider, "beta", (0.1, 1.0, 10.0), key="beta", default=1.0)


def test_a_slider_that_is_moved_is_never_set_back_by_a_run_that_was_interrupted():
    app = AppTest.from_function(interrupted).run()
    assert app.select_slider[0].proto.set_value  # the first run sets the value of the link
    for interruptions, to in ((1, 0.1), (2, 10.0), (0, 1.0)):
        app.session_state["interruptions"] = interruptions
        app.select_slider[0].set_value(to).run()
        assert app.session_state["interruptions"] == 0
        assert app.select_slider[0].value == to
        assert not app.select_slider[0].proto.set_value
    assert not app.exception


def stopped() -> None:
    """A page with a slider, which is not drawn where the page stops or fails before it."""
    import streamlit as st

    from ui.widgets import link

    link.current_text()
    with link.page("page"):
        end = st.radio("before the slider", ("none", "stop", "error"))
        if end == "stop":  # as where a model cannot be loaded
            st.stop()
        if end == "error":
            raise ValueError
        link.stop(st.select_slider, "beta", (0.1, 1.0, 10.0), key="beta", default=1.0)


@pytest.mark.parametrize("end", ["stop", "error"])
def test_a_slider_is_set_again_after_a_run_that_ended_before_it(end):
    """The browser has forgotten it, and would show the first stop."""
    app = AppTest.from_function(stopped).run()
    app.select_slider[0].set_value(10.0).run()
    assert not app.select_slider[0].proto.set_value
    app.radio[0].set_value(end).run()
    assert not app.select_slider
    app.radio[0].set_value("none").run()
    assert app.select_slider[0].proto.set_value
    assert app.select_slider[0].value == 10.0


def test_a_run_that_is_interrupted_as_soon_as_it_begins_changes_nothing(monkeypatch):
    """Each assignment to the session's state is a moment at which the next run may break in."""
    app = AppTest.from_function(interrupted).run()
    app.select_slider[0].set_value(10.0)
    assigned = []
    plain = SessionStateProxy.__setitem__

    def broken(session, key, value):
        assigned.append(key)
        if len(assigned) == 1:
            raise RerunException(RerunData())
        plain(session, key, value)

    monkeypatch.setattr(SessionStateProxy, "__setitem__", broken)
    app.run()
    assert len(assigned) > 1
    assert not app.exception
    assert app.select_slider[0].value == 10.0
    assert not app.select_slider[0].proto.set_value
