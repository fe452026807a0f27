"""A quarter that a script made, in a real store: probes, trouble, contracts, and what the API exports of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
from support.exposing import view_of
from support.fake_history import FakeHistory
from support.scripted import DAY_US, HOUR_US, MINUTE_US, S, Script, Stay, seeded_store, write

from prober.config import load
from prober.hub.serving import Served
from prober.store import open_store
from prober.store.base import Store
from prober.web import internal_app
from prober.web.listener import serve

REGIONS = ("fra", "iad", "sin")
START_US = 1_735_686_000 * S  # 2025-01-01T00:00 in Berlin
END_US = 1_743_458_400 * S  # 2025-04-01T00:00 in Berlin: 2,159 h
CHANGE_US = START_US + 44 * DAY_US + 5 * HOUR_US + 7 * S
YOUNG_US = START_US + 19 * DAY_US + 3 * HOUR_US
MARGIN_US = 4 * DAY_US

CONFIG = """
regions: {{fra: {{local: true}}, iad: {{local: true}}, sin: {{local: true}}}}
probes:
  - {{name: web, interval: {later}s, tcp: {{address: "127.0.0.1:9"}}}}
  - {{name: db, interval: {db}s, schedule: fixed, tcp: {{address: "127.0.0.1:10"}}}}
services:
  - {{name: shop, probes: [web, db], up_when: all}}
  - {{name: front, probes: [web]}}
{contracts}
maintenance:
  - {{title: Told in time, services: [shop, front], start: "2025-01-12T02:00:00+01:00",
     end: "2025-01-12T04:30:00+01:00", announced: "2025-01-02T09:00:00+01:00"}}
  - {{title: Over the cap, services: [shop, front], start: "2025-01-19T01:00:00+01:00",
     end: "2025-01-19T04:00:00+01:00", announced: "2025-01-10T09:00:00+01:00"}}
  - {{title: Told late, services: [shop, front], start: "2025-02-09T01:00:00+01:00",
     end: "2025-02-09T03:00:00+01:00", announced: "2025-02-08T09:00:00+01:00"}}
  - {{title: In the night of the clock, services: [shop, front], start: "2025-03-30T01:00:00+01:00",
     end: "2025-03-30T05:00:00+02:00", announced: "2025-03-20T09:00:00+01:00"}}
store: {{url: "sqlite:///prober.db"}}
"""


def stays(first_s: int, later_s: int, db_s: int) -> list[Stay]:
    """Return what ran: one probe whose interval changes in the middle, one that is younger than the quarter."""
    begin, end = START_US - MARGIN_US, END_US + MARGIN_US
    web, db = {"probe": "web", "schedule": "stratified"}, {"probe": "db", "schedule": "fixed"}
    return [
        Stay(**web, regions=REGIONS, interval_us=first_s * S, from_us=begin, to_us=CHANGE_US),
        Stay(**web, regions=REGIONS, interval_us=later_s * S, from_us=CHANGE_US, to_us=end),
        Stay(**db, regions=REGIONS, interval_us=db_s * S, from_us=YOUNG_US, to_us=end),
    ]  # fmt: skip


def script() -> Script:
    """Return outages of all and of single regions, over both edges, and times in which we were blind."""
    s = START_US
    return Script(
        seed=7,
        down={
            "web": [
                (s - 20 * MINUTE_US, s + 31 * MINUTE_US),
                (s + 5 * DAY_US, s + 5 * DAY_US + 47 * MINUTE_US),
                (s + 11 * DAY_US + 2 * HOUR_US, s + 11 * DAY_US + 5 * HOUR_US),  # runs over the maintenance
                (CHANGE_US - 11 * MINUTE_US, CHANGE_US + 13 * MINUTE_US),
                (s + 60 * DAY_US, s + 60 * DAY_US + 4 * MINUTE_US),
                (s + 88 * DAY_US + 30 * MINUTE_US, s + 88 * DAY_US + 90 * MINUTE_US),
                (END_US - 17 * MINUTE_US, END_US + 40 * MINUTE_US),
            ],
            "db": [(s + 33 * DAY_US, s + 33 * DAY_US + 95 * MINUTE_US)],
            ("web", "sin"): [(s + 20 * DAY_US, s + 20 * DAY_US + 7 * HOUR_US)],
            "iad": [(s + 70 * DAY_US, s + 70 * DAY_US + 80 * MINUTE_US)],
        },
        off={
            "sin": [(s + 25 * DAY_US, s + 27 * DAY_US, "agent_off")],
            "iad": [(s + 26 * DAY_US, s + 26 * DAY_US + 3 * HOUR_US, "suspended")],
            "fra": [(s + 60 * DAY_US - HOUR_US, s + 60 * DAY_US + 2 * MINUTE_US, "agent_off")],
            "db": [(s + 50 * DAY_US, s + 50 * DAY_US + 2 * HOUR_US, "paused")],
        },
        void_share=0.004,
        lost_share=0.006,
        late_share=0.01,
    )


async def make(folder: Path, contracts: str, intervals: tuple[int, int, int]) -> Path:
    """Write configuration and store; return the configuration's path."""
    first_s, later_s, db_s = intervals
    path = folder / "probes.yaml"
    path.write_text(CONFIG.format(contracts=contracts, later=later_s, db=db_s))  # our own disk
    store = await seeded_store(folder / "prober.db")
    await write(store, stays(first_s, later_s, db_s), script())
    await store.close()
    return path


