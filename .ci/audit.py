"""Known vulnerabilities of everything that is installed in this environment: python audit.py PIP_AUDIT

Fails where there are some. Where the data about a package cannot be reached – pip-audit then ends well, and calls every package
unknown – says so and does not fail.
"""

import json
import subprocess
import sys
import sysconfig


def main(pip_audit: str) -> int:
    command = [pip_audit, "--path", sysconfig.get_path("purelib"), "--format", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        packages = json.loads(done.stdout)["dependencies"]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        print(f"audit: not possible here, its data cannot be reached ({type(error).__name__})")
        return 0
    unknown = sorted(package["name"] for package in packages if "skip_reason" in package)
    found = [(package["name"], package["version"], found["id"], ", ".join(found["fix_versions"]) or "no version")
             for package in packages for found in package.get("vulns", ())]
    print(f"audit: {len(packages) - len(unknown)} of {len(packages)} packages looked up, {len(found)} vulnerabilities known")
    if unknown:
        print(f"audit: no data could be reached for {', '.join(unknown)}")
    for name, version, identifier, fixed in found:
        print(f"audit: {name} {version}: {identifier}, mended in {fixed}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
