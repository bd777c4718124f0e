"""A weights folder published to a Hub on this machine."""

from pathlib import Path

from tests.hub_server import HubServer
from training import publish

NAME = "teacher/vae-toy"


def run(folder: Path, *more: str) -> int:
    return publish.main([str(folder), "--repo-id", NAME, *more])


def there(local_hub: HubServer, name: str = NAME) -> dict[str, bytes]:
    """The files of the newest commit, without the Hub's own."""
    files = local_hub.repositories[name].commits[-1].files
    return {path: content for path, content in files.items() if path != ".gitattributes"}
