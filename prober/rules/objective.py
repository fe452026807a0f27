"""A contract as an alerting system needs it: its budget, and how fast it may burn before somebody is told.

Exact. The pairs of windows and their shares of the budget are those of `reports.budget`. Not here: PromQL of the
ratio (`indicator`), the text of any format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from prober.accounts.terms import contracts_of
from prober.config import Config
from reports.budget import pairs_for
from reports.contract import Contract, Weighted, WindowRule

from .decimals import length, text
from .indicator import Indicator, indicator
from .unsaid import unsaid

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
WINDOWS_US = (
    5 * MINUTE_US, 30 * MINUTE_US, HOUR_US, 2 * HOUR_US, 6 * HOUR_US, DAY_US, 3 * DAY_US, 30 * DAY_US,
)  # fmt: skip
"""The windows that the share of what was bad is recorded over."""
PAGE_UP_TO_US = 6 * HOUR_US
"""A budget that burns in windows up to this one is a matter for now, else for some day soon."""
LEAST_FAILED = 2
"""One failed run alone tells nobody: with a run a minute it would burn 16 times too fast for 99.9%."""

_DAYS = {"month": 30, "billing": 30, "quarter": 90, "year": 365}
Severity = Literal["page", "ticket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Two windows that end now; both must have a larger bad share than the threshold."""

    severity: Severity
    long_us: int
    short_us: int
    factor: Fraction
    """How many times faster than evenly the budget burns."""
    threshold: Fraction
    """The factor times the budget: a share of what was measured, below 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A contract that is in force, as rules see it."""

    contract: Contract
    indicator: Indicator
    budget: Fraction
    """1 - claim."""
    period_us: int
    """The length of its window: a month counts as 30 days, a quarter as 90, a year as 365."""
    alarms: tuple[Alarm, ...]
    needs_failures: bool
    """Whether `LEAST_FAILED` results must have failed: not where several regions must agree on every down second."""
    notes: tuple[str, ...] = field(default=())
    """What the rules do not say as the contract does."""

    @property
    def name(self) -> str:
        """The contract's name, which all versions share."""
        return self.contract.name

    @property
    def service(self) -> str:
        """The service's name; those of several joined by `+`."""
        return "+".join(service.name for service in self.contract.services)


def objectives(config: Config, names: Sequence[str], now_us: int) -> tuple[list[Objective], list[str]]:
    """Return the objectives of the named contracts, of all if none is named, and notes on what is in no rule."""
    found, notes = [], []
    contracts = sorted(contracts_of(config), key=lambda each: each.name)
    for name, versions in groupby(contracts, key=lambda each: each.name):
        if names and name not in names:
            continue
        current, other = _in_force(list(versions), now_us)
        notes += [f"{name}: {note}" for note in other]
        if current is not None:
            found.append(objective(current, config))
    order = {block.name: number for number, block in reversed(list(enumerate(config.contracts)))}
    return sorted(found, key=lambda each: order[each.name]), notes


def _in_force(versions: Sequence[Contract], now_us: int) -> tuple[Contract | None, list[str]]:
    """Return the version of today, and when that changes."""
    current = next((each for each in versions if _holds(each, now_us)), None)
    begins = [each.from_day for each in versions if each.from_day and each.from_day > _today(each, now_us)]
    again = "make the rules again then"
    notes = [f"another version holds from {min(begins)}: {again}"] if begins else []
    if current is None:
        notes.append("no version is in force today: it is left out")
    elif current.to_day is not None and not begins:
        notes.append(f"it ends on {current.to_day}: {again}")
    return current, notes


def _holds(contract: Contract, now_us: int) -> bool:
    today = _today(contract, now_us)
    has_begun = contract.from_day is None or contract.from_day <= today
    return has_begun and (contract.to_day is None or today < contract.to_day)


def _today(contract: Contract, now_us: int) -> date:
    return datetime.fromtimestamp(now_us // 1_000_000, ZoneInfo(contract.zone)).date()


def objective(contract: Contract, config: Config) -> Objective:
    """Return what rules need to know of one version of a contract."""
    found, notes = indicator(contract, config)
    period_us = nominal_us(contract.window)
    alarms, left_out = alarms_for(1 - contract.claim, period_us)
    needs_failures = not _is_agreed(contract, found)
    seldom = _seldom(contract, alarms) if needs_failures else ()
    return Objective(
        contract=contract,
        indicator=found,
        budget=1 - contract.claim,
        period_us=period_us,
        alarms=alarms,
        needs_failures=needs_failures,
        notes=(*notes, *left_out, *seldom, *unsaid(contract)),
    )


def nominal_us(window: WindowRule) -> int:
    """Return the length of a window that budgets are told of, whatever the calendar says."""
    return _DAYS.get(window.unit, window.number) * DAY_US


def alarms_for(budget: Fraction, period_us: int) -> tuple[tuple[Alarm, ...], list[str]]:
    """Return the alarms for a budget, the fastest first, and why any of the usual ones is not as usual.

    A factor below 1 is raised to 1, for what burns more slowly than evenly never spends the budget. An alarm that
    not even a total outage could set off is left out.
    """
    if not budget:
        alarm = Alarm(
            severity="page", long_us=HOUR_US, short_us=5 * MINUTE_US, factor=Fraction(0), threshold=budget
        )
        return (alarm,), ["a promise of 100% has no budget that could burn: whatever fails is told at once"]
    alarms, notes = [], []
    for pair in pairs_for(period_us):
        if pair.long_us > period_us:
            continue
        factor = max(pair.factor, Fraction(1))
        if factor * budget >= 1:
            name = f"{length(pair.long_us)} and {length(pair.short_us)}"
            notes.append(
                f"no alarm over {name}: a total outage burns less than {text(factor)} times too fast"
            )
            continue
        alarms.append(
            Alarm(
                severity="page" if pair.long_us <= PAGE_UP_TO_US else "ticket",
                long_us=pair.long_us,
                short_us=pair.short_us,
                factor=factor,
                threshold=factor * budget,
            )
        )
    return tuple(alarms), notes


def _is_agreed(contract: Contract, found: Indicator) -> bool:
    """Say whether at least two regions stand behind every second that counts as down."""
    by_region = isinstance(contract.method, Weighted) and contract.method.by == "regions"
    several = all(probe.needed >= LEAST_FAILED for probe in contract.probes())
    return found.kind == "state" and not by_region and several


def _seldom(contract: Contract, alarms: Sequence[Alarm]) -> list[str]:
    """Name the alarms whose short window holds too few runs to ever see two failed ones."""
    notes = []
    for alarm in alarms:
        runs = sum(
            Fraction(len(probe.regions) * alarm.short_us, probe.interval_us) for probe in contract.probes()
        )
        if runs < LEAST_FAILED:
            name = f"{length(alarm.long_us)} and {length(alarm.short_us)}"
            notes.append(
                f"the alarm over {name} cannot come: two runs that fail do not fit into the short one"
            )
    return notes
