"""Closing periods: which have ended, when one is final, and which closed ones ask for another revision. Pure.

A period is closed once everything of it that is to come has come, or its deadline has passed. What is closed is never
changed: evidence that comes later makes a new revision that cites the one before. These make none, on purpose:
another configuration (terms are new from a day on, as `effective` says, and a text that is edited must not rewrite what
was sent), another version of this program, customers that a contract gets after its period was closed. Not here:
reading, making and storing reports (`closer`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from prober.hub.view import View
from prober.store.base import ClosedRow
from reports.contract import Contract, Periods
from reports.document import ContractReport
from reports.fingerprint import watched_digest
from reports.periods import Period, before, period_at
from reports.render.json_format import digest
from reports.report import Customer

from .accounts import PATIENCE_US
from .closed import Key
from .plans import Plan, by_name, by_rule, earlier_parts, parts_of

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000
MARGIN_US = 10 * MINUTE_US
"""What is measured so long after a period may still say where an outage at its end ended."""
LOOK_BACK_US = 100 * DAY_US
"""Periods that ended longer ago are neither closed nor looked at again for late evidence."""
PAST_PERIODS = 12
MOST_PAIRS = (
    300  # probes x regions whose evidence is read at once: some ten milliseconds of work in one piece
)
Marks = Mapping[str, int]
"""Up to when all results of a region are on record, by region; one that is not waited for is not in it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One version of a contract over a period, or a part of it, and all who get a report: customers first.

    The last plan is the provider's own view, and is stored last: once it is there, the part is closed for everybody. A
    crash on the way leaves customers' reports that stay, and the next round makes what is missing.
    """

    plans: tuple[Plan, ...]

    @property
    def own(self) -> Plan:
        """The provider's own view."""
        return self.plans[-1]


@dataclass(frozen=True, slots=True)
class Ended:
    """A period of a contract that is over."""

    period: Period
    parts: tuple[Part, ...]
    versions: tuple[Contract, ...]
    """Every version of the contract."""

    @property
    def contract(self) -> str:
        """The contract's name."""
        return self.versions[0].name

    @property
    def plans(self) -> list[Plan]:
        """The provider's own view of every part."""
        return [part.own for part in self.parts]


def ended_periods(
    contracts: Sequence[Contract], customers: Mapping[str, Customer], now_us: int
) -> list[Ended]:
    """Return the periods that have ended and are young enough to be closed or revised, the earliest first.

    Each version of a contract is cut by its own rule. Rolling windows end every day: there is nothing to close.
    """
    found: list[Ended] = []
    for versions in by_name(contracts).values():
        for same in by_rule(versions):
            rule, zone = same[0].window, same[0].zone
            if rule.unit == "rolling":
                continue
            period = before(period_at(rule, zone, now_us), rule, zone)
            while period.end_us > now_us - LOOK_BACK_US:
                parts = tuple(_parts(same, period, customers))
                found += [Ended(period, parts, tuple(versions))] if parts else []
                period = before(period, rule, zone)
    return sorted(found, key=lambda each: (each.period.end_us, each.period.start_us))


def _parts(same: Sequence[Contract], period: Period, customers: Mapping[str, Customer]) -> Iterator[Part]:
    own = parts_of(same, period, None)
    for plan in own:
        readers = []
        for name in plan.contract.customers:
            visible = [each for each in own if name in each.contract.customers]
            if name in customers:
                number, of = visible.index(plan) + 1, len(visible)
                readers.append(replace(plan, customer=customers[name], part=number, parts=of))
        yield Part((*readers, plan))


def with_evidence(ended: Ended, begins: Mapping[tuple[str, str], int]) -> Ended | None:
    """Return a period without the parts that were over before anything of their probes was scheduled or imported.

    `begins` has that instant by probe and region. A period in which nothing was measured although it was to be is kept:
    it is closed as one without data. One of before our time is not ours to close.
    """
    kept = []
    for part in ended.parts:
        begin_us = begin_of(part.own.contract, begins)
        if begin_us is not None and begin_us < part.own.end_us:
            kept.append(part)
    return replace(ended, parts=tuple(kept)) if kept else None


def begin_of(contract: Contract, begins: Mapping[tuple[str, str], int]) -> int | None:
    """Return when the first probe of a contract was first scheduled or imported; None: never."""
    pairs = ((probe.name, region) for probe in contract.probes() for region in probe.regions)
    return min((begins[pair] for pair in pairs if pair in begins), default=None)


def earlier_plans(ended: Ended) -> list[Plan]:
    """Return the parts of the periods before one, oldest first, as the provider sees them."""
    cutter = ended.parts[-1].own.contract
    return earlier_parts(ended.versions, ended.period, cutter, None, PAST_PERIODS)


