"""Which time a contract takes out: announced maintenance by its terms, agreed exclusions, and hours without service.

Every window that was asked for gets a ruling with a code for the reason, counted or not. Pure: windows in, intervals
out, all instants in microseconds UTC. Not here: what was measured in that time, nor where windows come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reports.contract import Contract, Exclusion, MaintenanceTerms, MaintenanceWindow, WindowRule
from reports.hours import open_intervals
from reports.intervals import Intervals, first_of, intersect, length, subtract, union
from reports.periods import period_at

_MONTH, _YEAR = WindowRule("month"), WindowRule("year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What became of one window that touches the period.

    `counted` is the part of it, cut to the period, that is taken out; windows that overlap both have the time they
    share. `reason` is one of these codes:

        counted                 all of it that lies in the period and in the service hours
        partly_cap              until the cap of its month or year was used up
        partly_hours            what lies in the hours of the week that maintenance is allowed in
        partly_cancelled        until it was called off
        cap_used                none: the cap was used up before it
        outside_hours           none: not in the hours of the week that maintenance is allowed in
        outside_service_hours   none: there was no service to interrupt
        cancelled               none: called off before it began
        no_notice               none: nobody was told
        late_notice             none: announced, or on record here, too late
        not_agreed              none: the contract does not excuse maintenance
        some_services           none: not about all services of the contract, whose figure has one whole
        not_approved            none: nobody is named who approved it
        no_reason               none: it is not said why
    """

    title: str
    kind: str
    """`maintenance`, or the kind of an agreed exclusion."""
    start_us: int
    end_us: int
    """As announced; what ran over is not excused."""
    counted: Intervals
    reason: str
    rule: str
    """`shrink`: out of the down time and of the whole; `keep`: out of the down time only."""
    announced_us: int | None = None
    logged_us: int | None = None
    approved_by: str | None = None
    text: str = ""
    """Why, in the words of those who agreed on it."""
    approved_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eligible:
    """A period in four parts that tile it: what counts, and what is taken out, by how it is."""

    intervals: Intervals
    """W: the time that counts."""
    outside_hours: Intervals
    shrink: Intervals
    """Out of the whole too; time that is excused by both rules is here."""
    keep: Intervals


def rule_on(
    contract: Contract, maintenance: Sequence[MaintenanceWindow], start_us: int, end_us: int
) -> tuple[Ruling, ...]:
    """Rule on every window that touches [start, end) and is about a service of the contract, in order of time.

    `maintenance` holds all windows of the local years that the period lies in, in any order: earlier ones use up
    the caps first, those before the period too. Time in service hours alone uses them up; that it is excused by
    another agreement too makes no difference. Where services have figures of their own, ask for each one by itself.
    """
    period = ((start_us, end_us),)
    # What ended before the local year, and what begins after the period, has no say in its caps.
    from_us = period_at(_YEAR, contract.zone, start_us).start_us
    relevant = [window for window in maintenance if window.end_us > from_us and window.start_us < end_us]
    excused = _excused(contract, relevant)
    rulings = [_of_maintenance(contract, window, counted, period) for window, counted in excused]
    rulings += [_of_exclusion(contract, exclusion, period) for exclusion in contract.exclusions]
    touching = (each for each in rulings if intersect(period, ((each.start_us, each.end_us),)))
    return tuple(sorted(touching, key=lambda each: (each.start_us, each.end_us, each.title)))


def eligible(contract: Contract, rulings: Sequence[Ruling], start_us: int, end_us: int) -> Eligible:
    """Return the parts of [start, end): W is the period less the time outside hours and all that is counted."""
    within = _service_hours(contract, start_us, end_us)
    shrink = intersect(within, _counted(rulings, "shrink"))
    keep = subtract(intersect(within, _counted(rulings, "keep")), shrink)
    return Eligible(
        intervals=subtract(within, union((*shrink, *keep))),
        outside_hours=subtract(_interval(start_us, end_us), within),
        shrink=shrink,
        keep=keep,
    )


def denominator_us(contract: Contract, parts: Eligible, start_us: int, end_us: int) -> int:
    """Return N, what down time is divided by: a constant, |W|, or the period less closed hours and what shrinks it."""
    if contract.denominator.rule == "fixed":
        return contract.denominator.length_us
    if contract.denominator.rule == "eligible":
        return length(parts.intervals)
    return end_us - start_us - length(parts.outside_hours) - length(parts.shrink)


def _interval(start_us: int, end_us: int) -> Intervals:
    return union(((start_us, end_us),))


def _counted(rulings: Sequence[Ruling], rule: str) -> Intervals:
    return union(interval for each in rulings if each.rule == rule for interval in each.counted)


@dataclass(frozen=True, slots=True)
class _Steps:
    """One window as it is cut down, whole: each step lies in the one before it."""

    announced: Intervals
    held: Intervals
    allowed: Intervals
    served: Intervals
    excused: Intervals


def _excused(
    contract: Contract, maintenance: Sequence[MaintenanceWindow]
) -> list[tuple[MaintenanceWindow, _Steps]]:
    """Go through the windows from the earliest on, as the caps are used up."""
    own = {service.name for service in contract.services}
    concerned = [window for window in maintenance if own.intersection(window.services)]
    caps = _Caps(contract.maintenance or MaintenanceTerms(), contract.zone)
    ordered = sorted(concerned, key=lambda window: (window.start_us, window.end_us, window.key))
    return [(window, _steps(contract, window, caps)) for window in ordered]


