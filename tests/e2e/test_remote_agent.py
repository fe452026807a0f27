"""A remote agent as it is deployed: small, without a privilege, and on a file system that it cannot write to."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.commands import environment
from support.fake_hub import TOKEN, fake_hub
from support.http_answers import plain
from support.http_peer import http_peer
from support.remote_agents import agent, assignment, series
from support.tcp_peer import banner, tcp_peer

from prober.wire import Series

PROBES = 1000
MAX_RESIDENT_BYTES = 60_000_000  # after its start
NOBODY = 65534
SPOOL = "/mnt"  # in a mount namespace of its own


def _http(number: int, url: str) -> Series:
    options = f'{{"url": "{url}{number}", "expect": {{"status": "2xx", "body": {{"contains": "ok"}}}}}}'
    return series(
        number, 1, kind="http", options=options.encode(), interval_us=30_000_000, timeout_us=10_000_000
    )


async def test_an_agent_with_a_thousand_probes_stays_small(tmp_path: Path) -> None:
    async with http_peer({f"/{number}": plain() for number in range(PROBES)}) as peer, fake_hub() as hub:
        url = f"http://{peer.host}:{peer.port}/"
        hub.assignment = assignment(*(_http(number, url) for number in range(PROBES)))
        async with agent(tmp_path, hub) as running:
            async with asyncio.timeout(60):
                while len(hub.records()) < PROBES:  # noqa: ASYNC110  # the hub has no event for it
                    await asyncio.sleep(0.2)
            sizes = [batch.health.resident_bytes for batch in hub.batches()]
            peak_kib = _peak_kib(running.process.pid)
            assert await running.stop() == 0
    assert {record.result.outcome.value for record in hub.records()} == {"pass"}
    assert sizes[-1] == max(sizes[5:])
    assert sizes[-1] < MAX_RESIDENT_BYTES
    print(f"resident: {sizes[-1] / 1e6:.1f} MB, at most {peak_kib * 1024 / 1e6:.1f} MB while it started")


def _peak_kib(pid: int) -> int:
    """Return how much memory a process has ever had: more during its start than after it."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


async def test_an_agent_without_privileges_needs_one_folder_to_write_in() -> None:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("missing component: root and setpriv (hint: make e2e as root on Debian)")
    async with tcp_peer(banner(b"hello\r\n")) as peer, fake_hub() as hub:
        hub.assignment = assignment(series(1, peer.port))
        given = {"PROBER_AGENT_TOKEN": TOKEN, "PROBER_AGENT_HUB": hub.url, "PROBER_AGENT_REGION": "fra"}
        process = await asyncio.create_subprocess_exec(
            "unshare", "--mount", "sh", "-ec", _script(), cwd="/",
            env=environment({**given, "PROBER_AGENT_SPOOL": SPOOL}), stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            await hub.until(lambda: len(hub.slots(1)) >= 10)
            status = Path(f"/proc/{process.pid}/status").read_text()  # noqa: ASYNC240  # in memory
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
            print(errors.decode())
        assert process.returncode == 0
    assert f"Uid:\t{NOBODY}\t{NOBODY}" in status
    assert '"level":"error"' not in errors.decode()


def _script() -> str:
    """Make everything read-only but a small disk for the spool, then become nobody and run the agent."""
    # A developer's interpreter may lie in a folder that is root's alone: to read there is the one thing kept of root.
    become = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs"
    become += " --inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    return "\n".join(
        [
            "mount --make-rprivate /",
            f"mount -t tmpfs -o uid={NOBODY},mode=700,size=16m tmpfs {SPOOL}",
            "mount -o remount,ro,bind /",
            f"exec {become} {shlex.quote(sys.executable)} -m prober agent",
        ]
    )
