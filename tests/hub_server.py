"""A Hub in memory: the part of the Hugging Face Hub's interface that push and pull need.

The client is the real one and only HF_ENDPOINT differs, so a test sees what a person would see.
Status codes, X-Error-Code and messages are the real Hub's, since the client chooses its exceptions
by them. As there, a new repository begins with a commit of `.gitattributes`, and large files lie at
an address of another host, to which the client sends no token.
"""

import base64
import hashlib
import json
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import chain, repeat
from socketserver import ThreadingTCPServer
from urllib.parse import unquote, urlsplit

from tests.hub_answers import WEB_PAGE, Answer, Fault, Refusal, error

__all__ = [
    "WEB_PAGE",
    "Answer",
    "Commit",
    "Fault",
    "HubServer",
    "Repository",
    "User",
    "error",
    "sha256",
]

LARGE_SUFFIXES = (
    ".bin",
    ".ckpt",
    ".gz",
    ".h5",
    ".npy",
    ".npz",
    ".onnx",
    ".pkl",
    ".pt",
    ".pth",
    ".safetensors",
    ".tar",
    ".zip",
)
GIT_ATTRIBUTES = "".join(
    f"*{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_SUFFIXES
).encode()


@dataclass(frozen=True)
class User:
    """The owner of a token.

    It may write in the namespace of the same name, unless its role is "read".
    """

    name: str
    role: str = "write"


@dataclass(frozen=True)
class Commit:
    id: str
    files: dict[str, bytes]
    parent: str | None
    message: str


@dataclass
class Repository:
    """One branch, `main`, and tags."""

    id: str
    private: bool = False
    commits: list[Commit] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.commit({".gitattributes": GIT_ATTRIBUTES}, "initial commit")

    def commit(self, files: Mapping[str, bytes], message: str) -> Commit:
        """Append a commit whose files are exactly these."""
        parent = self.commits[-1].id if self.commits else None
        tree = sorted((path, sha256(content)) for path, content in files.items())
        digest = hashlib.sha1(repr((self.id, parent, message, tree)).encode()).hexdigest()
        self.commits.append(Commit(digest, dict(files), parent, message))
        return self.commits[-1]

    def at(self, revision: str) -> Commit:
        """The commit that the branch, a tag or a full commit id names."""
        named = {commit.id: commit for commit in self.commits} | {"main": self.commits[-1]}
        if (name := self.tags.get(revision, revision)) not in named:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return named[name]


