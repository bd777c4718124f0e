"""Whatever a server answers under the Hub's name, another commit is refused.

Every answer is bounded in bytes and in time.
"""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import vae
from tests.conftest import files_of
from tests.hub_server import Answer, Fault, error, sha256
from tests.vae.hub.published import NAME, assert_same_weights, files_of_model, pin
from vae.hub import exchange, repository, sources
from vae.hub.repository import HubError

OTHER = "f" * 40


@pytest.fixture
def another(local_hub, published) -> str:
    """The commit of another model, which the Hub sends instead of the published one."""
    commit = local_hub.add(NAME, files_of_model(1))
    local_hub.repositories[NAME].tags[published] = commit
    return commit


def refused(revision: str | None) -> str:
    """The sentence with which vae.load refuses what the Hub answers."""
    with pytest.raises(HubError) as caught:
        vae.load(NAME, revision=revision)
    assert caught.value.kind == "refused"
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def downloads(local_hub) -> list[str]:
    return [
        path for method, path in local_hub.requests if "/resolve/" in path or "/storage/" in path
    ]


def test_another_commit_than_the_one_asked_for_is_refused_before_a_file_is_asked_for(
    local_hub, published, another
):
    sentence = refused(published)
    assert (
        f"commit {published[:7]} was asked for and the Hub answers with {another[:7]}" in sentence
    )
    assert downloads(local_hub) == []
    assert repository.cached(NAME, another, ("config.json",)) is None


def test_another_commit_than_the_pinned_one_leaves_the_bundle(
    local_hub, published, another, bundle
):
    pin(bundle, "toy", NAME, published)
    found = sources.resolve("toy")
    assert (found.source, found.problem) == ("bundled", "refused")
    assert "the Hub answers with" in found.reason
    assert_same_weights(found.network, bundle / "toy")
    assert downloads(local_hub) == []


@pytest.fixture(params=["config.json", "model.safetensors", "config.json model.safetensors"])
def replaced(request, local_hub, published) -> None:
    """The Hub has another model's files under the published commit, and announces not every hash.

    config.json holds the sums of the other files, so that they fit each other.
    """
    repository = local_hub.repositories[NAME]
    repository.commits[-1] = replace(repository.at(published), files=files_of_model(1))
    local_hub.objects |= {sha256(content): content for content in files_of_model(1).values()}
    local_hub.without_hash = frozenset(request.param.split())


@pytest.mark.parametrize("revision", ["commit", "main"])
def test_a_file_whose_checksum_is_not_announced_is_refused_before_it_is_asked_for(
    local_hub, published, replaced, revision
):
    """A branch is no exception, or the cache would hold the file as the commit's."""
    sentence = refused(published if revision == "commit" else revision)
    name = min(local_hub.without_hash)
    assert sentence.startswith(f"{NAME}/{name}: no checksum of it was announced")
    assert downloads(local_hub) == []


def test_where_a_pinned_commit_comes_without_checksums_the_bundle_serves(
    local_hub, published, replaced, bundle
):
    pin(bundle, "toy", NAME, published)
    found = sources.resolve("toy")
    assert (found.source, found.problem) == ("bundled", "refused")
    assert_same_weights(found.network, bundle / "toy")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_file_with_another_checksum_than_announced_is_refused(
    local_hub, published, weights, name
):
    """Each file, also where it is as long and fits the others."""
    files = files_of(weights)
    local_hub.inject(Fault(corrupt=True), f"GET (.*/{name}|/storage/{sha256(files[name])})", None)
    assert f"{NAME}/{name}: it did not arrive whole" in refused(published)


@pytest.mark.parametrize("revision", ["commit", "main"])
def test_files_of_another_commit_are_refused_before_they_are_downloaded(
    local_hub, published, revision
):
    local_hub.inject(Fault(with_headers={"X-Repo-Commit": OTHER}), "HEAD .*/resolve/", times=None)
    assert "a file of another commit than" in refused(
        published if revision == "commit" else revision
    )
    assert [
        path
        for method, path in local_hub.requests
        if method == "GET" and path in downloads(local_hub)
    ] == []


@pytest.mark.parametrize(
    "commit", [None, "", "main", 7, "../../../elsewhere", OTHER[:39], OTHER.upper(), OTHER + "\n"]
)
def test_an_answer_that_names_no_full_commit_is_refused(local_hub, published, commit):
    local_hub.inject(
        Fault(instead=Answer({"id": NAME, "sha": commit, "siblings": []})), "GET /api", times=None
    )
    assert "does not say which commit" in refused("main")


@pytest.mark.parametrize("tag", ["20261127", "cafe", "v1", OTHER[:39]])
def test_a_name_that_could_be_part_of_a_commits_is_a_name(local_hub, published, weights, tag):
    """Tags of dates are digits alone. What is no full commit can't be compared with one."""
    local_hub.repositories[NAME].tags[tag] = published
    assert_same_weights(vae.load(NAME, revision=tag), weights)


