"""Two processes behind nginx, as deploy/several has them.

A session stays in one process; if that dies, its link opens in the other.
"""

import asyncio
import contextlib
import http.server
import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from uvicorn.middleware.proxy_headers import _TrustedHosts

import vae
from benchmarks import film
from benchmarks.serving import App, healthy, running_app
from benchmarks.students import RunError, Student
from tests.hosting.dockerfile import instructions
from tests.photographs import photograph
from tests.processes import HANGING, serving
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "deploy" / "several" / "nginx.conf").read_text(encoding="utf-8")
COOKIE = "vae_lab_process"
PROCESSES = ("one", "two")


@dataclass
class House:
    """nginx's address, and the two apps by the names of the cookie."""

    address: str
    apps: dict[str, App]

    def enter(self, cookies: dict[str, str] | None = None) -> dict[str, str]:
        """What a browser does first: fetch the page. Returns its cookies afterwards."""
        answer = httpx.get(self.address, cookies=cookies, trust_env=False, timeout=HANGING)
        assert answer.status_code == 200
        return {**(cookies or {}), **dict(answer.cookies)}

    def holds(self, name: str, session: str) -> bool:
        """Whether the session lives in that process, which takes files for its own alone."""
        answer = httpx.put(
            f"{self.apps[name].address}/_stcore/upload_file/{session}/nothing",
            files={"file": ("a", b"a")},
            trust_env=False,
            timeout=HANGING,
        )
        return answer.status_code == 204


@contextlib.contextmanager
def nginx(folder: Path, apps: dict[str, App], configuration: str = CONFIGURATION) -> Iterator[str]:
    """nginx with the repository's configuration, at other ports and folders.

    Without nginx the test is skipped, but never in CI.
    """
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no nginx on this machine: CI must not skip this")
        pytest.skip("no nginx found")
    port = free_port()
    text = configuration.replace("8080", str(port)).replace(
        "/tmp/vae-lab-nginx", str(folder / "temp")
    )
    for written, name in (("8501", "one"), ("8502", "two")):
        text = text.replace(written, apps[name].address.rpartition(":")[2])
    (folder / "nginx.conf").write_text(text, encoding="utf-8")
    command = [
        program,
        "-p",
        folder,
        "-e",
        "stderr",
        "-c",
        folder / "nginx.conf",
        "-g",
        f"daemon off; pid {folder / 'nginx.pid'};",
    ]
    with serving(command) as process:
        while not healthy(address := f"http://127.0.0.1:{port}"):
            assert process.poll() is None, "nginx ended at once"
            time.sleep(0.05)
        yield address


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    with contextlib.ExitStack() as stack:
        apps = dict(
            zip(PROCESSES, [stack.enter_context(running_app()) for _ in PROCESSES], strict=True)
        )
        yield House(stack.enter_context(nginx(tmp_path, apps)), apps)


async def lesson(house: House) -> None:
    """Students spread over both; uploads; one process is killed in the middle."""
    cookies = [house.enter() for _ in range(12)]
    # one chance in 2048 that all draw the same
    assert {cookie[COOKIE] for cookie in cookies} == set(PROCESSES)

    chosen = [next(cookie for cookie in cookies if cookie[COOKIE] == name) for name in PROCESSES]
    async with contextlib.AsyncExitStack() as stack:
        students = {
            cookie[COOKIE]: await stack.enter_async_context(
                Student(house.address, f"lang=en&seed={number}&source=upload", cookies=cookie)
            )
            for number, cookie in enumerate(chosen, start=5)
        }
        for number, (name, student) in enumerate(students.items()):
            assert [process for process in PROCESSES if house.holds(process, student.session)] == [
                name
            ]
            shown = await student.upload("digit.png", photograph(number))
            assert "120 × 120" in " ".join(shown.alts())
            await student.choose("beta", "0.1")

        os.kill(house.apps["one"].pid, 9)
        with pytest.raises(RunError, match="lost socket"):
            await students["one"].choose("beta", "4")
        still_there = await students["two"].choose("beta", "4")
        assert "120 × 120" in " ".join(still_there.alts())

        moved = house.enter(students["one"].cookies)  # the browser reloads
        assert moved[COOKIE] == "two"
        async with Student(house.address, students["one"].query, cookies=moved) as again:
            assert house.holds("two", again.session)
            components = again.last.elements("bidi_component")
            bar = next(one for one in components if one.component_name == film.BETA_BAR)
            data = json.loads(bar.json)
            assert data["labels"][data["at"]] == "0.1"
            assert again.widgets["seed"].int_value == 5
            assert "A picture of one's own goes with its session" in again.last.words()
            assert "120 × 120" not in " ".join(again.last.alts())
            shown = await again.upload("digit.png", photograph(0))
            assert "120 × 120" in " ".join(shown.alts())
        assert house.enter()[COOKIE] == "two"  # who comes new is not sent to the dead one


def test_when_one_of_two_processes_dies_its_students_go_on_in_the_other_without_their_picture(
    house,
):
    # a browser that other tests have opened runs this thread's loop
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, lesson(house)).result()


