"""Every string that a person sees, in each language: a folder of TOML files a language, the same
keys in all."""

import tomllib
from functools import cache
from numbers import Number
from pathlib import Path
from string import Formatter

from vae.images.errors import ERROR_SENTENCES

LANGUAGES = {"en": "English", "ko": "한국어"}
DEFAULT = "en"


@cache
def strings(language: str) -> dict[str, str]:
    """All strings of a language, keys joined by dots: {"sidebar.beta": "Beta", …}. KeyError for an
    unknown language."""
    if language not in LANGUAGES:
        raise KeyError(language)
    parts = [tomllib.loads(path.read_text(encoding="utf-8")) for path in files(language)]
    if language == DEFAULT:
        parts.append({"errors": ERROR_SENTENCES})  # English is the package's own language
    return {
        f"{section}.{key}": value
        for part in parts
        for section, entries in part.items()
        for key, value in entries.items()
    }


def files(language: str) -> list[Path]:
    """Where a language's strings stand: lab.toml, and one file for each page of the lesson."""
    return sorted((Path(__file__).parent / language).glob("*.toml"))


class _Numbers(Formatter):
    """Formats as str.format does, but with a true minus sign, as on the axes of the figures, where
    Python writes a hyphen."""

    def format_field(self, value: object, format_spec: str) -> str:
        formatted = super().format_field(value, format_spec)
        if not _negative(value):
            return formatted
        rounded_to_nothing = not any(digit in formatted for digit in "123456789")
        return formatted.replace("-", "" if rounded_to_nothing else "−")


def _negative(value: object) -> bool:
    return isinstance(value, Number) and value < 0


_numbers = _Numbers()


def number(value: float, spec: str) -> str:
    """A number as Text writes it, with a true minus sign and never minus nothing. spec: as after
    the colon of a placeholder."""
    return _numbers.format_field(value, spec)


class Text:
    """Called with a key and its numbers, gives the sentence in this language; a missing one is an
    error, never a blank."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._strings = strings(language)

    def __call__(self, key: str, **values: object) -> str:
        if any(map(_negative, values.values())):
            return _numbers.vformat(self._strings[key], (), values)
        return self._strings[key].format(**values)  # ten times as fast, and a page has many strings

    def has(self, key: str) -> bool:
        """Whether there is a string of this key, for names that come from outside, such as a
        model's folder."""
        return key in self._strings


def preferred(locale: str | None) -> str:
    """The language for a browser's locale, such as "ko-KR"."""
    language = (locale or DEFAULT).split("-")[0].lower()
    return language if language in LANGUAGES else DEFAULT
