"""Closed reports on record: what they are known by, the newest of each, and what others need of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from prober.store.base import ClosedRow, Store
from reports.document import Bounds, ContractReport, Past, Period, Ratio
from reports.periods import calendar_named
from reports.render.json_format import read

from .plans import CannotReport, Plan, Wanted

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


async def reports_of_gone(store: Store, name: str, wanted: Wanted) -> list[ContractReport]:
    """Return the closed reports of a contract that is not in the configuration any more, for what is asked.

    A period is known by its label, or by its ends as a calendar of UTC has them. With no customer asked for it is the
    provider's view, or else what each customer got. Nothing if none is on record. Raises StoreError.
    """
    rows = [
        row
        for row in await store.closed(name)
        if wanted.customer in (None, row.customer) and wanted.revision in (None, row.revision)
    ]
    if wanted.customer is None and any(not row.customer for row in rows):
        rows = [row for row in rows if not row.customer]
    found = []
    for row in sorted(newest_by_key(rows).values(), key=lambda row: (row.from_us, row.customer)):
        kept = await store.closed_by_digest(row.digest)
        if kept is not None and _is_meant(kept, wanted):
            found.append(read(kept.body))
    return found


def _is_meant(row: ClosedRow, wanted: Wanted) -> bool:
    if wanted.period is None:
        return (row.from_us, row.to_us) == (wanted.from_us, wanted.to_us)
    if _short(row.body).period.label == wanted.period:
        return True
    try:
        period = calendar_named(wanted.period, "UTC")
    except ValueError:
        return False
    return (row.from_us, row.to_us) == (period.start_us, period.end_us)


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
