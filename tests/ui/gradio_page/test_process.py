"""The Gradio server from inside: what it keeps, logs, refuses, and starts with.

All is asked in one other process, where the tests can look into the server: Gradio is slow to
import, and warns at it.
"""

import re
import subprocess
import sys

import pytest

from tests.processes import completed
from tests.servers import ROOT

GIVEN = """
import base64, io, time, gradio, httpx, gradio_app
from gradio_client import Client
from PIL import Image
from ui.gradio_page import guard, handlers, sessions
from ui.server import quotas
from ui.service import cache
from ui.text import Text
def until(condition):  # the test's own time limit ends a wait without an end
    while not condition():
        time.sleep(0.05)
demo = gradio_app.demo
app, url, _ = demo.launch(prevent_thread_lock=True, quiet=True)
api, held, queue = url + "gradio_api/", demo.state_holder, demo._queue
assert held.capacity == sessions.MOST_SESSIONS and queue.max_size == gradio_app.QUEUE
# What a notebook shows: our strings and style, and nothing is kept in it.
told = httpx.get(url + "config", timeout=None).json()
assert told["i18n_translations"]["ko"]["sidebar.model"] == "모델"
assert ".picture-source" in told["css"] and told["run_history"] is False
assert told["analytics_enabled"] is False
sweeper = app.middleware_stack
while not isinstance(sweeper, sessions.SessionExpiry):
    sweeper = sweeper.app

# API calls leave no session, and of a picture nothing but a digest.
client = Client(url, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": None})
buffer = io.BytesIO()
Image.effect_mandelbrot((64, 64), (-2, -1.5, 1, 1.5), 50).convert("RGB").save(buffer, "PNG")
picture = base64.b64encode(buffer.getvalue()).decode()
client.predict(picture, model="faces", api_name="/reconstruct")
assert not held.session_data, list(held.session_data)
for model, digest, seed in cache.trade_off.cache:
    assert isinstance(digest, bytes) and len(digest) == 32

# A session lasts as long as its page is connected, and some minutes more.
held["open"], held["closed"]
with httpx.stream("GET", api + "heartbeat/open", timeout=None):
    until(lambda: "open" in sweeper.connected)
    sweeper.sweep(minutes=10)
    assert "open" in held and "closed" in held
    sweeper.sweep(minutes=0)
    assert "open" in held and "closed" not in held
    used = held.time_last_used["open"]
# The time changes when the server notices that the page is left.
until(lambda: held.time_last_used["open"] != used)
sweeper.sweep(minutes=10)
assert "open" in held  # the minutes have only begun
sweeper.sweep(minutes=0)
assert "open" not in held

# Whoever comes back after more minutes sees the first example, chosen, and a sentence.
nobody, said = gradio.Request(), []
nobody.query_params, nobody.headers = {}, {}
handlers.gr.Warning = said.append
view = handlers.update_view(nobody, "mnist", 20, 7, "draw", 0, None, None)
assert "28 × 28 pixels" in view[1]
assert view[-1].value == 0 and said == [Text("en")("source.gone")]
assert "value" not in handlers.update_view(nobody, "mnist", 20, 7, "draw", 0, 3, None)[-1]
assert len(said) == 1

# An answer that nobody fetches is forgotten, too.
for seed in range(5):
    httpx.post(api + "call/v2/sample", json={"seed": seed}, timeout=None).raise_for_status()
pending = queue.pending_messages_per_session
until(lambda: sum(message.msg == "process_completed" for messages in list(pending.values())
                  for message in list(messages._queue)) >= 5)
waiting = len(pending)
sweeper.sweep()
assert len(queue.pending_messages_per_session) == waiting
sweeper.sweep(seconds=0)
assert not queue.pending_messages_per_session
assert not queue.event_ids_to_events, queue.event_ids_to_events

# What is wrong with a call is one sentence, and nothing of the picture goes into the log.
def answer(path, body):
    got = httpx.post(api + path, json=body, timeout=None)
    if got.status_code != 200:
        return got.status_code, got.json()["error"]
    name = path.split("/")[-1]
    return 200, httpx.get(api + "call/" + name + "/" + got.json()["event_id"], timeout=None).text
assert "encode takes 4 values" in answer("call/encode", {"data": [picture]})[1]
assert answer("call/encode", {"data": [{"x": picture}, 1, 2, 3]})[0] == 400
for body in ({"data": [[picture], "mnist", None, 7]}, {"data": [picture] * 4}):
    status, text = answer("call/encode", body)
    assert status == 200 and "event: error" in text and '"error": null' not in text, text
status, text = answer("call/v2/encode", {"picture": picture, "nonsense": picture})
assert status == 422 and "nonsense" in text and picture not in text, text

# Limits.
# More values than any use has.
assert answer("call/decode", {"data": [[[0.0] * 30_000], "mnist", 1.0]})[0] == 400
assert answer("call/v2/sample", {"model": "x" * 300_000})[0] == 413  # no picture belongs there
assert answer("call/v2/encode", {"picture": "A" * 300_000})[0] == 200
def in_chunks(path, size, most=1000):  # nothing says beforehand how many there will be
    chunks = (b"x" * most for _ in range(size // most))
    return httpx.post(api + path, content=chunks, timeout=None).status_code
assert in_chunks("call/v2/sample", 300_000) == 413
assert in_chunks("call/v2/encode", guard.MOST_BODY_BYTES + 1_000_000, 100_000) == 413
quotas.MOST_WAITING = 0
assert answer("call/v2/encode", {"picture": "A" * 300_000}) == (
    503, "too many pictures are waiting; try again in a minute")
assert in_chunks("call/v2/encode", 300_000) == 503
quotas.MOST_WAITING = 1000
book = gradio_app.QUOTAS
until(lambda: not any((book.bytes, book.small, book.silent, book.queues, book.transfer)))
assert book.other_bytes[0]() == guard.queued_bytes(demo)
# A picture may come by each address of the protocol.
for way in ("", "/", "/http", "/http/", "/messages", "/messages/"):
    assert guard.most_bytes("/gradio_api/mcp" + way) == guard.MOST_BODY_BYTES
# A waiting call counts by its request, wherever in it the bytes are.
from types import SimpleNamespace as Some
event = Some(request=Some(_body=b"x" * 500))
waiting = Some(_queue=Some(event_queue_per_concurrency_id={"page": Some(queue=[event])}))
assert guard.queued_bytes(waiting) == 1_000
guard.MOST_CALLS_WAITING = 0
assert answer("call/v2/sample", {}) == (
    503, "too many calls are waiting; try again in some seconds")
number = next(number for number, fn in demo.fns.items() if fn.api_name == "sample")
call = {"data": [], "fn_index": number, "session_hash": "s"}
joined = httpx.post(api + "queue/join", json=call, timeout=None)
assert joined.status_code == 503, joined.text  # the same function by another address
guard.MOST_CALLS_WAITING = 200
queue.max_size = 0
assert "full" in str(httpx.post(api + "call/v2/sample", json={}, timeout=None).json())
demo.close()
print("marker", picture[100:160])
print("given: fine")
"""
COMMAND_LINE = """
import contextlib, importlib.util, io, gradio_app
def said(*arguments):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            gradio_app.main(list(arguments))
        except SystemExit as end:
            return end.code, output.getvalue()
started = []
gradio_app.demo.launch = lambda **options: started.append(options)
assert said("--port", "many")[0] == 2 and "invalid int value: 'many'" in said("--port", "many")[1]
assert said("--help")[0] == 0 and "--share" in said("--help")[1]
said("--share", "--mcp", "--host", "0.0.0.0", "--port", "8000"), said()
shared = {"share": True, "mcp_server": True, "server_name": "0.0.0.0", "server_port": 8000}
usual = {"share": False, "mcp_server": False, "server_name": "127.0.0.1", "server_port": None}
assert started == [shared, usual], started
importlib.util.find_spec = lambda name: None
needed = '--mcp needs one more package: python -m pip install "gradio[mcp]=='
assert said("--mcp")[0].startswith(needed), said("--mcp")
print("command line: fine")
"""
# One after the other, each whatever became of those before.
ALL = """
import sys, traceback
for script in sys.argv[1:]:
    try:
        exec(script, {})
    except BaseException:
        traceback.print_exc()
"""


@pytest.fixture(scope="module")
def done() -> subprocess.CompletedProcess[str]:
    return completed([sys.executable, "-c", ALL, GIVEN, COMMAND_LINE], cwd=ROOT)


def test_nothing_that_is_given_stays_behind_or_is_logged(done):
    assert "given: fine\n" in done.stdout, done.stderr
    (marker,) = re.findall("^marker (.+)", done.stdout, re.MULTILINE)
    assert marker not in done.stderr
    assert done.stdout.count(marker) == 1


def test_the_command_line_does_what_it_says(done):
    assert done.stdout.endswith("command line: fine\n"), done.stderr
