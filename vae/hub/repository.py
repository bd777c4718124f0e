"""A weights folder as a repository on the Hugging Face Hub: pull and push.

Only this module knows the Hub's client. What can go wrong is a HubError of one sentence.
HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE are the client's own settings. No pickle enters or
leaves: only the files of a weights folder are ever asked for or sent.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path
from threading import Lock
from typing import TypeVar

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    constants,
    get_token,
    hf_hub_download,
    set_client_factory,
    snapshot_download,
)
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoSibling

from vae.hub.errors import WRITE_DENIED, BusyError, HubError, hub_errors
from vae.hub.exchange import (
    COMMIT,
    MAX_RESPONSE_OVERHEAD,
    SECONDS_TO_PULL,
    Transfer,
    bounded_client,
    run_bounded,
)
from vae.hub.folder import CONFIG, OPTIONAL, WEIGHTS, WeightsError, max_bytes

BRANCH = re.compile(r"\w[\w./-]*", re.ASCII)  # or a tag
REPO_ID = re.compile(r"[\w.-]+/[\w.-]+")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.joblib")
SECONDS_FOR_AN_ANSWER = 10.0
SECONDS_TO_RETRY_AFTER = 10  # the longest that a busy Hub may ask for
ATTEMPTS = 3

Result = TypeVar("Result")
_client_lock = Lock()


@dataclass(frozen=True)
class Snapshot:
    """Files of one commit in the local cache."""

    repo_id: str
    commit: str
    folder: Path

    def read(self, load: Callable[[Path], Result]) -> Result:
        """load(folder), the folder read by a function such as load_folder.

        Raises HubError, which names a file by the repository and not by the cache's folders.
        """
        try:
            return load(self.folder)
        except WeightsError as error:
            named = str(error).replace(
                f"{self.folder}{os.sep}", f"{self.repo_id}@{self.commit[:7]}/"
            )
            raise HubError(
                "refused", named.replace(str(self.folder), f"{self.repo_id}@{self.commit[:7]}")
            ) from error


def _configure_client() -> None:
    """Configure the client, which is one for the whole process, before its first request."""
    with _client_lock:  # of two at once, the second would close the first one's client
        _configure_client_once()


@cache
def _configure_client_once() -> None:
    # The client's own chunks of 10 MB are as large as a whole model: no progress would be seen.
    # Mirrors and private servers do not support Xet, its protocol for large files; our files are
    # small and go by plain HTTP.
    constants.DOWNLOAD_CHUNK_SIZE = 2**16
    constants.HF_HUB_DISABLE_XET = True
    set_client_factory(bounded_client)


def offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids all requests."""
    return constants.is_offline_mode()


def page(repo_id: str, commit: str) -> str:
    """The URL of a commit's files, for people."""
    return f"{constants.ENDPOINT}/{repo_id}/tree/{commit}"


def cached(repo_id: str, revision: str, files: Sequence[str]) -> Snapshot | None:
    """A revision's files in the local cache, without any request; None where some are missing."""
    try:
        folder = Path(
            snapshot_download(
                repo_id, revision=revision, allow_patterns=list(files), local_files_only=True
            )
        )
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    is_complete = all((folder / name).is_file() for name in files if name not in OPTIONAL)
    is_complete = is_complete and (folder.name == revision or not COMMIT.fullmatch(revision))
    return Snapshot(repo_id, folder.name, folder) if is_complete else None


def pull(
    repo_id: str,
    revision: str | None,
    files: Sequence[str],
    load: Callable[[Path], Result],
    *,
    force: bool = False,
    timeout: float = SECONDS_TO_PULL,
    while_waiting: Callable[[], object] = lambda: None,
) -> Result:
    """Download `files` of a repository, as far as it has them, and read them with `load`.

    They go into the local cache; progress goes to stderr. revision: a branch, a tag or a commit;
    None is the main branch. Where a full commit is asked for, no other is taken. force: download
    also what the cache already holds. timeout: seconds after which it is given up, though it goes
    on in the background for the next time; it is given up earlier where no data arrives for 15
    seconds. while_waiting: called before waiting for it. Raises HubError.
    """
    _configure_client()
    transfer = Transfer(repo_id)

    def download() -> Snapshot:
        info = _with_retries(
            lambda: HfApi().model_info(
                repo_id, revision=revision, files_metadata=True, timeout=SECONDS_FOR_AN_ANSWER
            )
        )
        transfer.commit = _require_commit(repo_id, revision, info.sha)
        siblings = {file.rfilename: file for file in info.siblings or ()}
        _require_weights_folder(repo_id, siblings, files)
        # One after another in this thread: at its exit the interpreter would wait for the workers
        # of a pool. Optional files come first, so that a folder with all required files is
        # complete.
        for name in sorted(
            (name for name in files if name in siblings), key=lambda name: name not in OPTIONAL
        ):
            size = siblings[name].size
            transfer.max_bytes = (max_bytes(name) if size is None else size) + MAX_RESPONSE_OVERHEAD

            # info.sha: all files are of one commit, whatever is pushed at the same time.
            def fetch(force_download: bool, name: str = name) -> str:
                return hf_hub_download(
                    repo_id,
                    name,
                    revision=info.sha,
                    force_download=force_download,
                    etag_timeout=SECONDS_FOR_AN_ANSWER,
                )

            path = _verified_download(repo_id, siblings[name], force, fetch)
        _write_ref(path.parent, revision or constants.DEFAULT_REVISION)
        return Snapshot(repo_id, str(info.sha), path.parent)

    def download_and_read() -> Result:
        with hub_errors(repo_id, revision):
            snapshot = download()
        return snapshot.read(load)

    if offline():
        if not force and (
            snapshot := cached(repo_id, revision or constants.DEFAULT_REVISION, files)
        ):
            return snapshot.read(load)
        raise HubError(
            "offline",
            f"{repo_id} is not in the local cache, and HF_HUB_OFFLINE forbids to ask the Hub for "
            "it",
        )
    # The time limit includes reading the files.
    return run_bounded(download_and_read, transfer, timeout, while_waiting)


