"""A weights folder as a repository on the Hugging Face Hub: pull, push, and what can go wrong, in one sentence each.

Only this module knows the Hub's client. HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE are the client's own settings.
No pickle enters or leaves: only the files of a weights folder are ever asked for or sent.
"""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, constants, get_token, snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import get_session, tqdm

from vae.model import MAX_PARAMETERS
from vae.weights import CONFIG, WEIGHTS, WeightsError

COMMIT = re.compile(r"[0-9a-f]{40}")
REPO_ID = re.compile(r"[\w.-]+/[\w.-]+")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.joblib")
MAX_BYTES = 4 * MAX_PARAMETERS + 2**20  # of one file: float32 weights of the largest network, and their header
SECONDS_WITHOUT_NEWS = 30.0  # after which a download counts as dead
SECONDS_FOR_AN_ANSWER = 10.0
SECONDS_TO_PUSH = 60.0
SECONDS_TO_RETRY_AFTER = 20  # the longest that a busy Hub may ask for
ATTEMPTS = 3

Answer = TypeVar("Answer")


class HubError(WeightsError):
    """A repository cannot be used. kind: "offline", "unreachable", "busy", "denied", "missing", "moved" or "refused"."""

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


@dataclass(frozen=True)
class Snapshot:
    """Files of one commit in the local cache."""

    repo_id: str
    commit: str
    folder: Path

    def refusal(self, error: WeightsError) -> HubError:
        """What is wrong with its content, naming the file by the repository and not by the cache's folders."""
        return HubError("refused", str(error).replace(str(self.folder), f"{self.repo_id}@{self.commit[:7]}"))


def offline() -> bool:
    """Whether HF_HUB_OFFLINE forbids all requests."""
    return constants.is_offline_mode()


def page(repo_id: str, commit: str) -> str:
    """The address of a commit's files, for people."""
    return f"{constants.ENDPOINT}/{repo_id}/tree/{commit}"