def _steps(contract: Contract, window: MaintenanceWindow, caps: _Caps) -> _Steps:
    announced = _interval(window.start_us, window.end_us)
    if _refusal(contract, window) or not announced:
        return _Steps(announced, (), (), (), ())
    called_off = window.end_us if window.cancelled_us is None else window.cancelled_us
    held = intersect(announced, _interval(window.start_us, called_off))
    allowed = intersect(
        held, open_intervals(caps.terms.hours, (), contract.zone, window.start_us, window.end_us)
    )
    served = intersect(allowed, _service_hours(contract, window.start_us, window.end_us))
    return _Steps(announced, held, allowed, served, caps.take(served))


def _service_hours(contract: Contract, start_us: int, end_us: int) -> Intervals:
    return open_intervals(contract.hours, contract.holidays, contract.zone, start_us, end_us)


def _refusal(contract: Contract, window: MaintenanceWindow) -> str | None:
    """Return why nothing of a window can count, before its time is looked at."""
    terms = contract.maintenance
    if terms is None:
        return "not_agreed"
    if not {service.name for service in contract.services} <= set(window.services):
        return "some_services"
    if window.announced_us is None:
        return "no_notice"
    told_us = window.announced_us
    if terms.evidence == "logged":
        if window.logged_us is None:
            return "no_notice"
        # On record before it was to be sent: people were told when it was sent.
        told_us = max(told_us, window.logged_us)
    return "late_notice" if told_us > window.start_us - terms.notice_us else None


def _of_maintenance(
    contract: Contract, window: MaintenanceWindow, steps: _Steps, period: Intervals
) -> Ruling:
    return Ruling(
        title=window.title,
        kind="maintenance",
        start_us=window.start_us,
        end_us=window.end_us,
        counted=intersect(steps.excused, period),
        reason=_refusal(contract, window) or _reason(steps, period),
        rule=contract.maintenance.rule if contract.maintenance else "shrink",
        announced_us=window.announced_us,
        logged_us=window.logged_us,
    )


def _reason(steps: _Steps, period: Intervals) -> str:
    """Name the step that left nothing of a window in the period, or else the last one that took something away."""
    announced, held, allowed, served, excused = (
        length(intersect(step, period))
        for step in (steps.announced, steps.held, steps.allowed, steps.served, steps.excused)
    )
    nothing = {
        "cancelled": held,
        "outside_hours": allowed,
        "outside_service_hours": served,
        "cap_used": excused,
    }
    for reason, left in nothing.items():
        if not left:
            return reason
    less = {
        "partly_cap": excused < served,
        "partly_hours": allowed < held,
        "partly_cancelled": held < announced,
    }
    return next((reason for reason, is_less in less.items() if is_less), "counted")


def _of_exclusion(contract: Contract, exclusion: Exclusion, period: Intervals) -> Ruling:
    whole = _interval(exclusion.start_us, exclusion.end_us)
    served = intersect(whole, _service_hours(contract, exclusion.start_us, exclusion.end_us))
    counted = intersect(served, period)
    reason = "counted" if counted else "outside_service_hours"
    if not exclusion.reason.strip():
        reason = "no_reason"
    if not exclusion.approved_by.strip():
        reason = "not_approved"
    return Ruling(
        title=exclusion.title,
        kind=exclusion.kind,
        start_us=exclusion.start_us,
        end_us=exclusion.end_us,
        counted=counted if reason == "counted" else (),
        reason=reason,
        rule=exclusion.rule,
        approved_by=exclusion.approved_by or None,
        text=exclusion.reason,
        approved_us=exclusion.approved_us,
    )


@dataclass(slots=True)
class _Caps:
    """The caps of a contract, as they are used up: by local month and year, and by no instant twice."""

    terms: MaintenanceTerms
    zone: str
    spent: Intervals = ()
    used_us: dict[str, int] = field(default_factory=dict)
    """By the label of a month or year."""

    def take(self, wanted: Intervals) -> Intervals:
        """Use up the caps by what no window before had, in order of time; return what of it all is excused."""
        if self.terms.max_per_month_us is None and self.terms.max_per_year_us is None:
            return wanted
        for start_us, end_us in subtract(wanted, self.spent):
            at_us = start_us
            while at_us < end_us:
                month, year = period_at(_MONTH, self.zone, at_us), period_at(_YEAR, self.zone, at_us)
                until_us = min(end_us, month.end_us)
                left_us = self._left_us(month.label, year.label, until_us - at_us)
                self._use(first_of(((at_us, until_us),), left_us), month.label, year.label)
                at_us = until_us
        return intersect(wanted, self.spent)

    def _left_us(self, month: str, year: str, wanted_us: int) -> int:
        caps = ((self.terms.max_per_month_us, month), (self.terms.max_per_year_us, year))
        left = (cap - self.used_us.get(label, 0) for cap, label in caps if cap is not None)
        return min((wanted_us, *left))

    def _use(self, taken: Intervals, month: str, year: str) -> None:
        for label in (month, year):
            self.used_us[label] = self.used_us.get(label, 0) + length(taken)
        self.spent = union((*self.spent, *taken))