def require_writer(repo_id: str) -> None:
    """Raise HubError where a push cannot succeed.

    The reasons: no valid repository name, or no token that may write.
    """
    if not REPO_ID.fullmatch(repo_id):
        raise HubError("missing", f"a repository's name looks like user/name, not {repo_id!r}")
    _configure_client()
    with hub_errors(repo_id, writing=True):
        token = get_token()
    if token is None:
        raise HubError(
            "denied", "there is no token for the Hub; log in with `hf auth login`, or set HF_TOKEN"
        )
    # a Trusted Publisher's token is for one repository alone, and may write to it
    if os.environ.get("HF_OIDC_RESOURCE"):
        return
    with hub_errors(repo_id, writing=True):
        role = _with_retries(HfApi().whoami)["auth"]["accessToken"]["role"]
    if role == "read":
        raise HubError("denied", WRITE_DENIED.format(repo_id=repo_id))


def push(
    folder: Path,
    repo_id: str,
    files: Sequence[str],
    *,
    private: bool,
    tag: str | None,
    message: str,
) -> tuple[str | None, str]:
    """Make a repository hold exactly `files` of a folder, in one commit.

    Returns the full ids of the commit before and of this one. Creates the repository where it is
    missing; where nothing differs there is no new commit. What else lies there is deleted, except
    .gitattributes, which is the Hub's own. A tag that names another commit is refused before
    anything is sent. Progress goes to stderr. Raises HubError.
    """
    require_writer(repo_id)  # it also refuses early where the Hub does not answer
    api, previous = HfApi(), []

    def commit() -> tuple[str | None, str]:
        info = api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER)
        if private and not info.private:
            raise HubError(
                "denied",
                f"{repo_id} is there already, and public; make it private on its page, or leave "
                "out --private",
            )
        previous.append(info.sha)  # the first entry counts where a retry adds another
        present = {file.rfilename for file in info.siblings or ()}
        stale = sorted(present - set(files) - {".gitattributes"})
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(name, folder / name) for name in files
        ]
        operations += [CommitOperationDelete(name) for name in stale]
        try:  # with the parent's id: another person's push at this moment is not overwritten
            return previous[0], api.create_commit(
                repo_id, operations, commit_message=message, parent_commit=info.sha
            ).oid
        except HfHubHTTPError as error:
            # Where an answer is lost the client may send the same commit again, which the Hub then
            # refuses because the branch has moved: to that commit itself.
            if error.response.status_code != 412 or not _has_exactly(api, repo_id, folder, files):
                raise
            return previous[0], str(api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER).sha)

    def require_free_tag(tag: str) -> None:
        try:
            existing = {
                ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags
            }.get(tag)
        except RepositoryNotFoundError:
            return
        if existing and not (
            existing == api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER).sha
            and _has_exactly(api, repo_id, folder, files)
        ):
            raise HubError(
                "moved",
                f"the tag {tag} of {repo_id} is on another commit, {existing[:7]}, and never "
                "moves; nothing was sent: choose another --tag",
            )

    def create_tag(tag: str, commit_id: str) -> None:
        refs = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}
        if refs.get(tag, commit_id) != commit_id:  # set since require_free_tag
            raise HubError(
                "moved",
                f"the tag {tag} of {repo_id} is on another commit, {refs[tag][:7]}; this one is "
                f"{commit_id}: choose another --tag",
            )
        api.create_tag(repo_id, tag=tag, revision=commit_id, exist_ok=True)

    def publish() -> tuple[str | None, str]:
        if tag:
            _with_retries(lambda: require_free_tag(tag))  # before anything is changed
        _with_retries(lambda: api.create_repo(repo_id, private=private or None, exist_ok=True))
        # a retry after a lost answer makes no second commit: the Hub has the files already
        first, last = _with_retries(commit)
        if tag:
            _with_retries(lambda: create_tag(tag, last))
        return first, last

    with hub_errors(repo_id, writing=True):
        return publish()