def cached(repo_id: str, revision: str, files: Sequence[str]) -> Snapshot | None:
    """What the local cache holds of a revision, without any request; None where it is not there or not whole."""
    try:
        folder = Path(snapshot_download(repo_id, revision=revision, allow_patterns=list(files), local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return Snapshot(repo_id, folder.name, folder)


def pull(
    repo_id: str, revision: str | None, files: Sequence[str], *, anew: bool = False, within: float | None = None
) -> Snapshot:
    """Download `files` of a repository, as far as it has them, into the local cache; progress goes to stderr.

    revision: a branch, a tag or a commit; None is the main branch. anew: also what the cache already holds. within: seconds
    after which it is given up, though it goes on in the background for the next time. Raises HubError.
    """
    news = [time.monotonic()]  # when something last arrived

    class Watched(tqdm):
        def update(self, n: float | None = 1) -> bool | None:
            news[0] = time.monotonic()
            return super().update(n)

    def download() -> Snapshot:
        info = _persistently(lambda: HfApi().model_info(
            repo_id, revision=revision, files_metadata=True, timeout=SECONDS_FOR_AN_ANSWER))
        news[0] = time.monotonic()
        sizes = {file.rfilename: file.size for file in info.siblings or ()}
        _inspect(repo_id, sizes, files)
        try:  # From here on all is of one commit, whatever is pushed meanwhile.
            folder = _persistently(lambda: snapshot_download(
                repo_id, revision=info.sha, allow_patterns=list(files), force_download=anew, tqdm_class=Watched,
                etag_timeout=SECONDS_FOR_AN_ANSWER))
        except OSError as error:  # the client says how long the file should be, and not which it is
            if named := [name for name in files if f"should be of size {sizes.get(name)} " in str(error)]:
                raise HubError("refused", f"{repo_id}/{named[0]}: it did not arrive whole, or something else came in its "
                                          "place; check the connection and try again") from error
            raise
        return Snapshot(repo_id, info.sha, Path(folder))

    if offline():
        if not anew and (found := cached(repo_id, revision or constants.DEFAULT_REVISION, files)):
            return found
        raise HubError("offline", f"{repo_id} is not in the local cache, and HF_HUB_OFFLINE forbids to ask the Hub for it")
    return _watched(lambda: _said(repo_id, revision, download), news, repo_id, within)


def require_token() -> None:
    """Raise HubError where there is no token to write with."""
    if get_token() is None:
        raise HubError("denied", "there is no token for the Hub; log in with `hf auth login`, or set HF_TOKEN")


def push(
    folder: Path, repo_id: str, files: Sequence[str], *, private: bool, tag: str | None, message: str
) -> tuple[str | None, str]:
    """Make a repository hold exactly `files` of a folder, in one commit; the full ids of the commit before and of this one.

    Creates the repository where it is missing; where nothing differs there is no new commit. What else lies there is deleted,
    except .gitattributes, which is the Hub's own. Progress goes to stderr. Raises HubError.
    """
    require_token()
    get_session().timeout = SECONDS_TO_PUSH  # of one answer; the client itself would wait for ever
    api = HfApi()

    def commit() -> tuple[str | None, str]:
        info = api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER)
        present = {file.rfilename for file in info.siblings or ()}
        stale = sorted(present - set(files) - {".gitattributes"})
        operations = [CommitOperationAdd(name, folder / name) for name in files]
        operations += [CommitOperationDelete(name) for name in stale]
        try:  # Named parent: what somebody else pushes in this moment is not overwritten unseen.
            return info.sha, api.create_commit(repo_id, operations, commit_message=message, parent_commit=info.sha).oid
        except HfHubHTTPError as error:
            # Where an answer is lost the client may send a commit again, and be told that there is one since: its own.
            if error.response.status_code != 412 or not _holds(api, repo_id, folder, files):
                raise
            return info.sha, api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER).sha

    def name_it(commit_id: str) -> None:
        refs = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}
        if refs.get(tag, commit_id) != commit_id:
            raise HubError("moved", f"the tag {tag} of {repo_id} is on another commit, {refs[tag][:7]}; this one is "
                                    f"{commit_id}: choose another --tag")
        api.create_tag(repo_id, tag=tag, revision=commit_id, exist_ok=True)

    def everything() -> tuple[str | None, str]:
        _persistently(lambda: api.create_repo(repo_id, private=private or None, exist_ok=True))
        before, after = _persistently(commit)  # again where an answer was lost: what has arrived then makes no second commit
        if tag:
            _persistently(lambda: name_it(after))
        return before, after

    return _said(repo_id, None, everything, writing=True)


def _holds(api: HfApi, repo_id: str, folder: Path, files: Sequence[str]) -> bool:
    """Whether the newest commit has exactly these files, by the hashes that the Hub keeps: git's, or sha256 of large files."""
    def same(file: RepoFile) -> bool:
        content = (folder / file.path).read_bytes()
        if file.lfs:
            return file.lfs.sha256 == hashlib.sha256(content).hexdigest()
        return file.blob_id == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()

    tree = [file for file in api.list_repo_tree(repo_id, recursive=True) if isinstance(file, RepoFile)]
    tree = [file for file in tree if file.path != ".gitattributes"]
    return {file.path for file in tree} == set(files) and all(map(same, tree))


def _inspect(repo_id: str, sizes: dict[str, int | None], files: Sequence[str]) -> None:
    """Refuse, before anything is downloaded, what cannot be a weights folder."""
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in sizes]:
        pickles = [name for name in sizes if any(fnmatchcase(name, pattern) for pattern in PICKLES)]
        but = f"; {pickles[0]} is a pickle, which is never loaded" if pickles else ""
        raise HubError("refused", f"{repo_id}/{missing[0]}: it is missing; this repository is no weights folder{but}")
    for name in set(files) & set(sizes):
        if (sizes[name] or 0) > MAX_BYTES:
            raise HubError("refused", f"{repo_id}/{name}: it has {sizes[name]:,} bytes; at most {MAX_BYTES:,} are read")


