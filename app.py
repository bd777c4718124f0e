"""VAE Lab: streamlit run app.py"""

from pathlib import Path

import streamlit as st

from ui.state import current_text

text = current_text()
st.set_page_config(page_title=text("app.title"), page_icon=Path(__file__).parent / "ui" / "icon.svg", layout="wide")
st.html(Path(__file__).parent / "ui" / "style.css")
st.navigation([st.Page("ui/pages/playground.py", title=text("app.playground"))], position="hidden").run()
