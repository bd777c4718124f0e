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

from vae.hub.errors import MAY_NOT_WRITE, BusyError, HubError, said
from vae.hub.exchange import COMMIT, SECONDS_TO_PULL, SPARE, Transfer, bounded_client, watched
from vae.hub.folder import CONFIG, OPTIONAL, WEIGHTS, WeightsError, largest

BRANCH = re.compile(r"\w[\w./-]*", re.ASCII)  # or a tag
REPO_ID = re.compile(r"[\w.-]+/[\w.-]+")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.joblib")
SECONDS_FOR_AN_ANSWER = 10.0
SECONDS_TO_RETRY_AFTER = 10  # the longest that a busy Hub may ask for
ATTEMPTS = 3

Answer = TypeVar("Answer")
_configuring = Lock()


@dataclass(frozen=True)
class Snapshot:
    """Files of one commit in the local cache."""

    repo_id: str
    commit: str
    folder: Path

    def read(self, load: Callable[[Path], Answer]) -> Answer:
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
    with _configuring:  # twice at once, the second would close what the first opened
        _configure_once()


@cache
def _configure_once() -> None:
    # Its own chunk of 10 MB would be a whole model: no news until all is here. Xet, by which it
    # moves large files in pieces, is not spoken by mirrors and servers of one's own; our files are
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
    whole = all((folder / name).is_file() for name in files if name not in OPTIONAL)
    whole = whole and (folder.name == revision or not COMMIT.fullmatch(revision))
    return Snapshot(repo_id, folder.name, folder) if whole else None


def pull(
    repo_id: str,
    revision: str | None,
    files: Sequence[str],
    load: Callable[[Path], Answer],
    *,
    anew: bool = False,
    within: float = SECONDS_TO_PULL,
    meanwhile: Callable[[], object] = lambda: None,
) -> Answer:
    """Download `files` of a repository, as far as it has them, and read them with `load`.

    They go into the local cache; progress goes to stderr. revision: a branch, a tag or a commit;
    None is the main branch. Where a full commit is asked for nothing else is taken. anew: download
    also what the cache already holds. within: seconds after which it is given up, though it goes on
    in the background for the next time; it is given up earlier where nothing arrives for 15
    seconds. meanwhile: what to do before waiting for it. Raises HubError.
    """
    _configure_client()
    transfer = Transfer(repo_id)

    def download() -> Snapshot:
        info = _with_retries(
            lambda: HfApi().model_info(
                repo_id, revision=revision, files_metadata=True, timeout=SECONDS_FOR_AN_ANSWER
            )
        )
        transfer.commit = _asked_for(repo_id, revision, info.sha)
        there = {file.rfilename: file for file in info.siblings or ()}
        _inspect(repo_id, there, files)
        # One after another in this thread: the interpreter would wait for the workers of a pool.
        # What may be missing comes first, so that a folder with all that must not be missing is
        # whole.
        for name in sorted(
            (name for name in files if name in there), key=lambda name: name not in OPTIONAL
        ):
            size = there[name].size
            transfer.most = (largest(name) if size is None else size) + SPARE

            # From here on all is of one commit, whatever is pushed meanwhile.
            def fetch(force: bool, name: str = name) -> str:
                return hf_hub_download(
                    repo_id,
                    name,
                    revision=info.sha,
                    force_download=force,
                    etag_timeout=SECONDS_FOR_AN_ANSWER,
                )

            path = _verified_download(repo_id, there[name], anew, fetch)
        _remember(path.parent, revision or constants.DEFAULT_REVISION)
        return Snapshot(repo_id, str(info.sha), path.parent)

    if offline():
        if not anew and (found := cached(repo_id, revision or constants.DEFAULT_REVISION, files)):
            return found.read(load)
        raise HubError(
            "offline",
            f"{repo_id} is not in the local cache, and HF_HUB_OFFLINE forbids to ask the Hub for "
            "it",
        )
    # What has come is read within the same time: the bound is one on the whole.
    return watched(
        lambda: said(repo_id, revision, download).read(load), transfer, within, meanwhile
    )