def test_a_picture_as_large_as_the_app_takes_passes_nginx():
    (megabytes,) = [
        int(line.split()[1].rstrip("m;"))
        for line in CONFIGURATION.splitlines()
        if "client_max_body_size" in line
    ]
    assert megabytes << 20 >= vae.images.MAX_BYTES * 4 / 3 + (1 << 20)


@contextlib.contextmanager
def noting(forwarded: list[list[str]]) -> Iterator[App]:
    """In an app's place, a server that notes whom each request is said to come from."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))

        def do_GET(self) -> None:
            forwarded.append(self.headers.get_all("X-Forwarded-For"))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Not into the tests' output."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield App(f"http://127.0.0.1:{server.server_address[1]}")
        server.shutdown()


def test_a_client_cannot_say_that_it_has_another_address(tmp_path):
    forwarded: list[list[str]] = []
    with noting(forwarded) as app, nginx(tmp_path, dict.fromkeys(PROCESSES, app)) as address:
        for path in ("/", "/_stcore/upload_file/a/b", "/gradio/gradio_api/info"):
            forged = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "7.7.7.7, 8.8.8.8")]
            httpx.get(address + path, headers=forged, trust_env=False).raise_for_status()
    assert len(forwarded) > 3
    assert {tuple(said) for said in forwarded} == {("127.0.0.1",)}


def test_nginx_bounds_what_one_subscriber_has_open(tmp_path):
    """Here one request; its body does not come, and its head's deadline is another's."""
    changed = CONFIGURATION
    for line, instead in (
        ("limit_conn subscribers 1500;", "limit_conn subscribers 1;"),
        ("client_header_timeout 10s;", "client_header_timeout 1s;"),
    ):
        assert changed.count(line) == 1
        changed = changed.replace(line, instead)
    with (
        noting([]) as app,
        nginx(tmp_path, dict.fromkeys(PROCESSES, app), changed) as address,
        connected(address) as silent,
        connected(address) as idle,
    ):
        idle.sendall(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        while httpx.get(address, trust_env=False).status_code != 503:
            time.sleep(0.05)
        assert silent.recv(100) == b""


def connected(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=HANGING)


@pytest.mark.parametrize(
    ("addresses", "subscribers"),
    [
        (("2001:db8:1:2::5", "2001:db8:1:ff:1:2:3:4"), 1),
        (("2001:db8:1::5", "2001:db8:2::5"), 2),
        (("1.2.3.4", "1.2.3.5"), 2),
    ],
)
def test_nginx_counts_the_networks_of_a_subscriber_together(addresses, subscribers):
    (written,) = re.findall(r"~(\S+) \$network;", CONFIGURATION)
    pattern = re.compile(written.replace("?<", "?P<"))
    found = {
        match["network"] if (match := pattern.match(address)) else address for address in addresses
    }
    assert len(found) == subscribers


def test_the_container_believes_proxies_of_private_networks_and_the_last_address():
    environment = dict(
        pair.split("=")
        for name, rest in instructions(ROOT / "Dockerfile")
        if name == "ENV"
        for pair in rest.split()
    )
    believed = _TrustedHosts(environment["FORWARDED_ALLOW_IPS"])
    assert "172.17.0.1" in believed
    assert "8.8.8.8" not in believed
    forged = "6.6.6.6, 203.0.113.9, 10.1.2.3"
    assert believed.get_trusted_client_address(forged) == ("203.0.113.9", 0)


def test_the_manifest_is_the_tested_configuration_around_the_image():
    manifest = (ROOT / "deploy" / "several" / "kubernetes.yaml").read_text(encoding="utf-8")
    objects = {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(manifest)}
    configuration = objects["ConfigMap", "vae-lab-nginx"]["data"]["nginx.conf"]
    here = configuration.replace("vae-lab-0:8501", "127.0.0.1:8501").replace(
        "vae-lab-1:8502", "127.0.0.1:8502"
    )
    # Only there somebody else stands in front.
    here = re.sub(r"\n    # The gateway.*?recursive on;\n", "", here, flags=re.DOTALL)
    assert here == CONFIGURATION

    exposed = int(dict(instructions(ROOT / "Dockerfile"))["EXPOSE"])
    app = objects["StatefulSet", "vae-lab"]["spec"]
    (container,) = app["template"]["spec"]["containers"]
    assert app["replicas"] == len(PROCESSES)
    assert container["ports"] == [{"name": "http", "containerPort": exposed}]
    assert app["template"]["spec"]["securityContext"]["runAsUser"] == 1000  # the Dockerfile's user
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/_stcore/health", "port": "http"}
    for number, port in enumerate((8501, 8502)):
        service = objects["Service", f"vae-lab-{number}"]["spec"]
        assert service["selector"] == {"statefulset.kubernetes.io/pod-name": f"vae-lab-{number}"}
        assert service["ports"] == [{"port": port, "targetPort": "http"}]
    front = objects["Deployment", "vae-lab-nginx"]["spec"]
    labels = front["template"]["metadata"]["labels"]
    assert (
        objects["Service", "vae-lab"]["spec"]["selector"]
        == labels
        == front["selector"]["matchLabels"]
    )
    assert app["selector"]["matchLabels"] == app["template"]["metadata"]["labels"] != labels
    assert front["template"]["spec"]["containers"][0]["ports"] == [
        {"name": "http", "containerPort": 8080}
    ]
