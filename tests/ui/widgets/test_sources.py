"""The side bar's note on the weights' source; a dead Hub costs five seconds, nothing else."""

import time
from pathlib import Path

import pytest

import vae
from tests.conftest import use_hub
from tests.hub_server import Fault, error
from tests.ports import closed_port, silent_port
from tests.processes import SLACK
from tests.ui.driver import alternative_texts, look_anew, open_app, open_page
from ui.text import Text
from vae.hub import sources

pytestmark = pytest.mark.usefixtures("small_networks")

NAME, COMMIT = "teacher/vae-mnist", "1" * 40
FOLDER = Path(__file__).parents[3] / "weights" / "mnist"


@pytest.fixture
def pinned(monkeypatch):
    monkeypatch.setenv("VAE_LAB_SOURCE_MNIST", f"{NAME}@{COMMIT}")
    look_anew(monkeypatch)


def note(app) -> tuple[str, str]:
    """The side bar's note on the weights, and its help text."""
    start = Text(_one(app.query_params["lang"]))("sidebar.source_bundled").split(":")[0]
    found = next(caption for caption in app.sidebar.caption if caption.value.startswith(start))
    return found.value, found.proto.help


def assert_works(app) -> None:
    """A picture is encoded, and beta moves it."""
    before = alternative_texts(app)
    app.select_slider(key="beta").set_value(10.0).run()
    assert not app.exception
    assert _one(app.query_params["beta"]) == "10"
    assert len(alternative_texts(app)) == len(before) > 5
    assert alternative_texts(app) != before


def _one(value: str | list[str]) -> str:
    return value if isinstance(value, str) else value[0]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_with_the_hub_dead_the_playground_works_and_says_why_the_bundle_serves(
    pinned, monkeypatch, tmp_path, language
):
    with closed_port() as port:
        use_hub(monkeypatch, f"http://127.0.0.1:{port}", tmp_path)
        app = open_app(lang=language)
    said, reason = note(app)
    link = f"[{NAME} @ 1111111](http://127.0.0.1:{port}/{NAME}/tree/{COMMIT})"
    assert said == Text(language)("sidebar.source_bundled_unreachable", commit=link)
    assert "does not answer" in reason
    assert_works(app)


def test_a_black_hole_delays_the_first_view_by_five_seconds_at_most_and_no_later_one(
    pinned, monkeypatch, tmp_path
):
    monkeypatch.setenv("VAE_LAB_SOURCE_MNIST", "")
    open_app()
    sources.forget()
    started = time.monotonic()
    open_app()
    bundled = time.monotonic() - started
    with silent_port() as silent:
        use_hub(monkeypatch, f"http://127.0.0.1:{silent.port}", tmp_path)
        monkeypatch.setenv("VAE_LAB_SOURCE_MNIST", f"{NAME}@{COMMIT}")
        sources.forget()
        started = time.monotonic()
        app = open_app()
        assert time.monotonic() - started < bundled + sources.SECONDS_TO_WAIT + SLACK
        assert sources.resolve("mnist").problem == "unreachable"
        assert silent.visitors() > 0
        assert_works(app)
        open_app()
        assert silent.visitors() == 0


def test_weights_of_the_hub_are_linked(local_hub, monkeypatch):
    commit = local_hub.add(
        NAME, {name: (FOLDER / name).read_bytes() for name in vae.hub.folder.file_names(FOLDER)}
    )
    monkeypatch.setenv("VAE_LAB_SOURCE_MNIST", f"{NAME}@{commit}")
    for _ in range(2):  # from the Hub, then from the cache
        sources.forget()
        app = open_app()
        link = f"[{NAME} @ {commit[:7]}]({local_hub.url}/{NAME}/tree/{commit})"
        assert note(app)[0] == Text("en")("sidebar.source_hub", commit=link)
        assert_works(app)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (Fault(instead=error(404, code="RepoNotFound")), "missing"),
        (Fault(instead=error(403)), "denied"),
        (Fault(instead=error(429, headers={"Retry-After": "900"})), "busy"),
    ],
)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_reason_has_a_sentence_of_its_own(local_hub, pinned, language, fault, problem):
    local_hub.inject(fault, "GET ", times=None)
    beginning = Text(language)(f"sidebar.source_bundled_{problem}", commit="¦").split("¦")[0]
    assert note(open_page("dimensions", lang=language))[0].startswith(beginning)


def test_weights_that_were_refused_are_named(local_hub, pinned, monkeypatch):
    files = {name: (FOLDER / name).read_bytes() for name in vae.hub.folder.file_names(FOLDER)}
    commit = local_hub.add(
        NAME, files | {"model.safetensors": files["model.safetensors"][:-1] + b"\0"}
    )
    monkeypatch.setenv("VAE_LAB_SOURCE_MNIST", f"{NAME}@{commit}")
    said, reason = note(open_page("dimensions"))
    assert "was refused" in said
    assert reason.startswith(f"{NAME}@{commit[:7]}/model.safetensors: its sha256 is")


def test_a_setting_that_names_no_commit_is_said_without_a_link(pinned, monkeypatch):
    monkeypatch.setenv("VAE_LAB_SOURCE_MNIST", f"{NAME}@main")
    said, reason = note(open_page("dimensions"))
    assert said == Text("en")("sidebar.source_bundled_settings")
    assert "VAE_LAB_SOURCE_MNIST" in reason
