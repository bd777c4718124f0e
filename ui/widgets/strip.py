"""A row of pictures with a number below each."""

from collections.abc import Sequence

import streamlit as st


def show(picture: str, numbers: Sequence[str], alt: str, *, key: str) -> None:
    """picture: address of the strip. numbers: one for each of its tiles; what reads the page aloud
    has them in alt.

    On a phone it is wider than the screen and scrolls (ui/style.css).
    """
    with st.container(key=f"strip_{key}", gap="xsmall"):
        st.image(picture, width="stretch", alt=alt)
        st.html(
            f'<div class="ruler" aria-hidden="true">{"".join(f"<span>{number}</span>" for number in numbers)}</div>'
        )
