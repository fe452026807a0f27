"""All regions' results as one sequence: right where an outage is the service's own and every region sees it.

Where all regions passed, their runs tell all that is needed. Around trouble the order of single results decides, so
they are taken one by one within `shot_spans`. Where runs of opposite verdict overlap and no single results are at
hand, nothing is known. Source of the rule: POOLED in docs/method.md.

Assumed, as for one region: between two results of equal verdict no further apart than the gap nothing changed and
changed back. Results are ordered by their starts; where two of opposite verdict overlap, or lie no further apart than
the clocks of two regions may differ, their order is not known, and nothing between them and their like is sure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reports.evidence import VERDICTS, Row, Stretches, Verdict
from reports.intervals import Interval, Intervals, intersect, subtract, union
from reports.timeline import Timeline, region_timeline
from reports.track import Era, Fate

_FAR_US = 2**61
_GOOD, _BAD, _VOID = (VERDICTS.index(verdict) for verdict in (Verdict.GOOD, Verdict.BAD, Verdict.VOID))


@dataclass(frozen=True, slots=True, order=True)
class _Item:
    """Results of equal verdict in a row: start and end of the first, start and end of the last.

    One that was cut has its first (or last) result no further than the gap inside the cut.
    """

    first_us: int
    first_end_us: int
    last_us: int
    last_end_us: int
    bad: bool
    cut_before: bool = False
    cut_after: bool = False


def pooled_timeline(eras: Sequence[Era], gap_us: int, timeout_us: int, error_us: int = 0) -> Timeline:
    """Mark all of time from the results of several regions as one sequence; `gap_us` is G over the sequence.

    No result takes longer than `timeout_us`; each clock is off by `error_us` at most.
    """
    runs = [row for era in eras for row in era.stretches.rows() if row[4] != _VOID]
    close = _looked_at_closely(eras)
    doubts = _doubts(runs, close, gap_us)
    close = subtract(close, doubts)
    elsewhere = union((*close, *doubts))
    items = [part for run in runs for item in _items(run, gap_us) for part in _outside(item, elsewhere)]
    items += _shots(eras, close)
    stretches = Stretches()
    for item in _sequence(sorted(items), gap_us, timeout_us, 2 * error_us):
        verdict = Verdict.BAD if item.bad else Verdict.GOOD
        stretches.add(
            (item.first_us, item.first_end_us),
            (item.last_us, item.last_end_us),
            verdict,
            min(gap_us, item.last_us - item.first_us),
        )
    return region_timeline(stretches, gap_us)


def _items(run: Row, gap_us: int) -> Iterator[_Item]:
    """Yield a run; one with a hole over the gap as its two ends."""
    first_us, first_end_us, last_us, last_end_us, verdict, longest_us = run
    bad = verdict == _BAD
    if longest_us > gap_us:
        yield _Item(first_us, first_end_us, first_us, first_end_us, bad)
        yield _Item(last_us, last_end_us, last_us, last_end_us, bad)
    else:
        yield _Item(first_us, first_end_us, last_us, last_end_us, bad)


def _looked_at_closely(eras: Sequence[Era]) -> Intervals:
    """Return the time in which the single results of every era that has any there are at hand."""
    spans = union(span for era in eras for span in era.shot_spans)
    for era in eras if spans else ():
        extent = [(era.stretches[0].first_us, era.stretches[-1].last_us + 1)] if len(era.stretches) else []
        spans = subtract(spans, intersect(extent, subtract(spans, union(era.shot_spans))))
    return spans


def _doubts(runs: Sequence[Row], close: Intervals, gap_us: int) -> Intervals:
    """Return the time around failed runs that overlap passed ones of other regions, with no order to tell."""
    failed = union(part for run in runs if run[4] == _BAD for part in subtract([_extent(run)], close))
    if not failed:
        return ()
    passed = union(_extent(run) for run in runs if run[4] == _GOOD)
    return union((a - gap_us, b + gap_us) for a, b in intersect(failed, passed))


def _extent(run: Row) -> Interval:
    return run[0], run[2] + 1


def _outside(run: _Item, elsewhere: Intervals) -> Iterator[_Item]:
    """Yield the parts of a run that lie outside of what is taken another way."""
    start_us, end_us = run.first_us, run.last_us + 1
    near = elsewhere
    if len(elsewhere) > 1:
        near = tuple(each for each in elsewhere if each[0] < end_us and each[1] > start_us)
    for a, b in subtract([(start_us, end_us)], near):
        part = run
        if a > start_us:
            part = replace(part, first_us=a, first_end_us=a, cut_before=True)
        if b < end_us:
            part = replace(part, last_us=b, last_end_us=b, cut_after=True)
        yield part


def _shots(eras: Sequence[Era], close: Intervals) -> Iterator[_Item]:
    for era in eras if close else ():
        place = 0
        for shot in sorted(era.shots, key=lambda shot: shot.start_us):
            while place < len(close) and close[place][1] <= shot.start_us:
                place += 1
            if place == len(close):
                break
            if close[place][0] <= shot.start_us and shot.fate != Fate.UNKNOWN:
                ends = (shot.start_us, shot.end_us)
                yield _Item(*ends, *ends, shot.fate == Fate.BAD)


def _sequence(items: Sequence[_Item], gap_us: int, timeout_us: int, doubt_us: int) -> Iterator[_Item]:
    """Join neighbours of equal verdict within the gap; trim what is not sure, and cut ends that nothing joins on to."""
    latest_us = {False: -_FAR_US, True: -_FAR_US}  # the latest end of a result so far, by verdict
    begin = 0
    last_us = items[0].last_us if items else 0
    for place in range(1, len(items) + 1):
        bad = items[begin].bad
        after = items[place] if place < len(items) else None
        if after is not None and after.bad == bad and after.first_us - last_us <= gap_us:
            last_us = max(last_us, after.last_us)
            continue
        run = items[begin:place]
        opposite_us = after.first_us if after is not None and after.bad != bad else _FAR_US
        settled = _settled(run, latest_us[not bad] + doubt_us, opposite_us - doubt_us)
        yield from _trimmed(settled, gap_us, timeout_us)
        latest_us[bad] = max(latest_us[bad], *(item.last_end_us for item in run))
        begin, last_us = place, after.last_us if after is not None else 0


def _settled(run: Sequence[_Item], from_us: int, until_us: int) -> _Item:
    """Return a run as one, sure from its first result at or after `from_us` to its last that ends by `until_us`.

    An opposite result before `from_us`, or after `until_us`, may really lie between two of the run.
    """
    last = max(run, key=lambda item: (item.last_us, item.last_end_us))
    whole = replace(run[0], last_us=last.last_us, last_end_us=last.last_end_us, cut_after=last.cut_after)
    if run[0].first_us >= from_us and last.last_end_us <= until_us:
        return whole
    firsts = [item.first_end_us for item in run if item.first_us >= from_us]
    lasts = [item.last_us for item in run if item.last_end_us <= until_us]
    if not firsts or not lasts or firsts[0] >= max(lasts):
        return replace(whole, first_end_us=max(whole.last_us, whole.first_end_us))
    end_us = max(lasts)
    ends = (end_us, max(item.last_end_us for item in run if item.last_us == end_us))
    return replace(whole, first_end_us=firsts[0], last_us=ends[0], last_end_us=ends[1])


def _trimmed(run: _Item, gap_us: int, timeout_us: int) -> Iterator[_Item]:
    first_us, first_end_us, last_us, last_end_us = (
        run.first_us,
        run.first_end_us,
        run.last_us,
        run.last_end_us,
    )
    if run.cut_before:
        first_us += gap_us
        first_end_us = first_us + timeout_us
    if run.cut_after:
        last_us -= gap_us
        last_end_us = last_us + timeout_us
    if first_us <= last_us:
        yield replace(
            run, first_us=first_us, first_end_us=first_end_us, last_us=last_us, last_end_us=last_end_us
        )
