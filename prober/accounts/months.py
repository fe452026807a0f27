"""Availability of services by calendar month of UTC, and earlier periods of public contracts, for whoever shows them.

Worked out as every report is: a month of a service is a contract that promises all of the time. Finished months are
kept until late results or imports may have changed them. One round at a time, beside everything else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from prober.store.base import Store, StoreError
from reports.contract import Contract, ServiceTerms, Time, WindowRule
from reports.document import Bounds, Number, Past, Ratio
from reports.periods import Period, before, period_at

from .accounts import Accounts
from .plans import CannotReport, Plan, Wanted, by_name
from .terms import watched

log = logging.getLogger(__name__)
COUNT = 12  # months, the running one included; and earlier periods of a contract
UTC = "UTC"
MONTH = WindowRule("month")
DAY_US = 86_400_000_000
RUNNING_US = 60_000_000  # how old the running month may be
HOUR_US = 3_600_000_000  # how old what is finished may be before it is looked at again
RECENT_US = 31 * DAY_US  # a month that ended no longer ago may still change without a word: late results
EVERY_SECONDS = 60.0
RESTS = 10  # times as long as a round took


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """One service in one month: nothing but what is shown."""

    label: str
    bounds: Bounds
    coverage: Ratio
    down_seconds: Number
    """As measured."""
    is_running: bool
    is_imported: bool = False
    """Whether it includes history that was not measured here."""


@dataclass(frozen=True, slots=True)
class _Kept:
    month: Month
    at_us: int
    stamp: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _KeptPast:
    past: tuple[Past, ...]
    at_us: int
    period: str
    digest: str


class Months:
    """Keeps what was worked out; `wake` asks for it to be brought up to date, `ready` is set once it is whole."""

    def __init__(self, accounts: Callable[[], Accounts], store: Store, now_us: Callable[[], int]) -> None:
        self._accounts = accounts
        self._store = store
        self._now_us = now_us
        self._kept: dict[tuple[ServiceTerms, str], _Kept] = {}
        self._past: dict[str, _KeptPast] = {}
        self._asked = asyncio.Event()
        self.ready = asyncio.Event()
        self.at_us = 0

    def wake(self) -> None:
        """Ask for fresh figures; a round begins when the one before has rested."""
        self._asked.set()

    async def run(self) -> None:
        """Work for ever, whenever somebody asks."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            began = asyncio.get_running_loop().time()
            await self.round()
            took = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(EVERY_SECONDS, RESTS * took))

    async def round(self) -> None:
        """Bring everything up to date once; what cannot be worked out now stays as it was."""
        now_us, accounts = self._now_us(), self._accounts()
        try:
            stamp = await self._stamp()
            for period in periods(now_us):
                await self._month(accounts, period, stamp, now_us)
            await self._contracts(accounts, now_us)
        except StoreError as problem:
            log.error("months cannot be worked out", extra={"problem": str(problem)})
            return
        self._forget(accounts, now_us)
        self.at_us = now_us
        self.ready.set()

    def of_service(self, service: ServiceTerms, now_us: int) -> list[Month | None]:
        """Return the months of a service, oldest first; None where one has not been worked out."""
        kept = (self._kept.get((service, period.label)) for period in periods(now_us))
        return [each.month if each is not None else None for each in kept]

    def of_contract(self, name: str) -> tuple[Past, ...]:
        """Return the earlier periods of a public contract, oldest first."""
        kept = self._past.get(name)
        return kept.past if kept is not None else ()

    async def _stamp(self) -> tuple[int, ...]:
        """Return what changes when the past does."""
        imports = await self._store.imports()
        last = imports[-1] if imports else None
        return (await self._store.revision(), last.number if last else 0, last.at_us if last else 0)

    async def _month(self, accounts: Accounts, period: Period, stamp: tuple[int, ...], now_us: int) -> None:
        due = [
            service
            for service in watched(accounts.config).values()
            if is_due(self._kept.get((service, period.label)), period, stamp, now_us)
        ]
        if not due:
            return
        plans = [_plan(service, period) for service in due]
        around = await accounts.surroundings(plans, now_us, with_past=False)
        for service, plan in zip(due, plans, strict=True):
            report = await accounts.report_of_plan(plan, around, latency=False)
            month = Month(
                label=period.label,
                bounds=report.availability,
                coverage=report.coverage.ratio,
                down_seconds=report.down_seconds.measured,
                is_running=report.period.as_of is not None,
                is_imported=report.imported.used,
            )
            self._kept[service, period.label] = _Kept(month, now_us, stamp)

    async def _contracts(self, accounts: Accounts, now_us: int) -> None:
        for name, versions in by_name(accounts.contracts).items():
            newest = versions[-1]
            period = period_at(newest.window, newest.zone, now_us).label
            kept = self._past.get(name)
            is_fresh = kept is not None and now_us - kept.at_us < HOUR_US
            same = kept is not None and (kept.period, kept.digest) == (period, newest.digest)
            if not newest.public or (is_fresh and same):
                continue
            try:
                wanted = Wanted(contracts=(name,), past=COUNT, latency=False, public=True)
                reports = await accounts.reports(wanted, now_us)
            except CannotReport:
                continue  # not in force at present: what was shown of it stays
            past = reports[0].past if reports else []
            self._past[name] = _KeptPast(tuple(public_past(past, versions)), now_us, period, newest.digest)

    def _forget(self, accounts: Accounts, now_us: int) -> None:
        labels = {period.label for period in periods(now_us)}
        services = set(watched(accounts.config).values())
        public = {contract.name for contract in accounts.contracts if contract.public}
        self._kept = {
            key: kept for key, kept in self._kept.items() if key[0] in services and key[1] in labels
        }
        self._past = {name: kept for name, kept in self._past.items() if name in public}


def periods(now_us: int) -> list[Period]:
    """Return the months that are shown, oldest first; the last one runs."""
    found = [period_at(MONTH, UTC, now_us)]
    while len(found) < COUNT:
        found.append(before(found[-1], MONTH, UTC))
    return found[::-1]


def is_due(kept: _Kept | None, period: Period, stamp: tuple[int, ...], now_us: int) -> bool:
    """Say whether a month has to be worked out (anew)."""
    if kept is None or kept.month.is_running:
        return kept is None or now_us - kept.at_us >= RUNNING_US
    is_open = kept.stamp != stamp or now_us - period.end_us < RECENT_US
    return is_open and now_us - kept.at_us >= HOUR_US


def public_past(past: Iterable[Past], versions: Sequence[Contract]) -> list[Past]:
    """Return the earlier periods that began under a public version: the terms of others are nobody's business."""
    return [each for each in past if _is_public(date.fromisoformat(each.from_[:10]), versions)]


def _is_public(day: date, versions: Sequence[Contract]) -> bool:
    held = (
        version.public
        for version in versions
        if (version.from_day is None or version.from_day <= day)
        and (version.to_day is None or day < version.to_day)
    )
    return next(held, False)


def _plan(service: ServiceTerms, period: Period) -> Plan:
    contract = Contract(
        name=service.name,
        title=service.title,
        services=(service,),
        claim=Fraction(1),
        method=Time(),
        zone=UTC,
        window=MONTH,
    )
    return Plan(
        contract=contract,
        customer=None,
        period=period,
        start_us=period.start_us,
        end_us=period.end_us,
        part=1,
        parts=1,
    )
