"""Announced maintenance in the real daemon: on record over restarts, followed over reloads, told where it is shown."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.calendar_peer import calendar_peer
from support.commands import prober_beside
from support.daemons import Daemon, daemon
from support.maintenance import ics
from support.ports import free_port

S = 1_000_000
HOUR_US = 3_600 * S
DAY_US = 24 * HOUR_US


def config(*maintenance: str, calendar: str = "") -> str:
    """Return a configuration with a service, a contract and these windows."""
    rows = [*(f"{{services: [shop], {text}}}" for text in maintenance)]
    rows += [f"{{services: [shop], calendar: '{calendar}', refresh: 1m}}"] if calendar else []
    listed = "".join(f"  - {row}\n" for row in rows)
    return (
        f"probes:\n  - {{name: web, interval: 1s, tcp: {{address: '127.0.0.1:{free_port()}'}}}}\n"
        "services:\n  - {name: shop, title: Web shop, probes: [web]}\n"
        'contracts:\n  - {name: gold, service: shop, claim: "99.9%", maintenance: {notice: 72h}}\n'
    ) + (f"maintenance:\n{listed}" if rows else "")


def text(at_us: int) -> str:
    """Return an instant as RFC 3339."""
    return f"{datetime.fromtimestamp(at_us // S, UTC):%Y-%m-%dT%H:%M:%SZ}"


def planned(title: str, start_us: int, length_us: int = HOUR_US) -> str:
    """Return a window for the configuration."""
    return f"title: {title}, start: {text(start_us)}, end: {text(start_us + length_us)}"


def now_us() -> int:
    """Return the present second."""
    return int(time.time()) * S


async def windows(running: Daemon, query: str = "?from=0") -> dict[str, dict[str, Any]]:
    """Return the windows by title."""
    got = await running.get(f"/api/v1/maintenance{query}")
    return {f"{one['title']} {one['start_us']}": one for one in got["windows"]}


async def shows(running: Daemon, title: str, start_us: int, **fields: object) -> None:
    """Wait until a window is listed with these fields."""

    async def holds(_running: Daemon) -> bool:
        found = (await windows(running)).get(f"{title} {start_us}", {})
        return bool(found) and found["logged_us"] is not None and fields.items() <= found.items()

    await running.until(holds)


async def test_the_instants_on_record_outlive_restarts_and_reloads(tmp_path: Path) -> None:
    start_us = now_us() + 2 * DAY_US
    async with daemon(tmp_path, config(planned("Upgrade", start_us))) as running:
        await shows(running, "Upgrade", start_us)
        first = (await windows(running))[f"Upgrade {start_us}"]
        assert abs(now_us() - first["logged_us"]) < 60 * S
        said = await prober_beside(
            "maintenance", "add", "--title", "By hand", "--services", "shop", "--start", text(start_us),
            "--end", text(start_us + HOUR_US), "--url", running.internal,
        )  # fmt: skip
        assert said.code == 0, said.err
        assert "warning: contract gold asks for 3d of notice" in said.out
    async with daemon(tmp_path, config(planned("Upgrade", start_us))) as running:
        found = await windows(running)
        assert found[f"Upgrade {start_us}"]["logged_us"] == first["logged_us"]
        assert found[f"By hand {start_us}"]["source"] == "cli"
        # Another time in the configuration, read while it runs.
        path = tmp_path / "probes.yaml"
        path.write_text(path.read_text().replace(text(start_us + HOUR_US), text(start_us + 2 * HOUR_US)))
        async with running.session.post(running.internal + "/-/reload") as answer:
            assert answer.status == 200
        await shows(running, "Upgrade", start_us, standing="upcoming", end_us=start_us + 2 * HOUR_US)
        every = (await running.get("/api/v1/maintenance?from=0"))["windows"]
        old = next(one for one in every if one["key"] == first["key"])
        assert old["cancelled_us"] >= first["logged_us"]
        key = found[f"By hand {start_us}"]["key"]
        gone = await prober_beside("maintenance", "cancel", key, "--url", running.internal)
        assert (gone.code, gone.out) == (0, f"{key} is cancelled: By hand\n")
    async with daemon(tmp_path, config()) as running:
        found = {one["key"]: one for one in (await running.get("/api/v1/maintenance?from=0"))["windows"]}
        assert found[key]["standing"] == "cancelled"
        assert found[first["key"]]["cancelled_us"] == old["cancelled_us"]


async def test_a_window_under_way_stands_beside_the_state_on_every_face(tmp_path: Path) -> None:
    start_us = now_us() - 60 * S
    repeated = f"{planned('Weekly', start_us + 3 * DAY_US)}, repeat: FREQ=WEEKLY;COUNT=2"
    async with daemon(tmp_path, config(planned("Upgrade", start_us), repeated)) as running:
        await shows(running, "Weekly", start_us + 3 * DAY_US)
        page = await running.text(running.public + "/")
        assert "<b>Under maintenance:</b> Upgrade, until " in page
        assert "Planned maintenance" in page
        active = await running.text(running.public + "/api/v2/scheduled-maintenances/active.json")
        assert '"status":"in_progress"' in active
        coming = await running.text(running.public + "/api/v2/scheduled-maintenances/upcoming.json")
        assert coming.count('"impact":"maintenance"') == 2
        listed = await prober_beside("maintenance", "list", "--url", running.internal)
        assert (listed.code, listed.out.count("upcoming"), listed.out.count("active")) == (0, 2, 1)


async def test_a_calendar_of_others_is_followed_and_its_failures_are_told(tmp_path: Path) -> None:
    start_us = now_us() + 4 * DAY_US
    at = f"{datetime.fromtimestamp(start_us // S, UTC):%Y%m%dT%H%M%SZ}"
    async with calendar_peer(ics(f"UID:x\nSUMMARY:Patch\nDTSTART:{at}\nDURATION:PT1H")) as peer:
        async with daemon(tmp_path, config(calendar=peer.url)) as running:
            await shows(running, "Patch", start_us, source="calendar", calendar="127.0.0.1")
            (state,) = (await running.get("/api/v1/maintenance"))["calendars"]
            assert (state["ok"], state["windows"]) == (True, 1)
        peer.status = 500
        async with daemon(tmp_path, config(calendar=peer.url)) as running:

            async def told(_running: Daemon) -> bool:
                return not (await running.get("/api/v1/maintenance"))["calendars"][0]["ok"]

            await running.until(told)
            await shows(running, "Patch", start_us, cancelled_us=None)
            assert "the server answers 500" in running.log
            assert "hush" not in running.log
