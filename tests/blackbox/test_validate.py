"""`prober validate` reads the module file as well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROBES = "probes: [{name: a, tcp: {address: 'a.example:1'}}]\nblackbox: {file: modules.yml}\n"


def validate(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    (folder / "probes.yaml").write_text(PROBES)
    return subprocess.run(
        [sys.executable, "-m", "prober", "validate", "--config", str(folder / "probes.yaml"), *more],
        capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_good_module_file_is_counted(tmp_path: Path) -> None:
    (tmp_path / "modules.yml").write_text("modules: {a: {prober: http}, b: {prober: tcp}}")
    ran = validate(tmp_path)
    assert (ran.returncode, "modules" in ran.stdout) == (0, True)
    assert json.loads(validate(tmp_path, "--json").stdout)["modules"] == 2


def test_a_bad_module_file_is_told_to_the_column(tmp_path: Path) -> None:
    (tmp_path / "modules.yml").write_text("modules:\n  a: {prober: http, timeout: 5}\n")
    ran = validate(tmp_path)
    assert ran.returncode == 2
    assert "modules.yml:2:30: modules.a.timeout: expected a duration" in ran.stderr
    said = json.loads(validate(tmp_path, "--json").stdout)
    assert (said["ok"], said["faults"][0]["line"], said["faults"][0]["column"]) == (False, 2, 30)


def test_a_missing_module_file_is_told(tmp_path: Path) -> None:
    ran = validate(tmp_path)
    assert (ran.returncode, "cannot read the file: no such file" in ran.stderr) == (2, True)
