"""Closes periods as they become final, and revises what late evidence changed: reads, makes and stores the reports.

What is due is decided in `closing`. A crash at any point leaves whole reports on record or none: the next round finds
what is missing and makes it, with the same numbers. Not here: sending them (`courier`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from prober.store.base import ClosedRow, SeriesRow, Store, StoreError
from reports.document import ContractReport
from reports.fingerprint import watched_digest
from reports.render.json_format import canonical

from .accounts import Accounts, Surroundings
from .closed import Key, Rest, key_of, newest_by_key, rest_of
from .closing import (
    DAY_US,
    MARGIN_US,
    MINUTE_US,
    Ended,
    Marks,
    Part,
    end_of,
    ended_periods,
    in_pieces,
    is_closed,
    may_be_revised,
    reason_to_close,
    sealed,
    spans_of,
    with_evidence,
)
from .earlier import Earlier, earlier_of
from .plans import Plan

log = logging.getLogger(__name__)
HOUR_US = 60 * MINUTE_US  # how often closed periods are compared with the evidence
QUARTER_US = 15 * MINUTE_US  # how often it is worked out which periods have ended: zones differ by so much
EVERY_SECONDS = 60.0
RESTS, LONGEST_SECONDS = 10, 900.0  # times as long as a round took, at most so long
LATE = "late_results"
OTHER_EVIDENCE = "late results cannot be told: the contract rests on other probes, regions or gaps since"
OTHER_TERMS = "late results make no revision: the contract's terms, or its probes, were edited since"


@dataclass(slots=True)
class _Planned:
    """The periods that have ended, as worked out for a configuration at a time."""

    of: tuple[Accounts, int, int]
    periods: list[Ended]
    begins: dict[tuple[str, str], int]


@dataclass(slots=True)
class _Round:
    """What one round of the closer goes by."""

    accounts: Accounts
    now_us: int
    marks: Marks
    rows: dict[Key, ClosedRow]
    """The newest revision of each closed report; grows with what is closed."""
    begins: dict[tuple[str, str], int]
    count: int = 0
    unlike: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Memory:
    """What is kept from round to round."""

    rows: dict[Key, ClosedRow] | None = None
    looked_us: int | None = None
    """When closed periods were compared with the evidence last; None: not since the start."""
    held_us: int | None = None
    """Since when imports follow each other so closely that we wait for their end."""
    rests: dict[str, Rest] = field(default_factory=dict)
    """What closed reports rest on, by their digests."""
    unlike: dict[str, str] = field(default_factory=dict)
    """Contracts whose closed periods late evidence changes no more, and why, in words; by the last look back."""
    told: set[tuple[str, str]] = field(default_factory=set)
    """Which of that is in the log."""


class Closer:
    """One per daemon: `run` in a task, or `round` by hand."""

    def __init__(
        self,
        accounts: Callable[[], Accounts],
        store: Store,
        write: Callable[[tuple[ClosedRow, ...]], Awaitable[None]],
        marks: Callable[[], Marks],
        now_us: Callable[[], int],
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._write = write
        self._marks = marks
        self._now_us = now_us
        self._memory = _Memory()
        self._planned: _Planned | None = None
        self.closed = asyncio.Event()
        """Set whenever something was closed; who waits for it clears it."""
        self.problems: dict[str, str] = {}
        """Contracts whose periods could not be closed or revised, and why, in words."""

    async def run(self) -> None:
        """Close for ever; a round that fails is told and tried again.

        The first one waits: what a start brings in by itself (jobs that were missed, agents that return) comes before.
        """
        took = 0.0
        while True:
            await asyncio.sleep(min(max(EVERY_SECONDS, RESTS * took), LONGEST_SECONDS))
            began = asyncio.get_running_loop().time()
            try:
                await self.round()
            except StoreError as problem:
                log.error("periods cannot be closed now", extra={"problem": str(problem)})
            except Exception:  # whatever it is: measuring goes on, and so does the next round
                log.exception("a round of closing periods failed")
            took = asyncio.get_running_loop().time() - began

    async def round(self) -> int:
        """Close what has become final and, once an hour, revise what late evidence changed; return how many reports."""
        accounts, now_us = self._accounts(), self._now_us()
        if not accounts.contracts:
            return 0
        planned = await self._plan(accounts, now_us)
        this = _Round(accounts, now_us, self._marks(), await self._on_record(), planned.begins)
        is_held = await self._is_held(now_us)
        await self._close_ended(this, planned.periods, is_held)
        if not is_held and self._is_hour(now_us):
            await self._look_back(this, planned.periods)
            self._memory.looked_us, self._memory.rows = now_us, None
        if this.count:
            self.closed.set()
        return this.count

    async def _on_record(self) -> dict[Key, ClosedRow]:
        """Return the newest revision of each closed report: read once an hour, for nobody else writes them."""
        if self._memory.rows is None:
            self._memory.rows = newest_by_key(await self._store.closed())
        return self._memory.rows

    def _is_hour(self, now_us: int) -> bool:
        looked_us = self._memory.looked_us
        # A clock that was set back must not keep us from looking until it is there again.
        return looked_us is None or not 0 <= now_us - looked_us < HOUR_US

    async def _is_held(self, now_us: int) -> bool:
        """Say whether imports are under way: what they bring is to make one revision, not one each. A day at most."""
        newest_us = max((each.at_us for each in await self._store.imports()), default=0)
        memory = self._memory
        if not 0 <= now_us - newest_us < MARGIN_US:
            memory.held_us = None
        elif memory.held_us is None:
            memory.held_us = now_us
        return memory.held_us is not None and now_us - memory.held_us < DAY_US

    async def _plan(self, accounts: Accounts, now_us: int) -> _Planned:
        imports = len(await self._store.imports())
        of = (accounts, now_us // QUARTER_US, imports)
        if self._planned is None or self._planned.of != of:
            series = await self._store.all_series()
            brought = await self._store.imported_pairs() if imports else []
            self._planned = await asyncio.to_thread(_planned, of, series, brought, now_us)
        return self._planned

    async def _close_ended(self, this: _Round, periods: Sequence[Ended], is_held: bool) -> None:
        wait_us = this.accounts.config.agents.settle_after_us
        spans = spans_of(this.rows)
        due = []
        for each in periods:
            if is_closed(each, spans.get(each.contract, ())):
                continue
            reason = reason_to_close(each, this.marks, wait_us, this.now_us)
            # What is long over can wait until imports have ended; what has just ended does not wait for them.
            if reason is not None and not (is_held and this.now_us >= end_of(each) + wait_us):
                due.append((each, reason))
        reasons = {id(each): reason for each, reason in due}
        for piece in in_pieces([each for each, _ in due]):
            earlier = {
                id(each): await earlier_of(self._store, each, this.rows, this.begins) for each in piece
            }
            wanted = [replace(plan, past=earlier[id(each)].plans) for each in piece for plan in each.plans]
            around = await this.accounts.surroundings(wanted, this.now_us)
            for each in piece:
                work = self._close(this, each, reasons[id(each)], around, earlier[id(each)])
                await self._guarded(each.contract, work)

    async def _close(
        self, this: _Round, ended: Ended, reason: str, around: Surroundings, earlier: Earlier
    ) -> None:
        own: list[ClosedRow] = []
        lines = await asyncio.to_thread(earlier.lines, this.accounts, around)
        for part in ended.parts:
            plans = [plan for plan in part.plans if plan is part.own or key_of(plan) not in this.rows]
            async for plan, report in this.accounts.reports_alike(plans, around, lines.of):
                row = await asyncio.to_thread(_row, plan, report, reason, this.now_us)
                if plan is part.own:
                    own.append(row)
                else:
                    await self._put(this, plan.period.label, row)
        await self._put(this, ended.period.label, *own)

    async def _look_back(self, this: _Round, periods: Sequence[Ended]) -> None:
        """Compare what is closed with the evidence, and make the next revision where late evidence changed it."""
        stood = []
        for each in periods:
            parts = tuple(part for part in each.parts if self._is_to_be_looked_at(this, part))
            stood += [replace(each, parts=parts)] if parts else []
        for piece in in_pieces(stood):
            around = await this.accounts.surroundings(
                [plan for each in piece for plan in each.plans], this.now_us
            )
            for each in piece:
                await self._guarded(each.contract, self._revise(this, each, around))
        self._tell_unlike(this.unlike)
        known = {row.digest for row in this.rows.values()}
        self._memory.rests = {key: rest for key, rest in self._memory.rests.items() if key in known}

    def _is_to_be_looked_at(self, this: _Round, part: Part) -> bool:
        row = this.rows.get(key_of(part.own))
        return row is not None and may_be_revised(part.own, row, this.marks, this.now_us)

    async def _revise(self, this: _Round, ended: Ended, around: Surroundings) -> None:
        for part in ended.parts:
            evidence = await asyncio.to_thread(this.accounts.evidence_digest, part.own, around)
            changed = await self._changed(this, part, evidence)
            if not changed:
                continue
            earlier = await earlier_of(self._store, ended, this.rows, this.begins)
            beyond = await this.accounts.surroundings([replace(part.own, past=earlier.plans)], this.now_us)
            lines = await asyncio.to_thread(earlier.lines, this.accounts, beyond)
            async for plan, report in this.accounts.reports_alike(changed, around, lines.of):
                row = await asyncio.to_thread(_row, plan, report, LATE, this.now_us, this.rows[key_of(plan)])
                await self._put(this, plan.period.label, row)

    async def _changed(self, this: _Round, part: Part, evidence: str) -> list[Plan]:
        """Return the plans whose newest closed report rests on other evidence, and on the terms as they are now."""
        found = []
        watched = watched_digest(part.own.contract)
        for plan in part.plans:
            row = this.rows.get(key_of(plan))
            rest = await self._rest(row) if row is not None else None
            if rest is None:
                continue
            if rest.watched != watched:
                this.unlike[plan.contract.name] = OTHER_EVIDENCE
            elif rest.results != evidence and rest.contract != plan.contract.digest:
                # What was closed keeps its terms, and those cannot be had any more.
                this.unlike[plan.contract.name] = OTHER_TERMS
            elif rest.results != evidence:
                found.append(plan)
        return found

    async def _rest(self, row: ClosedRow) -> Rest | None:
        """Return what a closed report rests on; None if it cannot be read."""
        if row.digest not in self._memory.rests:
            kept = await self._store.closed_by_digest(row.digest)
            try:
                self._memory.rests[row.digest] = rest_of(kept.body if kept is not None else b"")
            except ValueError as problem:
                self._tell(row.contract, str(problem))
                return None
        return self._memory.rests[row.digest]

    async def _put(self, this: _Round, label: str, *rows: ClosedRow) -> None:
        await self._write(rows)
        for row in rows:
            this.rows[row.contract, row.customer, row.from_us, row.to_us] = row
            this.count += 1
            told = {"contract": row.contract, "period": label, "revision": row.revision, "why": row.reason}
            log.info("closed a period", extra=told | ({"customer": row.customer} if row.customer else {}))

    async def _guarded(self, contract: str, work: Awaitable[None]) -> None:
        """Let no report that cannot be made keep the others, or the daemon, from going on."""
        try:
            await work
        except StoreError:
            raise
        except Exception as problem:
            self._tell(contract, f"{type(problem).__name__}: {problem}", problem)
        else:
            self.problems.pop(contract, None)
            if contract in self._memory.unlike:
                self.problems[contract] = self._memory.unlike[contract]

    def _tell_unlike(self, unlike: dict[str, str]) -> None:
        """Say, once, of which contracts late evidence changes nothing any more, and show it while it is so."""
        for contract, words in self._memory.unlike.items():
            if self.problems.get(contract) == words:
                del self.problems[contract]
        self._memory.unlike = unlike
        for contract, words in unlike.items():
            self.problems.setdefault(contract, words)
            if (contract, words) not in self._memory.told:
                self._memory.told.add((contract, words))
                log.warning(
                    "closed periods of a contract get no revision",
                    extra={"contract": contract, "problem": words},
                )

    def _tell(self, contract: str, words: str, problem: Exception | None = None) -> None:
        if self.problems.get(contract) != words:
            log.error(
                "a period cannot be closed",
                extra={"contract": contract, "problem": words},
                exc_info=problem,
            )
        self.problems[contract] = words


def _planned(
    of: tuple[Accounts, int, int],
    series: Sequence[SeriesRow],
    brought: Sequence[tuple[str, str, int, int, int]],
    now_us: int,
) -> _Planned:
    """Work out which periods have ended, of those in which something was to be measured."""
    begins: dict[tuple[str, str], int] = {}
    firsts = [*(((row.probe, row.region), row.created_us) for row in series)]
    firsts += [((probe, region), first_us) for probe, region, first_us, _, _ in brought]
    for pair, at_us in firsts:
        begins[pair] = min(begins.get(pair, at_us), at_us)
    every = ended_periods(of[0].contracts, of[0].customers, now_us)
    return _Planned(of, [kept for each in every if (kept := with_evidence(each, begins)) is not None], begins)


class NotOver(Exception):
    """Figures of a period that has ended do not reach its end."""


def _row(
    plan: Plan, report: ContractReport, reason: str, now_us: int, before_it: ClosedRow | None = None
) -> ClosedRow:
    """Return a report as it goes on record."""
    if report.period.as_of is not None:
        raise NotOver(f"the figures of {report.period.label} reach only to {report.period.as_of}")
    final = sealed(report, plan.contract, reason, before_it)
    contract, customer, from_us, to_us = key_of(plan)
    return ClosedRow(
        contract=contract,
        customer=customer,
        from_us=from_us,
        to_us=to_us,
        revision=final.provenance.revision,
        made_us=now_us,
        digest=final.provenance.digest or "",
        supersedes=final.provenance.supersedes or "",
        reason=reason,
        body=canonical(final),
    )
