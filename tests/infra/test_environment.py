"""The environment is installed by uv under pip's own settings, or by pip alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from infra import environment
from tests.infra.installed import ROOT, outside_environment

LISTED = """\
:env:.cert='/etc/ssl/mine.crt'
:env:.find-links='/opt/wheels https://mirror/wheels'
global.extra-index-url='file:///opt/one file:///opt/two'
global.find-links='/never'
global.index-url='https://global/simple'
install.index-url='https://install/simple'
download.index-url='https://download/simple'
global.constraint='/etc/pip/constraints.txt'
"""


def test_settings_are_those_in_force_for_installing() -> None:
    own = environment.settings(LISTED)
    assert own["find-links"] == "/opt/wheels https://mirror/wheels"  # the environment goes before a file
    assert own["index-url"] == "https://install/simple"  # `install` goes before all commands
    assert environment.settings("") == {}


def test_uv_is_given_pips_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    own = environment.settings(LISTED)
    assert environment.arguments(own) == [
        "--default-index", "https://install/simple",
        "--index", "file:///opt/one", "--index", "file:///opt/two",
        "--find-links", "/opt/wheels", "--find-links", "https://mirror/wheels",
        "--constraint", "/etc/pip/constraints.txt",
        "--index-strategy", "unsafe-best-match",
    ]  # fmt: skip
    assert environment.variables(own)["SSL_CERT_FILE"] == "/etc/ssl/mine.crt"
    assert "--no-index" in environment.arguments({"no-index": "true"})
    assert "--no-index" not in environment.arguments({"no-index": "false"})


def test_the_users_own_variables_go_before_pips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ssl/own.crt")
    assert environment.variables({"cert": "/etc/ssl/mine.crt"})["SSL_CERT_FILE"] == "/etc/ssl/own.crt"


def test_pip_reads_the_same_settings_as_it_lists(tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("[global]\nfind-links =\n    /opt/a\n    /opt/b\n")
    variables = {
        **{name: value for name, value in outside_environment().items() if not name.startswith("PIP_")},
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
    }
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert environment.arguments(environment.settings(listed))[:4] == [
        "--find-links", "/opt/a", "--find-links", "/opt/b",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("uv", [True, False])
def test_a_new_environment_has_what_a_study_needs_and_what_is_pinned(
    uv: bool, wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "VIRTUAL_ENV"):
        monkeypatch.delenv(name, raising=False)
    where = tmp_path / "venv"
    if uv:
        assert environment.main(str(where)) == 0
    else:
        subprocess.run([sys.executable, "-m", "venv", str(where)], check=True)
        pip = [str(where / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    script = (
        "from importlib.metadata import distributions\n"
        "import sweeps.toy_robustness, ray.tune, torch, mlflow\n"
        "print(*(f'{d.name}=={d.version}' for d in distributions()), sep='\\n')"
    )
    listed = subprocess.run(
        [str(where / "bin" / "python"), "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    installed = dict(line.lower().replace("_", "-").split("==") for line in listed)
    pinned = dict(
        line.lower().replace("_", "-").split("==") for line in (ROOT / "constraints.txt").read_text().split()
    )
    assert {"torch", "ray", "optuna", "mlflow", "pyarrow", "numpy"} <= installed.keys()
    assert "pytest" not in installed
    for name, version in installed.items():
        if name in pinned:
            assert version.partition("+")[0] == pinned[name], name
