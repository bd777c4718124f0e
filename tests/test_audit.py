"""The audit of dependencies fails where a vulnerability is known or where it could not look.

Only missing data is no failure.
"""

import contextlib
import importlib.util
import io
import json
import stat
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.processes import completed

AUDIT = Path(__file__).parents[1] / ".ci" / "audit.py"


def loaded() -> ModuleType:
    """The audit as a module: it lies in no package."""
    spec = importlib.util.spec_from_file_location("audit", AUDIT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULE = loaded()
SOUND = {"name": "NumPy", "version": "2.4.6", "vulns": []}
UNKNOWN = {
    "name": "gradio",
    "skip_reason": "Dependency not found on PyPI and could not be audited: gradio (6.31.0)",
}
SKIPPED = {"name": "gradio", "skip_reason": "distribution marked as editable"}
BROKEN = {"name": "pillow", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.0"]}]}
# What pip-audit 2.10.1 says at the end of a long traceback, or logs.
NO_NETWORK = [
    "Traceback (most recent call last):\n"
    "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='a.example', port=443)",
    "Traceback (most recent call last):\n"
    "requests.exceptions.ProxyError: HTTPSConnectionPool(host='a.example', port=443)",
    "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a.example', port=443): Read timed "
    "out. (read timeout=15)",
    "requests.exceptions.HTTPError: 503 Server Error: Service Unavailable for url: "
    "https://a.example\n"
    "\n"
    "ServiceError",
    "ERROR:pip_audit._cli:Could not connect to PyPI's vulnerability feed\n"
    "ERROR:pip_audit._cli:Tip: your network may be",
]
CRASHES = [
    "",
    "Traceback (most recent call last):\nTypeError: 'NoneType' object is not iterable",
    "usage: pip-audit [-h]\npip-audit: error: unrecognized arguments: --path",
    "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: "
    "https://a.example/pypi/numpy/2.4.6/json",
    # a login page in PyPI's place
    "requests.exceptions.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
]


def audited(
    folder: Path,
    output: str,
    code: int = 0,
    errors: str = "",
    installed: tuple[str, ...] = (),
    pip: object = None,
) -> tuple[int, str]:
    """Exit status and output of the audit with a made-up pip-audit.

    It answers `output` in an environment where `installed` is installed, and `pip` where it is
    asked for pip alone.
    """
    site, program = folder / "site", folder / "pip-audit"
    for name in installed:
        (site / f"{name}-1.0.dist-info").mkdir(parents=True)
        (site / f"{name}-1.0.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
    (folder / "answer").write_text(output)
    (folder / "errors").write_text(errors)
    (folder / "pip").write_text(json.dumps({"dependencies": [pip]}))
    program.write_text(
        f"#!/bin/sh\ncase $1 in --requirement) cat {folder / 'pip'}; exit 0;; esac\n"
        f"cat {folder / 'answer'}\ncat {folder / 'errors'} >&2\nexit {code}\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = MODULE.main(str(program), str(site))
    return status, said.getvalue()


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SOUND], 0, "1 of 1 packages looked up, 0 vulnerabilities"),
        ([SOUND, BROKEN], 1, "pillow 1.0: CVE-1, mended in 2.0"),
        ([SOUND, UNKNOWN], 0, "no data could be reached for gradio"),
        ([UNKNOWN, BROKEN], 1, "pillow 1.0: CVE-1"),
    ],
)
def test_it_fails_where_a_vulnerability_is_known_and_names_what_it_could_not_look_up(
    tmp_path, packages, code, said
):
    status, output = audited(tmp_path, json.dumps({"dependencies": packages}), code)
    assert status == code
    assert said in output


NO_PIP = UNKNOWN | {"name": "pip"}


@pytest.mark.parametrize(
    ("pip", "code", "said"),
    [
        (NO_PIP, 0, "audit: not possible here, the registry in PyPI's place has no data"),
        ({"name": "pip", "version": "25.0", "vulns": []}, 1, "audit: failed, PyPI has data, but"),
        (BROKEN | {"name": "pip"}, 1, "audit: failed, PyPI has data, but"),
    ],
)
def test_where_nothing_was_looked_up_only_a_registry_without_any_data_excuses_it(
    tmp_path, pip, code, said
):
    answer = json.dumps({"dependencies": [UNKNOWN, UNKNOWN | {"name": "numpy"}]})
    status, output = audited(tmp_path, answer, pip=pip)
    assert (status, output.count("\n")) == (code, 2)
    assert said in output


@pytest.mark.parametrize("errors", NO_NETWORK)
def test_where_the_data_cannot_be_reached_it_says_so_and_goes_on(tmp_path, errors):
    status, output = audited(tmp_path, "", 1, errors)
    assert (status, output.count("\n")) == (0, 1)
    assert "audit: not possible here, its data cannot be reached (" in output


@pytest.mark.parametrize("code", [0, 1, 2])
@pytest.mark.parametrize("errors", CRASHES)
def test_a_pip_audit_that_crashes_is_a_failure(tmp_path, errors, code):
    status, output = audited(tmp_path, "", code, errors)
    assert (status, output.count("\n")) == (1, 1)
    assert f"audit: failed, pip-audit ended with status {code}" in output


@pytest.mark.parametrize(
    "output",
    [
        "<!doctype html><title>Log in</title>",
        "Connection refused",
        "null",
        "[]",
        "{}",
        '{"dependencies": null}',
        '{"dependencies": []}',
        '{"dependencies": [1]}',
        '{"dependencies": [{"name": 1}]}',
        '{"dependencies": [{"name": "numpy"}]}',
        '{"dependencies": [{"name": "numpy", "version": "1", "vulns": null}]}',
        '{"dependencies": [{"name": "a", "skip_reason": 1}]}',
        json.dumps({"dependencies": [SKIPPED]}),
        json.dumps({"dependencies": [SOUND, SKIPPED]}),
        json.dumps({"dependencies": [BROKEN]}),  # with status 0
    ],
)
def test_an_answer_that_looked_nothing_up_is_a_failure(tmp_path, output):
    status, said = audited(tmp_path, output)
    assert status == 1
    assert "audit: failed, " in said


def test_what_is_installed_and_was_not_looked_at_is_a_failure(tmp_path):
    answer = json.dumps({"dependencies": [SOUND]})
    assert audited(tmp_path, answer, installed=("numpy",))[0] == 0
    status, said = audited(tmp_path, answer, installed=("torch_audio",))
    assert (status, said) == (
        1,
        "audit: failed, pip-audit did not look at torch-audio and 0 more\n",
    )


def test_a_pip_audit_that_is_not_there_is_a_failure(tmp_path):
    """In a process of its own, as CI starts it."""
    done = completed([sys.executable, AUDIT, tmp_path / "nowhere"])
    assert (done.returncode, "pip-audit did not run" in done.stdout, done.stderr) == (1, True, "")
