"""The shipped configuration on a machine without a network: that is said, and nothing is said of the targets.

The daemon runs in a network namespace of its own, which has a loopback interface and nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.daemons import ROOT

PUBLIC, INTERNAL = "http://127.0.0.1:8080", "http://127.0.0.1:8081"  # as shipped; the namespace is ours alone
DEADLINE_SECONDS = 25
STOP_SECONDS = 5
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT)}
FETCH = (
    "import sys, urllib.request as it; sys.stdout.write(it.urlopen(sys.argv[1], timeout=5).read().decode())"
)


@dataclass(frozen=True, slots=True)
class Island:
    """A process in a network namespace of its own."""

    process: subprocess.Popen[bytes]

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the namespace."""
        inside = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net", sys.executable, *arguments]
        return subprocess.run(
            inside, env=ENVIRON, capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
        )

    def text(self, url: str) -> str:
        """Return what is served at a URL, or nothing while nobody listens."""
        return self.ask("-c", FETCH, url).stdout

    def get(self, path: str) -> Any:  # Any: JSON
        """Return the JSON at an internal path, or None while nobody listens."""
        return json.loads(self.text(INTERNAL + path) or "null")


def need(command: str, component: str) -> None:
    """Skip with what to install when a command is missing."""
    if shutil.which(command) is None:
        pytest.skip(f"missing component: {component} (hint: make e2e as root on Debian installs it)")


@contextlib.contextmanager
def island(folder: Path) -> Iterator[Island]:
    """Run the daemon on the shipped configuration in `folder`, at a faster pace so that all of it has run soon."""
    need("ip", "iproute2")
    need("nsenter", "util-linux")
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("missing: the right to make a network namespace (hint: run make e2e as root)")
    shipped = (ROOT / "probes.yaml").read_text(encoding="utf-8")
    path = folder / "probes.yaml"
    path.write_text(shipped.replace("interval: 30s", "interval: 1s"), encoding="utf-8")
    command = 'ip link set lo up && exec "$0" -m prober run --config "$1"'
    with (folder / "log").open("wb") as log, subprocess.Popen(
        ["unshare", "--net", "sh", "-c", command, sys.executable, str(path)], env=ENVIRON, stdout=log, stderr=log
    ) as process:  # fmt: skip
        try:
            yield Island(process)
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


def ran(there: Island, rounds: int) -> list[dict[str, Any]]:
    """Wait until every probe has run so often; return all results."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        probes = (there.get("/api/v1/probes") or {"probes": []})["probes"]
        counts = [sum(region["outcomes"].values()) for probe in probes for region in probe["regions"]]
        if counts and min(counts) >= rounds:
            results: list[dict[str, Any]] = there.get("/api/v1/results?limit=1000")["results"]
            return results
        assert time.monotonic() < deadline, counts
        time.sleep(0.1)  # nobody outside the namespace can be told


def test_without_a_network_nothing_is_down_and_all_that_is_measured_is_void(tmp_path: Path) -> None:
    with island(tmp_path) as there:
        results = ran(there, 3)
        probes = there.get("/api/v1/probes")["probes"]
        services = there.get("/api/v1/services")["services"]
        assert len(probes) == 4
        assert {row["probe"] for row in results} == {probe["name"] for probe in probes}
        assert {row["outcome"] for row in results} == {"void"}
        assert {each["state"] for each in probes + services} == {"unknown"}
        assert there.get("/api/v1/states?limit=100")["changes"] == []

        page = there.text(PUBLIC + "/")
        assert "our own measuring points have no network" in page
        assert "is down" not in page
        assert "are down" not in page
        summary = json.loads(there.text(PUBLIC + "/api/v2/summary.json"))
        assert not {each["status"] for each in summary["components"]} & {"major_outage", "partial_outage"}

        shown = there.ask("-m", "prober", "status")
        assert shown.returncode == 0, shown.stderr
        assert "region here has no network" in shown.stdout
        assert "DOWN" not in shown.stdout
        lines = there.text(INTERNAL + "/metrics").splitlines()
        assert sum(line.startswith("prober_probe_state{") for line in lines) == 4 * len(probes)
        assert not [line for line in lines if line.startswith("prober_probe_up{") and line.endswith(" 0")]
