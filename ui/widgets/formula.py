"""The formula of the evidence with its bars as a Streamlit component: pointing answers at once, in
the browser."""

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
    """Draw it. data: bars, and where wanted loose and formula, each as ui.lesson.step5_evidence.view says."""
    _formula(key=key, data=data)
