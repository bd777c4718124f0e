"""Publishing: one commit with exactly the folder's files, none where nothing changed.

Whatever goes wrong is reported in one sentence.
"""

import re
import sys
import tomllib
from pathlib import Path

import pytest
from huggingface_hub.utils import _auth, close_session

import vae
from tests.conftest import files_of, hf, use_hub, write_idx
from tests.hub_server import Answer, Fault, error
from tests.ports import closed_port, silent_port
from tests.processes import completed
from tests.training.publishing import NAME, run, there
from training import evaluate, publish, train
from vae.hub import exchange
from vae.hub.folder import write_checksums

ROOT = Path(__file__).parents[2]

# The client uploads large files in a way that its own HTTP library calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")


def sent(folder: Path) -> dict[str, bytes]:
    """What goes of a folder: all of it, with a card that names the repository."""
    files = files_of(folder)
    card = files["README.md"].replace(b'vae.load("toy")', f'vae.load("{NAME}")'.encode())
    assert card != files["README.md"]
    return files | {"README.md": card}


def test_the_repository_holds_exactly_the_folder_after_one_commit(local_hub, weights, capsys):
    assert run(weights, "--tag", "v1") == 0
    assert there(local_hub) == sent(weights)
    assert len(local_hub.repositories[NAME].commits) == 2  # the first is the Hub's own
    commit = local_hub.repositories[NAME].commits[-1].id
    assert local_hub.repositories[NAME].tags == {"v1": commit}
    assert not local_hub.repositories[NAME].private
    printed = capsys.readouterr()
    assert "Upload 4 LFS files" in printed.err  # progress
    entry = tomllib.loads(printed.out[printed.out.index('["toy"]') :])
    assert entry == {"toy": {"repo_id": NAME, "commit": commit}}
    assert "model.safetensors" in printed.out
    for revision in ("v1", commit):
        assert vae.load(NAME, revision=revision).config == vae.load(weights).config


def test_publishing_the_same_folder_again_makes_no_commit(local_hub, weights, capsys):
    assert run(weights, "--tag", "v1") == 0
    commits = list(local_hub.repositories[NAME].commits)
    capsys.readouterr()
    assert run(weights, "--tag", "v1") == 0
    assert local_hub.repositories[NAME].commits == commits
    assert f"nothing has changed; {NAME} is at\n{commits[-1].id}" in capsys.readouterr().out


def test_what_is_gone_from_the_folder_goes_from_the_repository_in_the_same_commit(
    local_hub, weights
):
    local_hub.add(NAME, {"figures/old.png": b"old", "pytorch_model.bin": b"\x80\x04K\x01."})
    assert run(weights) == 0
    assert there(local_hub) == sent(weights)
    assert len(local_hub.repositories[NAME].commits) == 3


def test_a_private_repository_is_made_private(local_hub, weights):
    assert run(weights, "--private") == 0
    assert local_hub.repositories[NAME].private


def test_a_dry_run_lists_what_would_go_and_asks_nothing(local_hub, weights, capsys, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    before = files_of(weights)
    assert run(weights, "--dry-run") == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in before)
    assert local_hub.requests == []
    assert files_of(weights) == before


def test_no_pickle_leaves(local_hub, weights, capsys):
    (weights / "optimizer.pt").write_bytes(b"\x80\x04K\x01.")
    assert run(weights) == 1
    assert "optimizer.pt: it does not belong into a weights folder" in capsys.readouterr().err
    assert local_hub.requests == []


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("metrics.json", "metrics.json: it is missing"),
        ("training.json", "training.json: it is missing"),
        ("README.md", "python -m training.evaluate"),
        ("config.json", "config.json: it is missing"),
    ],
)
def test_an_unfinished_folder_is_not_published(local_hub, weights, capsys, missing, sentence):
    (weights / missing).unlink()
    assert run(weights) == 1
    assert sentence in capsys.readouterr().err
    assert local_hub.requests == []


