"""Reports and figures of contracts from a store: reads what is needed, asks `reports` for the figures.

One path for all readers: the command line, the API, pages, closed reports and live figures are made here, so that
they cannot differ. Reading is asynchronous; the arithmetic runs in a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import dropwhile

import prober
from prober.config import Config
from prober.store.base import Store
from reports import telling
from reports.contract import MaintenanceWindow, ProbeTerms
from reports.counting import lanes
from reports.document import ContractReport, Imported, Past
from reports.evidence import Window
from reports.fingerprint import evidence_digest
from reports.report import Account, Question, account, report_of
from reports.track import Tracks
from reports.zones import local_text

from .closed import Key, closed_report, key_of, newest_by_key, past_of_body
from .evidence import AFTER_US, BEFORE_US, Asked, gather
from .latency import Timing, timing
from .plans import Plan, Wanted, plans
from .slicing import sliced
from .terms import contracts_of, customers_of

DAY_US = 86_400_000_000
PATIENCE_US = (
    5_000_000  # beyond two intervals and a timeout: when a region that is silent is waited for no longer
)
YEAR_US = 366 * DAY_US
MOST_PAST = 20  # reports at once for which earlier periods are worked out anew
MaintenanceOf = Callable[[int, int], Sequence[MaintenanceWindow]]
"""(from, to) -> the announced windows of all services that touch this time."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one round of reports shares."""

    now_us: int
    tracks: Tracks
    titles: Mapping[str, str]
    maintenance: Sequence[MaintenanceWindow]
    sources: Sequence[tuple[str, str, str, int, int]]
    """Probe, region, source, and the first and last instant of what was imported from it."""
    from_us: int = 0
    to_us: int = 0
    """What `tracks` were read for."""


