"""VAE Lab: streamlit run app.py"""

from pathlib import Path

import streamlit as st

from ui import contents, memory, state, turns, uploads

uploads.bound()
memory.keep(uploads.end_expired_sessions)
here = Path(__file__).parent / "ui"
text = state.current_text()
st.set_page_config(page_title=text("app.title"), page_icon=here / "icon.svg", layout="wide")
st.html(here / "style.css")
sections = contents.sections(state.in_link("only"))
first = next(iter(sections.values()))[0]
page = st.navigation(
    {
        text(f"sections.{section}"): [
            st.Page(contents.file(name), title=text(f"pages.{name}"), default=name == first)
            for name in names
        ]
        for section, names in sections.items()
    },
    position="top",
)
with turns.turn(), state.page(page.url_path):
    page.run()
memory.used()
