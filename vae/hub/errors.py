"""Errors of a repository on the Hub, one sentence each.

The client raises errors of many kinds and libraries; `hub_errors` turns them into HubErrors, which
say what would help.
"""

import contextlib
from collections.abc import Iterator

from huggingface_hub import constants
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

from vae.hub.folder import WeightsError

WRITE_DENIED = (
    "this token may not write to {repo_id}: the name is somebody else's, or the token only reads; "
    "choose a name of your own, or a token with the right to write and `hf auth login`"
)


class HubError(WeightsError):
    """A repository cannot be used.

    kind: "offline", "unreachable", "busy", "denied", "missing", "moved", "cache" or "refused".
    """

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind


class BusyError(HubError):
    """The Hub is overloaded or limits the rate of requests.

    retry_after: the value of its header Retry-After.
    """

    def __init__(self, repo_id: str, status: int, retry_after: str | None = None) -> None:
        super().__init__(
            "busy",
            f"the Hub has had too many requests ({repo_id}); try again in some minutes"
            if status == 429
            else f"the Hub answers {status} for {repo_id}; try again later",
        )
        self.retry_after = retry_after


@contextlib.contextmanager
def hub_errors(
    repo_id: str, revision: str | None = None, *, writing: bool = False
) -> Iterator[None]:
    """A context in which every error of the Hub's client is raised as a HubError of one sentence.

    writing: whether the token needs the right to write, which the sentence then says.
    """
    try:
        yield
    except HubError:
        raise
    except HFValidationError as error:
        raise HubError(
            "missing", f"{repo_id!r} is no name of a repository; one looks like user/name"
        ) from error
    except RevisionNotFoundError as error:
        raise HubError(
            "missing",
            f"{repo_id} has no revision {revision}; give a branch, a tag or a full commit id",
        ) from error
    except RepositoryNotFoundError as error:
        raise HubError(
            "missing",
            f"there is no repository {repo_id} that you may read; check the name, or log in",
        ) from error
    except OIDCError as error:  # no identity to exchange for a token (Trusted Publisher)
        raise HubError("denied", _first_line(error)) from error
    except HfHubHTTPError as error:
        raise _refusal_of_the_hub(repo_id, error, writing) from error
    except OfflineModeIsEnabled as error:
        raise HubError(
            "offline", "HF_HUB_OFFLINE forbids to ask the Hub; unset it and try again"
        ) from error
    except (HTTPError, LocalEntryNotFoundError, ConnectionError, TimeoutError) as error:
        raise HubError(
            "unreachable",
            f"the Hub at {constants.ENDPOINT} does not answer ({_first_line(error)}); check the "
            "connection and try again",
        ) from error
    # The client raises errors of any kind: for an unexpected answer, a proxy, an unusable address.
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            raise HubError(
                "cache",
                f"the local cache cannot be written ({error.strerror}); let HF_HOME name a folder "
                "with room that can",
            ) from error
        raise HubError(
            "unreachable", f"{repo_id}: the transfer failed ({_first_line(error)}); try again"
        ) from error


def _refusal_of_the_hub(repo_id: str, error: HfHubHTTPError, writing: bool) -> HubError:
    status = error.response.status_code
    if status == 401:
        return HubError(
            "denied",
            f"the Hub does not know this token ({repo_id}); log in anew with `hf auth login`",
        )
    if status == 403 and not writing:
        return HubError(
            "denied",
            f"this token may not read {repo_id}; ask its owner, or log in with `hf auth login`",
        )
    if status == 403:
        return HubError("denied", WRITE_DENIED.format(repo_id=repo_id))
    if status in (409, 412):
        return HubError(
            "moved", f"somebody else changed {repo_id} at this moment; look at it and publish again"
        )
    if status == 404:
        return HubError(
            "missing",
            f"{constants.ENDPOINT} knows nothing of {repo_id}; check the name, and HF_ENDPOINT",
        )
    if status in (400, 413):
        return HubError("refused", f"the Hub does not take this ({repo_id}, status {status})")
    return BusyError(repo_id, status)


def _first_line(error: BaseException) -> str:
    """The first line of the message of an error, or of its cause."""
    cause = error.__cause__ or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]
