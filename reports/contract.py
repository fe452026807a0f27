"""A contract as the figures need it: what was promised, for what, and by which rules it is counted.

Frozen values only. Not here: how a configuration spells them, nor any figure. Lengths are microseconds, shares
and percentages exact fractions, money decimal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Literal


@dataclass(frozen=True, slots=True)
class Time:
    """Down time over the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minutes:
    """A minute is down if more than `threshold` of its attempts failed; with a threshold of 1 if all of them did."""

    threshold: Fraction
    min_attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Only runs of at least `minutes` down minutes count; `good_minutes` good ones in a row end such a run."""

    minutes: int
    threshold: Fraction = Fraction(1)
    min_attempts: int = 1
    unknown: Literal["break", "bridge", "worst"] = "break"
    good_minutes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Good attempts over all attempts; failures whose code is in `ignored` are no attempts."""

    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """The mean of the error rates of slices of `length_us`, counted from the period's first instant."""

    length_us: int
    empty: Literal["zero", "skip", "unknown"] = "zero"
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """Down time of each region, probe or service by weight."""

    by: Literal["regions", "probes", "services"]
    weights: tuple[tuple[str, Fraction], ...]


Method = Time | Minutes | Periods | Requests | Slices | Weighted


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTerms:
    """A probe as the contract sees it: which regions vote, and how many of them must see it fail."""

    name: str
    title: str
    regions: tuple[str, ...]
    needed: int
    interval_us: int
    schedule: str
    """`stratified`, `round`, `fixed` or `end`."""
    timeout_us: int = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTerms:
    """A service: its probes, and how many of them must be down for it to be down."""

    name: str
    title: str
    probes: tuple[ProbeTerms, ...]
    needed: int


@dataclass(frozen=True, slots=True)
class WindowRule:
    """What one figure covers; `billing`: months that begin on day `number`; `rolling`: the last `number` days."""

    unit: Literal["month", "quarter", "year", "billing", "rolling"]
    number: int = 0


@dataclass(frozen=True, slots=True)
class DenominatorRule:
    """What down time is divided by: `period`, `eligible` (less all exclusions), or `fixed` to `length_us`."""

    rule: Literal["period", "eligible", "fixed"]
    length_us: int = 0


@dataclass(frozen=True, slots=True)
class HoursPart:
    """Service hours of some weekdays (Monday is 0), in minutes of the local day; `end` may be 1440."""

    weekdays: frozenset[int]
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceTerms:
    """How announced maintenance is excused; see `exclusions`."""

    rule: Literal["shrink", "keep"] = "shrink"
    notice_us: int = 0
    max_per_month_us: int | None = None
    max_per_year_us: int | None = None
    hours: tuple[HoursPart, ...] = ()
    """Only what lies in these hours of the week is excused; empty: any time."""
    evidence: Literal["stated", "logged"] = "stated"
    """Whether the announcement counts from the instant that is stated, or from when it was on record here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceWindow:
    """An announced interruption, one occurrence. `announced_us` None: nobody was told."""

    key: str
    title: str
    services: tuple[str, ...]
    start_us: int
    end_us: int
    announced_us: int | None
    logged_us: int | None = None
    source: str = "configuration"
    cancelled_us: int | None = None
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Time taken out by agreement for another reason than maintenance: somebody named approved it."""

    title: str
    kind: Literal["force_majeure", "customer", "third_party", "other"]
    start_us: int
    end_us: int
    reason: str
    approved_by: str
    approved_us: int | None = None
    rule: Literal["shrink", "keep"] = "shrink"


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in a currency (three letters of ISO 4217)."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTier:
    """From `from_` (None: from the next tier, or 0) up to, not including, `below`, this share of the fee is due."""

    below: Fraction
    credit: Fraction
    from_: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTerms:
    """What is given back: by tiers, or in proportion to down time (`multiple` x fee x down time / period)."""

    tiers: tuple[CreditTier, ...] = ()
    multiple: Fraction | None = None
    days_of_service: tuple[tuple[Fraction, int], ...] = ()
    """(below, days added) for contracts that pay in time; highest availability first."""
    cap: Fraction = Fraction(1)
    """The largest share of the fee that is given back."""
    minimum: Decimal = Decimal(0)
    """An amount not above this is not paid."""
    claim_within_days: int | None = None
    must_be_claimed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyObjective:
    """At least `share` of the scheduled results that passed were done `within_us`."""

    share: Fraction
    within_us: int


@dataclass(frozen=True, slots=True)
class Action:
    """What was done since, in the provider's words."""

    on: date
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One version of a contract. `name` stays over all versions, `from_day`/`to_day` (not included) tell them apart."""

    name: str
    title: str
    services: tuple[ServiceTerms, ...]
    """One; or several with a method weighted by services."""
    claim: Fraction
    method: Method
    zone: str = "UTC"
    window: WindowRule = WindowRule("month")
    customers: tuple[str, ...] = ()
    more_than: bool = False
    """Whether the availability must be above the claim; else at least the claim."""
    denominator: DenominatorRule = DenominatorRule("period")
    unknown: Literal["bounds", "skip", "as_up", "as_down"] = "bounds"
    gap_us: int | None = None
    """G; None: twice the interval of the probe."""
    quorum: Literal["regional", "pooled"] = "regional"
    clock_error_us: int = 0
    """Edges of outages are widened by this on either side."""
    statistics: Literal["beside", "weaker", "off"] = "beside"
    """Whether the statistical line stands beside the finding, may weaken it, or is left out."""
    hours: tuple[HoursPart, ...] = ()
    """Service hours; empty: always."""
    holidays: frozenset[date] = frozenset()
    """Local dates without service hours."""
    maintenance: MaintenanceTerms | None = None
    exclusions: tuple[Exclusion, ...] = ()
    credits: CreditTerms | None = None
    fee: Money | None = None
    latency: tuple[LatencyObjective, ...] = ()
    from_day: date | None = None
    to_day: date | None = None
    public: bool = False
    promise: str = ""
    """What was promised, in the contract's own words."""
    actions: tuple[Action, ...] = ()
    preset: str | None = None
    digest: str = ""
    """SHA-256 of the contract's own text in canonical form, in hexadecimal."""

    def gap_of(self, interval_us: int) -> int:
        """Return G for results that are due every `interval_us`."""
        return self.gap_us if self.gap_us is not None else 2 * interval_us

    def probes(self) -> tuple[ProbeTerms, ...]:
        """Return every probe that the contract rests on, each once."""
        return tuple({probe.name: probe for service in self.services for probe in service.probes}.values())
