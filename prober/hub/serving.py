"""What the listeners are given: the present, the past, the store behind both, and the actions they may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from prober.store.base import SeriesRow, Store
from reports.availability import Availability
from reports.outages import Outage

from .heartbeats import Caller
from .rhythm import Verb
from .view import ReloadView, View

if TYPE_CHECKING:
    from prober.accounts.office import Office
    from prober.blackbox.service import Blackbox
    from prober.maintenance.keeper import MaintenanceKeeper


class History(Protocol):
    """Figures over time from memory; subjects are `probe:NAME`, `service:NAME` and `region:PROBE@REGION`."""

    @property
    def ready(self) -> bool:
        """False while the past is still being read after a start: figures are then "not loaded yet", never 100 %."""

    def rolling(self, subject: str, now_us: int) -> Mapping[str, Availability]:
        """Return availability by window (1h, 24h, 7d, 30d, 90d, month); empty when unknown or not ready."""

    def days(self, subject: str, count: int, now_us: int) -> Sequence[Availability]:
        """Return one Availability per UTC day, oldest first, the last one is today so far."""

    def outages(self, subject: str, from_us: int, to_us: int) -> Sequence[Outage]:
        """Return the measured outages in a window, oldest first."""


class Desk(Protocol):
    """Where jobs call."""

    def find(self, token: str) -> Caller | None:
        """Return who has this token."""

    async def take(self, caller: Caller, verb: Verb, exit_code: int | None, output: str) -> bool:
        """Take a call; True once it is on record, False when it could not be put there in time."""

    def refused(self) -> None:
        """Note that a known job was turned away by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Handed to every listener. `start_of(series, slot)` gives the due instant of a slot in micro-seconds."""

    view: View
    history: History
    store: Store
    series: Mapping[int, SeriesRow]
    start_of: Callable[[int, int], int]
    slot_at: Callable[[int, int], int]  # (series, instant) -> the slot that contains it
    reload: Callable[[], Awaitable[ReloadView]]
    metrics_text: Callable[
        [bool], Iterable[bytes]
    ]  # (openmetrics?) -> pieces of the exposition, joined they are it; made one by one, each under 2 ms
    started: asyncio.Event | None = (
        None  # set once all that is on record is known; None: known from the beginning
    )
    desk: Desk | None = None  # None: nobody is called here
    blackbox: Blackbox | None = None  # `/probe`; None or without a file where it is not configured
    forget_agent: Callable[[str], Awaitable[bool]] | None = (
        None  # (name) -> whether a key was pinned by it, which no longer is; None: no agent comes from elsewhere
    )
    maintenance: MaintenanceKeeper | None = None  # None: nothing is announced here
    office: Office | None = None  # None: no contracts are kept here
