"""The Gradio front end as homework meets it.

A started server, the real client, curl's requests, tools for language models.
"""

import asyncio
import base64
import http.client
import json
import re
import shutil
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from gradio_client import Client
from gradio_client.exceptions import AppError

import vae
from tests.pictures import digit_png
from tests.processes import HANGING, completed
from tests.servers import ROOT, running
from ui.service import api, validation
from ui.text import Text
from vae import experiments
from vae.hub import sources

PATIENT = {"timeout": HANGING}
DIGIT = base64.b64encode(digit_png()).decode()
D = sources.resolve("mnist").network.config.latent_dim


@pytest.fixture(scope="module")
def address():
    with running("gradio_app.py", "--mcp", "--port", "{port}", health="/") as address:
        yield address


@pytest.fixture(scope="module")
def client(address):
    return Client(address, verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT)


def post(address: str, body: bytes, **headers: str) -> bytes:
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=HANGING) as answer:
        return answer.read()


def status(address: str, body: bytes | None = None, method: str | None = None) -> int:
    try:
        request = urllib.request.Request(
            address, body, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=HANGING) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_client_gets_the_reconstruction_and_the_numbers_of_the_experiments(client):
    resolved = sources.resolve("mnist")
    image = vae.images.read(digit_png(), resolved.network.config).image.numpy()
    betas = tuple(entry.beta for entry in resolved.metrics.betas)
    own = experiments.trade_off(resolved.network, image, betas, seed=3)
    for beta in (0.01, 1.0, 50.0):
        answer = client.predict(DIGIT, beta=beta, seed=3, api_name="/reconstruct")
        seen = experiments.reconstruct(resolved.network, image, beta, seed=3)
        assert np.array_equal(np.array(answer["reconstruction"], np.float32), seen.mean)
        loss = experiments.breakdown(own, resolved.metrics.at(beta))
        assert (answer["distortion"], answer["rate"]) == (loss.distortion, loss.rate)


CALLS = {
    "/models": {},
    "/encode": {"picture": DIGIT, "beta": 0.3, "seed": 9},
    "/decode": {"latents": [[0.5] * D, [-1.0] * D], "beta": 2.0},
    "/reconstruct": {"picture": "4", "model": "mnist-2d", "beta": 1.0, "draw": 3},
    "/sample": {
        "model": "fashion-mnist",
        "beta": 0.5,
        "count": 3,
        "seed": 1,
        "temperature": 0.5,
        "draw_pixels": True,
    },
    "/rate_distortion": {"model": "mnist", "picture": "2"},
}


@pytest.mark.parametrize("name", CALLS)
def test_each_endpoint_answers_as_the_function_of_its_name(client, name):
    answer = client.predict(api_name=name, **CALLS[name])
    assert answer == getattr(api, name.strip("/"))(**CALLS[name])


def test_each_endpoint_has_types_and_a_documentation(address, client):
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(named) == set(CALLS)  # the page's own functions are not offered
    with urllib.request.urlopen(f"{address}/gradio_api/info") as answer:
        described = json.load(answer)["named_endpoints"]
    for name, endpoint in named.items():
        assert [p["parameter_name"] for p in endpoint["parameters"]] == list(
            getattr(api, name.strip("/")).__annotations__
        )[:-1]
        assert all(parameter["type"] for parameter in endpoint["parameters"])
        assert all(
            p["parameter_name"] in described[name]["description"] for p in endpoint["parameters"]
        )
    assert named["/reconstruct"]["parameters"][1]["parameter_default"] == "mnist"


@pytest.mark.parametrize(
    ("name", "values", "key", "told"),
    [
        (
            "/encode",
            {"picture": "seven"},
            "api.picture",
            {"examples": "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"},
        ),
        (
            "/sample",
            {"count": 100},
            "api.whole",
            {"name": "count", "low": 1, "high": 64, "value": "100"},
        ),
        (
            "/encode",
            {"picture": "7", "beta": 99.0},
            "api.number",
            {"name": "beta", "low": "0.01", "high": "50", "value": "99.0"},
        ),
        ("/decode", {"latents": [[0.0, 1.0]]}, "api.latents", {"most": 64, "dimensions": D}),
    ],
)
def test_a_bad_input_is_one_sentence(client, name, values, key, told):
    with pytest.raises(AppError) as refused:
        client.predict(api_name=name, **values)
    assert str(refused.value) == Text("en")(key, **told)


def test_a_file_that_is_no_picture_is_a_sentence_in_the_callers_language(address, client):
    with pytest.raises(AppError) as refused:
        client.predict(base64.b64encode(b"<html>" * 20).decode(), api_name="/encode")
    assert str(refused.value) == vae.images.ERROR_SENTENCES["not_a_picture"]
    korean = Client(
        address,
        verbose=False,
        analytics_enabled=False,
        httpx_kwargs=PATIENT,
        headers={"Accept-Language": "ko-KR,ko;q=0.9"},
    )
    with pytest.raises(AppError) as refused:
        korean.predict(base64.b64encode(b"<html>" * 20).decode(), api_name="/encode")
    assert str(refused.value) == Text("ko")("errors.not_a_picture")


