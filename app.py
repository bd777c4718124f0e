"""VAE Lab: streamlit run app.py"""

from pathlib import Path

import streamlit as st

from ui import state, turns

here = Path(__file__).parent / "ui"
text = state.current_text()
st.set_page_config(page_title=text("app.title"), page_icon=here / "icon.svg", layout="wide")
st.html(here / "style.css")
titles = {"playground": text("app.playground"), "map": text("map.title"), "dimensions": text("dimensions.title"),
          "path": text("path.title")}
pages = [st.Page(here / "pages" / f"{name}.py", title=title, default=name == "playground") for name, title in titles.items()]
page = st.navigation(pages, position="top")
with turns.turn(), state.page(page.url_path):
    page.run()
