"""HTML of the page: pictures with alternative texts, sentences with colours. Pure."""

from collections.abc import Iterable
from html import escape

from ui.view.markup import marked


def steps(named: dict[str, tuple[str, str]]) -> str:
    """A row of small pictures: name -> data URI and alternative text."""
    shown = "".join(
        f'<figure><img src="{address}" alt="{escape(alternative)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, (address, alternative) in named.items()
    )
    return f'<div class="steps">{shown}</div>'


def paragraphs(*sentences: str) -> str:
    """Sentences as HTML, with their little Markdown: bold, colours of the two terms, links."""
    return "".join(f"<p>{marked(sentence)}</p>" for sentence in sentences if sentence)


def heading(words: str) -> str:
    return f"<h3>{escape(words)}</h3>"


def guide(address: str, alternative: str, sentence: str) -> str:
    """The framed square with its guide lines, and a sentence."""
    picture = f'<img src="{address}" alt="{escape(alternative)}">'
    return f'<figure class="guide">{picture}<figcaption>{escape(sentence)}</figcaption></figure>'


def top(title: str, links: Iterable[tuple[str, str, str]], language: str, own: str) -> str:
    """The title, and a link to the view in each language.

    links: address, name and code of each language. The one of the current language leads to the
    view itself, to be shared.
    """
    shown = " · ".join(
        f'<a href="{escape(address)}" lang="{code}"'
        f'{" aria-current=true" if code == language else ""} target="_self"'
        f"{f' title={escape(own)!r}' if code == language else ''}>{escape(name)}</a>"
        for address, name, code in links
    )
    return f"<h1>{escape(title)}</h1><p class=languages>{shown}</p>"
