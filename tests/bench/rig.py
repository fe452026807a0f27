"""What the benchmarks share: real targets, the real daemon, the exporter beside it, and CPU time by process.

CPU is what the kernel says each thread of a process ran, so the load generator and the targets are not counted.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.certs import certificates
from support.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
BODY = "hello hello hello hello hello hello hello hello"
START_SECONDS = 15.0


class Missing(Exception):
    """A component that the benchmark needs is not installed."""


def program(name: str) -> str:
    """Return the path of a program; raises Missing."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise Missing(f"{name} is not installed (make components)")
    return found


def cpu_ns(pid: int) -> int:
    """Return the time that all threads of a process were on a processor, in nanoseconds."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            total += int((task / "schedstat").read_text().split()[0])
    return total


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


@contextlib.contextmanager
def process(
    *command: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program; it is terminated at the end."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)
            try:
                running.wait(8)
            except subprocess.TimeoutExpired:
                running.kill()


def wait_for(url: str) -> None:
    """Wait until something answers there."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the targets listen."""

    http: int
    https: int
    dns: int
    ca_file: Path


@contextlib.contextmanager
def targets() -> Iterator[Targets]:
    """Run nginx (plain and TLS without session reuse) and knot on free ports of loopback."""
    with tempfile.TemporaryDirectory(prefix="prober-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = certificates()
        found = Targets(free_port(), free_port(), free_port(), made.ca_file)
        (folder / "nginx.conf").write_text(_nginx(found, made.valid.chain_file, made.valid.key_file, folder))
        (folder / "example.zone").write_text(_ZONE)
        (folder / "knot.conf").write_text(_knot(found, folder))
        nginx = process(program("nginx"), "-c", str(folder / "nginx.conf"), "-g", "daemon off;")
        knot = process(program("knotd"), "-c", str(folder / "knot.conf"))
        with nginx, knot:
            wait_for(f"http://127.0.0.1:{found.http}/")
            time.sleep(0.5)
            yield found


_ZONE = """$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
www A 203.0.113.7
"""


def _nginx(found: Targets, certificate: Path, key: Path, folder: Path) -> str:
    return f"""
worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
events {{ worker_connections 4096; }}
http {{ access_log off; ssl_session_tickets off; ssl_session_cache off;
  server {{ listen 127.0.0.1:{found.http}; location / {{ return 200 "{BODY}"; }} }}
  server {{ listen 127.0.0.1:{found.https} ssl; ssl_protocols TLSv1.3;
    ssl_certificate {certificate}; ssl_certificate_key {key}; location / {{ return 200 "{BODY}"; }} }} }}
"""


def _knot(found: Targets, folder: Path) -> str:
    return f"""
server:
    listen: 127.0.0.1@{found.dns}
    rundir: {folder}
    udp-workers: 1
database:
    storage: {folder}
log:
  - target: {folder}/knot.log
    any: error
zone:
  - domain: example
    file: {folder}/example.zone
    journal-content: none
    zonefile-sync: -1
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A running daemon."""

    hub: int
    public: str
    internal: str
    folder: Path

    def agents(self) -> list[int]:
        """Return the process ids of its agents."""
        return [agent["pid"] for agent in self.status()["agents"]]

    def status(self) -> dict[str, object]:  # type: ignore[type-arg]
        """Return /api/v1/status."""
        with urllib.request.urlopen(f"{self.internal}/api/v1/status", timeout=5) as answer:
            return json.load(answer)

    def cpu_ns(self) -> dict[str, int]:
        """Return CPU time of hub and agents."""
        return {"hub": cpu_ns(self.hub), "agents": sum(cpu_ns(pid) for pid in self.agents())}

    def metric(self, start: str) -> float:
        """Return the sum of all samples whose line begins so."""
        with urllib.request.urlopen(f"{self.internal}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))


@contextlib.contextmanager
def daemon(configuration: str, folder: Path | None = None) -> Iterator[Running]:
    """Run the real daemon on a configuration (without `listen` and `store`) in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="prober-bench-") as name:
        place = folder or Path(name)
        public, internal = free_port(), free_port()
        listen = f'listen: {{public: "127.0.0.1:{public}", internal: "127.0.0.1:{internal}"}}\n'
        (place / "probes.yaml").write_text(configuration + listen)
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = (sys.executable, "-m", "prober", "run", "--config", str(place / "probes.yaml"))
        with process(*command, cwd=place, env=env) as running:
            found = Running(running.pid, f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}", place)
            wait_for(f"{found.internal}/healthz")
            yield found
