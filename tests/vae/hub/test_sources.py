"""The weights that the app uses: the pinned commit from the cache or the Hub, else the bundle.

No lesson ever waits or fails for it.
"""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import huggingface_hub
import numpy as np
import pytest

from tests.conftest import files_of, use_hub
from tests.hub_server import WEB_PAGE, Fault, error
from tests.ports import silent_port
from tests.processes import HANGING, SLACK
from tests.vae.hub.published import (
    NAME,
    REFUSED,
    assert_same_weights,
    in_format_1,
    pin,
    resealed,
    with_arrays,
    with_file,
    without,
)
from vae.hub import repository, sources
from vae.hub.folder import WeightsError

PROMISED = sources.SECONDS_TO_WAIT
SECONDS = 1.0  # that stand for the promised ones


def test_resolve_takes_the_pinned_commit_then_the_cache_and_says_which(
    local_hub, published, weights, bundle
):
    pin(bundle, "toy", NAME, published)
    found = sources.resolve("toy")
    assert (found.source, found.pinned_commit, found.problem) == (
        "hub",
        sources.PinnedCommit(NAME, published),
        "",
    )
    assert found.pinned_commit.address == f"{local_hub.url}/{NAME}/tree/{published}"
    assert_same_weights(found.network, weights)
    sources.forget()
    local_hub.requests.clear()
    again = sources.resolve("toy")
    assert again.source == "cache"
    assert_same_weights(again.network, weights)
    assert local_hub.requests == []  # none at all


def test_without_an_entry_the_bundled_folder_serves_and_the_hub_is_not_asked(local_hub, bundle):
    found = sources.resolve("toy")
    assert (found.source, found.pinned_commit, found.reason) == ("bundled", None, "")
    assert_same_weights(found.network, bundle / "toy")
    assert local_hub.requests == []


def test_model_is_another_name_of_the_network(bundle):
    """The public interface has `model`: scripts outside this project rely on it."""
    found = sources.resolve("toy")
    assert found.model is found.network


def test_the_environment_overrides_the_file(local_hub, published, bundle, monkeypatch):
    pin(bundle, "toy", NAME, "0" * 40)
    monkeypatch.setenv("VAE_LAB_SOURCE_TOY", f"{NAME}@{published}")
    assert sources.resolve("toy").pinned_commit == sources.PinnedCommit(NAME, published)
    sources.forget()
    monkeypatch.setenv("VAE_LAB_SOURCE_TOY", "")
    assert sources.resolve("toy").pinned_commit is None


@pytest.mark.parametrize(
    "value",
    ["teacher/vae-toy@main", "teacher/vae-toy", "toy@" + 40 * "0", "teacher/vae-toy@" + 39 * "0"],
)
def test_only_a_full_commit_can_be_pinned(bundle, monkeypatch, value):
    monkeypatch.setenv("VAE_LAB_SOURCE_TOY", value)
    found = sources.resolve("toy")
    assert (found.source, found.problem) == ("bundled", "settings")
    assert (
        "VAE_LAB_SOURCE_TOY: it must name a repository, user/name, and a full commit of 40 digits"
        in found.reason
    )


def test_sources_that_are_not_toml_leave_the_bundle(bundle):
    (bundle / "sources.toml").write_text("[toy\n")
    assert sources.names() == ("other", "toy")
    assert sources.resolve("toy").problem == "settings"


