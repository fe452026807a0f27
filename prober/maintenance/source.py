"""One calendar of the configuration: read from its file or address, now and again; what was read last stays.

A calendar that cannot be read is told in the log and in `State`, and changes nothing about its windows. Its address
may be a secret (a private address of a calendar is one): only the host is ever shown.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from prober.config.services import MaintenanceBlock
from reports.contract import MaintenanceWindow

from .book import HORIZON_US
from .calendars import CalendarError, Terms
from .expand import Expansion
from .fetch import Fetched, FetchError, fetch
from .worker import work_out

log = logging.getLogger(__name__)
MAX_CALENDAR_BYTES = 4 << 20
EXPAND_AGAIN_US = 21_600_000_000  # after six hours what lies ahead is worked out anew, changed or not


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How a calendar fares. `windows` is None until it was read once; `problem` is empty while all is well."""

    source: str
    label: str
    services: tuple[str, ...]
    windows: tuple[MaintenanceWindow, ...] | None = None
    problem: str = ""
    read_us: int = 0  # when it was read last
    tried_us: int = 0


def source_of(block: MaintenanceBlock) -> str:
    """Return the name of a calendar on record: `calendar:` and 8 digits that tell nothing of its address."""
    return f"calendar:{hashlib.sha256((block.calendar or '').encode()).hexdigest()[:8]}"


def label_of(block: MaintenanceBlock) -> str:
    """Return what people see of a calendar's place: the name of its file, or its host."""
    place = block.calendar or ""
    return (urlsplit(place).hostname or "?") if "://" in place else Path(place).name


class Source:
    """One block with a calendar. `refresh` reads it; it never raises for what a calendar can do wrong."""

    def __init__(self, block: MaintenanceBlock, folder: Path, now_us: Callable[[], int]) -> None:
        self.block = block
        self.state = State(source=source_of(block), label=label_of(block), services=block.services)
        self._folder = folder
        self._now_us = now_us
        self._fetched = Fetched()
        self._digest = b""
        self._expanded_us = 0
        self._problems: tuple[str, ...] = ()

    @property
    def is_sure(self) -> bool:
        """Whether all windows of the calendar are known: it was read, and nothing in it was left out."""
        return self.state.windows is not None and not self._problems

    async def refresh(self) -> None:
        """Read the calendar, and work its windows out where it changed."""
        now_us = self._now_us()
        try:
            data = await self._read()
            await self._work_out(data, now_us)
        except (CalendarError, FetchError, OSError) as problem:
            self._failed(problem, now_us)
            return
        was = self.state.problem
        self.state = replace(self.state, problem="; ".join(self._problems), read_us=now_us, tried_us=now_us)
        if was and not self.state.problem:
            log.info("a calendar of maintenance is read again", extra={"calendar": self.state.label})
        elif self.state.problem and self.state.problem != was:
            log.warning(
                "a part of a calendar of maintenance cannot be used",
                extra={"calendar": self.state.label, "problem": self.state.problem},
            )

    async def _read(self) -> bytes:
        place = self.block.calendar or ""
        if "://" not in place:
            return await asyncio.to_thread(_read_file, self._folder / place)
        self._fetched = await fetch(place, self._fetched, MAX_CALENDAR_BYTES)
        return self._fetched.data

    async def _work_out(self, data: bytes, now_us: int) -> None:
        digest = hashlib.sha256(data).digest()
        is_fresh = 0 <= now_us - self._expanded_us < EXPAND_AGAIN_US
        if digest == self._digest and is_fresh and self.state.windows is not None:
            return
        block = self.block
        terms = Terms(
            source=self.state.source,
            services=block.services,
            zone=block.timezone,
            title=block.title,
            description=block.description or "",
            match=block.match,
            trust_stamps=block.trust_stamps,
        )
        found: Expansion = await work_out(data, terms, now_us - HORIZON_US, now_us + HORIZON_US)
        self._digest, self._expanded_us, self._problems = digest, now_us, found.problems
        self.state = replace(self.state, windows=found.windows)

    def _failed(self, problem: Exception, now_us: int) -> None:
        words = problem.strerror or "error" if isinstance(problem, OSError) else str(problem)
        words = f"cannot be read: {words.lower() if isinstance(problem, OSError) else words}"
        if words != self.state.problem:
            log.warning(
                "a calendar of maintenance cannot be used; the windows known of it stay",
                extra={"calendar": self.state.label, "problem": words},
            )
        self.state = replace(self.state, problem=words, tried_us=now_us)


def _read_file(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_CALENDAR_BYTES + 1)
    if len(data) > MAX_CALENDAR_BYTES:
        raise CalendarError(f"the file is over {MAX_CALENDAR_BYTES >> 20} MiB")
    return data