class Accounts:
    """The contracts of one configuration over one store."""

    def __init__(self, config: Config, store: Store, maintenance: MaintenanceOf) -> None:
        self.config = config
        self.contracts = contracts_of(config)
        self.customers = customers_of(config)
        self._store = store
        self._maintenance = maintenance

    async def reports(self, wanted: Wanted, now_us: int) -> list[ContractReport]:
        """Return the reports that are asked for. Raises CannotReport, StoreError."""
        wanted_plans = plans(wanted, self.contracts, self.customers, now_us)
        with_past = wanted.past > 0 and len(wanted_plans) <= MOST_PAST
        closed = {
            key_of(plan): None if wanted.fresh else await closed_report(self._store, plan, wanted.revision)
            for plan in wanted_plans
        }
        open_plans = [plan for plan in wanted_plans if closed[key_of(plan)] is None]
        known = await self._closed_past(open_plans) if with_past else {}
        unknown = [_without(plan, known) for plan in open_plans]
        around = await self.surroundings(unknown, now_us, with_past=with_past)
        return [
            closed[key_of(plan)]
            or await self._report(plan, around, known if with_past else None, latency=wanted.latency)
            for plan in wanted_plans
        ]

    async def report_of_plan(
        self, plan: Plan, around: Surroundings, *, latency: bool = True
    ) -> ContractReport:
        """Return one report without earlier periods, worked out anew. Raises StoreError."""
        return await self._report(plan, around, None, latency=latency)

    async def _closed_past(self, open_plans: Sequence[Plan]) -> dict[Key, Past]:
        """Return the earlier periods of some plans that are closed, as they were closed."""
        rows = newest_by_key(await self._store.closed())
        found: dict[Key, Past] = {}
        for key in {key_of(earlier) for plan in open_plans for earlier in plan.past}:
            kept = await self._store.closed_by_digest(rows[key].digest) if key in rows else None
            if kept is not None:
                found[key] = await asyncio.to_thread(past_of_body, kept.body)
        return found

    async def _report(
        self, plan: Plan, around: Surroundings, known: Mapping[Key, Past] | None, *, latency: bool
    ) -> ContractReport:
        """Return one report; the earlier periods that are not `known` are worked out, none with None."""
        past = await asyncio.to_thread(self._past, plan, around, known) if known is not None else []
        found = await asyncio.to_thread(self._account, plan, around, past)
        timed = await timing(self._store, found) if latency else Timing()
        return await asyncio.to_thread(report_of, found, timed.percentiles, timed.objectives)

    async def reports_alike(
        self, alike: Sequence[Plan], around: Surroundings, past: Callable[[Plan], Sequence[Past]]
    ) -> AsyncIterator[tuple[Plan, ContractReport]]:
        """Yield reports of plans that differ only in whom they are for: the figures are worked out once.

        `past` tells the earlier periods that each of them lists. Raises StoreError.
        """
        found = await asyncio.to_thread(self._account, alike[0], around)
        timed = await timing(self._store, found)
        for plan in alike:
            question = replace(
                found.question,
                customer=plan.customer,
                part=plan.part,
                parts=plan.parts,
                past=past(plan),
                imported=_imported(found.question.tracks, plan, around),
            )
            own = replace(found, question=question)
            yield plan, await asyncio.to_thread(report_of, own, timed.percentiles, timed.objectives)

    def past_line(self, plan: Plan, around: Surroundings) -> Past:
        """Return an earlier period as a line of the list, worked out anew."""
        return past_of(self._account(plan, around))

    def evidence_digest(self, plan: Plan, around: Surroundings) -> str:
        """Return the digest of the evidence that a report of this plan would rest on now."""
        return evidence_digest(
            plan.contract, self._question(plan, around).tracks, Window(plan.start_us, plan.end_us)
        )

    async def accounts(self, wanted: Wanted, now_us: int) -> list[Account]:
        """Return the figures alone. Raises CannotReport, StoreError."""
        wanted_plans = plans(wanted, self.contracts, self.customers, now_us)
        around = await self.surroundings(wanted_plans, now_us, with_past=False)
        return await asyncio.to_thread(lambda: [self._account(plan, around) for plan in wanted_plans])

    async def surroundings(
        self, wanted: Sequence[Plan], now_us: int, *, with_past: bool = True
    ) -> Surroundings:
        """Read what reports of these plans need, once for all of them. Raises StoreError."""
        every = [each for plan in wanted for each in (plan, *(plan.past if with_past else ()))]
        from_us = min((plan.start_us for plan in every), default=now_us)
        to_us = max((plan.end_us for plan in every), default=now_us)
        probes = {probe.name: probe for plan in every for probe in plan.contract.probes()}
        pooled = [
            probe.name
            for plan in every
            if plan.contract.quorum == "pooled"
            for probe in plan.contract.probes()
        ]
        regions = _widest(every)
        asked = Asked(
            probes=[regions[name] for name in probes],
            from_us=from_us,
            to_us=min(to_us, now_us),
            pooled=sorted(set(pooled)),
            gaps=_shortest_gaps(every),
        )
        return Surroundings(
            now_us=now_us,
            tracks=await gather(self._store, asked),
            titles=self._titles(),
            maintenance=self._maintenance(from_us - YEAR_US, to_us),
            sources=await self._store.imported_sources(),
            from_us=asked.from_us,
            to_us=asked.to_us,
        )

    def _titles(self) -> dict[str, str]:
        probes = {f"probe:{probe.name}": probe.title for probe in self.config.probes}
        return probes | {f"region:{region.name}": region.title for region in self.config.regions}

    def _account(self, plan: Plan, around: Surroundings, past: Sequence[Past] = ()) -> Account:
        return account(self._question(plan, around, past))

    def _question(self, plan: Plan, around: Surroundings, past: Sequence[Past] = ()) -> Question:
        probes = plan.contract.probes()
        own: Tracks = {
            (probe.name, region): around.tracks[probe.name, region]
            for probe in probes
            for region in probe.regions
            if (probe.name, region) in around.tracks
        }
        names = {f"probe:{probe.name}" for probe in probes}
        names |= {f"region:{region}" for probe in probes for region in probe.regions}
        return Question(
            contract=plan.contract,
            period=plan.period,
            start_us=plan.start_us,
            end_us=plan.end_us,
            as_of_us=watermark_us(own, probes, around.now_us),
            tracks=_of_plan(own, plan, around),
            made_us=around.now_us,
            part=plan.part,
            parts=plan.parts,
            customer=plan.customer,
            past=past,
            maintenance=around.maintenance,
            titles={name: title for name, title in around.titles.items() if name in names},
            imported=_imported(own, plan, around),
            configuration=self.config.digest,
            software=f"prober {prober.__version__}",
        )

    def _past(self, plan: Plan, around: Surroundings, known: Mapping[Key, Past]) -> list[Past]:
        lines = (known.get(key_of(earlier)) or self.past_line(earlier, around) for earlier in plan.past)
        # What lies before the first measurement is no period without data: nobody was there to measure.
        return list(dropwhile(lambda line: line.finding is None, lines))