# one of each kind: vae.load refuses them all in tests/vae/hub/test_repository.py
@pytest.mark.parametrize(("change", "sentence"), REFUSED[::4])
def test_what_is_refused_leaves_the_bundle_and_says_why(
    local_hub, weights, bundle, change, sentence
):
    pin(bundle, "toy", NAME, local_hub.add(NAME, change(files_of(weights))))
    found = sources.resolve("toy")
    assert (found.source, found.problem) == ("bundled", "refused")
    assert found.reason.startswith(NAME)
    assert re.search(sentence, found.reason)
    assert_same_weights(found.network, bundle / "toy")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (with_file("metrics.json", b"[]"), "metrics.json"),
        (without("metrics.json"), "metrics.json: it is missing"),
        (with_file("examples.npz", b"PK"), "examples.npz"),
        (with_arrays("examples.npz", labels=np.array(0)), "examples.npz: its labels"),
        (with_arrays("examples.npz", names=np.array("a")), "examples.npz: it needs a name"),
        (with_arrays("reference.npz", labels=np.array(["0", "1"])), "reference.npz: its labels"),
        (
            with_arrays(
                "reference.npz", mean_training_pixel=np.full((1, 6, 5), np.nan, np.float32)
            ),
            "reference.npz: its mean",
        ),
        (with_file("metrics.json", b"[" * 100_000), "metrics.json"),
        (with_file("metrics.json", b'{"betas": [{"beta": [1]}]}'), "metrics.json"),
        (with_file("metrics.json", b" " * 3_000_000), "metrics.json: it has 3,000,000 bytes"),
    ],
)
def test_what_was_measured_must_be_in_order_too(local_hub, weights, bundle, damage, sentence):
    pin(bundle, "toy", NAME, local_hub.add(NAME, resealed(damage(files_of(weights)))))
    found = sources.resolve("toy")
    assert (found.source, found.problem) == ("bundled", "refused")
    assert sentence in found.reason


def test_what_was_published_in_format_1_still_serves(local_hub, weights, bundle):
    pin(bundle, "toy", NAME, local_hub.add(NAME, in_format_1(files_of(weights))))
    assert sources.resolve("toy").source == "hub"


def test_a_damaged_cache_is_mended_from_the_hub(local_hub, published, weights, bundle):
    pin(bundle, "toy", NAME, published)
    sources.resolve("toy")
    snapshot = repository.cached(NAME, published, ("model.safetensors",))
    (snapshot.folder / "model.safetensors").resolve().write_bytes(b"half of it")
    sources.forget()
    found = sources.resolve("toy")
    assert found.source == "hub"
    assert_same_weights(found.network, weights)


@pytest.mark.parametrize(
    ("fault", "when", "problem"),
    [
        (
            Fault(instead=error(401, "Invalid credentials in Authorization header")),
            "GET /api",
            "denied",
        ),
        (Fault(instead=error(403)), "GET /api", "denied"),
        (Fault(instead=error(404, code="RepoNotFound")), "GET /api", "missing"),
        (Fault(instead=error(429, headers={"Retry-After": "3600"})), "GET /api", "busy"),
        (Fault(instead=WEB_PAGE), "GET /storage/", "refused"),
        (Fault(corrupt=True), "GET /storage/", "refused"),
        (Fault(cut_at=100), "GET /storage/", "unreachable"),
        (Fault(instead=error(500)), "GET ", "busy"),
    ],
)
def test_whatever_the_hub_answers_the_bundle_serves(
    local_hub, published, bundle, fault, when, problem
):
    pin(bundle, "toy", NAME, published)
    local_hub.inject(fault, when, times=None)
    found = sources.resolve("toy")
    assert found.source == "bundled"
    assert found.problem == problem, found.reason
    assert_same_weights(found.network, bundle / "toy")


@pytest.mark.parametrize("when", ["GET /api", "GET /storage/"])
def test_where_the_hub_does_not_answer_the_bundle_serves_after_five_seconds(
    local_hub, published, bundle, monkeypatch, when
):
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", SECONDS)
    pin(bundle, "toy", NAME, published)
    local_hub.inject(Fault(silent=True), when, times=None)
    assert PROMISED == 5
    started = time.monotonic()
    found = sources.resolve("toy")
    assert 0.7 * SECONDS < time.monotonic() - started < SECONDS + SLACK
    assert (found.source, found.problem) == ("bundled", "unreachable")
    assert_same_weights(found.network, bundle / "toy")


