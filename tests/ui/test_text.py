"""Both languages say everything, with the same numbers in it, and nothing that is never shown."""

import fnmatch
import re
import string
import tomllib

import pytest

import vae
from tests.ui.source import PREDICTED, QUESTIONS, TREES, keys_of_calls, literals, patterns
from ui.text import DEFAULT, LANGUAGES, Text, files, preferred, strings

SENTENCE = re.compile("[A-Z][a-z]+ [a-z]+")


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_the_same_placeholders(language):
    reference, translated = strings(DEFAULT), strings(language)
    assert set(translated) == set(reference)
    assert {key: placeholders(value) for key, value in translated.items()} == {
        key: placeholders(value) for key, value in reference.items()
    }
    assert all(value.strip() for value in translated.values())


def test_korean_is_translated():
    korean, english = strings("ko"), strings("en")
    untouched = {key for key in english if korean[key] == english[key]}
    assert untouched <= {
        "sidebar.beta",
        "code.interval",
        "code.drawn",
        "film.code_label",
        "film.sampling_label",
        "film.hover",
        "film.point_hover",
        "film.plane_hover",
        "gallery.download",
        "plane.current",
        "map.kind_vae",
        "solution.step7",
        "step1.nats_axis",
    }


def test_every_key_in_the_code_exists_and_every_key_is_used():
    keys = set(strings(DEFAULT))
    assert keys_of_calls() <= keys
    formatted = patterns()
    assert {pattern for pattern in formatted if pattern.endswith(".*")} == {
        "ask.*",
        "camera.*",
        "credit.*",
        "errors.*",
        "examples.*",
        "models.*",
        "pages.*",
        "plan.*",
        "sections.*",
        "solution.*",
        "steps.*",
        "stuff.*",
        "task.*",
        "upload.*",
        "use.*",
    }
    named = set().union(*map(literals, TREES.values()))
    unused = {
        key
        for key in keys - named
        if not any(fnmatch.fnmatchcase(key, pattern) for pattern in formatted)
    }
    assert not unused


def test_no_string_stands_in_two_files_of_a_language():
    for language in LANGUAGES:
        parts = [tomllib.loads(path.read_text(encoding="utf-8")) for path in files(language)]
        keys = [
            (section, key) for part in parts for section, entries in part.items() for key in entries
        ]
        assert sorted(keys) == sorted(set(keys))
    assert [path.name for path in files("en")] == [path.name for path in files("ko")]


def test_every_question_has_its_options_and_says_something_of_each():
    asked = {key.removeprefix("ask.") for key in strings(DEFAULT) if key.startswith("ask.")}
    assert set(PREDICTED) <= set(QUESTIONS)
    for question, right in QUESTIONS.items():
        letters = [letter for letter in "abcd" if f"{question}_{letter}" in asked]
        assert right in letters
        assert len(letters) >= 2
        mine = {question} | {
            f"{question}_{letter}{end}" for letter in letters for end in ("", "_why")
        }
        assert mine <= asked, question
        asked -= mine
    assert not asked


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_error_has_a_sentence(language):
    assert {
        key.removeprefix("errors.") for key in strings(language) if key.startswith("errors.")
    } == set(vae.images.ERROR_SENTENCES)


def test_a_missing_key_or_number_is_an_error_not_a_blank():
    with pytest.raises(KeyError):
        Text("en")("app.nonsense")
    with pytest.raises(KeyError):
        Text("en")("plane.current")


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("ko-KR", "ko"),
        ("ko", "ko"),
        ("en-GB", "en"),
        ("fr-FR", "en"),
        (None, "en"),
    ],
)
def test_the_browser_chooses_the_first_language(locale, language):
    assert preferred(locale) == language


def test_pages_hold_no_sentences_of_their_own():
    pages = [path for path in TREES if path.name == "page.py" or path.parent.name == "lab"]
    assert len(pages) > 12
    for path in pages:
        said = {text for text in literals(TREES[path]) if SENTENCE.match(text)}
        assert not said, path
