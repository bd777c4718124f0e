"""Where models come from: a folder, a bundled name in weights/, or the Hugging Face Hub."""

import functools
import os
import re
import time
import tomllib
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from vae.hub import files
from vae.hub.folder import (
    CONFIG,
    LOADED,
    WEIGHTS,
    Folder,
    Reference,
    WeightsError,
    load_folder,
    load_model,
)
from vae.model import VAE

_PACKAGE = Path(__file__).resolve().parents[1]
# In a checkout the models lie beside the package; pyproject.toml installs them inside it.
_INSTALLED, _CHECKOUT = _PACKAGE / "weights", _PACKAGE.parent / "weights"
BUNDLE = _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
SOURCES = "sources.toml"
MAX_SOURCES = 2**20  # bytes
VARIABLE_PREFIX = "VAE_LAB_SOURCE_"
# at most, for downloading and checking, before the bundled weights are used
SECONDS_TO_WAIT = 5.0
SECONDS_TO_NOTICE = 0.2  # of them, for noticing the end of the time
SECONDS_TO_REMEMBER = 60.0  # the failure of a model that is only on the Hub


@dataclass(frozen=True)
class PinnedCommit:
    """One commit of a repository on the Hub.

    The full id of 40 hexadecimal digits, so that it can never change.
    """

    repo_id: str
    commit: str

    @property
    def address(self) -> str:
        """The URL of this commit, for people."""
        from vae.hub import repository

        return repository.page(self.repo_id, self.commit)


@dataclass(frozen=True)
class Resolved(Folder):
    """A checked weights folder, its name, and where it came from.

    source: "hub", "cache" (a copy of the Hub's that was already here) or "bundled". pinned_commit:
    the one that the settings name, None where none is set. problem, reason: why the bundled weights
    serve although one is set, as a word ("offline", "unreachable", "busy", "denied", "missing",
    "cache", "refused", "settings") and as a sentence.
    """

    name: str
    source: str
    pinned_commit: PinnedCommit | None = None
    problem: str = ""
    reason: str = ""


@dataclass(frozen=True)
class WithReference(Resolved):
    """A resolved model whose folder surely has reference pictures, which `Resolved` may lack."""

    reference: Reference


def bundled() -> tuple[str, ...]:
    """Names of the folders in weights/, whole or broken, in alphabetical order."""
    return (
        tuple(sorted(path.name for path in BUNDLE.iterdir() if path.is_dir()))
        if BUNDLE.is_dir()
        else ()
    )


def names() -> tuple[str, ...]:
    """Names that `resolve` knows: the bundled ones, and those in weights/sources.toml.

    The latter come from the Hub alone.
    """
    try:
        listed = {name for name, entry in _table().items() if entry.get("repo_id")}
    except WeightsError:  # resolve reports it, for each model
        listed = set()
    return tuple(sorted({*bundled(), *listed}))


def load(name: str | Path, *, revision: str | None = None) -> VAE:
    """Load the model of a folder, of a bundled name, or of the repository "user/name" on the Hub.

    They are looked for in this order; never is another taken than the one asked for. revision:
    branch, tag or commit of the repository; None is its main branch. A download shows its progress
    on stderr and is made once: a full commit in the local cache is used without any request. It is
    given up where nothing arrives for 15 seconds, and after 5 minutes in all; if the Hub does not
    answer or is busy, the copy in the local cache that the branch or tag last named is used, with a
    warning. Where a full commit is asked for, no other is taken. The model is ready to use on the
    CPU, in float32, without gradients.

    Raises WeightsError: which file is wrong, or which names there are; and its subclass HubError,
    where the Hub is the problem.
    """
    folder = Path(name)
    if revision is None and folder.is_dir():
        return load_model(folder)
    if revision is None and str(name) in bundled():
        return load_model(BUNDLE / str(name))
    from vae.hub import repository  # the Hub's client is loaded only where it is needed

    if not repository.REPO_ID.fullmatch(str(name)):
        raise WeightsError(
            _unknown(name)
            if revision is None
            else (
                f"{str(name)!r} has no revisions; they belong to a repository on the Hub, named "
                "like user/name"
            )
        )
    return _load_from_hub(str(name), revision)


def source(name: str) -> PinnedCommit | None:
    """Which commit of which repository a model comes from; None means the bundled weights.

    Set by VAE_LAB_SOURCE_NAME=user/name@commit or by weights/sources.toml. Raises WeightsError,
    naming the variable or the file, where that is no full commit of a repository.
    """
    variable = VARIABLE_PREFIX + re.sub(r"\W", "_", name.upper().replace("-", "_"))
    setting, text = variable, os.environ.get(variable)
    if text is None:
        setting, entry = f"{BUNDLE / SOURCES}: {name}", _table().get(name, {})
        text = f"{entry.get('repo_id', '')}@{entry.get('commit', '')}"
    if text in ("", "@"):
        return None
    from vae.hub import repository

    repo_id, _, commit = text.partition("@")
    if not (repository.REPO_ID.fullmatch(repo_id) and repository.COMMIT.fullmatch(commit)):
        raise WeightsError(
            f"{setting}: it must name a repository, user/name, and a full commit of 40 digits, not "
            f"{text!r}"
        )
    return PinnedCommit(repo_id, commit)