def require_writer(repo_id: str) -> None:
    """Raise HubError where a push cannot succeed.

    That is: no name of a repository, or no token that may write.
    """
    if not REPO_ID.fullmatch(repo_id):
        raise HubError("missing", f"a repository's name looks like user/name, not {repo_id!r}")
    _configure_client()
    if said(repo_id, None, get_token, writing=True) is None:
        raise HubError(
            "denied", "there is no token for the Hub; log in with `hf auth login`, or set HF_TOKEN"
        )
    # a Trusted Publisher's token is for one repository alone, and may write to it
    if os.environ.get("HF_OIDC_RESOURCE"):
        return
    role = said(
        repo_id,
        None,
        lambda: _with_retries(HfApi().whoami)["auth"]["accessToken"]["role"],
        writing=True,
    )
    if role == "read":
        raise HubError("denied", MAY_NOT_WRITE.format(repo_id=repo_id))


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
    api, before = HfApi(), []

    def commit() -> tuple[str | None, str]:
        info = api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER)
        if private and not info.private:
            raise HubError(
                "denied",
                f"{repo_id} is there already, and public; make it private on its page, or leave "
                "out --private",
            )
        before.append(info.sha)  # the first one counts where the work is repeated
        present = {file.rfilename for file in info.siblings or ()}
        stale = sorted(present - set(files) - {".gitattributes"})
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            CommitOperationAdd(name, folder / name) for name in files
        ]
        operations += [CommitOperationDelete(name) for name in stale]
        try:  # Named parent: what somebody else pushes in this moment is not overwritten unseen.
            return before[0], api.create_commit(
                repo_id, operations, commit_message=message, parent_commit=info.sha
            ).oid
        except HfHubHTTPError as error:
            # Where an answer is lost the client may send a commit again, and be told that there is
            # one since: its own.
            if error.response.status_code != 412 or not _holds(api, repo_id, folder, files):
                raise
            return before[0], str(api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER).sha)

    def require_free_tag(tag: str) -> None:
        try:
            taken = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}.get(
                tag
            )
        except RepositoryNotFoundError:
            return
        if taken and not (
            taken == api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER).sha
            and _holds(api, repo_id, folder, files)
        ):
            raise HubError(
                "moved",
                f"the tag {tag} of {repo_id} is on another commit, {taken[:7]}, and never moves; "
                "nothing was sent: choose another --tag",
            )

    def name_it(tag: str, commit_id: str) -> None:
        refs = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}
        if refs.get(tag, commit_id) != commit_id:  # since this began
            raise HubError(
                "moved",
                f"the tag {tag} of {repo_id} is on another commit, {refs[tag][:7]}; this one is "
                f"{commit_id}: choose another --tag",
            )
        api.create_tag(repo_id, tag=tag, revision=commit_id, exist_ok=True)

    def everything() -> tuple[str | None, str]:
        if tag:
            _with_retries(lambda: require_free_tag(tag))  # before anything is changed
        _with_retries(lambda: api.create_repo(repo_id, private=private or None, exist_ok=True))
        # again where an answer was lost: what has arrived then makes no second commit
        first, last = _with_retries(commit)
        if tag:
            _with_retries(lambda: name_it(tag, last))
        return first, last

    return said(repo_id, None, everything, writing=True)


def _holds(api: HfApi, repo_id: str, folder: Path, files: Sequence[str]) -> bool:
    """Whether the newest commit has exactly these files."""
    tree = [
        file for file in api.list_repo_tree(repo_id, recursive=True) if isinstance(file, RepoFile)
    ]
    tree = [file for file in tree if file.path != ".gitattributes"]
    return {file.path for file in tree} == set(files) and all(
        _same(folder / file.path, file) for file in tree
    )


