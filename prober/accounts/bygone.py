"""What was imported, as eras: results on no grid of ours, numbered in order of time.

Here: rows to eras. An imported result has no slot; its place among the scheduled ones stands for it. The interval is
the usual distance between two of them on each UTC day, to two digits, so that it is the same however much is read.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, pairwise

from checks.core.result import Outcome
from prober.store.base import ImportedRow, Store
from prober.wire import Kind
from reports.evidence import Stretches, Verdict
from reports.track import Era, Fate, Oddity, Shot

DAY_US = 86_400_000_000
SECOND_US = 1_000_000
USUAL_US = 60 * SECOND_US  # taken where a single result tells of no interval
_VERDICTS = {
    Outcome.PASS.value: Verdict.GOOD,
    Outcome.WARN.value: Verdict.GOOD,
    Outcome.FAIL.value: Verdict.BAD,
    Outcome.VOID.value: Verdict.VOID,
}


async def imported_eras(
    store: Store,
    wanted: Collection[tuple[str, str]],
    from_us: int,
    to_us: int,
    pooled: Collection[str] = (),
) -> dict[tuple[str, str], list[Era]]:
    """Return what was imported of some (probe, region) pairs in a window, in whole UTC days. Raises StoreError.

    Single results are kept only of the probes in `pooled`. The work is done in a thread, for it grows with results.
    """
    from_us, to_us = from_us // DAY_US * DAY_US, -(-to_us // DAY_US) * DAY_US
    found: dict[tuple[str, str], list[Era]] = {}
    for probe, region, first_us, last_us, _rows in await store.imported_pairs():
        if (probe, region) in wanted and first_us < to_us and last_us >= from_us:
            rows = [row async for page in store.imported(probe, region, from_us, to_us) for row in page]
            found[probe, region] = await asyncio.to_thread(_eras_of, rows, probe in pooled)
    return found


def _eras_of(rows: Sequence[ImportedRow], has_shots: bool) -> list[Era]:
    return list(eras_of(rows, has_shots=has_shots))


def eras_of(rows: Sequence[ImportedRow], *, has_shots: bool = True) -> Iterator[Era]:
    """Yield imported rows of whole days, oldest first, as eras: days in a row with the same interval are one."""
    days = [list(day) for _, day in groupby(rows, key=lambda row: row.at_us // DAY_US)]
    before: ImportedRow | None = None
    for interval_us, same in groupby(days, key=_interval_us):
        found = [row for day in same for row in day]
        yield _era(found, interval_us, before, has_shots)
        before = found[-1]


def _interval_us(day: Sequence[ImportedRow]) -> int:
    return usual_interval_us([row.at_us for row in day if row.kind == Kind.SCHEDULED])


def usual_interval_us(times: Sequence[int]) -> int:
    """Return the median distance between neighbours, to two digits of whole seconds, at least one."""
    distances = sorted(after - before for before, after in pairwise(times))
    if not distances:
        return USUAL_US
    seconds = max((distances[len(distances) // 2] + SECOND_US // 2) // SECOND_US, 1)
    step = int(10 ** max(len(str(seconds)) - 2, 0))
    return (seconds + step // 2) // step * step * SECOND_US


def _era(rows: Sequence[ImportedRow], interval_us: int, before: ImportedRow | None, has_shots: bool) -> Era:
    """Return some rows as an era. The row before them ends what was known until then: time goes on between them."""
    scheduled = [row for row in rows if row.kind == Kind.SCHEDULED]
    times = [row.at_us for row in scheduled]
    known = times or [rows[0].at_us]

    def due_us(slot: int) -> int:
        if slot < 0:
            return known[0] + slot * interval_us
        beyond = slot - (len(known) - 1)
        return known[slot] if beyond <= 0 else known[-1] + beyond * interval_us

    def slot_at(at_us: int) -> int:
        if at_us < known[0]:
            return (at_us - known[0]) // interval_us
        beyond = (at_us - known[-1]) // interval_us
        return bisect_right(known, at_us) - 1 if beyond <= 0 else len(known) - 1 + beyond

    return Era(
        interval_us=interval_us,
        schedule="imported",
        regions=1,
        stretches=_stretches([*([before] if before is not None else []), *rows], 2 * interval_us),
        first_slot=0,
        last_slot=len(times) - 1,
        due_us=due_us,
        slot_at=slot_at,
        oddities=tuple(_oddities(scheduled)),
        from_us=rows[0].at_us,
        imported=True,
        shots=tuple(_shots(rows)) if has_shots else (),
        took_us=array("q", (row.duration_us for row in scheduled)),
    )


def _stretches(rows: Sequence[ImportedRow], longest_us: int) -> Stretches:
    """Join neighbours of equal outcome that lie no further apart than a run of ours may."""
    found = Stretches()
    run: list[ImportedRow] = []
    gap_us = 0
    for row in rows:
        spacing_us = row.at_us - run[-1].at_us if run else 0
        if run and (_VERDICTS[row.outcome] is not _VERDICTS[run[-1].outcome] or spacing_us > longest_us):
            _close(found, run, gap_us)
            run, gap_us = [], 0
        elif run:
            gap_us = max(gap_us, spacing_us)
        run = [run[0], row] if run else [row]
    _close(found, run, gap_us)
    return found


def _close(found: Stretches, run: Sequence[ImportedRow], gap_us: int) -> None:
    first, last = run[0], run[-1]
    found.add(
        (first.at_us, first.at_us + first.duration_us),
        (last.at_us, last.at_us + last.duration_us),
        _VERDICTS[first.outcome],
        gap_us,
    )


def _oddities(scheduled: Sequence[ImportedRow]) -> Iterator[Oddity]:
    for place, row in enumerate(scheduled):
        verdict = _VERDICTS[row.outcome]
        if verdict is not Verdict.GOOD:
            yield Oddity(place, Fate.BAD if verdict is Verdict.BAD else Fate.UNKNOWN, row.code)


def _shots(rows: Sequence[ImportedRow]) -> Iterator[Shot]:
    for row in rows:
        verdict = _VERDICTS[row.outcome]
        if verdict is not Verdict.VOID:
            fate = Fate.GOOD if verdict is Verdict.GOOD else Fate.BAD
            yield Shot(row.at_us, row.at_us + row.duration_us, fate)
