"""The Spaces and the other hosts, as far as they can be tested here.

Their folders are assembled, started and asked; versions agree.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml
from gradio_client import Client

from deploy import assemble, requirements
from tests.hub_server import Answer, Fault
from tests.processes import HANGING, completed
from tests.servers import running
from tests.ui.driver import numbers
from ui.service import api
from vae.hub import sources

ROOT = Path(__file__).parents[2]


def pins(path: str) -> dict[str, str]:
    """Names and versions of a requirements file; of a wheel's address the version in it."""
    lines = [
        line for line in (ROOT / path).read_text().splitlines() if not line.startswith(("#", "-r"))
    ]
    found = {}
    for line in lines:
        name, version = (
            re.match(r"([a-z-]+)(?:==([\d.]+)(?:; .*)?$| @ .*/\1-([\d.]+)%2Bcpu-)", line).group(1),
            line,
        )
        found[name] = re.search(r"(?:==|/torch-)([\d.]+\d)", version).group(1)
    return found


def front_matter(path: Path) -> dict:
    return yaml.safe_load(path.read_text(encoding="utf-8").split("---\n")[1])


@pytest.mark.parametrize("path", requirements.HOSTS)
def test_a_hosts_requirements_are_written_from_ours(path):
    source = (ROOT / requirements.SOURCE).read_text(encoding="utf-8")
    written = requirements.written(requirements.HOSTS[path], source)
    assert (ROOT / path).read_text(encoding="utf-8") == written, "python -m deploy.requirements"


def test_what_a_host_does_without_must_be_there():
    host = requirements.Host("", without=("gone",), torch=())
    with pytest.raises(ValueError, match=r"requirements\.txt does not have gone"):
        requirements.written(host, "torch==2.13.0\n")


# --- Hugging Face Spaces


def test_the_readme_tells_the_hub_what_the_dockerfile_does():
    told = front_matter(ROOT / "README.md")
    assert (told["sdk"], told["app_port"]) == ("docker", 7860)
    assert told["license"] == "apache-2.0"
    assert len(told["short_description"]) <= 60


def test_the_free_space_has_the_versions_of_the_others_but_the_torch_that_zerogpu_knows():
    root, free = pins("requirements.txt"), pins("deploy/zerogpu/requirements.txt")
    told = front_matter(ROOT / "deploy" / "zerogpu" / "README.md")
    assert told["sdk"] == "gradio"
    assert told["sdk_version"] == root.pop("gradio")
    assert tuple(map(int, free.pop("torch").split(".")[:2])) <= (2, 11)
    assert free.items() <= root.items()
    assert set(root) - set(free) == {
        "streamlit",
        "streamlit-drawable-canvas",
        "markdown-it-py",
        "segno",
        "torch",
        "uvloop",
        *requirements.SERVERS,
    }
    assert (ROOT / "deploy" / "zerogpu" / told["app_file"]).exists()


@pytest.mark.parametrize("kind", assemble.KINDS)
def test_a_space_holds_what_it_needs_and_every_link_in_its_readme(tmp_path, kind):
    names = assemble.assemble(kind, tmp_path / "space")
    assert not [
        name for name in names if "__pycache__" in name or name.startswith(("tests/", "training/"))
    ]
    readme = (tmp_path / "space" / "README.md").read_text(encoding="utf-8")
    front_matter(tmp_path / "space" / "README.md")
    for target in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (tmp_path / "space" / target).exists(), target


def test_a_folder_that_is_there_is_not_overwritten(tmp_path):
    done = completed([sys.executable, "-m", "deploy.assemble", "docker", str(tmp_path)], cwd=ROOT)
    assert done.returncode == 1
    assert (
        done.stderr.strip() == f"{tmp_path} is there already; name a new folder, or remove that one"
    )


@pytest.mark.parametrize("with_spaces", [True, pytest.param(False, marks=pytest.mark.weekly)])
def test_the_free_space_answers_with_and_without_the_package_that_only_spaces_have(
    tmp_path, with_spaces
):
    """From its own folder alone, as on the Hub."""
    assemble.assemble("zerogpu", tmp_path / "space")
    environment = os.environ | {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_ANALYTICS_ENABLED": "False",
    }
    start = "import os, runpy, sys; os.environ['GRADIO_SERVER_PORT'] = '{port}'; "
    start += "sys.path.insert(0, '.'); "
    start += "" if with_spaces else "sys.modules['spaces'] = None; "
    check = f"assert (space['spaces'] is not None) == {with_spaces} == ('gpu_name' in space); "
    check += "space['demo'].launch()"
    with running(
        "-c",
        start + f"space = runpy.run_path('app.py'); {check}",
        health="/",
        environment=environment,
        folder=tmp_path / "space",
    ) as address:
        client = Client(
            address, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": HANGING}
        )
        assert client.predict("3", api_name="/encode") == api.encode("3")