def _same(path: Path, file: RepoFile | RepoSibling) -> bool:
    """Whether a file has the hash that the Hub announces: git's, or sha256 for large files."""
    content = path.read_bytes()
    if file.lfs:
        return file.lfs.sha256 == hashlib.sha256(content).hexdigest()
    return file.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _asked_for(repo_id: str, revision: str | None, commit: object) -> str:
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


def _remember(folder: Path, revision: str) -> None:
    """Note in the cache which commit a branch or tag named, for use without the Hub.

    The client would do so itself, but it was asked by the commit.
    """
    if BRANCH.fullmatch(revision) and ".." not in revision and not COMMIT.fullmatch(revision):
        ref = folder.parents[1] / "refs" / revision
        # of a cache that cannot be written: what is in it serves all the same
        with suppress(OSError):
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(folder.name, encoding="utf-8")


def _verified_download(
    repo_id: str, file: RepoSibling, anew: bool, download: Callable[[bool], str]
) -> Path:
    """The path of a downloaded file whose checksum is the one that the Hub announced.

    The client compares the number of bytes alone. anew: do not use what the cache holds; it is also
    downloaded again where its checksum differs.
    """
    name = f"{repo_id}/{file.rfilename}"
    for force in (True,) if anew else (False, True):
        try:
            path = Path(_with_retries(partial(download, force)))
        except OSError as error:
            if "should be of size" not in str(error):
                raise
        else:
            if _same(path, file):
                return path
    raise HubError(
        "refused",
        f"{name}: it did not arrive whole, or something else came in its place; check the "
        "connection and try again",
    )


def _inspect(repo_id: str, there: dict[str, RepoSibling], files: Sequence[str]) -> None:
    """Refuse, before anything is downloaded, what cannot be a weights folder."""
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in there]:
        pickles = [name for name in there if any(fnmatchcase(name, pattern) for pattern in PICKLES)]
        but = f"; {pickles[0]} is a pickle, which is never loaded" if pickles else ""
        raise HubError(
            "refused",
            f"{repo_id}/{missing[0]}: it is missing; this repository is no weights folder{but}",
        )
    for name in sorted(set(files) & set(there)):
        # The Hub announces one of every file. Without one anything could come under the commit's
        # name, and config.json is compared with nothing else. Nor is it taken for a branch: the
        # cache would hold it as the commit's.
        if not (there[name].lfs or there[name].blob_id):
            raise HubError(
                "refused",
                f"{repo_id}/{name}: no checksum of it was announced, so that anything could come "
                "in its place; let HF_ENDPOINT name the Hub, or a mirror that hands on its "
                "checksums",
            )
        size, most = there[name].size or 0, largest(name)
        if size > most:
            raise HubError(
                "refused", f"{repo_id}/{name}: it has {size:,} bytes; at most {most:,} are read"
            )


def _with_retries(ask: Callable[[], Answer]) -> Answer:
    """Retry while the Hub is busy or fails, as its Retry-After says, up to a limit.

    Own code, since tenacity would need as much for a wait that the answer names.
    """
    wait: str | None
    failed: Exception
    for attempt in range(1, ATTEMPTS):
        try:
            return ask()
        except BusyError as error:
            wait, failed = error.retry_after, error
        except HfHubHTTPError as error:
            wait, failed = error.response.headers.get("Retry-After"), error
            if not (error.response.status_code == 429 or error.response.status_code >= 500):
                raise
        except HTTPError as error:
            # The answer was lost on the way, or another thread, whose connection failed, closed the
            # client that all share. The client passes on only the base of its HTTP library's
            # errors.
            if type(error).__name__ not in ("RemoteProtocolError", "ReadError"):
                raise
            wait, failed = "1", error
        except RuntimeError as error:
            if "has been closed" not in str(error):
                raise
            wait, failed = "0", error
        wait = str(attempt) if wait is None else wait
        if not re.fullmatch("[0-9]{1,4}", wait) or int(wait) > SECONDS_TO_RETRY_AFTER:
            raise failed
        time.sleep(int(wait))
    return ask()
