"""The container without Docker: every step of the Dockerfile, by a user without rights."""

import contextlib
import functools
import http.server
import os
import re
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.app import visitor
from tests.hosting.dockerfile import Built, build, instructions
from tests.pictures import digit_png
from tests.processes import HANGING, completed, serving
from ui.server import connections

ROOT = Path(__file__).parents[2]
STEPS = instructions(ROOT / "Dockerfile")


@pytest.fixture(scope="module")
def container():
    """The image built and started. pytest's own folders are closed to other users."""
    with tempfile.TemporaryDirectory(prefix="image") as place:
        os.chmod(place, 0o755)
        built = build(ROOT, Path(place), TORCH_INDEX="")
        try:
            with tempfile.TemporaryFile("w+") as output:
                with serving(
                    built.command,
                    cwd=built.folder,
                    env=built.environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                ) as process:
                    while not _healthy(built):
                        if process.poll() is not None:
                            output.seek(0)
                            pytest.fail(output.read())
                        time.sleep(0.1)
                    yield built
                output.seek(0)
                assert "Traceback" not in output.read()
        finally:
            completed(["chmod", "-R", "u+w", place], check=True)


def _healthy(built: Built) -> bool:
    with contextlib.suppress(subprocess.CalledProcessError):
        built.run(built.health)
        return True
    return False


@pytest.fixture(scope="module")
def other_site(container, tmp_path_factory):
    """A page of another site that shows the app in a frame, as the Hub and schools show a Space."""
    folder = tmp_path_factory.mktemp("site")
    for name, path in (("page", "/?lang=en&source=upload"), ("gradio", "/gradio/?lang=en")):
        address = f"http://lab.example:{container.port}{path}"
        frame = (
            f'<iframe src="{address}" style="width: 1400px; height: 880px" allow="camera"></iframe>'
        )
        (folder / f"{name}.html").write_text(
            f"<!doctype html><title>A school</title>{frame}", encoding="utf-8"
        )
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://school.example:{server.server_address[1]}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Not into the tests' output."""


@pytest.fixture
def digit(tmp_path) -> Path:
    path = tmp_path / "seven.png"
    path.write_bytes(digit_png())
    return path


def test_it_is_healthy_and_serves_page_and_api(container):
    answer = container.run(container.health)
    assert answer.returncode == 0
    for path in ("/", "/gradio/", "/gradio/gradio_api/info"):
        with urllib.request.urlopen(f"http://127.0.0.1:{container.port}{path}") as answer:
            assert answer.status == 200


def test_connections_that_send_nothing_shut_out_nobody(container):
    """The oldest of them is closed: more than the server keeps without a request."""
    with contextlib.ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(("127.0.0.1", container.port), HANGING))
            for _ in range(connections.MOST_SILENT + 1)
        ]
        assert silent[0].recv(1) == b""
        assert container.run(container.health).returncode == 0


def test_the_health_check_looks_at_what_is_answered(container):
    """A proxy's or an error page's 200 is no health."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        health, other = f"{container.port}/_stcore/health", f"{server.server_address[1]}/"
        command = [part.replace(health, other) for part in container.health]
        with pytest.raises(subprocess.CalledProcessError):
            container.run(command)
        server.shutdown()
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        command = [
            part.replace(str(container.port), str(closed.getsockname()[1]))
            for part in container.health
        ]
        with pytest.raises(subprocess.CalledProcessError):
            container.run(command)


def test_its_user_can_change_nothing_of_the_code(container):
    script = """import os
writable = [path for folder, _, names in os.walk(".") for path in (folder, *(os.path.join(folder, \
name) for name in names))
            if os.access(path, os.W_OK)]
assert not writable, writable
for folder in ("../app",):
    try:
        os.rename(folder, folder + "-old")
    except OSError:
        continue
    raise SystemExit(folder + " can be put aside")
import site
assert not site.ENABLE_USER_SITE"""
    if container.user is None:
        pytest.skip("this process may not become another user")
    assert container.run_as_user(script).returncode == 0
    assert container.environment["PYTHONNOUSERSITE"] == "1"


@pytest.mark.browser
def test_an_upload_from_inside_another_sites_frame_arrives(container, other_site, browser, digit):
    page = visitor(browser)
    page.goto(f"{other_site}/page.html")
    frame = page.frame_locator("iframe")
    expect(frame.locator(".film-gallery .download")).to_be_visible()
    frame.locator(".st-key-upload input[type=file]").set_input_files(digit)
    expect(frame.locator(".film-flow .file img")).to_have_attribute("alt", re.compile("300 × 400"))
    page.goto(f"{other_site}/gradio.html")
    frame = page.frame_locator("iframe")
    expect(frame.locator(".film-gallery canvas")).to_be_visible()
    frame.get_by_role("tab", name="Upload").click()
    frame.locator("#source-upload input").set_input_files(digit)
    expect(frame.locator(".film-flow .file img")).to_have_attribute("alt", re.compile("300 × 400"))
    page.close()


def test_the_image_gets_all_that_it_copies_and_nothing_that_it_does_not_need():
    let_in = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {source for word, rest in STEPS if word == "COPY" for source in rest.split()[:-1]}
    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_it_runs_without_rights_on_the_port_that_it_says():
    words = [word for word, _ in STEPS]
    assert words.index("USER") < words.index("CMD")
    assert ("EXPOSE", "7860") in STEPS
    assert '"--port", "7860"' in dict(STEPS)["CMD"]
