"""The server of the other tests works with the real client and the real command line."""

from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import close_session

from tests.conftest import files_of, hf
from tests.hub_server import Fault, HubServer, error

NAME = "teacher/vae-mnist"

# The client uploads large files in a way that its own HTTP library calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")


@pytest.fixture
def hub(monkeypatch):
    """With telemetry the client would ask the real Hub which agents there are."""
    for name in ("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setattr(huggingface_hub.constants, name, True)
    with HubServer() as server:
        yield server
    close_session()


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "weights"
    (folder / "examples").mkdir(parents=True)
    (folder / "README.md").write_text(
        "---\nlicense: apache-2.0\n---\n# Ziffern – 숫자\n", encoding="utf-8"
    )
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 4096)
    (folder / "examples" / "0.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    return folder


def pushed(hub: HubServer, folder: Path) -> HfApi:
    api = HfApi(endpoint=hub.url, token="hf_writer")
    api.create_repo(NAME, exist_ok=True)
    api.upload_folder(repo_id=NAME, folder_path=folder)
    return api


def test_what_is_pushed_and_tagged_comes_back_by_branch_tag_and_commit_byte_for_byte(
    hub, folder, tmp_path
):
    api = pushed(hub, folder)
    api.create_tag(NAME, tag="v1")
    commit = hub.repositories[NAME].commits[-1].id
    assert (
        api.list_repo_refs(NAME).tags[0].target_commit
        == api.model_info(NAME, revision="v1").sha
        == commit
    )
    for revision in ("main", "v1", commit):
        there = api.snapshot_download(NAME, revision=revision, cache_dir=tmp_path / revision)
        assert files_of(Path(there)) == files_of(folder)


def test_pushing_the_same_folder_again_makes_no_commit(hub, folder):
    pushed(hub, folder)
    assert [commit.message for commit in hub.repositories[NAME].commits][1:] == [
        "Upload folder using huggingface_hub"
    ]
    pushed(hub, folder)
    assert len(hub.repositories[NAME].commits) == 2


def test_the_command_line_pushes_and_pulls_the_same_folder(hub, folder, tmp_path):
    hf(hub, tmp_path / "home", "upload", NAME, folder, ".")
    hf(hub, tmp_path / "home", "download", NAME, "--local-dir", tmp_path / "there")
    assert files_of(tmp_path / "there") == files_of(folder)


def test_a_commit_that_is_cached_makes_no_request(hub, folder, tmp_path):
    commit = hub.add(NAME, files_of(folder))
    hf(hub, tmp_path / "home", "download", NAME, "--revision", commit)
    hub.requests.clear()
    hf(hub, tmp_path / "home", "download", NAME, "--revision", commit)
    assert hub.requests == []


def test_a_download_that_breaks_off_is_resumed(hub, folder, tmp_path):
    hub.add(NAME, files_of(folder))
    hub.inject(Fault(cut_at=1000), when="GET /storage/")
    api = HfApi(endpoint=hub.url, token=False)
    there = api.hf_hub_download(NAME, "model.safetensors", cache_dir=tmp_path / "cache")
    assert Path(there).read_bytes() == (folder / "model.safetensors").read_bytes()
    assert sum("/storage/" in path for _, path in hub.requests) == 2


def test_a_hub_that_is_silent_once_is_asked_again(hub, tmp_path):
    hub.add(NAME, {"config.json": b"{}"})
    hub.inject(Fault(silent=True), when="HEAD .*/config.json")
    there = HfApi(endpoint=hub.url, token=False).hf_hub_download(
        NAME, "config.json", cache_dir=tmp_path, etag_timeout=0.3
    )
    assert Path(there).read_bytes() == b"{}"


def test_the_client_does_not_notice_other_bytes_of_the_same_length(hub, folder, tmp_path):
    hub.add(NAME, files_of(folder))
    hub.inject(Fault(corrupt=True), when="GET /storage/")
    there = HfApi(endpoint=hub.url, token=False).hf_hub_download(
        NAME, "model.safetensors", cache_dir=tmp_path / "cache"
    )
    assert Path(there).read_bytes() != (folder / "model.safetensors").read_bytes()


def test_a_commit_on_top_of_another_than_expected_is_refused(hub, folder):
    api = HfApi(endpoint=hub.url, token="hf_writer")
    expected = hub.add(NAME, {"README.md": b"---\n---\n"})
    hub.inject(
        Fault(before=lambda: hub.add(NAME, {"other.txt": b"another person's"})),
        when="POST .*/commit/",
    )
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as caught:
        api.upload_folder(repo_id=NAME, folder_path=folder, parent_commit=expected)
    assert caught.value.response.status_code == 412
    assert "model.safetensors" not in hub.repositories[NAME].commits[-1].files


def test_errors_are_those_of_the_real_hub(hub, folder):
    hub.add(NAME, {"README.md": b""})
    teacher, reader, other = (HfApi(endpoint=hub.url, token=token) for token in hub.tokens)
    with pytest.raises(RepositoryNotFoundError):
        teacher.model_info("teacher/missing")
    with pytest.raises(RevisionNotFoundError):
        teacher.model_info(NAME, revision="v9")
    for api in (reader, other):
        assert status(lambda api=api: api.upload_folder(repo_id=NAME, folder_path=folder)) == 403
    teacher.create_tag(NAME, tag="v1")
    assert status(lambda: teacher.create_tag(NAME, tag="v1")) == 409
    hub.inject(Fault(instead=error(500)), when="GET .*/refs")
    assert status(lambda: teacher.list_repo_refs(NAME)) == 500
    assert teacher.list_repo_refs(NAME).tags[0].name == "v1"


def status(call) -> int:
    """The status with which the Hub refused what was asked."""
    with pytest.raises(HfHubHTTPError) as caught:
        call()
    return caught.value.response.status_code
