"""A figure without Plotly's toolbar, with a text for screen readers."""

from typing import Any

import streamlit as st

from ui.view.figures import Drawing

# Streamlit registers it with Plotly, and the browser puts the colours of its theme into it.
_TEMPLATE = "streamlit"
_WITHOUT_TOOLBAR = {"displayModeBar": False}


def show(figure: Drawing, *, key: str, alt: str, **more: Any) -> Any:
    """Draw a figure; what the student selects in it comes back. more: as of st.plotly_chart."""
    figure = figure.with_template(_TEMPLATE)
    return st.plotly_chart(figure, config=_WITHOUT_TOOLBAR, key=key, alt=alt, **more)