def test_fifty_calls_at_once_get_each_their_own_answer(address):
    """Pictures, betas, seeds and models all differ; five clients have ten calls each."""
    settings = [
        {
            "model": ("mnist", "mnist-2d")[number % 2],
            "beta": (0.1, 1.0, 10.0)[number % 3],
            "seed": number,
        }
        for number in range(50)
    ]
    asked = [
        ("sample", one | {"count": 1 + number % 7})
        if number % 3 == 0
        else ("reconstruct" if number % 21 == 7 else "encode", one | {"picture": str(number % 10)})
        for number, one in enumerate(settings)
    ]
    expected = [getattr(api, name)(**one) for name, one in asked]
    clients = [
        Client(address, verbose=False, analytics_enabled=False, httpx_kwargs=PATIENT)
        for _ in range(5)
    ]
    with ThreadPoolExecutor(50) as pool:
        jobs = [
            pool.submit(clients[number % 5].predict, api_name=f"/{name}", **one)
            for number, (name, one) in enumerate(asked)
        ]
        answers = [job.result(timeout=HANGING) for job in jobs]
    assert answers == expected
    assert len({json.dumps(answer) for answer in answers}) == 50


PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def test_the_python_of_the_page_runs_and_prints(address, capsys):
    section = PAGE.partition("## Homework")[2].partition("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.S)
    assert len(blocks) == 2
    code = (
        "\n".join(blocks)
        .replace("http://127.0.0.1:7860", address)
        .replace("Client(", "Client(verbose=False, src=", 1)
    )
    assert set(re.findall(r'api_name="(/\w+)"', code)) == set(CALLS)
    exec(compile(code, "api.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 6
    answer = api.reconstruct("7", beta=0.1, seed=7)
    assert printed[1] == f"{answer['distortion']} {answer['rate']} {answer['average_distortion']}"


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="no curl here")
def test_the_curl_of_the_page_gets_answers(address, tmp_path):
    (tmp_path / "digit.jpg").write_bytes(digit_png())
    lines = PAGE.partition("URL=")[2].partition("```")[0].replace("http://127.0.0.1:7860", address)
    done = completed(["bash", "-c", f"URL={lines}"], cwd=tmp_path, check=True)
    answers = [
        json.loads(line.removeprefix("data: "))[0]
        for line in done.stdout.splitlines()
        if line.startswith("data: [")
    ]
    assert len(answers) == len(CALLS) == done.stdout.count("event: complete")
    assert answers[1] == api.reconstruct("7", "mnist", 0.1)
    assert answers[2] == api.encode(DIGIT)


def test_curl_gets_the_same(address):
    """Two requests: one that asks, and one that waits for the answer."""
    asked = json.loads(
        post(f"{address}/gradio_api/call/v2/sample", json.dumps({"count": 2, "seed": 5}).encode())
    )
    with urllib.request.urlopen(
        f"{address}/gradio_api/call/sample/{asked['event_id']}", timeout=HANGING
    ) as answer:
        event, data = answer.read().decode().split("\n")[:2]
    assert event == "event: complete"
    assert json.loads(data.removeprefix("data: "))[0] == api.sample(count=2, seed=5)


def test_language_models_find_the_same_as_tools(address):
    mcp = pytest.importorskip("mcp")
    from mcp.client.streamable_http import streamable_http_client

    async def ask() -> tuple[set[str], str, object]:
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            mcp.ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            answer = await session.call_tool("sample", {"count": 1, "model": "mnist-2d"})
            refused = await session.call_tool("sample", {"count": 99})
            return {tool.name for tool in tools}, answer.content[0].text, refused

    # In another thread: a browser of other tests runs this thread's loop.
    with ThreadPoolExecutor(1) as pool:
        names, text, refused = pool.submit(asyncio.run, ask()).result()
    assert names == {name.strip("/") for name in CALLS}
    assert text == str(api.sample("mnist-2d", count=1))
    assert refused.isError
    assert "1 to 64" in refused.content[0].text


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/upload",
        "gradio_api/file=README.md",
        "gradio_api/file=https://example.org/",
        "gradio_api/proxy=https://a.org/",
        "gradio_api/deep_link?session_hash=x",
        "gradio_api/runs",
        "gradio_api/run-history/buckets",
        "gradio_api/run/sample",
        "gradio_api/component_server",
        "gradio_api/process_recording",
        "monitoring",
        "docs",
        "openapi.json",
        "gradio_api/vibe-code",
        "assets/../../../README.md",
        "%2e%2e/README.md",
    ],
)
def test_what_neither_page_nor_api_needs_is_closed(address, path):
    assert status(f"{address}/{path}") == status(f"{address}/{path}", b"{}") == 404


def test_a_body_larger_than_the_largest_picture_is_refused(address):
    largest = {"data": ["A" * (4 * ((vae.images.MAX_BYTES + 3) // 3))]}
    assert status(f"{address}/gradio_api/call/encode", json.dumps(largest).encode()) == 200
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=HANGING)
    connection.putrequest("POST", "/gradio_api/call/encode")
    connection.putheader("Content-Length", str(28 << 20))
    connection.endheaders()  # refused before a byte of it is sent
    assert connection.getresponse().status == 413
    connection.close()
    assert status(f"{address}/gradio_api/call/encode", b"[" * 100_000) == 400


def test_browsers_are_told_to_be_careful(address):
    with urllib.request.urlopen(f"{address}/") as answer:
        headers = answer.headers
        page = answer.read().decode()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "X-Frame-Options" not in headers  # a hosted page is shown in a frame
    assert "fonts.googleapis" not in page


def test_latents_that_came_from_the_api_go_back_into_torch_unchanged(client):
    answer = client.predict(count=4, seed=2, api_name="/sample")
    drawn = experiments.gallery(sources.resolve("mnist").network, 1.0, count=4, seed=2)
    assert torch.equal(torch.tensor(answer["latents"]), torch.from_numpy(drawn.latents))
    again = client.predict(answer["latents"], api_name="/decode")
    assert again == answer
    assert len(answer["latents"]) <= validation.MOST_PICTURES
