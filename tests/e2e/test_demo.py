"""`prober demo` as a newcomer meets it: trouble is shown within 15 seconds, Ctrl-C ends it and leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from support.daemons import ROOT, alive

if TYPE_CHECKING:
    from playwright.async_api import Page

FIRST_TROUBLE_SECONDS = 15.0
STOP_SECONDS = 5.0
START_SECONDS = 12.0
POLL_SECONDS = 0.1
BROWSER_MS = 20_000
PROBES = 9
# A free port each: others may hold the usual ones.
ENVIRON = {
    **os.environ,
    "PYTHONPATH": str(ROOT),
    "PROBER_LISTEN__PUBLIC": "127.0.0.1:0",
    "PROBER_LISTEN__INTERNAL": "127.0.0.1:0",
}


@dataclass(slots=True)
class Demo:
    """A running demo; `began` is the monotonic second at which its command was given."""

    process: asyncio.subprocess.Process
    folder: Path
    began: float
    session: aiohttp.ClientSession
    public: str = ""
    internal: str = ""

    @property
    def age(self) -> float:
        """Seconds since the command."""
        return time.monotonic() - self.began

    @property
    def said(self) -> str:
        """What it printed so far."""
        return (self.folder / "said").read_text()

    async def text(self, url: str) -> str:
        """Return what is served at a URL."""
        async with self.session.get(url) as answer:
            return await answer.text()

    async def status(self) -> Any:  # Any: JSON
        """Return what `prober status --json` prints."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "prober", "status", "--json", "--url", self.internal,
            env=ENVIRON, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        printed, _ = await process.communicate()
        assert process.returncode == 0
        return json.loads(printed)

    async def within(self, age: float, holds: Callable[[], Awaitable[bool]]) -> None:
        """Wait until something holds, at most until the demo is so many seconds old."""
        while not await holds():
            assert self.age < age, self.said
            await asyncio.sleep(POLL_SECONDS)

    def processes(self) -> list[int]:
        """Return the demo's process and all below it."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                found += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        return found


@contextlib.asynccontextmanager
async def demo(folder: Path) -> AsyncIterator[Demo]:
    """Run the demo, with temporary files of its own, until it has said where it listens."""
    (folder / "tmp").mkdir()
    with (folder / "said").open("wb") as said:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "prober", "demo",
            cwd=folder, env={**ENVIRON, "TMPDIR": str(folder / "tmp")}, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        made = Demo(process, folder, began, session)
        try:
            await made.within(START_SECONDS, lambda: _listens(made))
            yield made
        finally:
            if process.returncode is None:
                process.terminate()
                async with asyncio.timeout(2 * STOP_SECONDS):
                    await process.wait()


async def _listens(made: Demo) -> bool:
    public = re.search(r"status page +(\S+)", made.said)
    internal = re.search(r"--url (\S+)", made.said)
    if public and internal:
        made.public, made.internal = public[1], internal[1]
    return bool(public and internal)


async def test_the_first_trouble_shows_everywhere_within_fifteen_seconds(tmp_path: Path) -> None:
    """On the page, in `prober status`, in the metrics: measured by three regions, stored, agreed."""
    async with demo(tmp_path) as running:
        await running.within(FIRST_TROUBLE_SECONDS, lambda: _trouble_on_page(running))
        status = await running.status()
        metrics = await running.text(running.internal + "/metrics")
        assert running.age < FIRST_TROUBLE_SECONDS
        down = {probe["name"] for probe in status["probes"] if probe["state"] == "down"}
        assert down == {"catalogue"}
        assert len(status["probes"]) == PROBES
        assert all(len(probe["regions"]) == 3 for probe in status["probes"])
        assert 'prober_probe_up{probe="catalogue"} 0' in metrics
        assert 'prober_probe_up{probe="api"} 1' in metrics
        assert 'prober_service_state{service="catalogue",state="down"} 1' in metrics


async def _trouble_on_page(running: Demo) -> bool:
    return "Catalogue is down" in await running.text(running.public)


async def test_a_browser_shows_the_page_live(tmp_path: Path) -> None:
    """The page that was opened while all was well tells of the trouble by itself."""
    async with demo(tmp_path) as running, opened(running.public) as (page, complaints):
        assert await page.locator("h3").count() == 7
        await page.get_by_text("Catalogue is down").first.wait_for()
        assert complaints == []


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[Page, list[str]]]:
    """Open a page in the system's Chromium; yield it with what its console complains of."""
    api = pytest.importorskip("playwright.async_api", reason="missing component: playwright (hint: make e2e)")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("missing component: chromium (hint: make e2e as root on Debian installs it)")
    async with api.async_playwright() as driver:
        # Chromium refuses to run as root inside its sandbox, and make e2e runs as root; the page is our own.
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = await browser.new_page()
            page.set_default_timeout(BROWSER_MS)
            complaints: list[str] = []
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            await page.goto(url)
            yield page, complaints
        finally:
            await browser.close()


async def test_ctrl_c_ends_it_within_five_seconds_and_leaves_nothing(tmp_path: Path) -> None:
    async with demo(tmp_path) as running:
        await running.within(FIRST_TROUBLE_SECONDS, lambda: _measures(running))
        processes = running.processes()
        assert len(processes) >= 2  # itself and an agent
        assert list((tmp_path / "tmp").iterdir())
        began = time.monotonic()
        os.killpg(running.process.pid, signal.SIGINT)  # as a terminal does
        async with asyncio.timeout(2 * STOP_SECONDS):
            assert await running.process.wait() == 0
        assert time.monotonic() - began < STOP_SECONDS
        assert not any(alive(pid) for pid in processes)
        assert list((tmp_path / "tmp").iterdir()) == []
        assert "Traceback" not in running.said


async def _measures(running: Demo) -> bool:
    return "probe_success{" in await running.text(running.internal + "/metrics")
