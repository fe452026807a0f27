"""A contract at a glance: the few values that lists, lines, badges and metrics tell, all read from one report.

Pure. Whoever shows a contract in short takes it from here, so that two places cannot tell different things. English
only: reports, which have languages, are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fractions import Fraction

from reports.contract import Contract
from reports.document import Bounds, ContractReport, Number, Ratio
from reports.periods import period_at, period_between
from reports.ratio import NO_DATA, NONE_SEEN

MINUTE = 60
FINDINGS = {"backed": "Backed", "broken": "Broken", "not_proven": "Not proven", "no_data": "No data"}
_ALLOWED = {
    "min": "allowed minutes of down time",
    "attempts": "allowed failed attempts",
    "slices": "allowed failed slices",
}
IMPORTED = "includes imported history"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def exact(value: Ratio | Number) -> Fraction:
    """Return a rational of the document."""
    return Fraction(value.num, value.den)


def finding_word(report: ContractReport) -> str:
    """Return the finding in words, with "so far" while the period runs."""
    return FINDINGS[finding_code(report)] + (" so far" if is_running(report) else "")


def finding_code(report: ContractReport) -> str:
    """Return the finding's code, or `no_data`."""
    return "no_data" if report.no_data else report.finding


def measured_text(bounds: Bounds) -> str:
    """Return the measured figure with its sign; words where it is 1 and yet down time is possible."""
    if bounds.measured is None:
        return NO_DATA
    return bounds.measured.text if bounds.measured.text == NONE_SEEN else f"{bounds.measured.text} %"


def bounds_text(bounds: Bounds) -> str:
    """Return what it could be at worst and at best."""
    lowest, highest = bounds.lowest, bounds.highest
    if lowest is None or highest is None:
        return ""
    if exact(lowest) == exact(highest):
        return "exact"
    return f"{lowest.text} to {highest.text} %"


def is_running(report: ContractReport) -> bool:
    """Say whether the period goes on."""
    return report.period.as_of is not None


def is_imported(report: ContractReport) -> bool:
    """Say whether figures rest on history that was not measured here."""
    return report.imported.used


def as_of(report: ContractReport) -> str:
    """Return up to where the figures reach, RFC 3339."""
    return report.period.as_of or report.period.to


def instant_us(text: str) -> int:
    """Return an instant of the document in microseconds since the epoch."""
    since = datetime.fromisoformat(text).astimezone(UTC) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def is_lost(report: ContractReport) -> bool:
    """Say whether no future of the period can meet the claim any more."""
    if not is_running(report):
        return report.finding == "broken"
    budget = report.budget
    if budget is None:
        return False
    if budget.lost_since is not None:
        return True
    best = budget.forecast.highest if budget.forecast is not None else None
    if best is None:
        return False
    return exact(best) <= exact(report.claim) if report.more_than else exact(best) < exact(report.claim)


@dataclass(frozen=True, slots=True)
class Left:
    """The error budget as shares and texts; in minutes where it is of time, else in what the method counts."""

    share: Fraction
    """Of the budget, what is left as measured: 0 to 1."""
    used: str
    total: str
    left: str
    at_least: str
    unit: str
    is_overspent: bool

    @property
    def text(self) -> str:
        """Return all of it in one line."""
        spent = f"{self.used} of {self.total} {_ALLOWED[self.unit]} used"
        if self.is_overspent:
            return f"{spent}, none left"
        surely = f", {self.at_least} of them surely" if self.at_least != self.left else ""
        return f"{spent}, {self.left} left{surely}"


def left_of(report: ContractReport) -> Left | None:
    """Return what is left of the error budget; None without data."""
    budget = report.budget
    if budget is None:
        return None
    size = Fraction(MINUTE) if budget.unit == "us" else Fraction(1)
    total, left = exact(budget.total), exact(budget.left.measured)
    share = min(max(left / total, Fraction(0)), Fraction(1)) if total > 0 else Fraction(0)
    return Left(
        share=share,
        used=tenths(exact(budget.spent.measured) / size, up=True),
        total=tenths(total / size),
        left=tenths(max(left, Fraction(0)) / size),
        at_least=tenths(max(exact(budget.left.lowest), Fraction(0)) / size),
        unit="min" if budget.unit == "us" else budget.unit,
        is_overspent=left < 0,
    )


def tenths(value: Fraction, up: bool = False) -> str:
    """Return a number that is not negative with one decimal, truncated; `up`: the next one."""
    scaled, rest = divmod(value.numerator * 10, value.denominator)
    whole, tenth = divmod(scaled + (1 if up and rest else 0), 10)
    return f"{whole:,}.{tenth}" if tenth else f"{whole:,}"


def credit_text(report: ContractReport) -> str:
    """Return what is due, as an amount or a share of the fee, or as a range of them; empty without such terms."""
    credit = report.credit
    if credit.kind == "no_terms":
        return ""
    if credit.kind == "none":
        return "none"
    return _between(_due(report, "lowest"), _due(report, "highest"))


def _due(report: ContractReport, end: str) -> str:
    credit = report.credit
    amount: str | None = getattr(credit, end)
    share: Ratio | None = getattr(credit, f"{end}_share")
    days: int | None = getattr(credit, f"{end}_days")
    if amount is not None and credit.currency:
        return f"{amount} {credit.currency}"
    if days is not None:
        return f"{days} days"
    return f"{share.text} %" if share is not None else "none"


def _between(lowest: str, highest: str) -> str:
    return lowest if lowest == highest else f"{lowest} to {highest}"


def period_label(known: Sequence[Contract], name: str, from_us: int, to_us: int) -> str:
    """Return the name of a contract's period, or of the one that a part lies in; of two dates where there is none."""
    versions = [contract for contract in known if contract.name == name]
    newest = max(versions, key=lambda version: version.from_day or date.min, default=None)
    if newest is None:
        return period_between(from_us, to_us, "UTC").label
    whole = period_at(newest.window, newest.zone, from_us)
    if whole.start_us <= from_us and to_us <= whole.end_us:
        return whole.label
    return period_between(from_us, to_us, newest.zone).label
