"""Maintenance for tests: blocks from text, calendars from lines, and a keeper over a record in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from support.configs import loaded
from support.fake_store import FakeStore
from support.served import NOW_US, Scene, sample

from prober.config import Config
from prober.config.services import MaintenanceBlock
from prober.hub.view import ReloadView, View
from prober.maintenance.calendars import Terms
from prober.maintenance.keeper import MaintenanceKeeper
from prober.store.base import MaintenanceRow, WriteSet
from reports.contract import MaintenanceWindow

S = 1_000_000
HOUR_US = 3_600 * S
DAY_US = 24 * HOUR_US
HEAD = """
probes:
  - {name: web, tcp: {address: 'web.example:80'}}
services:
  - {name: shop, title: Web shop, probes: [web]}
  - {name: mail, probes: [web]}
"""


def us(text: str) -> int:
    """Return an instant as micro-seconds since the epoch."""
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    return round(at.timestamp()) * S


def utc(at_us: int) -> str:
    """Return an instant as text, to the minute."""
    return f"{datetime.fromtimestamp(at_us // S, UTC):%Y-%m-%d %H:%M}"


def config_of(*maintenance: str, more: str = "", folder: Path | None = None) -> Config:
    """Return a configuration with these blocks of maintenance, each a mapping in YAML's flow style."""
    rows = "".join(f"  - {{services: [shop], {text}}}\n" for text in maintenance)
    config = loaded(HEAD + more + (f"maintenance:\n{rows}" if rows else ""))
    return config if folder is None else replace(config, folder=folder)


def block(text: str) -> MaintenanceBlock:
    """Return one block."""
    return config_of(text).maintenance[0]


def spans(windows: Sequence[MaintenanceWindow]) -> list[tuple[str, str]]:
    """Return starts and ends of windows as text."""
    return [(utc(window.start_us), utc(window.end_us)) for window in windows]


def ics(*events: str, head: str = "") -> bytes:
    """Return a calendar of events, each some lines."""
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    text = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{head}{body}END:VCALENDAR\n"
    return text.replace("\n", "\r\n").encode()


TERMS = Terms(source="calendar:0a1b2c3d", services=("shop",), zone="Europe/Berlin")


@dataclass(slots=True)
class Wall:
    """A clock that a test sets."""

    now_us: int

    def read(self) -> int:
        """Return what it shows."""
        return self.now_us


@dataclass(slots=True)
class Kept:
    """A keeper, its clock, and what it put on record."""

    keeper: MaintenanceKeeper
    view: View
    wall: Wall
    store: FakeStore
    written: list[MaintenanceRow] = field(default_factory=list)

    @property
    def rows(self) -> dict[str, MaintenanceRow]:
        """The record by key, the newest form of each."""
        return {row.key: row for row in self.store.announced}


async def kept(config: Config, wall: Wall, store: FakeStore | None = None) -> Kept:
    """Return a keeper that was started; whoever asks for it stops it."""
    record, view = (
        store or FakeStore(),
        View(config=config, started_us=wall.now_us, reload=ReloadView(ok=True, at_us=wall.now_us)),
    )
    written: list[MaintenanceRow] = []

    async def put(rows: tuple[MaintenanceRow, ...]) -> None:
        written.extend(rows)
        known = {row.key for row in rows}
        record.announced = [row for row in record.announced if row.key not in known]
        await record.write(WriteSet(maintenance=list(rows)))

    keeper = MaintenanceKeeper(config, record, put, view, wall.read)
    await keeper.start()
    return Kept(keeper, view, wall, record, written)


@asynccontextmanager
async def scene(
    *maintenance: str, more: str = "", folder: Path | None = None
) -> AsyncIterator[tuple[Scene, Kept]]:
    """Return what listeners are given: the sample's services (`shop`, `mail`, ...), and these blocks of maintenance."""
    made = sample()
    config = replace(
        made.view.config, maintenance=config_of(*maintenance).maintenance,
        contracts=config_of(more=more).contracts if more else (), folder=folder or Path("/nowhere"),
    )  # fmt: skip
    found = await kept(config, Wall(NOW_US))
    await found.keeper.settled()
    made.keeper, made.view.maintenance = found.keeper, found.view.maintenance
    found.keeper._view = made.view  # one view, as in a daemon
    try:
        yield made, found
    finally:
        await found.keeper.stop()
