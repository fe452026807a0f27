"""What the public may read of contracts: those marked as public, and of them the promise and what was measured.

Pure. Everything on the public listener that comes from a contract is made here, so this is the one place that must
keep customers, money, exclusions and whoever approved them to itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from prober.accounts import glance
from prober.accounts.live import Shown
from prober.hub.verdict import service_subject
from reports.document import Bounds, ContractReport, Past
from reports.words import Words, load

from .planned import moment_text

_OVER = {"month": "a month", "quarter": "a quarter", "year": "a year", "billing": "a billing month"}
_SIGNS = {"backed": "✓", "broken": "✗", "not_proven": "▲", "no_data": "?"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A public contract and how it stands in its running period."""

    name: str
    title: str
    services: tuple[str, ...]
    """The keys of the components that it is about."""
    claim: str
    period: str
    as_of: str
    """Up to where the figures reach."""
    code: str
    sign: str
    finding: str
    measured: str
    bounds: str
    """Lowest to highest possible, and how much was measured where that is not all of it."""
    budget: str
    lost: bool
    origin: str = ""
    """That the figures include history that was not measured here; else empty."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An earlier period of a promise."""

    label: str
    code: str
    sign: str
    word: str
    figure: str


def promises(shown: Shown | None) -> tuple[Promise, ...]:
    """Return what is public, in the order of the configuration."""
    reports = (parts[-1] for parts in shown.reports.values() if parts) if shown is not None else ()
    return tuple(_promise(report) for report in reports if report.public)


def by_component(found: Sequence[Promise]) -> Mapping[str, tuple[Promise, ...]]:
    """Return promises by the component that they are about."""
    keys = dict.fromkeys(key for promise in found for key in promise.services)
    return {key: tuple(promise for promise in found if key in promise.services) for key in keys}


def kept(past: Sequence[Past]) -> tuple[Kept, ...]:
    """Return earlier periods, oldest first."""
    return tuple(_kept(each) for each in past)


def _promise(report: ContractReport) -> Promise:
    left = glance.left_of(report)
    return Promise(
        name=report.contract,
        title=report.title,
        services=tuple(map(service_subject, report.services)),
        claim=claim_text(report),
        period=period_name(report),
        as_of=moment_text(glance.instant_us(glance.as_of(report))),
        code=glance.finding_code(report),
        sign=_SIGNS[glance.finding_code(report)],
        finding=glance.finding_word(report),
        measured=glance.measured_text(report.availability),
        bounds=_bounds(report),
        budget=left.text if left is not None else "",
        lost=glance.is_lost(report),
        origin=glance.IMPORTED if glance.is_imported(report) else "",
    )


def _bounds(report: ContractReport) -> str:
    covered = report.coverage.ratio
    parts = [glance.bounds_text(report.availability)]
    if covered.num != covered.den:
        parts.append(f"{covered.text} % measured")
    return ", ".join(part for part in parts if part)


def claim_text(report: ContractReport) -> str:
    """Return what is promised, such as `99.95 % a month`."""
    more = "more than " if report.more_than else ""
    days = report.period.label.count("..") and round(report.period.seconds / 86_400)
    over = _OVER.get(report.period.unit, f"over {days} days" if days else "")
    return f"{more}{report.claim.text} % {over}".strip()


def period_name(report: ContractReport) -> str:
    """Return the running period in words."""
    period = report.period
    name = _words().period(period.label, period.from_, period.to)
    return f"{name}, part {period.part} of {period.parts}" if period.parts > 1 else name


def _kept(past: Past) -> Kept:
    code = past.finding or "no_data"
    label = _words().period(past.label, past.from_, past.to)
    return Kept(label, code, _SIGNS[code], glance.FINDINGS[code], figure(past.availability))


@cache
def _words() -> Words:
    return load("en")


def figure(bounds: Bounds) -> str:
    """Return a measured figure, empty where there is none."""
    return "" if bounds.measured is None else glance.measured_text(bounds)
