"""Streamlit component: the formula of the evidence with its bars.

Pointing is answered at once, in the browser.
"""

from pathlib import Path

import streamlit as st

_FOLDER = Path(__file__).parent / "components"


def _content(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


_formula = st.components.v2.component(
    "vae_lab_formula",
    html=_content("formula.html"),
    css=_content("formula.css"),
    js=_content("formula.js"),
)


def show(data: dict[str, object], *, key: str) -> None:
    """Draw the component. data: what ui.lesson.step5_evidence.view gives.

    bars always, loose and formula where wanted.
    """
    _formula(key=key, data=data)