def test_a_full_commit_in_capitals_is_the_same_commit(local_hub, published, weights):
    assert_same_weights(vae.load(NAME, revision=published.upper()), weights)
    local_hub.requests.clear()
    assert_same_weights(vae.load(NAME, revision=published.upper()), weights)
    assert local_hub.requests == []


def test_a_cache_that_calls_another_commit_by_this_ones_name_is_not_believed(
    local_hub, published, another, monkeypatch
):
    vae.load(NAME, revision=another)
    snapshot = repository.cached(NAME, another, ("config.json",))
    (snapshot.folder.parents[1] / "refs").mkdir(exist_ok=True)
    (snapshot.folder.parents[1] / "refs" / published).write_text(another)
    assert repository.cached(NAME, published, ("config.json",)) is None
    refused(published)
    # were the client to follow it
    monkeypatch.setattr(repository, "snapshot_download", lambda *_, **__: str(snapshot.folder))
    assert repository.cached(NAME, published, ("config.json",)) is None


@pytest.mark.parametrize("name", ["ETag", "X-Linked-ETag"])
@pytest.mark.parametrize("etag", ['"../../../../elsewhere"', "/tmp/elsewhere", '".."', '"a/b"'])
def test_a_file_is_stored_under_no_path_that_the_server_chooses(
    local_hub, published, tmp_path, name, etag
):
    local_hub.inject(Fault(with_headers={name: etag}), "HEAD .*/resolve/", times=None)
    assert f"{name} of a file" in refused(published)
    assert not list(tmp_path.rglob("*elsewhere*"))


@pytest.mark.parametrize("revision", ["commit", "main"])
def test_a_damaged_copy_is_mended_by_load_too(local_hub, published, weights, revision):
    revision = published if revision == "commit" else revision
    vae.load(NAME, revision=revision)
    snapshot = repository.cached(NAME, published, ("model.safetensors",))
    (snapshot.folder / "model.safetensors").resolve().write_bytes(b"half of it")
    assert_same_weights(vae.load(NAME, revision=revision), weights)


@pytest.mark.parametrize("fault", [Fault(instead=error(500)), Fault(silent=True)])
def test_where_the_hub_fails_what_a_branch_last_named_is_used_with_a_warning(
    local_hub, published, weights, monkeypatch, fault
):
    vae.load(NAME)
    monkeypatch.setattr(exchange, "SECONDS_WITHOUT_DATA", 0.3)
    local_hub.inject(fault, "GET /api", times=None)
    with pytest.warns(
        UserWarning, match=f"the copy of commit {published[:7]} in the local cache is used"
    ):
        assert_same_weights(vae.load(NAME), weights)
    with pytest.raises(HubError):
        vae.load(NAME, revision=OTHER)  # which is not in the cache, and nothing else is it


def test_the_bundle_is_loaded_while_the_hub_is_asked(local_hub, published, bundle, monkeypatch):
    """So that it need not be loaded when the five seconds are over."""
    loaded, in_time, load = threading.Event(), [], sources.load_folder

    def seen(folder: Path):
        try:
            return load(folder)
        finally:
            loaded.set()

    monkeypatch.setattr(sources, "load_folder", seen)
    pin(bundle, "toy", NAME, published)
    local_hub.inject(
        Fault(before=lambda: in_time.append(loaded.wait(60)), instead=error(404)), "GET /api"
    )
    assert sources.resolve("toy").source == "bundled"
    assert in_time == [True]


def test_checking_what_has_come_is_within_the_five_seconds(
    local_hub, published, bundle, monkeypatch
):
    checking, load = threading.Event(), sources.load_folder

    def slow(folder: Path):
        if folder.name == published:
            checking.wait()
        return load(folder)

    monkeypatch.setattr(sources, "load_folder", slow)
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", 0.5)
    pin(bundle, "toy", NAME, published)
    try:
        assert sources.resolve("toy").problem == "unreachable"
    finally:
        checking.set()


def test_files_that_fail_are_asked_for_three_times_and_not_for_half_a_minute(
    local_hub, published, pauses
):
    """The client itself would wait for 1, 2, 4, 8 and 8 seconds more."""
    local_hub.inject(Fault(instead=error(500)), "HEAD .*/resolve/", times=None)
    with pytest.raises(HubError, match="answers 500") as caught:
        vae.load(NAME)
    assert caught.value.kind == "busy"
    assert len(downloads(local_hub)) == 3
    assert pauses == [1, 2]


def test_the_thread_of_a_transfer_that_was_given_up_ends_too(local_hub, published, monkeypatch):
    monkeypatch.setattr(exchange, "SECONDS_TO_PULL", 0.5)
    local_hub.inject(Fault(seconds_a_chunk=0.1, chunk=1), "GET /storage/", times=None)
    with pytest.raises(HubError, match="has not come from the Hub within"):
        repository.pull(
            NAME,
            published,
            ("config.json", "model.safetensors"),
            vae.hub.folder.load_model,
            timeout=0.2,
        )
    while any(thread.name == f"pull {NAME}" for thread in threading.enumerate()):
        time.sleep(0.1)
