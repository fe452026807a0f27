"""Jobs that call a daemon as a process: what was answered survives a kill, and its absence is never their failure."""

from __future__ import annotations

import signal
from pathlib import Path

from support.daemons import Daemon, daemon

TOKEN = "backup-token-0123456789"
SLOW = f"probes:\n  - {{name: backup, heartbeat: {{token: {TOKEN}, period: 1h, max_runtime: 30m}}}}\n"
SHORT = f"probes:\n  - {{name: backup, heartbeat: {{token: {TOKEN}, period: 2s, grace: 1s}}}}\n"
SERVICES = "services:\n  - {name: nightly, title: Nightly backup, probes: [backup]}\n"


async def test_what_was_answered_is_there_after_a_kill_and_counted_once(tmp_path: Path) -> None:
    async with daemon(tmp_path, SLOW) as running:
        assert await call(running, "/start") == "ok"
        assert await call(running, "/7", b"disk full") == "ok"
        await running.stop(signal.SIGKILL)
    async with daemon(tmp_path, SLOW) as again:
        assert (await again.probe("backup"))["state"] == "down"
        (row,) = await again.results("probe=backup")
        assert row["outcome"] == "fail"
        assert row["detail"]["facts"]["exit_code"] == 7
        assert row["detail"]["failures"][0]["detail"] == "the job ended with exit code 7: disk full"
        assert list(row["detail"]["phases_us"]) == ["run"]
        assert await call(again) == "ok"
        assert (await again.probe("backup"))["state"] == "up"
        assert len(await again.results("probe=backup")) == 2


async def test_calls_right_before_many_kills_are_all_there(tmp_path: Path) -> None:
    for _ in range(3):
        async with daemon(tmp_path, SLOW) as running:
            assert await call(running, "/fail") == "ok"
            await running.stop(signal.SIGKILL)
    async with daemon(tmp_path, SLOW) as again:
        assert len(await again.results("probe=backup")) == 3


async def test_time_in_which_the_daemon_was_dead_is_no_failure_of_the_job(tmp_path: Path) -> None:
    async with daemon(tmp_path, SHORT) as running:
        assert await call(running) == "ok"
        await running.stop(signal.SIGKILL)
    async with daemon(tmp_path, SHORT) as again:
        # The first result after the restart that is no pass must be void: the job may have called in between.
        await again.until(lambda it: has_outcome(it, "fail"))
        rows = [row for row in await again.results("probe=backup") if row["kind"] == "scheduled"]
        failed = min(row["started_us"] for row in rows if row["outcome"] == "fail")
        started_us = (await again.get("/api/v1/status"))["started_us"]
        assert failed - started_us > 3_000_000
        assert await call(again) == "ok"
        assert (await again.probe("backup"))["state"] == "up"


async def test_page_metrics_and_readiness_know_it_and_nothing_shows_its_token(tmp_path: Path) -> None:
    async with daemon(tmp_path, SHORT + SERVICES) as running:
        assert await running.code("/readyz") == 200
        assert "Nightly backup" in await running.text(running.public + "/")
        assert await call(running, "/1", f"failed with {TOKEN}".encode()) == "ok"
        shown = [
            await running.text(running.public + "/"),
            await running.text(running.internal + "/metrics"),
            str(await running.results()),
            str(await running.get("/api/v1/probes")),
        ]
        assert 'prober_probe_up{probe="backup"} 0' in shown[1]
        await running.until(says_that_it_failed)  # a page is kept for a second
        assert await running.text(f"{running.public}/ping/{TOKEN}/nothing") == "not found"
        assert TOKEN not in "".join(shown) + running.log


async def call(running: Daemon, what: str = "", data: bytes | None = None) -> str:
    method = "GET" if data is None else "POST"
    async with running.session.request(method, f"{running.public}/ping/{TOKEN}{what}", data=data) as answer:
        return await answer.text()


async def has_outcome(running: Daemon, outcome: str) -> bool:
    return any(row["outcome"] == outcome for row in await running.results("probe=backup"))


async def says_that_it_failed(running: Daemon) -> bool:
    return "It has run and failed" in await running.text(running.public + "/")
