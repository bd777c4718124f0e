"""Known vulnerabilities of all packages that are installed in a folder.

    python audit.py PIP_AUDIT [SITE_PACKAGES]

Fails where there are some, and where pip-audit did not look: it is missing, crashes, prints
something else than its JSON, leaves out what is installed, or found none of it on PyPI. Only where
its data cannot be reached, that is printed and is no failure: then pip-audit ends with a connection
error, or a registry in PyPI's place has no data at all, not even of pip.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
import sysconfig
import tempfile

SECONDS = 600
UNREACHABLE = re.compile(
    r"^requests\.exceptions\.(ConnectionError|ProxyError|ConnectTimeout|ReadTimeout): |"
    r"^requests\.exceptions\.HTTPError: 5\d\d |"
    r"Could not connect to PyPI's vulnerability feed|PyPI is not redirecting properly",
    re.MULTILINE,
)
NOT_ON_PYPI = "Dependency not found on PyPI"


class AuditError(Exception):
    """The packages could not be audited. Why, in half a sentence."""


def main(pip_audit: str, folder: str = sysconfig.get_path("purelib")) -> int:
    try:
        packages = audited(pip_audit, folder)
        unknown = {
            name: package["skip_reason"]
            for name, package in packages.items()
            if "skip_reason" in package
        }
        found = [
            (
                name,
                package["version"],
                known["id"],
                ", ".join(known["fix_versions"]) or "no version",
            )
            for name, package in packages.items()
            if name not in unknown
            for known in package["vulns"]
        ]
        other = sorted(
            name for name, reason in unknown.items() if not reason.startswith(NOT_ON_PYPI)
        )
    except ConnectionError as error:
        print(f"audit: not possible here, its data cannot be reached ({error})")
        return 0
    except AuditError as error:
        print(f"audit: failed, {error}")
        return 1
    except (KeyError, TypeError, AttributeError) as error:
        print(f"audit: failed, pip-audit said something else than of old ({error!r})")
        return 1
    print(
        f"audit: {len(packages) - len(unknown)} of {len(packages)} packages looked up, "
        f"{len(found)} vulnerabilities known"
    )
    if len(unknown) == len(packages) and not other:
        if knows_pip(pip_audit):
            print("audit: failed, PyPI has data, but of none of these packages")
            return 1
        print("audit: not possible here, the registry in PyPI's place has no data of any package")
        return 0
    if unknown:
        print(f"audit: no data could be reached for {', '.join(sorted(unknown))}")
    for name, version, identifier, fixed in found:
        print(f"audit: {name} {version}: {identifier}, mended in {fixed}")
    if other:
        print(f"audit: failed, pip-audit did not look up {', '.join(other)} ({unknown[other[0]]})")
    return 1 if found or other else 0


def audited(pip_audit: str, folder: str) -> dict[str, dict]:
    """The report of pip-audit on each package in the folder, by name.

    Raises AuditError, and ConnectionError where it had no connection.
    """
    command = [pip_audit, "--path", folder, "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AuditError(f"pip-audit did not run ({error})") from error
    try:
        packages = {
            normal(package["name"]): package for package in json.loads(done.stdout)["dependencies"]
        }
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        if (
            done.returncode == 1
            and not done.stdout.strip()
            and (reason := UNREACHABLE.search(done.stderr))
        ):
            raise ConnectionError(reason[0].strip(" :")) from error
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise AuditError(
            f"pip-audit ended with status {done.returncode} and no list of packages ({said[:200]})"
        ) from error
    if done.returncode != any(package.get("vulns") for package in packages.values()):
        raise AuditError(
            f"pip-audit ended with status {done.returncode}, which does not go with what it found"
        )
    installed = {
        normal(each.metadata["Name"]) for each in importlib.metadata.distributions(path=[folder])
    }
    if forgotten := sorted(installed - set(packages)):
        raise AuditError(
            f"pip-audit did not look at {', '.join(forgotten[:5])} and "
            f"{max(0, len(forgotten) - 5)} more"
        )
    if not packages:
        raise AuditError(f"there is no package in {folder}")
    return packages


def knows_pip(pip_audit: str) -> bool:
    """Whether pip-audit finds a package that PyPI surely has."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as asked:
        asked.write("pip==25.0\n")
        asked.flush()
        command = [pip_audit, "--requirement", asked.name, "--no-deps", "--disable-pip"]
        options = ["--format", "json", "--progress-spinner", "off"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=SECONDS)
    try:
        (package,) = json.loads(done.stdout)["dependencies"]
    except (ValueError, LookupError, TypeError):
        return False
    return "skip_reason" not in package


def normal(name: str) -> str:
    """A package's name as registries compare them."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
