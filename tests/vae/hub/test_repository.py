"""vae.load from the Hub: byte for byte what was published.

Refused by name where it is anything else.
"""

import time
from types import SimpleNamespace

import huggingface_hub
import pytest

import vae
from tests.conftest import files_of, use_hub
from tests.hub_server import WEB_PAGE, Answer, Fault, error
from tests.ports import closed_port
from tests.vae.hub.published import NAME, REFUSED, assert_same_weights, files_of_model, write_folder
from vae.hub import exchange, repository
from vae.hub.folder import WeightsError
from vae.hub.repository import HubError


def test_load_takes_a_branch_a_tag_or_a_commit_and_only_the_two_files_it_needs(
    local_hub, published, weights
):
    local_hub.repositories[NAME].tags["v1"] = published
    write_folder(weights.parent / "newer", seed=1)
    local_hub.add(NAME, files_of_model(1))
    for revision in ("v1", published):
        assert_same_weights(vae.load(NAME, revision=revision), weights)
    assert_same_weights(vae.load(NAME), weights.parent / "newer")
    assert {path.split("/")[-1] for _, path in local_hub.requests if "/resolve/" in path} == {
        "config.json",
        "model.safetensors",
    }


def test_a_full_commit_in_the_cache_is_loaded_without_any_request_also_offline(
    local_hub, published, weights, monkeypatch
):
    vae.load(NAME, revision=published)
    local_hub.requests.clear()
    assert_same_weights(vae.load(NAME, revision=published), weights)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert_same_weights(vae.load(NAME, revision=published), weights)
    assert local_hub.requests == []
    with pytest.raises(HubError, match="HF_HUB_OFFLINE") as caught:
        vae.load("teacher/vae-other", revision=published)
    assert caught.value.kind == "offline"


def test_a_download_reports_its_progress(local_hub, published, capfd, monkeypatch):
    # the client shows bars on a terminal, or where this asks for them
    monkeypatch.setenv("TQDM_POSITION", "-1")
    vae.load(NAME)
    assert capfd.readouterr().err.count("100%") == 2  # of config.json and of the weights


