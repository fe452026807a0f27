"""What was promised and what is kept of it: a few gauges for each contract, from the figures that pages show.

Written when a scrape asks, from the newest report of each contract's running period; nothing is worked out here. A
contract without data has no availability and no budget, never 0. Budgets are told where they are of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from .text import Family, gauge, labels, ratio, seconds

if TYPE_CHECKING:
    from prober.accounts.live import Shown
    from reports.document import Budget, ContractReport, Number, Ratio

CLAIM = gauge("prober_contract_claim_ratio", "The availability that a contract promises.")
AVAILABILITY = gauge(
    "prober_contract_availability_ratio",
    "Availability by the contract's rules in its running period: lowest possible, measured, highest possible.",
)
COVERAGE = gauge("prober_contract_coverage_ratio", "Share of the running period so far that was measured.")
FINDING = gauge("prober_contract_finding", "1 for what the measurements say of the claim, 0 for the others.")
BUDGET = gauge(
    "prober_contract_error_budget_seconds",
    "What is left of the running period's error budget: lowest possible, measured, highest possible; below 0 spent.",
)
BURN = gauge(
    "prober_contract_burn_rate",
    "How fast the error budget was spent over a window; 1 spends it exactly within the period.",
)
LOST = gauge("prober_contract_lost", "Whether no future of the running period can meet the claim any more.")
IMPORTED = gauge(
    "prober_contract_imported", "Whether the figures include imported history, which was not measured here."
)
MADE = gauge(
    "prober_contract_figures_timestamp_seconds",
    "When the figures of contracts were worked out last, in unix time; absent until they are for the first time.",
)
FINDINGS = ("backed", "broken", "not_proven")
BOUNDS = ("lowest", "measured", "highest")
MICRO_DIGITS = 6
BLOCK = 50  # contracts whose lines are written at once: under a millisecond


def families(shown: Shown | None) -> Iterator[tuple[Family, Iterator[bytes]]]:
    """Yield each family with its lines, some contracts at a time; there may be none."""
    reports = [] if shown is None else [parts[-1] for parts in shown.reports.values() if parts]
    for family, write in _FAMILIES:
        yield family, _blocks(reports, write)
    made = "" if shown is None or not shown.at_us else f"{MADE.name} {seconds(shown.at_us)}\n"
    yield MADE, iter([made.encode()])


def _blocks(reports: Sequence[ContractReport], write: Callable[[ContractReport], str]) -> Iterator[bytes]:
    for first in range(0, len(reports), BLOCK):
        yield "".join(map(write, reports[first : first + BLOCK])).encode()


def _claim(report: ContractReport) -> str:
    return _line(CLAIM, report, _share(report.claim))


def _coverage(report: ContractReport) -> str:
    return _line(COVERAGE, report, _share(report.coverage.ratio))


def _line(family: Family, report: ContractReport, value: str, **more: str) -> str:
    return f"{family.name}{{{labels({'contract': report.contract, **more})}}} {value}\n"


def _share(value: Ratio) -> str:
    return ratio(Fraction(value.num, value.den))


def _availability(report: ContractReport) -> str:
    found = {bound: getattr(report.availability, bound) for bound in BOUNDS}
    return "".join(
        _line(AVAILABILITY, report, _share(value), bound=bound)
        for bound, value in found.items()
        if value is not None
    )


def _finding(report: ContractReport) -> str:
    return "".join(
        _line(FINDING, report, str(int(report.finding == finding)), finding=finding) for finding in FINDINGS
    )


def _budget(report: ContractReport) -> str:
    budget = report.budget
    if budget is None or budget.unit != "us":
        return ""
    return "".join(
        _line(BUDGET, report, _seconds(getattr(budget.left, bound)), bound=bound) for bound in BOUNDS
    )


def _seconds(value: Number) -> str:
    """Return seconds to the microsecond, never more than is left."""
    scaled = value.num * 10**MICRO_DIGITS // value.den
    whole, rest = divmod(abs(scaled), 10**MICRO_DIGITS)
    return f"{'-' if scaled < 0 else ''}{whole}.{rest:0{MICRO_DIGITS}}"


def _burns(report: ContractReport) -> str:
    rates = _rates(report.budget) if report.budget is not None else {}
    return "".join(
        _line(BURN, report, rate, window=window) for window, rate in rates.items() if rate is not None
    )


def _rates(budget: Budget) -> dict[str, str | None]:
    """Return the rate of each window once: the long one of a pair may be the short one of another."""
    found: dict[str, str | None] = {}
    for burn in budget.burns:
        found |= {burn.long: burn.long_rate, burn.short: burn.short_rate}
    return found


def _lost(report: ContractReport) -> str:
    from prober.accounts.glance import is_lost  # with the shapes of reports, which a start need not pay

    return _line(LOST, report, str(int(is_lost(report))))


def _imported(report: ContractReport) -> str:
    return _line(IMPORTED, report, str(int(report.imported.used)))


_FAMILIES: tuple[tuple[Family, Callable[[ContractReport], str]], ...] = (
    (CLAIM, _claim),
    (AVAILABILITY, _availability),
    (COVERAGE, _coverage),
    (FINDING, _finding),
    (BUDGET, _budget),
    (BURN, _burns),
    (LOST, _lost),
    (IMPORTED, _imported),
)
