"""Results that were measured elsewhere, judged line by line and brought into a store; what is refused is told.

The store's part (transactions, what contradicts what) is `prober/store/importing.py`; the form of a line is `lines.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from checks.core.failures import Code
from prober.config.faults import did_you_mean, quote
from prober.store.base import ImportedRow
from prober.store.importing import BATCH, Importing
from prober.wire import Kind

from .lines import Line, Reason, Source

MAX_REFUSALS = 100
"""Refused lines that are told one by one; the others are counted."""
MAX_NAME = 200  # characters
MAX_DETAIL = 300  # characters
EARLIEST_US = 946_684_800_000_000
"""The year 2000: an integer below it is most likely no micro-seconds."""
FOREIGN = "imported"
"""The code of a failure that has none of ours; what it was called is in the detail."""
CONTRADICTION = "another result of the same probe, region, instant and kind is on record, and says otherwise"

_CODES = frozenset(Code)
_KINDS = {kind.name.lower(): kind.value for kind in (Kind.SCHEDULED, Kind.RETRY, Kind.RECHECK)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Which probes and regions a result may name; None: any."""

    probes: Collection[str] | None = None
    regions: Collection[str] | None = None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the lines. `refusals` are the first ones, as (line, reason)."""

    read: int = 0
    new: int = 0
    refused: int = 0
    refusals: list[tuple[int, str]] = field(default_factory=list)
    sha256: str = ""
    is_on_record: bool = False
    """Whether what was not refused is on record now; with `strict` it is not if anything was refused."""

    @property
    def known(self) -> int:
        """Results that were on record already, or came twice."""
        return self.read - self.refused - self.new

    def refuse(self, line: int, reason: str) -> None:
        """Count a refused line, and keep it if it is one of the first."""
        self.refused += 1
        if len(self.refusals) < MAX_REFUSALS:
            self.refusals.append((line, reason))


class Judge:
    """Turns lines into rows, or says why not. `now_us` is the instant that nothing may lie after."""

    def __init__(self, names: Names, now_us: int) -> None:
        self._names = names
        self._now_us = now_us
        self._probes: dict[str, str] = {}
        self._regions: dict[str, str] = {}

    def row(self, line: Line) -> ImportedRow | str:
        """Return the row of a line, or the reason why it is refused."""
        fault = self._fault_of(line)
        if fault:
            return fault
        at_us = _at_us(line.at)
        if at_us < EARLIEST_US:
            return f"`at` lies before the year 2000{_UNIT if isinstance(line.at, int) else ''}"
        if at_us > self._now_us:
            return f"`at` lies in the future{_UNIT if isinstance(line.at, int) else ''}"
        code, detail = reason_of(line.failure)
        if code and line.outcome == "pass":
            return "a pass has no failure (hint: warn is a pass with something to say)"
        return ImportedRow(
            probe=line.probe,
            region=line.region,
            at_us=at_us,
            duration_us=line.duration_us,
            outcome=line.outcome,
            code=code,
            kind=_KINDS[line.kind],
            detail=detail,
        )

    def _fault_of(self, line: Line) -> str:
        probe, region = self._probes.get(line.probe), self._regions.get(line.region)
        if probe is None:
            probe = _remember(self._probes, line.probe, _name_fault("probe", line.probe, self._names.probes))
        if region is None:
            region = _remember(
                self._regions, line.region, _name_fault("region", line.region, self._names.regions)
            )
        return probe or region


_UNIT = " (hint: a number is micro-seconds since 1970, UTC)"
_MAX_REMEMBERED = 10_000  # names


def _remember(known: dict[str, str], name: str, fault: str) -> str:
    # To look for the nearest name takes a while; a wrong one mostly stands in every line.
    if len(known) >= _MAX_REMEMBERED:
        known.clear()
    known[name] = fault
    return fault


def _name_fault(what: str, name: str, known: Collection[str] | None) -> str:
    if not name or len(name) > MAX_NAME or not name.isprintable():
        return f"{quote(name)} is no name of a {what}"
    if known is None or name in known:
        return ""
    hint = did_you_mean(name, known) or "--any-name takes it as it is"
    return f"no {what} is called {quote(name)} (hint: {hint})"


def _at_us(at: datetime | int) -> int:
    return at if isinstance(at, int) else (at - _EPOCH) // _MICROSECOND


def reason_of(failure: str | Reason | None) -> tuple[str, str]:
    """Return code and detail of a failure. A code that is none of ours becomes `imported` and goes to the detail."""
    if failure is None or failure == "":
        return "", ""
    code, detail = (failure, "") if isinstance(failure, str) else (failure.code, failure.detail)
    if code not in _CODES and code != FOREIGN:
        code, detail = FOREIGN, ": ".join(part for part in (code, detail) if part)
    return code, "".join(sign if sign.isprintable() else " " for sign in detail[:MAX_DETAIL])


def import_results(
    stream: BinaryIO,
    store: Path,
    *,
    source: str,
    names: Names,
    now_us: int,
    strict: bool = False,
    progress: Callable[[int], None] = lambda lines: None,
) -> Tally:
    """Bring the results of a stream into a store's file; raises `StoreError` and `Unreadable`, having changed nothing.

    `source` is the name it is put on record with. `progress` is told how many lines were read, now and then. With
    `strict` nothing is put on record if any line is refused.
    """
    lines, judge, tally = Source(stream), Judge(names, now_us), Tally()
    with Importing(store, source, now_us) as importing:
        rows: list[ImportedRow] = []
        numbers: list[int] = []
        for number, line in lines.read():
            tally.read += 1
            row = line if isinstance(line, str) else judge.row(line)
            if isinstance(row, str):
                tally.refuse(number, row)
                continue
            rows.append(row)
            numbers.append(number)
            if len(rows) == BATCH:
                _add(importing, rows, numbers, tally)
                progress(number)
        _add(importing, rows, numbers, tally)
        tally.refusals.sort()
        tally.sha256 = lines.digest
        if not (strict and tally.refused):
            tally.new = importing.finish(tally.sha256)
            tally.is_on_record = True
    return tally


def _add(importing: Importing, rows: list[ImportedRow], numbers: list[int], tally: Tally) -> None:
    for place in importing.add(rows):
        tally.refuse(numbers[place], CONTRADICTION)
    rows.clear()
    numbers.clear()
