"""docs/examples/heartbeat.yaml in a real daemon, called by URL."""

from __future__ import annotations

from pathlib import Path

from support.daemons import Daemon, daemon
from support.examples import EXAMPLES

TOKEN = "example-token-0123456789"


async def test_the_example_passes_when_the_job_calls_and_fails_when_it_no_longer_does(tmp_path: Path) -> None:
    text = (EXAMPLES / "heartbeat.yaml").read_text(encoding="utf-8")
    async with daemon(tmp_path, text, TOKEN=TOKEN, PERIOD="2s", GRACE="500ms") as running:
        assert (await running.probe("nightly-backup"))["state"] == "unknown"
        assert await running.text(f"{running.public}/ping/{TOKEN}") == "ok"
        assert (await running.probe("nightly-backup"))["state"] == "up"
        await running.until(_is_missing)
        outcomes = {row["outcome"] for row in await running.results("probe=nightly-backup")}
        assert outcomes == {"pass", "fail"}
        assert await running.text(f"{running.public}/ping/{TOKEN}") == "ok"
        assert (await running.probe("nightly-backup"))["state"] == "up"


async def _is_missing(running: Daemon) -> bool:
    shown = await running.probe("nightly-backup")
    return shown["state"] == "down" and shown["because"] == "hub heartbeat_missing"
