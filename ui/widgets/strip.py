"""A row of pictures with a number below each."""

from collections.abc import Sequence

import streamlit as st


def show(picture: str, numbers: Sequence[str], alt: str, *, key: str) -> None:
    """Draw the row. picture: its data URI. numbers: one for each tile.

    Screen readers find the numbers in `alt`. On a phone the row is wider than the screen and
    scrolls (ui/style.css).
    """
    with st.container(key=f"strip_{key}", gap="xsmall"):
        st.image(picture, width="stretch", alt=alt)
        st.html(
            '<div class="ruler" aria-hidden="true">'
            f"{''.join(f'<span>{number}</span>' for number in numbers)}</div>"
        )