def watermarks(view: View) -> dict[str, int]:
    """Return up to when all results of each region are on record, of those that are waited for.

    A region of this machine is waited for from the start on, one elsewhere if an agent of it is known: after a start it
    is at 0 until its agents have brought what they kept meanwhile. Nobody is waited for where nobody ever came from.
    """
    served = {region for agent in view.agents.values() for region in agent.regions}
    served |= {region.name for region in view.config.regions if region.local}
    return {
        name: watch.complete_us for name, watch in view.regions.items() if watch.complete_us or name in served
    }


def reached_us(contract: Contract, marks: Marks, now_us: int) -> int:
    """Return up to when all results that a contract rests on are on record."""
    regions = {region for probe in contract.probes() for region in probe.regions}
    return min((marks[region] for region in regions if region in marks), default=now_us)


def settles_us(contract: Contract, end_us: int) -> int:
    """Return from when on nothing that is measured in order can change a period that ended."""
    method = contract.method
    minutes = method.minutes + method.good_minutes if isinstance(method, Periods) else 0
    probes = contract.probes()
    gaps = [contract.gap_of(probe.interval_us) + probe.timeout_us for probe in probes]
    # A region counts as silent, and holds no figure back, only after so long.
    silent = [2 * probe.interval_us + probe.timeout_us + PATIENCE_US for probe in probes]
    return end_us + max(MARGIN_US, *gaps, *silent) + minutes * MINUTE_US


def reason_to_close(ended: Ended, marks: Marks, wait_us: int, now_us: int) -> str | None:
    """Return why a period may be closed now: `watermark` or `deadline`; None while results are awaited.

    Nobody is waited for longer than `wait_us` after its end.
    """
    final_us = max(settles_us(plan.contract, plan.end_us) for plan in ended.plans)
    if now_us < final_us:
        return None
    if all(reached_us(plan.contract, marks, now_us) >= final_us for plan in ended.plans):
        return "watermark"
    return "deadline" if now_us >= end_of(ended) + wait_us else None


def end_of(ended: Ended) -> int:
    """Return when the last part of a period ended."""
    return max(plan.end_us for plan in ended.plans)


def may_be_revised(plan: Plan, row: ClosedRow, marks: Marks, now_us: int) -> bool:
    """Say whether a closed report may get a revision now: not while late results still come in, but once a day."""
    is_whole = reached_us(plan.contract, marks, now_us) >= settles_us(plan.contract, plan.end_us)
    return is_whole or now_us >= row.made_us + DAY_US


def is_closed(ended: Ended, spans: Sequence[tuple[int, int]]) -> bool:
    """Say whether some of a period was closed, by the spans of all closed reports of the provider's own view.

    Bounds of parts may have moved since, by other days in the configuration: what was closed stays closed.
    """
    return any(
        plan.start_us < end_us and start_us < plan.end_us
        for plan in ended.plans
        for start_us, end_us in spans
    )


def sealed(
    report: ContractReport, contract: Contract, reason: str, before_it: ClosedRow | None = None
) -> ContractReport:
    """Return a report as a closed revision, with its own digest: the first, or the one after another."""
    provenance = msgspec.structs.replace(
        report.provenance,
        revision=before_it.revision + 1 if before_it else 1,
        supersedes=before_it.digest if before_it else None,
        late=reason,
        watched=watched_digest(contract),
        digest=None,
    )
    bare = msgspec.structs.replace(report, provenance=provenance)
    return msgspec.structs.replace(bare, provenance=msgspec.structs.replace(provenance, digest=digest(bare)))


def in_pieces(periods: Sequence[Ended]) -> Iterator[list[Ended]]:
    """Yield lists of equal periods whose evidence is read at once; a contract that alone has more is one of its own."""
    piece: list[Ended] = []
    pairs = 0
    for each in periods:
        size = sum(len(probe.regions) for plan in each.plans for probe in plan.contract.probes())
        if piece and (each.period != piece[0].period or pairs + size > MOST_PAIRS):
            yield piece
            piece, pairs = [], 0
        piece.append(each)
        pairs += size
    if piece:
        yield piece


def spans_of(rows: Mapping[Key, ClosedRow]) -> dict[str, list[tuple[int, int]]]:
    """Return what was closed of each contract, by the provider's own view."""
    found: dict[str, list[tuple[int, int]]] = {}
    for contract, customer, from_us, to_us in rows:
        if not customer:
            found.setdefault(contract, []).append((from_us, to_us))
    return found