def _without(plan: Plan, known: Mapping[Key, Past]) -> Plan:
    return replace(plan, past=tuple(earlier for earlier in plan.past if key_of(earlier) not in known))


def _of_plan(tracks: Tracks, plan: Plan, around: Surroundings) -> Tracks:
    """Return what of the evidence says something of one period, where it was read for several."""
    if plan.start_us <= around.from_us and plan.end_us >= around.to_us:
        return tracks
    return sliced(tracks, plan.start_us - BEFORE_US, plan.end_us + AFTER_US)


def past_of(found: Account) -> Past:
    """Return an earlier period as a line of the list."""
    question, contract = found.question, found.question.contract
    return Past(
        label=question.period.label,
        from_=local_text(question.start_us, contract.zone),
        to=local_text(question.end_us, contract.zone),
        finding=found.finding.value if found.figures.has_data else None,
        availability=telling.bounds(found.figures, contract.claim),
        claim=telling.exact(contract.claim),
    )


def watermark_us(tracks: Tracks, probes: Sequence[ProbeTerms], now_us: int) -> int:
    """Return up to when figures reach: not into time whose next results are still to come.

    A region that is silent for longer than two intervals and a timeout holds nobody back: it shows as unknown.
    """
    heard: list[int] = []
    for probe in probes:
        patience_us = 2 * probe.interval_us + probe.timeout_us + PATIENCE_US
        for region in probe.regions:
            track = tracks.get((probe.name, region))
            ends = [era.stretches[-1].last_us for era in track.eras if len(era.stretches)] if track else []
            if ends and max(ends) >= now_us - patience_us:
                heard.append(min(max(ends), now_us))
    return min(heard, default=now_us)


def _imported(tracks: Tracks, plan: Plan, around: Surroundings) -> Imported:
    # Names of files may name other customers: only the provider is told from where it came.
    names = [
        source
        for probe, region, source, first_us, last_us in around.sources
        if (probe, region) in tracks and first_us < plan.end_us and last_us >= plan.start_us
    ]
    return imported_of(tracks, plan, names if plan.customer is None else ())


def imported_of(tracks: Tracks, plan: Plan, sources: Sequence[str]) -> Imported:
    """Return what of a period's evidence was imported: attempts count where nothing was measured yet."""
    count, until_us = 0, None
    for track in tracks.values():
        for lane in lanes(track) if any(era.imported for era in track.eras) else ():
            if lane.era.imported:
                count += sum(lane.count(plan.start_us, plan.end_us))
        for era in track.eras:
            last = min(era.first_due(plan.end_us) - 1, era.last_slot) if era.imported else -1
            if era.imported and last >= max(era.first_due(plan.start_us), era.first_slot):
                until_us = max(until_us or 0, era.due_us(last))
    if until_us is None:
        return Imported()
    until = local_text(until_us, plan.contract.zone)
    return Imported(used=True, results=count, sources=sorted(set(sources)), until=until)


def _shortest_gaps(every: Sequence[Plan]) -> dict[str, int]:
    """Return by probe the shortest gap that a contract over it names."""
    found: dict[str, int] = {}
    for plan in every:
        gap_us = plan.contract.gap_us
        if gap_us is not None:
            for probe in plan.contract.probes():
                found[probe.name] = min(gap_us, found.get(probe.name, gap_us))
    return found


def _widest(every: Sequence[Plan]) -> dict[str, ProbeTerms]:
    """Return each probe with the regions of all contracts that rest on it."""
    found: dict[str, ProbeTerms] = {}
    for plan in every:
        for probe in plan.contract.probes():
            known = found.get(probe.name)
            if known is None or not set(probe.regions) <= set(known.regions):
                regions = tuple(dict.fromkeys((*(known.regions if known else ()), *probe.regions)))
                found[probe.name] = _seen_from(probe, regions)
    return found


def _seen_from(probe: ProbeTerms, regions: tuple[str, ...]) -> ProbeTerms:
    return replace(probe, regions=regions)
