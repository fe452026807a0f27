"""Rows that reports need, part of the store's contract in `base.py`, from where they are imported.

Instants are micro-seconds since the epoch, UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec


class TroubleRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A scheduled slot that is on record as `fail` or `void`; its lateness as `ResultRow` has it."""

    series: int
    slot: int
    outcome: str
    late_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRow:
    """A result that was measured elsewhere and imported; known by (probe, region, at_us, kind)."""

    probe: str
    region: str
    at_us: int
    duration_us: int
    outcome: str
    code: str  # "" if none
    kind: int
    detail: str = ""  # for people, at most 300 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One run of an import: where it came from, and what it brought."""

    number: int
    source: str  # the name of the file, without its folder
    sha256: str
    at_us: int
    rows: int  # that were new


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceRow:
    """An announced interruption as it went on record; a change of times is a new row with a key of its own."""

    key: str
    title: str
    description: str
    services: tuple[str, ...]
    start_us: int
    end_us: int
    announced_us: int | None  # as stated
    noted_us: int  # when it was put on record here
    source: str  # configuration, cli, api, calendar
    cancelled_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedRow:
    """A closed report: one revision of one contract, customer and period (or part of one). Never changed."""

    contract: str
    customer: str  # "" for the provider's own view
    from_us: int
    to_us: int
    revision: int
    made_us: int
    digest: str
    supersedes: str  # "" for revision 1
    reason: str
    body: bytes  # the document in canonical JSON; b"" where it was not asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRow:
    """What became of a closed report that was to be sent somewhere; known by (target, digest)."""

    target: str  # the name of the schedule and where it goes
    digest: str
    at_us: int
    attempts: int
    state: str  # waiting, done, failed
    error: str
