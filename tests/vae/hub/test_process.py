"""What only a new process shows: its imports, its memory, whom it asks, and that it ends.

One serves all tests of this file, since nothing of it costs as much as its start.
"""

import json
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from huggingface_hub.utils import close_session

import vae
from tests.conftest import use_hub
from tests.hub_server import WEB_PAGE, Answer, Fault, HubServer, error, sha256
from tests.processes import completed
from tests.vae.hub.published import NAME, files_of_model

BOMB = 150 * 2**20  # bytes; a thousandth of it is sent
MOST = 100  # megabytes that an answer may take
FILE, CONFIG, DESCRIPTION = (
    "GET /storage/{oid}",
    "GET /teacher/{name}/resolve/.*/config.json",
    "GET /api/models/teacher/{name}",
)
AGAIN = Answer(WEB_PAGE.body, 302, {"Location": "/api/models/teacher/redirects"})
BOUNDED = {
    "packed-description": (Fault(packed=BOMB), DESCRIPTION),
    "packed-file": (Fault(packed=BOMB), FILE),
    "packed-config": (Fault(packed=BOMB), CONFIG),
    "packed-error": (Fault(packed=BOMB, instead=error(404)), DESCRIPTION),
    "endless-description": (Fault(endless=True), DESCRIPTION),
    "endless-file": (Fault(endless=True), FILE),
    "endless-config": (Fault(endless=True), CONFIG),
    "endless-error": (Fault(endless=True, instead=error(404)), DESCRIPTION),
    "endless-redirect": (Fault(endless=True, instead=AGAIN), DESCRIPTION),
    "redirects": (Fault(instead=AGAIN), DESCRIPTION),
    "many-lists": (
        Fault(instead=Answer(b'{"siblings": [' + b"{}," * 680_000 + b"{}]}")),
        DESCRIPTION,
    ),
    "drip-description": (Fault(seconds_a_chunk=0.3, chunk=1), DESCRIPTION),
    "drip-file": (Fault(seconds_a_chunk=0.3, chunk=1), FILE),
    "longer": (Fault(announced=10**12), FILE),
    "shorter": (Fault(announced=100), FILE),
    "whole": (Fault(), FILE),
    "longer-description": (Fault(announced=10**12), DESCRIPTION),
    "shorter-description": (Fault(announced=100), DESCRIPTION),
}
CODE = """
import contextlib, json, os, sys, threading, time, urllib.request
import vae

def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

def tried(name, **revision):
    try:
        return str(vae.load(name, **revision).config)
    except vae.WeightsError as error:
        return str(error)

name, commit, cases = json.loads(sys.argv[1])
told = {"resolved": vae.hub.resolve("mnist").source, "client": "huggingface_hub" in sys.modules}
told["cached"] = tried(name, revision=commit)
with contextlib.suppress(OSError):  # for whoever reads what the server was asked until now
    urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/until-now")

from vae.hub import exchange
told["cases"] = {}
for case in cases:
    # what drips never comes in time, and what has no end fills no machine if nothing else ends it
    exchange.SECONDS_TO_PULL = {"drip": 1.0, "endless": 5.0}.get(case.partition("-")[0], 60.0)
    with contextlib.suppress(OSError):  # the highest so far is forgotten
        open("/proc/self/clear_refs", "w").write("5")
    before, started = memory("VmHWM"), time.monotonic()
    said = tried("teacher/" + case)
    told["cases"][case] = said, (memory("VmHWM") - before) // 1024, time.monotonic() - started
exchange.SECONDS_WITHOUT_DATA = 1.0
told["given up"] = tried("teacher/silent")
told["waited for"] = [one.name for one in threading.enumerate() if not one.daemon]
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> Iterator[dict]:
    """What the process says, and in "asked" what it asked for a commit that was in its cache."""
    home: Path = tmp_path_factory.mktemp("home")
    with HubServer() as hub:
        commit = hub.add(NAME, files_of_model(0))
        with pytest.MonkeyPatch.context() as patch:
            use_hub(patch, hub.url, home)
            vae.load(NAME, revision=commit)
            close_session()
        hub.add("teacher/silent", files_of_model(0))
        hub.inject(Fault(silent=True), "GET /teacher/silent/resolve/.*/config.json", times=None)
        for number, (case, (fault, when)) in enumerate(BOUNDED.items()):
            # a faulty file is no other case's
            files = files_of_model(number + 1 if when == FILE else 0)
            hub.add(f"teacher/{case}", files)
            oid = sha256(files["model.safetensors"])
            hub.inject(fault, when.format(name=case, oid=oid), times=None)
        hub.requests.clear()
        # only environment variables are set, so that the client's own telemetry is seen too
        environment = {
            name: value
            for name, value in hub.environment(home).items()
            if not name.startswith("VAE_LAB_")
        }
        cases = list(BOUNDED) if sys.platform == "linux" else []
        words = json.dumps([NAME, commit, cases])
        done = completed([sys.executable, "-c", CODE, words], env=environment, check=True)
        asked = takewhile(lambda request: request[1] != "/until-now", hub.requests)
        yield json.loads(done.stdout) | {"asked": list(asked)}


def test_the_hubs_client_is_loaded_only_where_it_is_needed(told):
    """No start of the app with bundled weights pays for its import and its threads.

    The import takes 0.1 to 0.2 seconds.
    """
    assert (told["resolved"], told["client"]) == ("bundled", False)


def test_a_process_that_finds_its_commit_in_the_cache_asks_nobody_anything(told):
    assert told["cached"].startswith("VAEConfig(")
    assert told["asked"] == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("case", BOUNDED)
def test_no_answer_fills_the_memory_or_lasts_for_ever(told, case):
    said, grown, seconds = told["cases"][case]
    assert said.startswith("VAEConfig(") == (case == "whole"), said
    assert ("an answer of more than" in said) == case.startswith(("endless", "longer")), said
    assert grown < MOST
    assert seconds < 60


def test_a_process_ends_when_a_download_was_given_up(told):
    """The interpreter waits for threads that are no daemons, of which there is none."""
    assert "check the connection" in told["given up"]
    assert told["waited for"] == ["MainThread"]
