"""One contract, one period: from what was seen to the whole report, as a document. Pure.

Here: the order in which the figures are made and put together. Not here: any figure (one module each), nor words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from reports import document, methods, telling
from reports.assumptions import assumptions, method_options
from reports.chapters import budget_part, coverage_part, days_part, outages_part, statistics_part
from reports.composing import over_time
from reports.contract import Contract, MaintenanceWindow, Minutes, Money, Periods, Time
from reports.counting import Lane, Tally, probe_lanes, tally_lanes
from reports.dues import advice_part, credit_part, excluded_part, smallest_part
from reports.evidence import Window
from reports.exclusions import Eligible, Ruling, denominator_us, eligible, rule_on
from reports.figures import Figures, Finding
from reports.fingerprint import around, evidence_digest
from reports.intervals import Intervals, length
from reports.ledger import Ledger
from reports.periods import Period
from reports.statistics import weaker
from reports.timeline import Timeline
from reports.track import Tracks
from reports.trials import trials
from reports.zones import local_text, tzdata_version

NO_BRAND = document.Brand()
NOTHING_IMPORTED = document.Imported()


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Whom a report is for."""

    name: str
    title: str
    brand: document.Brand = NO_BRAND
    fee: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and all that the answer is made of. Figures reach to `as_of_us`, or to the period's end.

    `start_us` to `end_us` is the part of `period` in which this version of the contract was in force. `tracks` reach
    beyond it on either side (`accounts`), `maintenance` covers the local years that it touches.
    """

    contract: Contract
    period: Period
    start_us: int
    end_us: int
    as_of_us: int
    tracks: Tracks
    made_us: int
    part: int = 1
    parts: int = 1
    customer: Customer | None = None
    maintenance: Sequence[MaintenanceWindow] = ()
    past: Sequence[document.Past] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    imported: document.Imported = NOTHING_IMPORTED
    configuration: str = ""
    software: str = ""

    @property
    def reach_us(self) -> int:
        """Return up to where the figures reach."""
        return max(min(self.end_us, self.as_of_us), self.start_us)

    @property
    def is_own_period(self) -> bool:
        """Say whether the period is one of the contract's own window, not a time that somebody picked."""
        return self.period.unit == self.contract.window.unit

    @property
    def is_running(self) -> bool:
        """Say whether the period goes on."""
        return self.as_of_us < self.end_us

    @property
    def window(self) -> Window:
        """Return the time that the figures are of."""
        return Window(self.start_us, self.reach_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The figures of a question, exact: what every reader of a contract is told, each in its own form."""

    question: Question
    figures: Figures
    time: Figures
    """Of time, whatever the method counts."""
    bare: Figures
    """With nothing excluded but time outside service hours."""
    finding: Finding
    line: document.Statistics
    rulings: Sequence[Ruling]
    whole: Eligible
    """Of the whole part, its future included."""
    counted: Intervals
    """The eligible part up to where the figures reach."""
    total_us: int
    """N up to there, for methods that measure time."""
    total_whole_us: int
    ledger: Ledger
    tallies: Mapping[tuple[str, str], Tally]
    """Attempts in the counted part, by probe and region."""
    attempts: Mapping[tuple[str, str], Sequence[Lane]]
    """All of them."""


def account(question: Question) -> Account:
    """Return the figures of one contract and period."""
    contract, start_us, reach_us = question.contract, question.start_us, question.reach_us
    timeline = methods.timeline_of(contract, question.tracks, around(question.window))
    rulings = tuple(rule_on(contract, question.maintenance, start_us, question.end_us))
    whole = eligible(contract, rulings, start_us, question.end_us)
    so_far = eligible(contract, rulings, start_us, reach_us)
    total_us = _denominator_us(question, so_far, reach_us)
    time = over_time(timeline, so_far.intervals, total_us)
    figures = _figures(question, time, so_far.intervals, total_us)
    attempts = _attempts(question)
    tallies = {pair: tally_lanes(rows, so_far.intervals) for pair, rows in attempts.items()}
    line = statistics_part(contract, trials(contract, question.tracks, so_far.intervals, tallies))
    found = figures.finding(contract.claim, contract.more_than)
    if line.weakens and line.finding is not None:
        found = weaker(found, Finding(line.finding))
    return Account(
        question=question,
        figures=figures,
        time=time,
        bare=_bare(question, timeline, figures, so_far),
        finding=found,
        line=line,
        rulings=rulings,
        whole=whole,
        counted=so_far.intervals,
        total_us=total_us,
        total_whole_us=_denominator_us(question, whole, question.end_us),
        ledger=Ledger.of(timeline),
        tallies=tallies,
        attempts=attempts,
    )


def _denominator_us(question: Question, parts: Eligible, end_us: int) -> int:
    """Return N. One fixed by contract is shared among the parts of a period by elapsed time, rounded down."""
    contract, period = question.contract, question.period
    total_us = denominator_us(contract, parts, question.start_us, end_us)
    if contract.denominator.rule != "fixed" or question.parts == 1:
        return total_us
    return total_us * (question.end_us - question.start_us) // (period.end_us - period.start_us)


def _attempts(question: Question) -> dict[tuple[str, str], list[Lane]]:
    """Return the attempts of every probe and region; one that was never seen owes its slots as well."""
    return {
        (probe.name, region): probe_lanes(probe, question.tracks, region)
        for probe in question.contract.probes()
        for region in probe.regions
    }


def _figures(question: Question, time: Figures, counted: Intervals, total_us: int) -> Figures:
    """Return the figures by the contract's method; those that are sums over its timeline are known already."""
    contract = question.contract
    if isinstance(contract.method, Time | Minutes | Periods):
        return time
    return methods.figures(contract, question.tracks, counted, total_us, question.start_us, question.reach_us)


def _bare(question: Question, timeline: Timeline, figures: Figures, so_far: Eligible) -> Figures:
    """Return the figures with no maintenance or other exclusion taken out."""
    if not so_far.shrink and not so_far.keep:
        return figures
    bare = replace(question.contract, maintenance=None, exclusions=())
    open_now = eligible(bare, (), question.start_us, question.reach_us)
    total_us = _denominator_us(replace(question, contract=bare), open_now, question.reach_us)
    time = over_time(timeline, open_now.intervals, total_us)
    return _figures(question, time, open_now.intervals, total_us)


def report(question: Question) -> document.ContractReport:
    """Return the whole report of one contract and period."""
    return report_of(account(question))


def report_of(
    found: Account,
    latency: Sequence[document.Latency] = (),
    objectives: Sequence[document.Objective] = (),
) -> document.ContractReport:
    """Return the report that an account makes, with what was read of latency beside it."""
    question, contract, figures = found.question, found.question.contract, found.figures
    service = contract.services[0]
    customer = question.customer
    listed, total = outages_part(found)
    return document.ContractReport(
        contract=contract.name,
        title=contract.title,
        customer=customer.name if customer else None,
        customer_title=customer.title if customer else None,
        brand=customer.brand if customer else NO_BRAND,
        service=service.name,
        service_title=" + ".join(each.title for each in contract.services),
        services=[each.name for each in contract.services],
        public=contract.public,
        period=_period(question),
        effective_from=contract.from_day.isoformat() if contract.from_day else None,
        effective_to=contract.to_day.isoformat() if contract.to_day else None,
        method=_method(contract),
        denominator=contract.denominator.rule,
        eligible_seconds=telling.seconds(length(found.counted)),
        claim=telling.exact(contract.claim),
        more_than=contract.more_than,
        finding=found.finding.value,
        no_data=not figures.has_data,
        availability=telling.bounds(figures, contract.claim),
        without_exclusions=telling.bounds(found.bare, contract.claim),
        by_rule=_by_rule(contract, figures),
        unknown_rule=contract.unknown,
        quorum=contract.quorum,
        unit=figures.unit,
        down_seconds=telling.lost(found.time),
        attempts=telling.lost(figures) if figures.unit != "us" else None,
        attempts_total=telling.number(figures.total) if figures.unit != "us" else None,
        coverage=coverage_part(found),
        smallest_sure_outage_seconds=smallest_part(found),
        statistics=found.line,
        advice=advice_part(found),
        budget=budget_part(found),
        excluded=excluded_part(found),
        credit=credit_part(found),
        latency=list(latency),
        objectives=list(objectives),
        days=days_part(found),
        outages=listed,
        outages_total=total,
        past=list(question.past),
        promise=contract.promise,
        actions=[document.Done(on=each.on.isoformat(), text=each.text) for each in contract.actions],
        titles=dict(question.titles),
        imported=question.imported,
        assumptions=_assumptions(question),
        provenance=_provenance(found),
    )


def _assumptions(question: Question) -> list[document.Assumption]:
    contract = question.contract
    return assumptions(contract, _intervals(question), uses_own_period=question.is_own_period)


def _intervals(question: Question) -> set[int]:
    """Return the intervals that the period was measured at; without any evidence, those it should have been."""
    window = question.window
    seen = {
        era.interval_us
        for track in question.tracks.values()
        for era in track.eras
        if len(era.stretches)
        and era.stretches[0].first_us < window.end_us
        and era.stretches[-1].last_us >= window.start_us
    }
    return seen or {probe.interval_us for probe in question.contract.probes()}


def _method(contract: Contract) -> document.Method:
    return document.Method(
        name=type(contract.method).__name__.lower(),
        options=method_options(contract),
        preset=contract.preset,
    )


def _period(question: Question) -> document.Period:
    period, zone = question.period, question.contract.zone
    return document.Period(
        from_=local_text(question.start_us, zone),
        to=local_text(question.end_us, zone),
        seconds=(question.end_us - question.start_us) // telling.SECOND_US,
        zone=zone,
        label=period.label,
        unit=period.unit,
        part=question.part,
        parts=question.parts,
        as_of=local_text(question.reach_us, zone) if question.is_running else None,
    )


def _by_rule(contract: Contract, figures: Figures) -> document.Ratio | None:
    value = figures.by_rule(contract.unknown) if contract.unknown != "bounds" else None
    return telling.ratio(value, contract.claim) if value is not None else None


def _provenance(found: Account) -> document.Provenance:
    question = found.question
    return document.Provenance(
        software=question.software,
        configuration=question.configuration,
        contract=question.contract.digest,
        results=evidence_digest(
            question.contract, question.tracks, question.window, found.ledger.timeline, found.attempts
        ),
        tzdata=tzdata_version(question.contract.zone),
        made=local_text(question.made_us, question.contract.zone),
    )
