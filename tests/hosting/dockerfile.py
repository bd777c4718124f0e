"""A Dockerfile executed without Docker.

Its steps run one after another in an environment and a folder made for them.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import completed
from tests.servers import free_port

USER = 1000  # as in the Dockerfile


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Each instruction and what stands behind it, lines that go on joined, comments left out."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.M).replace(
        "\\\n", " "
    )
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [(instruction, rest) for instruction, rest in lines]


@dataclass
class Built:
    """The result of the steps.

    user: None where this process may not become another one. port: what EXPOSE's is mapped to.
    """

    folder: Path
    environment: dict[str, str]
    user: int | None
    command: Sequence[str] = ()
    health: Sequence[str] = ()
    port: int = 0
    done: list[str] = field(default_factory=list)

    def run(self, command: str | Sequence[str]) -> subprocess.CompletedProcess:
        return completed(
            command,
            shell=isinstance(command, str),
            cwd=self.folder,
            env=self.environment,
            check=True,
        )

    def run_as_user(self, script: str) -> subprocess.CompletedProcess:
        """A Python script by the image's user, who can read no packages of this environment."""
        command = [interpreter(), "-c", script]
        return completed(command, cwd=self.folder, env=self.environment, check=True, user=self.user)


def interpreter() -> str:
    """A Python of the base image's version that the image's user may execute.

    A developer's own often lies in a closed home.
    """
    user = USER if os.geteuid() == 0 else None
    for python in (
        getattr(sys, "_base_executable", sys.executable),
        "/usr/bin/python3",
        "/usr/local/bin/python3",
    ):
        try:
            if (
                completed(
                    [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], user=user
                ).returncode
                == 0
            ):
                return python
        except OSError:
            continue
    raise RuntimeError(
        "no Python 3.11 here that a user without rights may execute; install Debian's python3"
    )


def build(root: Path, place: Path, **arguments: str) -> Built:
    """Carry out the steps of root/Dockerfile in the new folder `place`.

    arguments: what --build-arg would say. FROM and pip's step are this environment, which holds the
    same requirements; a real build runs in .github/workflows. Creating the user is left out: a
    number suffices. A container has its ports to itself; here others may hold the one that EXPOSE
    names, so a free one stands in its place.
    """
    user = USER if os.geteuid() == 0 else None
    home = place / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name.startswith(("LANG", "SSL"))}
    python = Path(sys.executable).parent
    built = Built(
        place / "app",
        kept | {"PATH": f"{python}:/usr/bin:/bin", "HOME": "/nonexistent"},
        user,
    )
    if user:
        os.chown(home, user, user)
    for word, rest in instructions(root / "Dockerfile"):
        match word:
            case "ARG":
                name, _, default = rest.partition("=")
                built.environment[name] = arguments.get(name, default)
            case "ENV":
                for name, value in (pair.split("=") for pair in rest.split()):
                    built.environment[name] = value.replace("/home/user", str(home))
            case "WORKDIR":
                assert rest == "/app"
                built.folder.mkdir()
            case "COPY":
                *sources, target = rest.split()
                for source in sources:
                    _copy(root / source, built.folder / target / ("" if target != "./" else source))
            case "RUN" if not rest.startswith(("useradd", "pip ")):
                built.run(rest)
            case "USER":
                _close(built.folder)  # nothing of the code may be written from here on
            case "EXPOSE":
                exposed, built.port = rest, free_port()
            case "HEALTHCHECK":
                built.health = json.loads(
                    rest.partition("CMD ")[2].replace(exposed, str(built.port))
                )
            case "CMD":
                built.command = json.loads(rest.replace(exposed, str(built.port)))
        built.done.append(word)
    return built


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(
            source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
        )
    else:
        target.parent.mkdir(exist_ok=True)
        shutil.copy2(source, target)


def _close(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(path.stat().st_mode & ~0o222)