def test_a_black_hole_costs_five_seconds_once_and_nothing_for_the_next_model(
    bundle, monkeypatch, tmp_path
):
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", SECONDS)
    with silent_port() as silent:
        use_hub(monkeypatch, f"http://127.0.0.1:{silent.port}", tmp_path / "elsewhere")
        pin(bundle, "toy", NAME, "1" * 40)
        pin(bundle, "other", "teacher/vae-other", "2" * 40)
        started = time.monotonic()
        assert sources.resolve("toy").problem == "unreachable"
        assert 0.7 * SECONDS < time.monotonic() - started < SECONDS + SLACK
        while not silent.visitors():  # what was given up goes on
            time.sleep(0.01)
        assert sources.resolve("other").problem == "unreachable"
        assert silent.visitors() == 0


def test_a_process_stays_with_what_it_has(local_hub, published, bundle, weights):
    local_hub.inject(Fault(instead=error(404, code="RepoNotFound")), "GET /api")
    pin(bundle, "toy", NAME, published)
    first = sources.resolve("toy")
    assert first.source == "bundled"
    assert sources.resolve("toy") is first  # although the Hub would answer by now


def test_a_class_that_arrives_at_once_loads_a_model_once(local_hub, published, bundle):
    pin(bundle, "toy", NAME, published)
    with ThreadPoolExecutor(30) as pool:
        found = list(pool.map(sources.resolve, ["toy"] * 30))
    assert all(one is found[0] for one in found)
    sent = [
        path
        for method, path in local_hub.requests
        if method == "GET" and path.startswith("/storage/")
    ]
    assert len(sent) == len(set(sent)) == 3  # files, not sessions


def test_a_model_that_is_here_does_not_wait_for_one_that_is_fetched(
    local_hub, published, bundle, monkeypatch
):
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", HANGING)
    pin(bundle, "toy", NAME, published)
    answering = threading.Event()
    local_hub.inject(Fault(before=answering.wait), "GET /api/models/[^/]+/[^/]+/revision")
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(sources.resolve, "toy")
        try:
            assert sources.resolve("other").source == "bundled"
            assert not fetched.done()
        finally:
            answering.set()
        assert fetched.result().source == "hub"


def test_offline_the_cache_serves_and_else_the_bundle(
    local_hub, published, bundle, weights, monkeypatch
):
    pin(bundle, "toy", NAME, published)
    sources.resolve("toy")
    pin(bundle, "other", "teacher/vae-other", "2" * 40)
    sources.forget()
    local_hub.requests.clear()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert sources.resolve("toy").source == "cache"
    found = sources.resolve("other")
    assert (found.source, found.problem) == ("bundled", "offline")
    assert local_hub.requests == []


def test_what_came_too_late_is_there_at_the_next_start(
    local_hub, published, bundle, weights, monkeypatch
):
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", 0.2)
    answering = threading.Event()
    local_hub.inject(Fault(before=answering.wait), "GET /api/models/[^/]+/[^/]+/revision")
    pin(bundle, "toy", NAME, published)
    try:
        assert sources.resolve("toy").problem == "unreachable"
    finally:
        answering.set()
    while repository.cached(NAME, published, sources.LOADED) is None:
        time.sleep(0.1)
    sources.forget()
    monkeypatch.setattr(sources, "SECONDS_TO_WAIT", HANGING)
    assert sources.resolve("toy").source in ("cache", "hub")


def test_a_model_of_the_hub_alone_is_offered_too(local_hub, published, bundle, weights):
    pin(bundle, "extra", NAME, published)
    assert sources.names() == ("extra", "other", "toy")
    assert_same_weights(sources.resolve("extra").network, weights)
    sources.forget()
    local_hub.repositories.clear()
    pin(bundle, "gone", NAME, "3" * 40)
    with pytest.raises(WeightsError, match="there is no repository"):
        sources.resolve("gone")
    local_hub.requests.clear()
    with pytest.raises(WeightsError, match="there is no repository"):
        sources.resolve("gone")
    assert local_hub.requests == []  # a class does not queue up for the same failure


def test_a_cache_that_cannot_be_written_is_said_without_the_path(
    local_hub, published, bundle, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("no folder")
    use_hub(monkeypatch, local_hub.url, tmp_path / "file")
    pin(bundle, "toy", NAME, published)
    found = sources.resolve("toy")
    assert (found.source, found.problem) == ("bundled", "cache")
    assert str(tmp_path) not in found.reason