# --- Streamlit Community Cloud


def test_the_cloud_gets_the_same_versions_without_gradio():
    root = pins("requirements.txt")
    for name in ("gradio", *requirements.SERVERS):
        del root[name]
    assert pins("deploy/streamlit-cloud/requirements.txt") == root
    text = (ROOT / "deploy" / "streamlit-cloud" / "requirements.txt").read_text()
    for minor in (11, 12, 13):
        assert (
            f'-cp3{minor}-cp3{minor}-manylinux_2_28_x86_64.whl ; python_version == "3.{minor}"'
            in text
        )


def test_the_clouds_entry_point_is_the_app():
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(
        str(ROOT / "deploy" / "streamlit-cloud" / "streamlit_app.py"), default_timeout=HANGING
    )
    app.query_params["lang"] = "en"
    app.run()
    assert not app.exception
    assert "nats" in numbers(app)


# --- a school's own machine


def unit() -> dict[str, str]:
    lines = (ROOT / "deploy" / "school" / "vae-lab.service").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_the_service_starts_what_the_container_starts_and_may_write_nowhere():
    started = unit()["ExecStart"]
    assert started.startswith("/opt/vae-lab/venv/bin/uvicorn asgi:app ")
    docker = next(
        line for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("CMD")
    )
    assert all(f'"{option}"' in docker for option in started.split()[2:])
    assert (unit()["ProtectSystem"], unit()["DynamicUser"], unit()["NoNewPrivileges"]) == (
        "strict",
        "yes",
        "yes",
    )


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_understands_the_service(tmp_path):
    """Everything but that the program lies where the page says to put it."""
    copy = tmp_path / "vae-lab.service"
    text = (ROOT / "deploy" / "school" / "vae-lab.service").read_text()
    copy.write_text(text.replace("/opt/vae-lab/venv/bin/uvicorn", "/bin/true"))
    done = completed(["systemd-analyze", "verify", str(copy)])
    assert "vae-lab.service" not in done.stderr, done.stderr


# --- the workflow


def test_the_workflow_holds_no_secret_and_publishes_only_what_was_tested():
    text = (ROOT / ".github" / "workflows" / "publish.yml").read_text()
    workflow = yaml.safe_load(text)
    assert "secrets." not in text
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert (job.get("permissions", {}).get("id-token") == "write") == (name != "test")
        assert name == "test" or (job["needs"] == "test" and "refs/heads/main" in job["if"])
    assert workflow["jobs"]["weights"]["strategy"]["matrix"]["name"] == list(sources.bundled())
    assert f"huggingface-hub=={pins('requirements.txt')['huggingface-hub']}" in text


def test_the_workflows_upload_reaches_the_hub_with_its_identity_alone(local_hub, tmp_path):
    """The Hub's own command line, as in the workflow; a model stands for a Space.

    training.publish is tested in tests/training.
    """
    local_hub.add("teacher/lab", {"old.txt": b"from before"})
    token = Answer({"access_token": "hf_writer", "token_type": "bearer", "expires_in": 3600})
    local_hub.inject(Fault(instead=token), "POST /oauth/token", times=None)
    (tmp_path / "space").mkdir()
    (tmp_path / "space" / "README.md").write_text("---\nsdk: gradio\n---\n")
    environment = local_hub.environment(tmp_path / "home", token=None) | {
        "HF_OIDC_RESOURCE": "teacher/lab",
        "HF_OIDC_ID_TOKEN": "signed",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    }
    command = [
        Path(sys.executable).with_name("hf"),
        "upload",
        "teacher/lab",
        tmp_path / "space",
        ".",
        "--delete",
        "*",
    ]
    done = completed(command, env=environment)
    assert done.returncode == 0, done.stderr
    files = local_hub.repositories["teacher/lab"].commits[-1].files
    assert "README.md" in files
    assert "old.txt" not in files
