"""Widgets whose values stand in the link."""

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
