"""VAE Lab: streamlit run app.py"""

from pathlib import Path

import streamlit as st

from ui.state import current_text

here = Path(__file__).parent / "ui"
text = current_text()
st.set_page_config(page_title=text("app.title"), page_icon=here / "icon.svg", layout="wide")
st.html(here / "style.css")
st.navigation([st.Page(here / "pages" / "playground.py", title=text("app.playground"))], position="hidden").run()
