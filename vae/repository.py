"""A weights folder as a repository on the Hugging Face Hub: pull, push, and what can go wrong, in one sentence each.

Only this module knows the Hub's client. HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE are the client's own settings.
No pickle enters or leaves: only the files of a weights folder are ever asked for or sent.
"""

import hashlib
import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
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
    OfflineModeIsEnabled,
    OIDCError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile, RepoSibling
from huggingface_hub.utils import tqdm
from huggingface_hub.utils._http import default_client_factory

from vae.weights import CONFIG, OPTIONAL, WEIGHTS, WeightsError, largest

COMMIT = re.compile(r"[0-9a-f]{40}")
REPO_ID = re.compile(r"[\w.-]+/[\w.-]+")
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.pickle", "*.joblib")
SECONDS_WITHOUT_NEWS = 30.0  # after which a download counts as dead
SECONDS_FOR_AN_ANSWER = 10.0
SECONDS_TO_PUSH = 60.0
SECONDS_TO_RETRY_AFTER = 20  # the longest that a busy Hub may ask for
ATTEMPTS = 3
MAY_NOT_WRITE = ("this token may not write to {repo_id}: the name is somebody else's, or the token only reads; choose a name "
                 "of your own, or a token with the right to write and `hf auth login`")

# Of the client, for the whole process. Its own chunk of 10 MB would be a whole model: no news until all is here. Xet, by which
# it moves large files in pieces, is not spoken by mirrors and servers of one's own; our files are small and go by plain HTTP.
constants.DOWNLOAD_CHUNK_SIZE = 2**16
constants.HF_HUB_DISABLE_XET = True

Answer = TypeVar("Answer")


class HubError(WeightsError):
    """A repository cannot be used. kind: "offline", "unreachable", "busy", "denied", "missing", "moved", "cache" or
    "refused"."""

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
        named = str(error).replace(f"{self.folder}{os.sep}", f"{self.repo_id}@{self.commit[:7]}/")
        return HubError("refused", named.replace(str(self.folder), f"{self.repo_id}@{self.commit[:7]}"))


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
    whole = all((folder / name).is_file() for name in files if name not in OPTIONAL)
    return Snapshot(repo_id, folder.name, folder) if whole else None


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
        there = {file.rfilename: file for file in info.siblings or ()}
        _inspect(repo_id, there, files)
        # One after another in this thread: the interpreter would wait for the workers of a pool. What may be missing comes
        # first, so that a folder with all that must not be missing is whole.
        for name in sorted((name for name in files if name in there), key=lambda name: name not in OPTIONAL):
            # From here on all is of one commit, whatever is pushed meanwhile.
            path = _arrived(repo_id, there[name], lambda name=name: hf_hub_download(
                repo_id, name, revision=info.sha, force_download=anew, etag_timeout=SECONDS_FOR_AN_ANSWER, tqdm_class=Watched))
            news[0] = time.monotonic()
        return Snapshot(repo_id, info.sha, path.parent)

    if offline():
        if not anew and (found := cached(repo_id, revision or constants.DEFAULT_REVISION, files)):
            return found
        raise HubError("offline", f"{repo_id} is not in the local cache, and HF_HUB_OFFLINE forbids to ask the Hub for it")
    return _watched(lambda: _said(repo_id, revision, download), news, repo_id, within)


def require_writer(repo_id: str) -> None:
    """Raise HubError where a push cannot succeed: no name of a repository, or no token that may write."""
    if not REPO_ID.fullmatch(repo_id):
        raise HubError("missing", f"a repository's name looks like user/name, not {repo_id!r}")
    if _said(repo_id, None, get_token, writing=True) is None:
        raise HubError("denied", "there is no token for the Hub; log in with `hf auth login`, or set HF_TOKEN")
    set_client_factory(_impatient_client)
    if os.environ.get("HF_OIDC_RESOURCE"):  # a Trusted Publisher's token is for one repository alone, and may write to it
        return
    role = _said(repo_id, None, lambda: _persistently(HfApi().whoami)["auth"]["accessToken"]["role"], writing=True)
    if role == "read":
        raise HubError("denied", MAY_NOT_WRITE.format(repo_id=repo_id))


def push(
    folder: Path, repo_id: str, files: Sequence[str], *, private: bool, tag: str | None, message: str
) -> tuple[str | None, str]:
    """Make a repository hold exactly `files` of a folder, in one commit; the full ids of the commit before and of this one.

    Creates the repository where it is missing; where nothing differs there is no new commit. What else lies there is deleted,
    except .gitattributes, which is the Hub's own. Progress goes to stderr. Raises HubError.
    """
    require_writer(repo_id)  # which also makes the client give up on an answer that never comes
    api, before = HfApi(), []

    def commit() -> tuple[str | None, str]:
        info = api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER)
        if private and not info.private:
            raise HubError("denied", f"{repo_id} is there already, and public; make it private on its page, or leave out "
                                     "--private")
        before.append(info.sha)  # the first one counts, where this is done again
        present = {file.rfilename for file in info.siblings or ()}
        stale = sorted(present - set(files) - {".gitattributes"})
        operations = [CommitOperationAdd(name, folder / name) for name in files]
        operations += [CommitOperationDelete(name) for name in stale]
        try:  # Named parent: what somebody else pushes in this moment is not overwritten unseen.
            return before[0], api.create_commit(repo_id, operations, commit_message=message, parent_commit=info.sha).oid
        except HfHubHTTPError as error:
            # Where an answer is lost the client may send a commit again, and be told that there is one since: its own.
            if error.response.status_code != 412 or not _holds(api, repo_id, folder, files):
                raise
            return before[0], api.model_info(repo_id, timeout=SECONDS_FOR_AN_ANSWER).sha

    def name_it(commit_id: str) -> None:
        refs = {ref.name: ref.target_commit for ref in api.list_repo_refs(repo_id).tags}
        if refs.get(tag, commit_id) != commit_id:
            raise HubError("moved", f"the tag {tag} of {repo_id} is on another commit, {refs[tag][:7]}; this one is "
                                    f"{commit_id}: choose another --tag")
        api.create_tag(repo_id, tag=tag, revision=commit_id, exist_ok=True)

    def everything() -> tuple[str | None, str]:
        _persistently(lambda: api.create_repo(repo_id, private=private or None, exist_ok=True))
        first, last = _persistently(commit)  # again where an answer was lost: what has arrived then makes no second commit
        if tag:
            _persistently(lambda: name_it(last))
        return first, last

    return _said(repo_id, None, everything, writing=True)