async def export(path: Path) -> dict[str, Any]:
    """Return all that the internal API tells of the quarter and some days around, page by page."""
    config = load(path, {})
    store = open_store(f"sqlite:///{config.store_path.absolute()}")
    await store.open()
    listener = await serve(internal_app(_served(config, store), lambda: END_US + 9 * DAY_US), "127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(listener.url) as session:
            return await _all(session)
    finally:
        await listener.close()
        await store.close()


async def _all(session: aiohttp.ClientSession) -> dict[str, Any]:
    window = {"from": START_US - MARGIN_US, "to": END_US + MARGIN_US}
    series = (await _get(session, "/api/v1/series", {}))["series"]
    found: dict[str, Any] = {"series": series, "slots": []}
    found["results"] = await _pages(session, "/api/v1/results", window, "results")
    found["gaps"] = await _pages(session, "/api/v1/gaps", window, "gaps")
    for row in series:
        for start_us, end_us in _blank(row, found["results"], found["gaps"]):
            asked = {"series": row["series"], "from": start_us, "to": end_us}
            slots = await _pages(session, "/api/v1/slots", asked, "slots")
            found["slots"] += [{"series": row["series"], **slot} for slot in slots]
    return found


def _blank(
    row: dict[str, Any], results: Sequence[dict[str, Any]], gaps: Sequence[dict[str, Any]]
) -> list[tuple[int, int]]:
    """Return the time in which slots of a series have no result: those of gaps, and before and after its record."""
    scheduled = (each for each in results if each["series"] == row["series"] and each["kind"] == "scheduled")
    dues = [each["due_us"] for each in scheduled]
    own = [(gap["from_us"], gap["to_us"]) for gap in gaps if gap["series"] == row["series"]]
    spans = [(START_US - MARGIN_US, min(dues)), *own, (max(dues) + 1, END_US + MARGIN_US)]
    joined: list[tuple[int, int]] = []
    for start_us, end_us in sorted(spans):
        if joined and start_us <= joined[-1][1] + 4 * HOUR_US:
            joined[-1] = joined[-1][0], max(joined[-1][1], end_us)
        else:
            joined.append((start_us, end_us))
    return joined


async def _pages(
    session: aiohttp.ClientSession, path: str, asked: dict[str, Any], what: str
) -> list[dict[str, Any]]:
    rows, after = [], None
    while True:
        more = {} if after is None else {"after": after}
        page = await _get(session, path, asked | more | {"limit": 1000})
        rows += page[what]
        after = page["after"]
        if after is None:
            return rows


async def _get(session: aiohttp.ClientSession, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    async with session.get(path, params={key: str(value) for key, value in asked.items()}) as answer:
        body = await answer.read()
        assert answer.status == 200, body[:300]
        found: dict[str, Any] = json.loads(body)
        return found


def _served(config: Any, store: Store) -> Served:
    nothing: Any = None
    return Served(
        view=view_of(config),
        history=FakeHistory(),
        store=store,
        series={},
        start_of=lambda _series, _slot: 0,
        slot_at=lambda _series, _at_us: 0,
        reload=nothing,
        metrics_text=lambda _: (b"",),
    )


async def reports(path: Path, period: str, contracts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what the command line prints of contracts as JSON, by name."""
    command = [sys.executable, "-m", "prober", "report", "--month", period, "--format", "json"]
    command += [part for name in contracts for part in ("--contract", name)]
    process = await asyncio.create_subprocess_exec(
        *command, "--config", str(path), "-o", str(path.parent / period),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, problems = await process.communicate()
    assert process.returncode in (0, 1), problems.decode()
    found = {}
    for file in (path.parent / period).glob("*.json"):  # our own disk
        document = json.loads(file.read_bytes())
        for each in document if isinstance(document, list) else [document]:
            found[each["contract"]] = each
    return found
