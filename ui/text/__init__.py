"""The strings in each language: a folder of TOML files for each, with the same keys."""

import tomllib
from functools import cache
from numbers import Real
from pathlib import Path
from string import Formatter

from vae.images.errors import ERROR_SENTENCES

LANGUAGES = {"en": "English", "ko": "한국어"}
DEFAULT = "en"


@cache
def strings(language: str) -> dict[str, str]:
    """All strings of a language: {"sidebar.beta": "Beta", …}.

    Raises KeyError for an unknown language.
    """
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
    """The TOML files of a language: lab.toml, and one for each page of the lesson."""
    return sorted((Path(__file__).parent / language).glob("*.toml"))


class _Numbers(Formatter):
    """str.format with a true minus sign, where Python writes a hyphen.

    The axes of the figures have the true sign as well.
    """

    def format_field(self, value: object, format_spec: str) -> str:
        formatted = super().format_field(value, format_spec)
        if not _negative(value):
            return formatted
        rounded_to_nothing = not any(digit in formatted for digit in "123456789")
        return formatted.replace("-", "" if rounded_to_nothing else "−")


def _negative(value: object) -> bool:
    return isinstance(value, Real) and value < 0


_numbers = _Numbers()


def number(value: float, spec: str) -> str:
    """A number as Text formats it: with a true minus sign, and zero never negative.

    spec: a format spec, as after the colon of a placeholder.
    """
    return _numbers.format_field(value, spec)


class Text:
    """A language's strings: called with a key and its numbers, returns the sentence.

    A missing string is an error, never a blank.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._strings = strings(language)

    def __call__(self, key: str, **values: object) -> str:
        if any(map(_negative, values.values())):
            return _numbers.vformat(self._strings[key], (), values)
        # Ten times as fast as the formatter, and a page has many strings.
        return self._strings[key].format(**values)

    def has(self, key: str) -> bool:
        """Whether this key exists, for names from outside such as a model's folder."""
        return key in self._strings


def preferred(locale: str | None) -> str:
    """The language for a browser's locale, such as "ko-KR"."""
    language = (locale or DEFAULT).split("-")[0].lower()
    return language if language in LANGUAGES else DEFAULT
