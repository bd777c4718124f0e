"""Digests of what links show and the API answers, to compare two commits.

    python -m benchmarks.answers before.json                        # in one checkout
    python -m benchmarks.answers after.json --against before.json   # in the other

Copy this file and serving.py into a checkout that is older than it. Every page is opened by links
with controls' values, as by a class, and every endpoint is called.
What a change of the code must leave alone is equal; what differs is named, and the exit code is 1.
The teacher's page shows the server's own address as link and QR code, which differ by its port.
"""

import asyncio
import hashlib
import itertools
import json
import sys
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from benchmarks.serving import BOTH, running_app
from benchmarks.students import Student
from ui.service import navigation
from ui.text import LANGUAGES, strings
from vae.hub import sources

BETAS = (0.1, 1, 10)
TOPICS = [
    key.removeprefix("wrong.topic_") for key in strings("en") if key.startswith("wrong.topic_")
]
# A server's own addresses, and pages' links, which hold its port.
SERVER_ADDRESSES = {"download_button", "page_link"}


@dataclass(frozen=True)
class Arguments:
    """Write digests of all answers, and compare them with another commit's."""

    file: Annotated[Path, tyro.conf.Positional]
    """Where the digests are written, as JSON."""
    against: Path | None = None
    """Digests of another commit."""


def links() -> list[tuple[str, dict[str, object]]]:
    """Pages, by their names in a link, with what else stands in it."""
    result: list[tuple[str, dict[str, object]]] = []
    for model in sources.bundled():
        examples = sources.resolve(model).examples.names
        for number, beta in enumerate(BETAS):
            values = {"model": model, "beta": beta, "seed": 7 + number}
            result.append(("", values | {"example": examples[number]}))
    for page, beta in itertools.product(navigation.LAB[1:], BETAS[:2]):
        result.append((page, {"beta": beta, "example": 2}))
    result.append(("map", {"pin": "0.5,-1", "kind": "autoencoder"}))
    result += [(step, {"seen": step, "seed": 3, "example": 4}) for step in navigation.STEPS]
    result += [("misconceptions", {"topic": topic}) for topic in TOPICS]
    result.append(("teacher", {"to_model": "faces", "to_hide": "beta,seed"}))
    return [*result, ("", {"only": "lesson"}), ("", {"hide": "beta,seed"})]


def digest(content: bytes) -> str:
    """The first 16 digits of SHA-256, enough to tell two answers apart."""
    return hashlib.sha256(content).hexdigest()[:16]


async def page_digests(address: str) -> dict[str, str]:
    """Digest of each element of each link's page, with the element's kind."""
    digests = {}
    for number, (page, values) in enumerate(links()):
        query = urllib.parse.urlencode({"lang": list(LANGUAGES)[number % 2], **values})
        async with Student(address, query, page=page) as student:
            for place, element in student.last.places.items():
                kind = element.WhichOneof("type")
                if kind not in SERVER_ADDRESSES:
                    name = f"/{page}?{query} {'.'.join(map(str, place))} {kind}"
                    digests[name] = digest(element.SerializeToString(deterministic=True))
    return digests


def calls() -> list[tuple[str, dict[str, object]]]:
    """Endpoints of the API with arguments, good and bad ones."""
    result: list[tuple[str, dict[str, object]]] = [("models", {})]
    for model in sources.bundled():
        example = sources.resolve(model).examples.names[1]
        result += [
            ("reconstruct", {"picture": example, "model": model, "beta": 1.0, "seed": 7}),
            ("encode", {"picture": example, "model": model, "beta": 1.0}),
            ("rate_distortion", {"picture": example, "model": model}),
            ("sample", {"model": model, "count": 4, "beta": 1.0}),
        ]
    result += [
        ("decode", {"latents": [[0.5, -1.0]], "model": "mnist-2d", "beta": 1.0}),
        ("reconstruct", {"picture": "no such example", "model": "mnist"}),
        ("sample", {"count": 99_999}),
    ]
    return result


def api_digests(api: str) -> dict[str, str]:
    """Digest of each call's answer."""
    digests = {}
    for name, arguments in calls():
        request = urllib.request.Request(
            f"{api}/call/v2/{name}",
            json.dumps(arguments).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            event = json.load(answer)["event_id"]
        with urllib.request.urlopen(f"{api}/call/{name}/{event}") as answer:
            content = answer.read().replace(event.encode(), b"")
        digests[f"{name} {json.dumps(arguments)}"] = digest(content)
    return digests


def differences(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Names of what is not in both, or not equal."""
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def main(arguments: Arguments) -> int:
    with running_app(command=BOTH) as app:
        digests = asyncio.run(page_digests(app.address)) | api_digests(
            f"{app.address}/gradio/gradio_api"
        )
    arguments.file.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
    print(f"{len(links())} links and {len(calls())} calls: {len(digests):,} answers")
    if arguments.against is None:
        return 0
    before = json.loads(arguments.against.read_text(encoding="utf-8"))
    differing = differences(before, digests)
    print("\n".join((*differing, f"{len(differing)} of {len(before | digests):,} differ")))
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Arguments)))
