"""HTML of our sentences: bold, the colours of the two terms, links. Pure."""

import re
from html import escape

from ui.view.figures import DISTORTION, RATE


def marked(sentence: str) -> str:
    """The three marks of our strings as HTML; everything else is escaped.

    Own code, since Streamlit's colours are none of Markdown's, and a parser needs more for them.
    """
    sentence = escape(sentence)
    sentence = re.sub(
        r":(blue|orange)\[([^]]*)]", lambda match: _coloured(*match.groups()), sentence
    )
    sentence = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", sentence)
    return re.sub(r"\[([^]]+)]\((https?://[^)\s]+)\)", r'<a href="\2">\1</a>', sentence)


def _coloured(name: str, words: str) -> str:
    colour = DISTORTION if name == "blue" else RATE
    # Where the text's colour is known: lighter on dark, darker on light, to be read on both.
    mixed = f"color-mix(in srgb, {colour} 75%, var(--ink, {colour}))"
    return f'<span class="term" style="color: {mixed}">{words}</span>'