def resolve(name: str) -> Resolved:
    """The weights folder that the app uses: chosen once per process and never exchanged.

    The local cache at the pinned commit (no request), then the Hub, then the bundled folder, which
    serves after 5 seconds at most where the Hub does not. `source` says which it is, `reason` why.
    Raises WeightsError where none can be used.
    """
    if name not in _resolved:
        with _locks_guard:
            lock = _locks.setdefault(name, Lock())
        # A class that opens the link at the same moment loads a model once, and other models do
        # not wait for this one.
        with lock:
            if name not in _resolved:
                _resolved[name] = _choose(name)
    return _resolved[name]


def is_loaded(name: str) -> bool:
    """Whether `resolve` has its answer in memory."""
    return name in _resolved


def forget() -> None:
    """Clear the memory of `resolve`, so that the next call looks anew."""
    _resolved.clear()
    _failures.clear()
    _no_answer.clear()


_locks_guard = Lock()
_locks: dict[str, Lock] = {}
_resolved: dict[str, Resolved] = {}
# of models that are only on the Hub: when, and why
_failures: dict[str, tuple[float, WeightsError]] = {}
# the first model's error where the Hub did not answer: no further model waits for it
_no_answer: list[WeightsError] = []


def _load_from_hub(repo_id: str, revision: str | None) -> VAE:
    """The cached copy of a full commit, else the Hub's answer, else the branch's last cached copy.

    Raises HubError.
    """
    from vae.hub import repository

    needed, damaged = (CONFIG, WEIGHTS), None
    if revision and repository.COMMIT.fullmatch(revision.lower()):
        revision = revision.lower()
        if snapshot := repository.cached(repo_id, revision, needed):
            try:
                return snapshot.read(load_model)
            except repository.HubError as error:
                if repository.offline():
                    raise
                damaged = error
    try:
        return repository.pull(repo_id, revision, needed, load_model, force=damaged is not None)
    except repository.HubError as error:
        snapshot = None if damaged else repository.cached(repo_id, revision or "main", needed)
        if error.kind not in ("unreachable", "busy") or snapshot is None:
            raise
        model = snapshot.read(load_model)
        warnings.warn(
            f"{error}; the copy of commit {snapshot.commit[:7]} in the local cache is used",
            stacklevel=3,
        )
        return model


def _choose(name: str) -> Resolved:
    when, failure = _failures.get(name, (0.0, None))
    # so that a whole class does not wait for the same failure, one after another
    if failure and time.monotonic() - when < SECONDS_TO_REMEMBER:
        raise failure
    start, pinned_commit, problem = time.monotonic(), None, None
    bundle = functools.cache(lambda: load_folder(BUNDLE / name))
    try:
        if pinned_commit := source(name):
            return _resolve_from_hub(
                name, pinned_commit, start, bundle if name in bundled() else None
            )
    except WeightsError as error:
        problem = error
    if name not in bundled():
        if pinned_commit and problem:
            _failures[name] = time.monotonic(), problem
        raise problem or WeightsError(_unknown(name))
    return Resolved(
        **vars(bundle()),
        name=name,
        source="bundled",
        pinned_commit=pinned_commit,
        problem=getattr(problem, "kind", "settings") if problem else "",
        reason=str(problem or ""),
    )


def _resolve_from_hub(
    name: str, pinned_commit: PinnedCommit, start: float, bundle: Callable[[], Folder] | None
) -> Resolved:
    """The cached copy of this commit, else the Hub's, checked as a whole.

    start: when the caller began, seconds of time.monotonic. Raises HubError, within 5 seconds
    after it. bundle: loads the bundled folder; it is called while the Hub is asked, so that the
    folder is ready when the time is over.
    """
    from vae.hub import repository

    damaged = None
    if snapshot := repository.cached(pinned_commit.repo_id, pinned_commit.commit, LOADED):
        try:
            return Resolved(
                **vars(snapshot.read(load_folder)),
                name=name,
                source="cache",
                pinned_commit=pinned_commit,
            )
        except repository.HubError as error:
            damaged = error
    if _no_answer or (damaged and repository.offline()):
        raise damaged or _no_answer[0]

    def load_bundle() -> None:
        with suppress(WeightsError):  # raised again where the bundle is needed
            if bundle:
                bundle()

    remaining_seconds = SECONDS_TO_WAIT - SECONDS_TO_NOTICE - (time.monotonic() - start)
    try:
        folder = repository.pull(
            pinned_commit.repo_id,
            pinned_commit.commit,
            LOADED,
            load_folder,
            force=damaged is not None,
            timeout=max(0.0, remaining_seconds),
            while_waiting=load_bundle,
        )
    except repository.HubError as error:
        if error.kind == "unreachable":
            _no_answer.append(error)
        raise
    return Resolved(**vars(folder), name=name, source="hub", pinned_commit=pinned_commit)


def _table() -> dict[str, dict[str, str]]:
    """The content of weights/sources.toml, empty where there is none.

    Raises WeightsError.
    """
    try:
        table = tomllib.loads(files.read_bounded(BUNDLE / SOURCES, MAX_SOURCES).decode())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"{BUNDLE / SOURCES}: {error}") from error
    for name, entry in table.items():
        if not isinstance(entry, dict) or not all(
            isinstance(value, str) for value in entry.values()
        ):
            raise WeightsError(
                f"{BUNDLE / SOURCES}: {name} must be a table with repo_id and commit"
            )
    return table


def _unknown(name: str | Path) -> str:
    known = ", ".join(bundled()) or "none in this installation"
    return (
        f"there is no folder and no bundled model named {str(name)!r}; a repository on the Hub is "
        f"named like user/name; bundled models: {known}"
    )
