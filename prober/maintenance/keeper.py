"""Keeps the book of maintenance in a running daemon: looks at configuration and calendars, puts on record, shows.

What is decided is in `book` and `announce`; here is when, and the order: first on record, then shown. A crash right
after a write leaves a window on record that nobody was shown yet; the next start shows it, with its first instant.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from prober.config import Config
from prober.hub.view import View
from prober.store.base import MaintenanceRow, Store, StoreError
from reports.contract import MaintenanceWindow

from .announce import Announcement, NotTaken, check, warnings
from .book import BY_HAND, DAY_US, HORIZON_US, Book, merge, reconcile, row_of, standing_key
from .expand import CONFIGURATION, Expansion, expand
from .source import Source, State

log = logging.getLogger(__name__)
TURN_SECONDS = 600.0  # how often what lies ahead is looked at when nothing else happens
AGAIN_SECONDS = 60.0  # after the record could not be written, or a calendar not read
STOP_SECONDS = 3.0
SHOWN_BACK_US = 90 * DAY_US
MAX_SHOWN = 5_000

Record = Callable[[tuple[MaintenanceRow, ...]], Awaitable[None]]
"""Puts rows on record; returns when they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What became of an announcement: the window, whether it is new, and what is to be said of it."""

    window: MaintenanceWindow
    is_new: bool
    warnings: tuple[str, ...]


class MaintenanceKeeper:
    """One per daemon. `start`, then `run` in a task until `stop`; `reload` as often as wanted."""

    def __init__(
        self, config: Config, store: Store, record: Record, view: View, now_us: Callable[[], int]
    ) -> None:
        self._config = config
        self._store = store
        self._record = record
        self._view = view
        self._now_us = now_us
        self._rows: dict[str, MaintenanceRow] = {}
        self._blocks = Expansion()  # what the configuration declares but for its calendars
        self._blocks_of: Config | None = None  # the configuration that this is of
        self._sources: list[Source] = []
        self._watches: dict[Source, asyncio.Task[None]] = {}
        self._commits: set[asyncio.Task[None]] = set()
        self._deciding = asyncio.Lock()
        self._wake = asyncio.Event()
        self._stopping = False
        self.book = Book()

    async def start(self) -> None:
        """Read what is on record, and show it. Raises StoreError."""
        self._rows = {row.key: row for row in await self._store.maintenance()}
        self._adopt_sources()
        await self._expand()
        self._publish()

    def reload(self, config: Config) -> None:
        """Take another configuration; what it changes goes on record at once, by `run`."""
        self._config = config
        self._adopt_sources()
        self._wake.set()

    async def run(self) -> None:
        """Keep the book until `stop`."""
        while not self._stopping:
            pause = TURN_SECONDS
            self._wake.clear()
            try:
                await self._turn()
            except StoreError as problem:
                log.error("maintenance cannot be put on record yet", extra={"problem": str(problem)})
                pause = AGAIN_SECONDS
            await self._rest(pause)

    async def stop(self) -> None:
        """Let `run` return soon; what is on its way to the record is waited for a moment."""
        self._stopping = True
        self._wake.set()
        watches, self._watches = list(self._watches.values()), {}
        for task in watches:
            task.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        if self._commits:
            await asyncio.wait(self._commits, timeout=STOP_SECONDS)
        for task in self._commits:
            task.cancel()

    async def settled(self) -> None:
        """Do now what `run` would do next."""
        await self._turn()

    @property
    def calendars(self) -> tuple[State, ...]:
        """How the calendars fare, in the order of the file."""
        return tuple(source.state for source in self._sources)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with schedules of the configuration, in words."""
        return self._blocks.problems

    def windows(
        self, from_us: int, to_us: int, services: Collection[str] | None = None
    ) -> tuple[MaintenanceWindow, ...]:
        """Return the windows that overlap [from_us, to_us), cancelled ones included; see `Book.windows`."""
        now_us, book = self._now_us(), self.book
        if from_us < now_us - HORIZON_US or to_us > now_us + HORIZON_US:
            # Beyond what is kept at hand: schedules are worked out anew, their rules cost some milliseconds.
            far = expand(self._config.maintenance, from_us, to_us).windows
            book = merge([*far, *self._declared()], dict(self._rows))  # others may look at it from threads
        return book.windows(from_us, to_us, services)

    async def declare(self, announcement: Announcement) -> Declared:
        """Put an announcement on record; the same one again is the one that is there. Raises NotTaken."""
        async with self._deciding:
            now_us = self._now_us()
            check(announcement, [service.name for service in self._config.services], now_us)
            window = announcement.window()
            window = replace(window, key=standing_key(window.key, self._rows))
            is_new = window.key not in self._rows
            if is_new:
                await self._put([row_of(window, now_us)])
        row = self._rows[window.key]
        found = self.book.find(window.key) or window
        return Declared(
            window=found, is_new=is_new, warnings=warnings(found, self._config.contracts, row.noted_us)
        )

    async def cancel(self, key: str) -> MaintenanceWindow:
        """Take a window back before it begins; one that is taken back already stays so. Raises NotTaken."""
        async with self._deciding:
            now_us, row = self._now_us(), self._rows.get(key)
            if row is None:
                raise NotTaken(f"no maintenance has the key {key[:64]!r}", "`prober maintenance list`", 404)
            if row.cancelled_us is None:
                _check_can_go(row, now_us)
                await self._put([replace(row, cancelled_us=now_us)])
        window = self.book.find(key)
        assert window is not None  # it is on record
        return window

    async def _turn(self) -> None:
        await self._expand()
        async with self._deciding:
            rows = reconcile(self._declared(), self._rows, self._is_sure, self._now_us())
            if rows:
                await self._put(rows)
            else:
                self._publish()

    async def _expand(self) -> None:
        config, now_us, before = self._config, self._now_us(), self._blocks.problems
        found = await asyncio.to_thread(expand, config.maintenance, now_us - HORIZON_US, now_us + HORIZON_US)
        if config is not self._config:  # another one came meanwhile: it has set `_wake`
            return
        self._blocks, self._blocks_of = found, config
        for problem in found.problems:
            if problem not in before:
                log.warning("a schedule of maintenance cannot be used whole", extra={"problem": problem})

    def _declared(self) -> list[MaintenanceWindow]:
        found = {window.key: window for window in self._blocks.windows}
        for source in self._sources:
            found |= {window.key: window for window in source.state.windows or ()}
        return list(found.values())

    def _is_sure(self, source: str) -> bool:
        if source == CONFIGURATION:
            return self._blocks_of is self._config and not self._blocks.problems
        return all(each.is_sure for each in self._sources if each.state.source == source)

    def _adopt_sources(self) -> None:
        """Keep the calendars that stay, with all that is known of them; end the watch over the others."""
        before = {source.block: source for source in self._sources}
        blocks = [block for block in self._config.maintenance if block.calendar is not None]
        folder = self._config.folder
        self._sources = [before.get(block) or Source(block, folder, self._now_us) for block in blocks]
        for source in [each for each in self._watches if each not in self._sources]:
            self._watches.pop(source).cancel()
        for source in self._sources:
            if source not in self._watches:
                name = f"calendar {source.state.label}"
                self._watches[source] = asyncio.create_task(self._watch(source), name=name)

    async def _watch(self, source: Source) -> None:
        while not self._stopping:
            try:
                await source.refresh()
            except Exception:  # a calendar of others must not end the daemon, whatever is in it
                log.exception("reading a calendar of maintenance failed")
            self._wake.set()
            seconds = source.block.refresh_us / 1e6
            await asyncio.sleep(min(seconds, AGAIN_SECONDS) if not source.state.read_us else seconds)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _put(self, rows: Sequence[MaintenanceRow]) -> None:
        """Put rows on record and show them; goes on when whoever waits gives up."""
        task = asyncio.create_task(self._commit(tuple(rows)), name="maintenance commit")
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        await asyncio.shield(task)

    async def _commit(self, rows: tuple[MaintenanceRow, ...]) -> None:
        await self._record(rows)
        for row in rows:
            was = self._rows.get(row.key)
            if was is None or (was.cancelled_us is None and row.cancelled_us is not None):
                self._rows[row.key] = row
                _tell(row)
        self._publish()

    def _publish(self) -> None:
        self.book = merge(self._declared(), self._rows)
        now_us = self._now_us()
        shown = self.book.windows(now_us - SHOWN_BACK_US, now_us + HORIZON_US)[:MAX_SHOWN]
        if shown != self._view.maintenance:
            self._view.maintenance = shown
            self._view.version += 1


def _check_can_go(row: MaintenanceRow, now_us: int) -> None:
    if row.source not in BY_HAND:
        where = "the configuration" if row.source == CONFIGURATION else "a calendar"
        raise NotTaken(f"this window comes from {where}", "take it out there", 409)
    if row.start_us <= now_us:
        raise NotTaken("it has begun; what has begun stays on record", "", 409)


def _tell(row: MaintenanceRow) -> None:
    what = "announced" if row.cancelled_us is None else "cancelled"
    extra = {"key": row.key, "source": row.source, "services": row.services, "start_us": row.start_us}
    log.info(f"maintenance {what}", extra=extra)
