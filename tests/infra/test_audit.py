"""What the audit says of pip-audit's answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.audit import main, summary


def test_vulnerabilities_are_named_and_packages_that_were_not_audited_are_counted() -> None:
    faults = [
        {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1", "2.0"]},
        {"id": "PYSEC-2", "fix_versions": []},
    ]
    answer = {
        "dependencies": [
            {"name": "bad", "version": "1.0", "vulns": faults},
            {"name": "good", "version": "1.0", "vulns": []},
            {"name": "unknown", "skip_reason": "Dependency not found on PyPI"},
        ]
    }
    assert summary(answer) == [
        "bad 1.0: PYSEC-1, CVE-1; fixed in 1.1, 2.0",
        "bad 1.0: PYSEC-2; no fix yet",
        "2 known vulnerabilities in 2 audited packages; 1 of 3 could not be audited: the service does not know or answer for them",
    ]
    assert summary({"dependencies": answer["dependencies"][1:2]}) == [
        "0 known vulnerabilities in 1 audited packages"
    ]


def test_missing_file_is_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.txt")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("infra.audit: pip-audit has no report (")
    assert error.count("\n") == 1
