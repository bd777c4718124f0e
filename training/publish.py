"""Push a weights folder to the Hugging Face Hub.

    python -m training.publish weights/mnist --repo-id user/vae-mnist

The repository then holds exactly the files of the folder, in one commit; publishing the same folder
again makes none. Only its card differs: it names the repository. The folder itself is never
changed. Prints the commit's full id and what to put into weights/sources.toml, so that the app
takes the model from there. Needs a token with the right to write: `hf auth login`, or HF_TOKEN.
With --dry-run nothing is asked of the Hub.
"""

if __name__ == "__main__":
    from training import interruption

    interruption.exit_on_interrupt()  # before the imports below, which take seconds

import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from training import card
from training.interruption import EXIT_CODE, run_command
from vae.hub import repository
from vae.hub.folder import CARD, TRAINING, WeightsError, file_names, load_folder
from vae.hub.repository import HubError
from vae.hub.sources import BUNDLE


@dataclass(frozen=True)
class Arguments:
    """Push a measured weights folder to a repository on the Hub.

    The folder stays as it is; the card that is pushed names the repository.
    """

    folder: Annotated[Path, tyro.conf.Positional]
    """Weights folder, e.g. weights/mnist."""
    repo_id: str
    """Repository on the Hub, user/name; created if it is missing."""
    private: bool = False
    """Create it for oneself alone. A repository that is there stays as it is."""
    tag: str | None = None
    """Name this commit, e.g. v1. A name that another commit has is refused before anything is sent.
    """
    dry_run: bool = False
    """List what would go, and send nothing."""


def main(argv: Sequence[str]) -> int:
    arguments = tyro.cli(Arguments, args=list(argv), prog="python -m training.publish")
    try:
        publish(arguments)
    except (HubError, WeightsError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        print(
            "\nstopped; the same command goes on, what has arrived is not sent again",
            file=sys.stderr,
        )
        return EXIT_CODE
    else:
        return 0
    return 1


def publish(arguments: Arguments) -> None:
    """Check the folder, push it with a card that names the repository, and print the commit.

    Raises WeightsError (HubError among them), OSError.
    """
    folder = arguments.folder
    content = load_folder(folder)  # what could not be loaded again is not sent
    files = file_names(folder)
    training = card.read_record(folder / TRAINING)
    for name in files:
        print(f"{(folder / name).stat().st_size:>12,}  {name}")
    if arguments.dry_run:
        print(
            f"would go to {arguments.repo_id}; nothing was sent, and its card does not name the "
            "repository yet"
        )
        return
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for file in files:
            (copy / file).parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / file, copy / file)
        card.write(
            copy,
            content.network.config,
            content.metrics,
            training,
            content.dedicated,
            repo_id=arguments.repo_id,
        )
        before, commit = repository.push(
            copy,
            arguments.repo_id,
            files,
            private=arguments.private,
            tag=arguments.tag,
            message=f"{card.name(training)}: {card.summary(content.metrics)}",
        )
    tagged = f", tagged {arguments.tag}" if arguments.tag else ""
    print(
        f"nothing has changed; {arguments.repo_id} is at"
        if commit == before
        else f"published as {arguments.repo_id} at"
    )
    print(
        f"{commit}{tagged}\n"
        f"Its card names the repository; {folder / CARD} stays as it was.\n"
        "\n"
        "For weights/sources.toml:\n"
    )
    name = folder.resolve().name if folder.resolve().parent == BUNDLE else card.name(training)
    print(f'["{name}"]\nrepo_id = "{arguments.repo_id}"\ncommit = "{commit}"')


if __name__ == "__main__":
    run_command(main)
