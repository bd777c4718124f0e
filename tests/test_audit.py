"""The audit of dependencies fails where something is known, and only there."""

import json
import stat
import sys
from pathlib import Path

import pytest

from tests.processes import completed

AUDIT = Path(__file__).parents[1] / ".ci" / "audit.py"
SOUND = {"name": "numpy", "version": "2.4.6", "vulns": []}
UNKNOWN = {"name": "gradio", "skip_reason": "Dependency not found"}
BROKEN = {"name": "pillow", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.0"]}]}


def audited(folder: Path, output: str, code: int = 0) -> tuple[int, str]:
    """Exit status and output, with a pip-audit that answers this."""
    answer, program = folder / "answer", folder / "pip-audit"
    answer.write_text(output)
    program.write_text(f"#!/bin/sh\ncat {answer}\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    done = completed([sys.executable, AUDIT, program])
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("packages", "code", "said"), [
    ([SOUND], 0, "1 of 1 packages looked up, 0 vulnerabilities"),
    ([SOUND, BROKEN], 1, "pillow 1.0: CVE-1, mended in 2.0"),
    ([UNKNOWN], 0, "no data could be reached for gradio"),
    ([UNKNOWN, BROKEN], 1, "pillow 1.0: CVE-1"),
])
def test_it_fails_where_a_vulnerability_is_known_and_names_what_it_could_not_look_up(tmp_path, packages, code, said):
    status, output = audited(tmp_path, json.dumps({"dependencies": packages}), code)
    assert status == code
    assert said in output


def test_without_an_answer_it_says_so_and_goes_on(tmp_path):
    status, output = audited(tmp_path, "Connection refused", 1)
    assert (status, output) == (0, "audit: not possible here, its data cannot be reached (JSONDecodeError)\n")
    done = completed([sys.executable, AUDIT, tmp_path / "nowhere"])
    assert (done.returncode, "FileNotFoundError" in done.stdout) == (0, True)
