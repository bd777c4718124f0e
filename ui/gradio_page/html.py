"""HTML of the page: pictures with alternative texts, sentences with colours. Pure."""

from collections.abc import Iterable
from html import escape

from ui.view.markup import marked


def pictures(labelled: Iterable[tuple[str, str, str]]) -> str:
    """A row of pictures: label, data URI and alternative text of each."""
    return f'<div class="pictures">{"".join(_picture(*picture) for picture in labelled)}</div>'


def _picture(label: str, address: str, alternative: str) -> str:
    return (
        f"<figure><figcaption>{escape(label)}</figcaption>"
        f'<img src="{address}" alt="{escape(alternative)}"></figure>'
    )


def steps(named: dict[str, tuple[str, str]]) -> str:
    """A row of small pictures: name -> data URI and alternative text."""
    shown = "".join(
        f'<figure><img src="{address}" alt="{escape(alternative)}">'
        f"<figcaption>{escape(name)}</figcaption></figure>"
        for name, (address, alternative) in named.items()
    )
    return f'<div class="steps">{shown}</div>'


def sheet(address: str, alternative: str, download: str, file_name: str) -> str:
    """A large picture, and a link that saves it."""
    return (
        f'<img class="sheet" src="{address}" alt="{escape(alternative)}">'
        f'<a class="save" href="{address}" download="{escape(file_name)}">{escape(download)}</a>'
    )


def description(alternative: str) -> str:
    """The alternative text of a figure, for screen readers: Gradio gives figures none."""
    return f'<p class="described">{escape(alternative)}</p>'


def paragraphs(*sentences: str) -> str:
    """Sentences as HTML, with their little Markdown: bold, colours of the two terms, links."""
    return "".join(f"<p>{marked(sentence)}</p>" for sentence in sentences if sentence)


def heading(words: str) -> str:
    return f"<h3>{escape(words)}</h3>"


def guide(address: str, alternative: str, sentence: str) -> str:
    """The framed square with its guide lines, and a sentence."""
    picture = f'<img src="{address}" alt="{escape(alternative)}">'
    return f'<figure class="guide">{picture}<figcaption>{escape(sentence)}</figcaption></figure>'


def beta(value: str, ends: str) -> str:
    """The slider's beta; screen readers say it whenever it changes."""
    return (
        f'<p class="beta" role="status"><strong>{escape(value)}</strong></p>'
        f'<p class="ends">{escape(ends)}</p>'
    )


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