def failed(capsys) -> str:
    """The one sentence on stderr."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, lines
    return lines[0]


def test_a_folder_that_the_hubs_command_line_or_a_file_manager_touched_goes_as_it_is(
    local_hub, weights
):
    (weights / ".DS_Store").write_bytes(b"x")
    (weights / ".cache").mkdir()
    (weights / ".cache" / "model.lock").write_bytes(b"")
    assert run(weights) == 0
    assert there(local_hub) == sent(weights)


def test_a_public_repository_is_not_taken_for_a_private_one(local_hub, weights, capsys):
    local_hub.add(NAME, {"README.md": b"---\n---\n"})
    assert run(weights, "--private") == 1
    assert "is there already, and public" in failed(capsys)
    assert set(there(local_hub)) == {"README.md"}


def test_a_network_for_one_beta_gets_an_entry_that_toml_reads(local_hub, weights, capsys):
    path = weights / "training.json"
    path.write_text(path.read_text().replace("[0.01, 50.0]", "[0.1, 0.1]"))
    write_checksums(weights, "training.json")
    assert run(weights) == 0
    printed = capsys.readouterr().out
    assert list(tomllib.loads(printed[printed.index('["') :])) == ["toy-beta-0.1"]


def test_a_lost_answer_is_no_unchanged_folder(local_hub, weights, capsys):
    local_hub.inject(Fault(cut_at=0), "POST .*/commit/")
    assert run(weights) == 0
    assert "published as" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("when", "answer"),
    [
        ("POST /api/repos", {}),
        ("GET /api/models", {}),
        ("GET /api/models", []),
        ("GET /api/whoami", None),
    ],
)
def test_an_answer_of_another_kind_is_a_sentence_too(local_hub, weights, capsys, when, answer):
    local_hub.inject(Fault(instead=Answer(answer)), when, times=None)
    assert run(weights) == 1
    failed(capsys)


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (None, "there is no token for the Hub; log in with `hf auth login`"),
        ("hf_nobody", "log in anew with `hf auth login`"),
        ("hf_reader", "this token may not write to teacher/vae-toy"),
        ("hf_other", "the name is somebody else's"),
    ],
)
@pytest.mark.parametrize("present", [False, True])
def test_a_token_that_will_not_do_is_said_with_what_to_do(
    local_hub, weights, capsys, monkeypatch, tmp_path, token, sentence, present
):
    if present:
        local_hub.add(NAME, {"README.md": b"---\n---\n"})
    use_hub(monkeypatch, local_hub.url, tmp_path / "home", token)
    before = (weights / "README.md").read_bytes()
    assert run(weights) == 1
    assert sentence in failed(capsys)
    assert present == (NAME in local_hub.repositories)
    # it names no repository that may not be there
    assert (weights / "README.md").read_bytes() == before


@pytest.fixture
def publisher(monkeypatch):
    """The environment of a Trusted Publisher.

    It is a workflow that may exchange its own identity for a token of an hour.
    """
    monkeypatch.setattr(_auth, "_OIDC_TOKEN_CACHE", None)
    monkeypatch.setenv("HF_OIDC_RESOURCE", NAME)
    return monkeypatch


def test_a_trusted_publisher_needs_no_token_of_its_own(local_hub, weights, publisher):
    publisher.delenv("HF_TOKEN")
    publisher.setenv("HF_OIDC_ID_TOKEN", "signed by the workflow's host")
    local_hub.add(NAME, {"README.md": b"there already: such a token makes no repository"})
    token = Answer({"access_token": "hf_writer", "token_type": "bearer", "expires_in": 3600})
    local_hub.inject(Fault(instead=token), "POST /oauth/token")
    # Nor does it say whose it is.
    local_hub.inject(Fault(instead=error(403)), "GET /api/whoami", times=None)
    assert run(weights) == 0
    assert there(local_hub) == sent(weights)


def test_where_nobody_vouches_for_the_publisher_it_is_said(local_hub, weights, publisher, capsys):
    assert run(weights) == 1
    assert "HF_OIDC_ID_TOKEN" in capsys.readouterr().err
    assert not local_hub.repositories


def test_a_name_that_is_none_is_said(local_hub, weights, capsys):
    assert publish.main([str(weights), "--repo-id", "toy"]) == 1
    assert "a repository's name looks like user/name" in failed(capsys)


def test_a_dead_network_is_said_at_once(monkeypatch, tmp_path, weights, capsys):
    with closed_port() as port:
        use_hub(monkeypatch, f"http://127.0.0.1:{port}", tmp_path)
        assert run(weights) == 1
    assert "does not answer" in failed(capsys)


def test_a_silent_network_is_given_up(monkeypatch, tmp_path, weights, capsys):
    monkeypatch.setattr(exchange, "SECONDS_FOR_A_REQUEST", 0.5)
    close_session()  # the next one is made with it
    with silent_port() as silent:
        use_hub(monkeypatch, f"http://127.0.0.1:{silent.port}", tmp_path)
        assert run(weights) == 1
    assert "does not answer" in failed(capsys)


@pytest.mark.parametrize(
    ("fault", "when", "sentence"),
    [
        (
            Fault(instead=error(429, headers={"Retry-After": "3600"})),
            "POST /api/repos",
            "too many requests",
        ),
        (Fault(instead=error(500)), "POST .*/commit/", "the Hub answers 500"),
        (Fault(instead=error(413)), "POST .*/preupload/", "the Hub does not take this"),
    ],
)
def test_a_hub_that_refuses_is_said(local_hub, weights, capsys, fault, when, sentence):
    local_hub.inject(fault, when, times=None)
    assert run(weights) == 1
    assert sentence in failed(capsys)


@pytest.mark.parametrize("fault", [Fault(instead=error(500)), Fault(cut_at=0)])
@pytest.mark.parametrize(
    "when",
    ["POST /api/repos", "GET /api/models", "POST .*/preup", "PUT /storage", "POST .*/commit/"],
)
def test_a_hub_that_stumbles_once_gets_it_all_the_same(local_hub, weights, when, fault):
    local_hub.inject(fault, when)
    assert run(weights) == 0
    assert there(local_hub) == sent(weights)
    assert len(local_hub.repositories[NAME].commits) == 2


def test_what_somebody_else_pushes_meanwhile_is_not_overwritten(local_hub, weights, capsys):
    local_hub.add(NAME, {"README.md": b"---\n---\n"})
    local_hub.inject(
        Fault(before=lambda: local_hub.add(NAME, {"notes.txt": b"another person's"})),
        "POST .*/commit/",
    )
    assert run(weights) == 1
    assert "somebody else changed teacher/vae-toy at this moment" in failed(capsys)
    assert there(local_hub)["notes.txt"] == b"another person's"


def test_a_commit_that_turns_out_to_be_ones_own_is_no_conflict(local_hub, weights):
    """The client repeats a commit whose answer was lost, and gets a conflict with itself."""

    def arrives() -> None:
        local_hub.add(NAME, sent(weights))

    local_hub.inject(Fault(before=arrives), "POST .*/commit/")
    assert run(weights) == 0
    assert there(local_hub) == sent(weights)
    assert len(local_hub.repositories[NAME].commits) == 2


@pytest.mark.parametrize(
    "present", [{"README.md": b"---\n---\n"}, {"README.md": b"---\n---\n", "notes.txt": b"x"}]
)
def test_a_tag_never_moves_and_one_that_is_taken_is_said_before_anything_is_sent(
    local_hub, weights, capsys, present
):
    first = local_hub.add(NAME, present)
    local_hub.repositories[NAME].tags["v1"] = first
    assert run(weights, "--tag", "v1") == 1
    assert "nothing was sent: choose another --tag" in failed(capsys)
    assert local_hub.repositories[NAME].tags == {"v1": first}
    assert local_hub.repositories[NAME].commits[-1].id == first
    assert {command for command, _ in local_hub.requests} == {"GET"}


def test_a_tag_on_an_older_commit_is_taken_also_for_the_folder_that_it_names(
    local_hub, weights, capsys
):
    assert run(weights, "--tag", "v1") == 0
    first = dict(local_hub.repositories[NAME].tags)
    last = local_hub.add(NAME, {"README.md": b"---\n---\n"})
    local_hub.requests.clear()
    assert run(weights, "--tag", "v1") == 1
    assert "nothing was sent: choose another --tag" in failed(capsys)
    assert local_hub.repositories[NAME].tags == first
    assert local_hub.repositories[NAME].commits[-1].id == last
    assert run(weights, "--tag", "v2") == 0


def test_a_tag_that_somebody_takes_meanwhile_does_not_move_either(local_hub, weights, capsys):
    first = local_hub.add(NAME, {"README.md": b"---\n---\n"})
    tags = local_hub.repositories[NAME].tags
    local_hub.inject(Fault(before=lambda: tags.update(v1=first)), "POST .*/commit/")
    assert run(weights, "--tag", "v1") == 1
    assert "choose another --tag" in failed(capsys)
    assert tags == {"v1": first}


def test_from_the_command_line_with_nothing_but_environment_variables(local_hub, weights, tmp_path):
    environment = local_hub.environment(tmp_path / "somewhere")
    done = completed(
        [sys.executable, "-m", "training.publish", weights, "--repo-id", NAME, "--tag", "v1"],
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    commit = re.search("[0-9a-f]{40}", done.stdout)[0]
    hf(
        local_hub,
        tmp_path / "elsewhere",
        "download",
        NAME,
        "--revision",
        commit,
        "--local-dir",
        tmp_path / "back",
    )
    assert files_of(tmp_path / "back") == sent(weights)
    code = (
        f"import vae; print(vae.load({NAME!r}, revision={commit!r}).config); "
        f"print(vae.load({NAME!r}, revision='v1').config)"
    )
    loaded = completed([sys.executable, "-c", code], cwd=ROOT, env=environment)
    assert loaded.stdout.splitlines() == [str(vae.load(weights).config)] * 2


def test_what_the_hubs_own_command_line_uploads_loads_too(local_hub, weights, tmp_path):
    hf(local_hub, tmp_path / "somewhere", "upload", NAME, weights, ".")
    assert there(local_hub) == files_of(weights)
    assert vae.load(NAME).config == vae.load(weights).config


@pytest.fixture
def bars(tmp_path) -> list[str]:
    write_idx(tmp_path / "data" / "bars", train=200, test=40)
    return [
        "--data-dir",
        str(tmp_path / "data"),
        "--run-dir",
        str(tmp_path / "run"),
        "--dataset",
        "bars",
        "--epochs",
        "1",
        "--batch-size",
        "50",
        "--beta-shares",
        "--network.channels",
        "4",
        "--network.width",
        "16",
        "--network.blocks",
        "1",
        "--device",
        "cpu",
        "--push-to-hub",
        NAME,
    ]


def test_training_can_end_with_measured_weights_on_the_hub(local_hub, bars, tmp_path, monkeypatch):
    measure = evaluate.evaluate

    def quickly(arguments):
        return measure(evaluate.dataclasses.replace(arguments, samples=1, importance_samples=2))

    monkeypatch.setattr(evaluate, "evaluate", quickly)
    assert train.main(bars) == 0
    trained = files_of(tmp_path / "run" / "weights")
    assert {name for name, content in there(local_hub).items() if content != trained.get(name)} == {
        "README.md"
    }
    assert there(local_hub).keys() == trained.keys()
    assert "push-to-hub" not in (tmp_path / "run" / "weights" / "training.json").read_text()
    assert "negative_elbo" in there(local_hub)["README.md"].decode()


def test_training_does_not_begin_without_a_token(local_hub, bars, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("HF_TOKEN")
    assert train.main(bars) == 1
    assert "hf auth login" in failed(capsys)
    assert not (tmp_path / "run").exists()


def test_what_was_trained_is_safe_when_publishing_fails(
    local_hub, bars, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(evaluate, "main", lambda argv: 0)
    local_hub.inject(Fault(instead=error(403)), "POST /api/repos", times=None)
    assert train.main(bars) == 1
    assert "the weights are safe in" in capsys.readouterr().err
    assert vae.load(tmp_path / "run" / "weights").config.width == 16