def test_a_slow_download_that_goes_on_is_not_given_up(local_hub, published, weights, monkeypatch):
    """Only silence is: each piece is news."""
    clock, transfers = SimpleNamespace(now=0.0), []

    def transfer(repo_id: str) -> exchange.Transfer:
        transfers.append(exchange.Transfer(repo_id, start=clock.now, last_arrival=clock.now))
        return transfers[-1]

    def pass_seconds() -> None:
        """Ten, once the piece before has come: nobody would wait for twenty."""
        for _ in range(10_000):
            if transfers[-1].last_arrival == clock.now:
                break
            time.sleep(0.001)
        clock.now += 10.0

    assert exchange.SECONDS_WITHOUT_DATA < 20
    monkeypatch.setattr(exchange, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(repository, "Transfer", transfer)
    local_hub.inject(Fault(before_chunk=pass_seconds, chunk=4000), "GET /storage/", times=None)
    assert_same_weights(vae.load(NAME, revision=published), weights)
    assert clock.now > exchange.SECONDS_WITHOUT_DATA


@pytest.mark.parametrize(("change", "sentence"), REFUSED)
def test_what_is_no_weights_folder_is_refused_in_a_sentence_that_names_the_file(
    local_hub, weights, change, sentence
):
    files = change(files_of(weights))
    local_hub.add(NAME, files)
    with pytest.raises(WeightsError, match=sentence) as caught:
        vae.load(NAME)
    assert str(caught.value).startswith(NAME)  # not the folders of somebody's cache
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_larger_than_any_network_is_not_even_downloaded(local_hub, published, monkeypatch):
    monkeypatch.setitem(vae.hub.folder.MAX_BYTES, ".safetensors", 1000)
    with pytest.raises(
        HubError, match=r"model.safetensors: it has [\d,]+ bytes; at most 1,000 are read"
    ):
        vae.load(NAME)
    assert not any("/resolve/" in path for _, path in local_hub.requests)


@pytest.mark.parametrize(
    ("fault", "when", "kind", "sentence"),
    [
        (
            Fault(instead=error(401, "Invalid credentials in Authorization header")),
            "GET /api",
            "denied",
            "hf auth login",
        ),
        (Fault(instead=error(403)), "GET /api", "denied", "may not read"),
        (Fault(instead=error(403, code="GatedRepo")), "GET /api", "missing", "that you may read"),
        (
            Fault(instead=error(404, code="RepoNotFound")),
            "GET /api",
            "missing",
            "there is no repository teacher/vae-toy",
        ),
        (
            Fault(instead=error(404, code="RevisionNotFound")),
            "GET /api",
            "missing",
            "has no revision v1",
        ),
        (
            Fault(instead=error(429, headers={"Retry-After": "3600"})),
            "GET /api",
            "busy",
            "too many requests",
        ),
        (Fault(instead=error(500)), "GET /api", "busy", "answers 500"),
        (Fault(instead=WEB_PAGE), "GET /api", "unreachable", "transfer failed"),
        (
            Fault(instead=WEB_PAGE),
            "GET /storage/",
            "refused",
            "model.safetensors: it did not arrive whole",
        ),
        (
            Fault(corrupt=True),
            "GET /storage/",
            "refused",
            "model.safetensors: it did not arrive whole",
        ),
        (
            Fault(corrupt=True),
            "GET .*/config.json",
            "refused",
            "config.json: it did not arrive whole",
        ),
        (Fault(instead=error(404)), "GET /api", "missing", "knows nothing of teacher/vae-toy"),
        (Fault(instead=Answer({})), "GET /api", "unreachable", "transfer failed"),
        (Fault(instead=Answer(None)), "GET /api", "unreachable", "transfer failed"),
    ],
)
def test_each_way_in_which_the_hub_fails_is_one_sentence(
    local_hub, published, fault, when, kind, sentence
):
    local_hub.repositories[NAME].tags["v1"] = published
    local_hub.inject(fault, when, times=None)
    with pytest.raises(HubError, match=sentence) as caught:
        vae.load(NAME, revision="v1")
    assert caught.value.kind == kind
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("fault", "when", "seconds"),
    [
        (Fault(instead=error(500)), "GET /api", 1),
        (Fault(instead=error(503)), "GET .*/resolve/", 1),
        (Fault(instead=error(429, headers={"Retry-After": "7"})), "GET /api", 7),
        (Fault(cut_at=100), "GET /storage/", None),
    ],
)
def test_a_hub_that_stumbles_once_is_asked_again(
    local_hub, published, weights, pauses, fault, when, seconds
):
    """After as many seconds as it says; the rest of a file the client itself asks for."""
    local_hub.inject(fault, when)
    assert_same_weights(vae.load(NAME), weights)
    assert pauses == ([] if seconds is None else [seconds])


def test_a_refused_connection_is_one_sentence(monkeypatch, tmp_path):
    with closed_port() as port:
        use_hub(monkeypatch, f"http://127.0.0.1:{port}", tmp_path)
        with pytest.raises(HubError, match="does not answer") as caught:
            vae.load(NAME)
    assert caught.value.kind == "unreachable"


@pytest.mark.parametrize(
    "when", ["GET /api/models/[^/]+/[^/]+$", "GET .*/resolve/", "HEAD .*/resolve/", "GET /storage/"]
)
def test_a_hub_that_falls_silent_at_any_moment_is_given_up(local_hub, published, monkeypatch, when):
    """Some of the client's own requests would wait for ever."""
    monkeypatch.setattr(exchange, "SECONDS_WITHOUT_DATA", 0.3)
    local_hub.inject(Fault(silent=True), when, times=None)
    with pytest.raises(HubError, match="check the connection") as caught:
        vae.load(NAME)
    assert caught.value.kind == "unreachable"


@pytest.mark.parametrize(
    ("name", "revision", "sentence"),
    [
        ("no such model", None, "named like user/name"),
        ("mnist", "v1", "'mnist' has no revisions"),
        ("a/b/c", None, "named like user/name"),
    ],
)
def test_another_name_is_never_guessed(name, revision, sentence):
    with pytest.raises(WeightsError, match=sentence):
        vae.load(name, revision=revision)
