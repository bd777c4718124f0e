"""A link with its QR code, and the button that shares the view on the page."""

from functools import partial

import streamlit as st

from ui.service import addresses
from ui.text import Text
from ui.view.qr_code import SCALE, qr_code, svg_file
from ui.widgets import link

KEY = "share"
PRIVATE = ("answers", "seen")  # what the student has answered and seen of the lesson


def button(text: Text) -> None:
    """Draw the button; `open_if_pressed` answers it once the page is drawn."""
    st.button(text("share.button"), icon=":material/share:", key=KEY, help=text("share.help"))


def open_if_pressed(text: Text) -> None:
    """Open a dialog with the link of the page that was drawn, where its button was pressed."""
    if st.session_state.get(KEY):
        query = {key: value for key, value in link.query().items() if key not in PRIVATE}
        st.dialog(text("share.button"))(partial(_view_link, text, query))()


def show_link(text: Text, address: str) -> None:
    """Draw a link, to be copied, with a warning where nobody else can open it."""
    st.code(address, language=None, wrap_lines=True)
    if addresses.is_local(address):
        st.warning(text("share.local"), icon=":material/wifi_off:")


def show_code(text: Text, address: str) -> None:
    """Draw the link's QR code."""
    code = qr_code(address)
    st.image(code.png_data_uri(scale=SCALE, border=4), width=220, alt=text("share.qr"))


def save_code(text: Text, address: str) -> None:
    """Draw the button that saves the link's QR code."""
    st.download_button(
        text("share.save_qr"),
        svg_file(qr_code(address)),
        "vae-lab-link.svg",
        "image/svg+xml",
        icon=":material/qr_code_2:",
        on_click="ignore",
    )


def _view_link(text: Text, query: dict[str, str]) -> None:
    address = addresses.with_query(st.context.url or "", query)  # no URL without a browser
    st.write(text("share.view"))
    show_link(text, address)
    if any(link.is_own_picture(key) for key in query):
        st.caption(text("share.own_picture"))
    show_code(text, address)
    save_code(text, address)