def _has_exactly(api: HfApi, repo_id: str, folder: Path, files: Sequence[str]) -> bool:
    """Whether the newest commit has exactly these files."""
    tree = [
        file for file in api.list_repo_tree(repo_id, recursive=True) if isinstance(file, RepoFile)
    ]
    tree = [file for file in tree if file.path != ".gitattributes"]
    return {file.path for file in tree} == set(files) and all(
        _has_announced_hash(folder / file.path, file) for file in tree
    )


def _has_announced_hash(path: Path, file: RepoFile | RepoSibling) -> bool:
    """Whether a file has the hash that the Hub announces: git's, or sha256 for large files."""
    content = path.read_bytes()
    if file.lfs:
        return file.lfs.sha256 == hashlib.sha256(content).hexdigest()
    return file.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _require_commit(repo_id: str, revision: str | None, commit: object) -> str:
    """The commit that the Hub answers with.

    Raises HubError where it is none, or where another was asked for by its full id.
    """
    if not isinstance(commit, str) or not COMMIT.fullmatch(commit):
        raise HubError(
            "refused",
            f"{repo_id}: the Hub does not say which commit it answers with; check HF_ENDPOINT",
        )
    if revision and COMMIT.fullmatch(revision) and commit != revision:
        raise HubError(
            "refused",
            f"{repo_id}: commit {revision[:7]} was asked for and the Hub answers with "
            f"{commit[:7]}, which is not used; check the commit and HF_ENDPOINT",
        )
    return commit


def _write_ref(folder: Path, revision: str) -> None:
    """Note in the cache which commit a branch or tag named, for use without the Hub.

    The client would do so itself, but it was asked by the commit.
    """
    if BRANCH.fullmatch(revision) and ".." not in revision and not COMMIT.fullmatch(revision):
        ref = folder.parents[1] / "refs" / revision
        # a cache that cannot be written can still be read
        with suppress(OSError):
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(folder.name, encoding="utf-8")


def _verified_download(
    repo_id: str, file: RepoSibling, force: bool, download: Callable[[bool], str]
) -> Path:
    """The path of a downloaded file whose checksum is the one that the Hub announced.

    The client compares only the number of bytes. force: do not use what the cache holds. A file
    whose checksum differs is downloaded again once.
    """
    name = f"{repo_id}/{file.rfilename}"
    for force_download in (True,) if force else (False, True):
        try:
            path = Path(_with_retries(partial(download, force_download)))
        except OSError as error:
            if "should be of size" not in str(error):
                raise
        else:
            if _has_announced_hash(path, file):
                return path
    raise HubError(
        "refused",
        f"{name}: it did not arrive whole, or something else came in its place; check the "
        "connection and try again",
    )


def _require_weights_folder(
    repo_id: str, siblings: dict[str, RepoSibling], files: Sequence[str]
) -> None:
    """Refuse, before anything is downloaded, what cannot be a weights folder."""
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in siblings]:
        pickles = [
            name for name in siblings if any(fnmatchcase(name, pattern) for pattern in PICKLES)
        ]
        hint = f"; {pickles[0]} is a pickle, which is never loaded" if pickles else ""
        raise HubError(
            "refused",
            f"{repo_id}/{missing[0]}: it is missing; this repository is no weights folder{hint}",
        )
    for name in sorted(set(files) & set(siblings)):
        # The Hub announces a checksum of every file. Without it, any content could pass for this
        # commit's: nothing else verifies config.json. This holds for a branch too, because the
        # cache stores the files under the commit.
        if not (siblings[name].lfs or siblings[name].blob_id):
            raise HubError(
                "refused",
                f"{repo_id}/{name}: no checksum of it was announced, so that anything could come "
                "in its place; let HF_ENDPOINT name the Hub, or a mirror that hands on its "
                "checksums",
            )
        size, limit = siblings[name].size or 0, max_bytes(name)
        if size > limit:
            raise HubError(
                "refused", f"{repo_id}/{name}: it has {size:,} bytes; at most {limit:,} are read"
            )


def _with_retries(request: Callable[[], Result]) -> Result:
    """Retry while the Hub is busy or fails, as its Retry-After says, up to a limit.

    Own code: tenacity would need as much for a delay that the answer's header names, and the Hub's
    own retry waits for longer than a page's visitor should.
    """
    delay: str | None
    failure: Exception
    for attempt in range(1, ATTEMPTS):
        try:
            return request()
        except BusyError as error:
            delay, failure = error.retry_after, error
        except HfHubHTTPError as error:
            delay, failure = error.response.headers.get("Retry-After"), error
            if not (error.response.status_code == 429 or error.response.status_code >= 500):
                raise
        except HTTPError as error:
            # The answer was lost, or another thread, whose connection failed, closed the shared
            # client. huggingface_hub exports only the base class of its HTTP library's errors.
            if type(error).__name__ not in ("RemoteProtocolError", "ReadError"):
                raise
            delay, failure = "1", error
        except RuntimeError as error:
            if "has been closed" not in str(error):
                raise
            delay, failure = "0", error
        delay = str(attempt) if delay is None else delay
        if not re.fullmatch("[0-9]{1,4}", delay) or int(delay) > SECONDS_TO_RETRY_AFTER:
            raise failure
        time.sleep(int(delay))
    return request()