class HubServer(ThreadingTCPServer):
    """The Hub on a free port of the loopback interface, while the `with` block runs."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url, self.storage_url = (
            f"http://{host}:{self.server_address[1]}" for host in ("127.0.0.1", "localhost")
        )
        self.tokens = {
            "hf_writer": User("teacher"),
            "hf_reader": User("teacher", "read"),
            "hf_other": User("somebody"),
        }
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str]] = []
        self.objects: dict[str, bytes] = {}  # large files, by SHA-256, also those of no commit
        # names of files of which no hash is announced, as by some mirrors
        self.without_hash: frozenset[str] = frozenset()
        self.lock = threading.RLock()
        self.connections: set[socket.socket] = set()
        self.faults: list[tuple[re.Pattern[str], Iterator[Fault]]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):  # kept alive or silent, each with its thread
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def environment(
        self, home: str | os.PathLike[str], token: str | None = "hf_writer"
    ) -> dict[str, str]:
        """Environment variables for a subprocess, since the library reads them when imported.

        They are all that the project's own commands need.
        """
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "HUGGING"))
        }
        own = {"HF_ENDPOINT": self.url, "HF_HOME": str(home)}
        return (
            inherited
            | own
            | {"NO_PROXY": "127.0.0.1,localhost"}
            | ({"HF_TOKEN": token} if token else {})
        )

    def add(self, name: str, files: Mapping[str, bytes], message: str = "Added by a test") -> str:
        """Commit these files on top of the branch; returns the commit's id.

        A new repository is made where there is none.
        """
        with self.lock:
            repository = self.repositories.setdefault(name, Repository(name))
            self.objects |= {sha256(content): content for content in files.values()}
            return repository.commit({**repository.at("main").files, **files}, message).id

    def inject(self, fault: Fault, when: str, times: int | None = 1) -> None:
        """Answer the next `times` requests (None: all) that match with this fault.

        when: a regular expression, searched in "METHOD /path".
        """
        self.faults.append(
            (re.compile(when), repeat(fault) if times is None else repeat(fault, times))
        )


class _Handler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        self.server.connections.add(self.connection)
        with suppress(ConnectionError):  # a client may leave at any time
            super().handle()
        self.server.connections.discard(self.connection)

    def log_message(self, *_: object) -> None:
        """Nothing: there is `HubServer.requests`."""

    def _respond(self) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = urlsplit(self.path).path
        with self.server.lock:
            self.server.requests.append((self.command, path))
            faults = (
                turns
                for pattern, turns in self.server.faults
                if pattern.search(f"{self.command} {path}")
            )
            fault = next(chain.from_iterable(faults), Fault())
        fault.before()
        if fault.silent:
            # returns when the client leaves or the server stops
            self.connection.recv(1, socket.MSG_PEEK)
        else:
            self._send(fault.instead or self._answer(path), fault)
        self.close_connection |= fault.ends_connection

    do_GET = do_HEAD = do_POST = do_PUT = _respond  # noqa: N815

    def _send(self, answer: Answer, fault: Fault) -> None:
        body = fault.spoiled(
            answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        )
        start = (
            re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            if answer.status == 200
            else None
        )
        headers = (
            {"Content-Range": f"bytes {start[1]}-{len(body) - 1}/{len(body)}"} if start else {}
        )
        body = body[int(start[1]) :] if start else body
        self.send_response(206 if start else answer.status)
        for name, value in {
            **answer.headers,
            **headers,
            **fault.headers(len(body), self.command),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        for chunk in fault.chunks(b"" if self.command == "HEAD" else body):
            self.wfile.write(chunk)

    def _answer(self, path: str) -> Answer:
        line = f"{self.command.replace('HEAD', 'GET')} {path}"
        for pattern, endpoint in ENDPOINTS.items():
            if match := re.fullmatch(pattern, line):
                try:
                    with self.server.lock:
                        return endpoint(
                            self,
                            **{
                                name: unquote(part)
                                for name, part in match.groupdict("main").items()
                            },
                        )
                except Refusal as refusal:
                    return error(*refusal.args)
        return error(501, f"tests/hub_server.py has no endpoint for {line}")

    def _user(self, required: bool = True) -> User:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and token not in self.server.tokens:
            raise Refusal(401, "Invalid credentials in Authorization header")
        if required and not token:
            raise Refusal(401, "Invalid username or password.", "RepoNotFound")
        return self.server.tokens[token] if token else User("", "read")

    def _repository(self, name: str, write: bool = False) -> Repository:
        repository, owner = self.server.repositories.get(name), name.split("/")[0]
        user = self._user(required=write or repository is None or repository.private)
        if repository is None or (repository.private and user.name != owner):
            # who may not read it shall not know that it exists
            raise Refusal(404, "Repository not found", "RepoNotFound")
        if write and user.name != owner:
            raise Refusal(
                403, "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request"
            )
        if write and user.role != "write":
            raise Refusal(403, "Forbidden: you must use a write token to upload to a repository.")
        return repository

    def whoami(self) -> Answer:
        user = self._user()
        return Answer(
            {
                "type": "user",
                "name": user.name,
                "orgs": [],
                "auth": {"accessToken": {"role": user.role}},
            }
        )

    def create(self) -> Answer:
        user, asked = self._user(), json.loads(self.body)
        owner = asked["organization"] or user.name
        if (owner, "write") != (user.name, user.role):
            raise Refusal(
                403, f'You don\'t have the rights to create a model under the namespace "{owner}"'
            )
        name = f"{owner}/{asked['name']}"
        if name in self.server.repositories:
            return Answer(
                {
                    "error": "You already created this model repo",
                    "url": f"{self.server.url}/{name}",
                },
                409,
            )
        self.server.repositories[name] = Repository(
            name, private=asked.get("visibility") == "private"
        )
        return Answer({"url": f"{self.server.url}/{name}"})

    def information(self, name: str, revision: str) -> Answer:
        repository, commit = self._repository(name), self._repository(name).at(revision)
        return Answer(
            {
                "id": name,
                "sha": commit.id,
                "private": repository.private,
                "tags": [],
                "gated": False,
                "siblings": [
                    {"rfilename": path, **about(path, content)}
                    | ({"blobId": None, "lfs": None} if path in self.server.without_hash else {})
                    for path, content in sorted(commit.files.items())
                ],
            }
        )

    def tree(self, name: str, revision: str) -> Answer:
        files = self._repository(name).at(revision).files
        return Answer(
            [
                {"type": "file", "path": path, **about(path, content)}
                for path, content in files.items()
            ]
        )

    def references(self, name: str) -> Answer:
        repository = self._repository(name)
        tags = [
            {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": commit}
            for tag, commit in repository.tags.items()
        ]
        main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.at("main").id}
        return Answer({"branches": [main], "converts": [], "tags": tags, "pullRequests": []})

    def tag(self, name: str, revision: str) -> Answer:
        repository, tag = self._repository(name, write=True), json.loads(self.body)["tag"]
        if tag in repository.tags:
            raise Refusal(409, f"Tag {tag} already exists")
        repository.tags[tag] = repository.at(revision).id
        return Answer({})

    def preupload(self, name: str, revision: str) -> Answer:
        """How each file is to be sent, and the hash of the one that is there.

        The client leaves out what has the same.
        """
        present, files = self._repository(name, write=True).at(revision).files, []
        for file in json.loads(self.body)["files"]:
            path, large = (
                file["path"],
                is_large(file["path"], file["size"], base64.b64decode(file["sample"])),
            )
            oid = (sha256 if large else git_hash)(present[path]) if path in present else None
            files.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if large else "regular",
                    "shouldIgnore": False,
                    "oid": oid,
                }
            )
        return Answer({"files": files})

    def upload_addresses(self, name: str) -> Answer:
        self._repository(name, write=True)
        objects = json.loads(self.body)["objects"]
        for wanted in objects:
            if wanted["oid"] not in self.server.objects:
                wanted["actions"] = {
                    "upload": {"href": f"{self.server.storage_url}/storage/{wanted['oid']}"}
                }
        return Answer({"transfer": "basic", "objects": objects})

    def storage(self, oid: str) -> Answer:
        if self.command != "PUT":
            return Answer(self.server.objects[oid], headers={"ETag": f'"{oid}"'})
        if sha256(self.body) != oid:
            raise Refusal(400, "These are not the bytes that were announced.")
        self.server.objects[oid] = self.body
        return Answer()

    def commit(self, name: str) -> Answer:
        repository = self._repository(name, write=True)
        header, *operations = [json.loads(line) for line in self.body.splitlines()]
        if not repository.at("main").id.startswith(header["value"].get("parentCommit", "")):
            raise Refusal(412, "A commit has happened since. Please refresh and try again.")
        files = dict(repository.at("main").files)
        for key, value in ((operation["key"], operation["value"]) for operation in operations):
            if key == "deletedFile":
                del files[value["path"]]
            else:
                content = (
                    base64.b64decode(value["content"])
                    if key == "file"
                    else self.server.objects[value["oid"]]
                )
                files[value["path"]] = content
        commit = repository.commit(files, header["value"]["summary"])
        return Answer(
            {"commitOid": commit.id, "commitUrl": f"{self.server.url}/{name}/commit/{commit.id}"}
        )

    def resolve(self, name: str, revision: str, path: str) -> Answer:
        commit = self._repository(name).at(revision)
        about = {"X-Repo-Commit": commit.id}
        if path not in commit.files:
            raise Refusal(404, "Entry not found", "EntryNotFound", about)
        content = commit.files[path]
        if not is_large(path, len(content), content):
            return Answer(content, headers=about | {"ETag": f'"{git_hash(content)}"'})
        oid = sha256(content)
        about |= {
            "ETag": f'"{oid}"',
            "X-Linked-ETag": f'"{oid}"',
            "X-Linked-Size": str(len(content)),
        }
        return Answer(
            status=302, headers=about | {"Location": f"{self.server.storage_url}/storage/{oid}"}
        )


MODEL = "/api/models/(?P<name>[^/]+/[^/]+)"
ENDPOINTS: dict[str, Callable[..., Answer]] = {
    # the client's telemetry
    "GET /api/agent-harnesses": lambda handler: Answer({"standardEnvVars": [], "harnesses": {}}),
    "GET /api/whoami-v2": _Handler.whoami,
    "POST /api/repos/create": _Handler.create,
    "POST /api/validate-yaml": lambda handler: Answer({"errors": [], "warnings": []}),
    rf"GET {MODEL}(/revision/(?P<revision>[^/]+))?": _Handler.information,
    rf"GET {MODEL}/tree/(?P<revision>[^/]+)": _Handler.tree,
    rf"GET {MODEL}/refs": _Handler.references,
    rf"POST {MODEL}/tag/(?P<revision>[^/]+)": _Handler.tag,
    rf"POST {MODEL}/preupload/(?P<revision>[^/]+)": _Handler.preupload,
    r"POST /(?P<name>[^/]+/[^/]+)\.git/info/lfs/objects/batch": _Handler.upload_addresses,
    r"(GET|PUT) /storage/(?P<oid>[0-9a-f]{64})": _Handler.storage,
    rf"POST {MODEL}/commit/main": _Handler.commit,
    r"GET /(?P<name>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)": _Handler.resolve,
}


def is_large(path: str, size: int, sample: bytes) -> bool:
    """Whether the Hub keeps a file outside git.

    By its name, its size, or because git would not call it text.
    """
    return size > 0 and (
        path.endswith(LARGE_SUFFIXES) or size > 10_000_000 or b"\0" in sample[:512]
    )


def about(path: str, content: bytes) -> dict[str, object]:
    """Size and hashes of a file.

    By the names that they have in a tree and, differently, in the description of a model.
    """
    git, lfs = (
        git_hash(content),
        {
            "oid": sha256(content),
            "sha256": sha256(content),
            "size": len(content),
            "pointerSize": 130,
        },
    )
    return {
        "size": len(content),
        "oid": git,
        "blobId": git,
        "lfs": lfs if is_large(path, len(content), content) else None,
    }


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