def _impatient_client() -> object:
    """The client itself waits for ever for an answer, and makes a new one of its own after a failed connection."""
    client = default_client_factory()
    client.timeout = SECONDS_TO_PUSH
    return client


def _holds(api: HfApi, repo_id: str, folder: Path, files: Sequence[str]) -> bool:
    """Whether the newest commit has exactly these files."""
    tree = [file for file in api.list_repo_tree(repo_id, recursive=True) if isinstance(file, RepoFile)]
    tree = [file for file in tree if file.path != ".gitattributes"]
    return {file.path for file in tree} == set(files) and all(_same(folder / file.path, file) for file in tree)


def _same(path: Path, file: RepoFile | RepoSibling) -> bool:
    """Whether a file has the hash that the Hub keeps of it: git's, or sha256 of large files. None is kept by some mirrors."""
    content = path.read_bytes()
    if file.lfs:
        return file.lfs.sha256 == hashlib.sha256(content).hexdigest()
    return file.blob_id in (None, hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())


def _arrived(repo_id: str, file: RepoSibling, download: Callable[[], str]) -> Path:
    """The path of a downloaded file whose bytes are those that the Hub announced; the client looks at their number alone."""
    path, name = None, f"{repo_id}/{file.rfilename}"
    try:
        path = Path(_persistently(download))
    except OSError as error:
        if "should be of size" not in str(error):
            raise
    if path is None or not _same(path, file):
        raise HubError("refused", f"{name}: it did not arrive whole, or something else came in its place; check the connection "
                                  "and try again")
    return path


def _inspect(repo_id: str, there: dict[str, RepoSibling], files: Sequence[str]) -> None:
    """Refuse, before anything is downloaded, what cannot be a weights folder."""
    if missing := [name for name in (CONFIG, WEIGHTS) if name not in there]:
        pickles = [name for name in there if any(fnmatchcase(name, pattern) for pattern in PICKLES)]
        but = f"; {pickles[0]} is a pickle, which is never loaded" if pickles else ""
        raise HubError("refused", f"{repo_id}/{missing[0]}: it is missing; this repository is no weights folder{but}")
    for name in set(files) & set(there):
        size, most = there[name].size or 0, largest(name)
        if size > most:
            raise HubError("refused", f"{repo_id}/{name}: it has {size:,} bytes; at most {most:,} are read")


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
            # The answer was lost on the way, or another thread, whose connection failed, closed the client that all share.
            # The client passes on only the base of its HTTP library's errors.
            if type(error).__name__ not in ("RemoteProtocolError", "ReadError"):
                raise
            wait = "1"
        except RuntimeError as error:
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
        raise HubError("missing", f"there is no repository {repo_id} that you may read; check the name, or log in") from error
    except OIDCError as error:  # nobody who could vouch for this process
        raise HubError("denied", _reason(error)) from error
    except HfHubHTTPError as error:
        raise _refusal_of_the_hub(repo_id, error, writing) from error
    except OfflineModeIsEnabled as error:
        raise HubError("offline", "HF_HUB_OFFLINE forbids to ask the Hub; unset it and try again") from error
    except (HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise HubError("unreachable", f"the Hub at {constants.ENDPOINT} does not answer ({_reason(error)}); check the "
                                      "connection and try again") from error
    except Exception as error:  # an answer of another kind, a proxy or an address that the client can't use: it raises anything
        if isinstance(error, OSError) and error.filename:
            raise HubError("cache", f"the local cache cannot be written ({error.strerror}); let HF_HOME name a folder with "
                                    "room that can") from error
        raise HubError("unreachable", f"{repo_id}: the transfer failed ({_reason(error)}); try again") from error


def _refusal_of_the_hub(repo_id: str, error: HfHubHTTPError, writing: bool) -> HubError:
    status = error.response.status_code
    if status == 401:
        return HubError("denied", f"the Hub does not know this token ({repo_id}); log in anew with `hf auth login`")
    if status == 403 and not writing:
        return HubError("denied", f"this token may not read {repo_id}; ask its owner, or log in with `hf auth login`")
    if status == 403:
        return HubError("denied", MAY_NOT_WRITE.format(repo_id=repo_id))
    if status in (409, 412):
        return HubError("moved", f"somebody else changed {repo_id} at this moment; look at it and publish again")
    if status == 404:
        return HubError("missing", f"{constants.ENDPOINT} knows nothing of {repo_id}; check the name, and HF_ENDPOINT")
    if status in (400, 413):
        return HubError("refused", f"the Hub does not take this ({repo_id}, status {status})")
    if status == 429:
        return HubError("busy", f"the Hub has had too many requests ({repo_id}); try again in some minutes")
    return HubError("busy", f"the Hub answers {status} for {repo_id}; try again later")


def _reason(error: BaseException) -> str:
    """The first line of what an error, or the one behind it, says."""
    cause = error.__cause__ or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
