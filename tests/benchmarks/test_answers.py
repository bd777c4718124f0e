"""The comparison of two commits: it asks everything, and names what differs."""

from benchmarks import answers
from ui.service import api, navigation
from vae.hub import sources


def test_every_page_and_every_model_is_opened_by_a_link_and_every_endpoint_is_called():
    pages = {page for page, _ in answers.links()}
    assert pages == {"", *navigation.LAB[1:], *navigation.LESSON, "teacher"}
    assert {values.get("model") for _, values in answers.links()} >= set(sources.bundled())
    assert {name for name, _ in answers.calls()} == {
        function.__name__ for function in api.ENDPOINTS
    }


def test_what_is_missing_new_or_not_equal_differs():
    before, after = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "4", "d": "3"}
    assert answers.differences(before, after) == ["b", "c", "d"]
