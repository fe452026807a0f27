"""Closed reports on record: what they are known by, the newest of each, and what others need of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from prober.store.base import ClosedRow, Store
from reports.document import Bounds, ContractReport, Past, Period, Ratio
from reports.render.json_format import read

from .plans import CannotReport, Plan

Key = tuple[str, str, int, int]
"""Contract, customer, and the first instant and the end of the period or part."""


def key_of(plan: Plan) -> Key:
    """Return what a closed report is known by, but for its revision."""
    customer = plan.customer.name if plan.customer else ""
    return plan.contract.name, customer, plan.start_us, plan.end_us


def newest_by_key(rows: Sequence[ClosedRow]) -> dict[Key, ClosedRow]:
    """Return the newest revision of each closed report."""
    found: dict[Key, ClosedRow] = {}
    for row in rows:
        key = row.contract, row.customer, row.from_us, row.to_us
        if key not in found or found[key].revision < row.revision:
            found[key] = row
    return found


async def closed_report(store: Store, plan: Plan, revision: int | None = None) -> ContractReport | None:
    """Return the closed report of a plan: the newest revision, or the one asked for; None if it is not closed.

    Raises CannotReport for a revision that there is none of, StoreError.
    """
    rows = [
        row
        for row in await store.closed(plan.contract.name, from_us=plan.start_us, body=True)
        if (row.contract, row.customer, row.from_us, row.to_us) == key_of(plan)
    ]
    if revision is not None:
        rows = [row for row in rows if row.revision == revision]
        if not rows:
            raise CannotReport(f"there is no revision {revision} of this report", "leave --revision out")
    return read(max(rows, key=lambda row: row.revision).body) if rows else None


class _Digests(msgspec.Struct, frozen=True):
    results: str
    contract: str
    revision: int = 0
    watched: str | None = None


class _Short(msgspec.Struct, frozen=True):
    """What other reports and comparisons need of a closed one; the rest of it is passed over unread."""

    period: Period
    finding: str
    availability: Bounds
    claim: Ratio
    provenance: _Digests
    no_data: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """What a closed report rests on: digests of the evidence, of which evidence was looked at (None: not known), and
    of the contract's terms."""

    results: str
    watched: str | None
    contract: str


def rest_of(body: bytes) -> Rest:
    """Return what a closed report rests on. Raises ValueError if it cannot be read."""
    found = _short(body).provenance
    return Rest(found.results, found.watched, found.contract)


def past_of_body(body: bytes) -> Past:
    """Return a closed report as a line among the earlier periods of another. Raises ValueError if it cannot be read."""
    found = _short(body)
    return Past(
        label=found.period.label,
        from_=found.period.from_,
        to=found.period.to,
        finding=None if found.no_data else found.finding,
        availability=found.availability,
        claim=found.claim,
        closed=True,
        revision=found.provenance.revision,
    )


def _short(body: bytes) -> _Short:
    try:
        return msgspec.json.decode(body, type=_Short)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a closed report: {error}") from None