def _persistently(ask: Callable[[], Answer]) -> Answer:
    """Ask again where the Hub is busy or stumbles, as long as it wants to be waited for, within reason."""
    for attempt in range(1, ATTEMPTS):
        try:
            return ask()
        except HfHubHTTPError as error:
            status, wait = error.response.status_code, error.response.headers.get("Retry-After", str(attempt))
            if not (status == 429 or status >= 500) or not wait.isdigit() or int(wait) > SECONDS_TO_RETRY_AFTER:
                raise
        except HTTPError as error:
            # The answer was lost on the way. The client passes on only the base of its HTTP library's errors.
            if type(error).__name__ != "RemoteProtocolError":
                raise
            wait = "1"
        except RuntimeError as error:
            # Another thread, whose connection failed, has closed the client that all threads share; there is a new one now.
            if "has been closed" not in str(error):
                raise
            wait = "0"
        time.sleep(int(wait))
    return ask()


def _watched(work: Callable[[], Answer], news: list[float], repo_id: str, within: float | None) -> Answer:
    """Run work in a thread and stop waiting when nothing has arrived for long: some of the client's requests wait for ever."""
    outcome: list[Answer | BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    started = time.monotonic()
    thread = threading.Thread(target=run, daemon=True, name=f"pull {repo_id}")
    thread.start()
    while thread.is_alive():
        thread.join(0.05)
        now = time.monotonic()
        if within is not None and now - started > within:
            raise HubError("unreachable", f"{repo_id} has not come from the Hub within {within:.0f} seconds")
        if now - news[0] > SECONDS_WITHOUT_NEWS:
            raise HubError("unreachable", f"nothing of {repo_id} has come from the Hub for {SECONDS_WITHOUT_NEWS:.0f} seconds; "
                                          "check the connection and try again")
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _said(repo_id: str, revision: str | None, work: Callable[[], Answer], *, writing: bool = False) -> Answer:
    """work(), with the client's many errors as HubErrors of one sentence."""
    try:
        return work()
    except HubError:
        raise
    except HFValidationError as error:
        raise HubError("missing", f"{repo_id!r} is no name of a repository; one looks like user/name") from error
    except RevisionNotFoundError as error:
        raise HubError("missing", f"{repo_id} has no revision {revision}; give a branch, a tag or a full commit id") from error
    except RepositoryNotFoundError as error:
        raise HubError("missing", f"there is no repository {repo_id} on the Hub that you may read; check the name, or log in "
                                  "with `hf auth login`") from error
    except HfHubHTTPError as error:
        raise _refusal_of_the_hub(repo_id, error, writing) from error
    except OfflineModeIsEnabled as error:
        raise HubError("offline", "HF_HUB_OFFLINE forbids to ask the Hub; unset it and try again") from error
    except (HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise HubError("unreachable", f"the Hub at {constants.ENDPOINT} does not answer ({_reason(error)}); check the "
                                      "connection and try again") from error
    except (OSError, RuntimeError, ValueError) as error:
        raise HubError("unreachable", f"{repo_id}: the transfer failed ({_reason(error)}); try again") from error


def _refusal_of_the_hub(repo_id: str, error: HfHubHTTPError, writing: bool) -> HubError:
    status = error.response.status_code
    if status == 401:
        return HubError("denied", f"the Hub does not know this token ({repo_id}); log in anew with `hf auth login`")
    if status == 403 and not writing:
        return HubError("denied", f"this token may not read {repo_id}; ask its owner, or log in with `hf auth login`")
    if status == 403:
        return HubError("denied", f"this token may not write to {repo_id}: the name is somebody else's, or the token only "
                                  "reads; choose a name of your own, or a token with the right to write and `hf auth login`")
    if status in (409, 412):
        return HubError("moved", f"somebody else changed {repo_id} at this moment; look at it and publish again")
    if status == 429:
        return HubError("busy", f"the Hub has had too many requests ({repo_id}); try again in some minutes")
    return HubError("busy", f"the Hub answers {status} for {repo_id}; try again later")


def _reason(error: BaseException) -> str:
    """The first line of what an error, or the one behind it, says."""
    cause = error.__cause__ or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
