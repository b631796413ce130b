"""Known vulnerabilities of the pinned packages: a report from pip-audit's answer, which fails nothing.

    python -m infra.audit [constraints.txt]
    python -m infra.audit constraints.txt --vulnerability-service osv

A package about which nobody could be asked is said to be unaudited, and not to be without fault.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import command_output


def summary(answer: Mapping[str, Any]) -> list[str]:
    """Lines of the report: one for each vulnerability, then how many packages were audited.

    Args:
        answer: what `pip-audit --format json` prints.
    """
    packages = answer["dependencies"]
    audited = [package for package in packages if "skip_reason" not in package]
    lines = []
    for package in audited:
        for fault in package["vulns"]:
            names = ", ".join([fault["id"], *fault.get("aliases", ())])
            remedy = f"fixed in {', '.join(fault['fix_versions'])}" if fault["fix_versions"] else "no fix yet"
            lines.append(f"{package['name']} {package['version']}: {names}; {remedy}")
    found = f"{len(lines)} known vulnerabilities in {len(audited)} audited packages"
    unaudited = len(packages) - len(audited)
    if unaudited:
        found += f"; {unaudited} of {len(packages)} could not be audited: the service does not know or answer for them"
    return [*lines, found]


def main(arguments: list[str]) -> int:
    """Run the command; 0 whatever is found, 2 when there is nothing to report."""
    requirements, *others = arguments or ["constraints.txt"]
    command = [sys.executable, "-m", "pip_audit", "--requirement", requirements, "--no-deps", "--disable-pip",
               "--format", "json", "--progress-spinner", "off", *others]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer = json.loads(done.stdout)
    except json.JSONDecodeError:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        print(f"infra.audit: pip-audit has no report ({lines[-1].strip()[:300]})", file=sys.stderr)
        return 2
    print("\n".join(summary(answer)))
    return 0


if __name__ == "__main__":
    command_output.lasting()
    sys.exit(main(sys.argv[1:]))
