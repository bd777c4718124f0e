"""Streamlit component: the browser's history has an entry for each page, none for each control."""

from pathlib import Path

import streamlit as st

_SCRIPT = Path(__file__).parent / "components" / "history.js"
_history = st.components.v2.component("vae_lab_history", js=_SCRIPT.read_text(encoding="utf-8"))


def keep_pages_only() -> None:
    """Let new addresses of the same page replace the last one; before the page changes any."""
    with st.container(key="history"):
        _history(key="page_history", height=1)
