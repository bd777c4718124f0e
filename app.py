"""The Streamlit app: streamlit run app.py."""

from pathlib import Path

import streamlit as st

from ui.lesson import ahead
from ui.server import memory, process
from ui.service import navigation
from ui.widgets import concurrency, first_visit, history, link, share, uploads

process.configure()
uploads.install_limits()
memory.start_thread(uploads.end_expired_sessions)
first_visit.start(ahead.views, ahead.films, after=2)  # the first visitor's page is drawn first
here = Path(__file__).parent / "ui"
text = link.current_text()
st.set_page_config(page_title=text("app.title"), page_icon=here / "icon.svg", layout="wide")
st.html(here / "style.css")
history.keep_pages_only()
sections = navigation.sections(link.in_link("only"))
first = next(iter(sections.values()))[0]
page = st.navigation(
    {
        text(f"sections.{section}"): [
            st.Page(
                navigation.file(name),
                title=text(f"pages.{name}"),
                url_path=name,
                default=name == first,
            )
            for name in names
        ]
        for section, names in sections.items()
    },
    position="top",
    expanded=True,  # on a phone: collapsed, its button would be English in every language
)
try:
    with concurrency.slot(), link.page(page.url_path):
        page.run()
        share.open_if_pressed(text)
finally:  # also where a newer run ends this one
    memory.note_use()
