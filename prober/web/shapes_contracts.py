"""Contracts as the own API shows them in short. What a whole report is, `reports.document` says.

Ratios and periods are those of reports, where instants are RFC 3339 in the contract's zone; the rest as in `shapes`.
"""

from __future__ import annotations

from reports.document import Bounds, Credit, Number, Period, Ratio, Seconds

from .shapes import Shape


class LeftShape(Shape, frozen=True, kw_only=True):
    """The error budget of a period: in seconds where `unit` is `us`, else in attempts or slices."""

    unit: str
    total: Number
    spent: Seconds
    left: Seconds  # `lowest` is what is left for sure: it may be below zero


class StandingShape(Shape, frozen=True, kw_only=True):
    """How a contract stands in its running period, or in the part of it in which one version was in force."""

    period: Period
    as_of: str  # up to where the figures reach
    claim: Ratio
    finding: str  # backed, broken, not_proven
    no_data: bool
    availability: Bounds
    coverage: Ratio
    budget: LeftShape | None
    lost: bool  # no future of the period can meet the claim any more
    lost_since: str | None
    credit: Credit
    imported: bool = False  # whether the figures include history that was not measured here


class ContractShape(Shape, frozen=True, kw_only=True):
    """A contract, as it is configured now, and how it stands."""

    name: str
    title: str
    service: str
    services: list[str]
    customers: list[str]
    claim: Ratio
    more_than: bool
    window: str  # month, quarter, year, billing 15, rolling 30
    zone: str
    method: str
    public: bool
    current: StandingShape | None  # null: not worked out yet, or not in force
    earlier_parts: list[StandingShape]  # of the running period, under versions that were in force before


class ContractsShape(Shape, frozen=True, kw_only=True):
    """All contracts. The figures are as old as `at_us`; `problem` says why they could not be renewed."""

    now_us: int
    at_us: int | None
    problem: str | None
    contracts: list[ContractShape]


class ClosedReportShape(Shape, frozen=True, kw_only=True):
    """A report that is final: one revision of one contract, customer and period or part of it."""

    contract: str
    customer: str | None  # null: the provider's own view
    period: str
    from_us: int
    to_us: int
    revision: int
    digest: str
    supersedes: str | None  # the digest of the revision before
    why: str  # watermark, deadline, late_results
    made_us: int


class ClosedShape(Shape, frozen=True, kw_only=True):
    """Closed reports, the newest first: at most `limit` of `total`."""

    total: int
    reports: list[ClosedReportShape]
