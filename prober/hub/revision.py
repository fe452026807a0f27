"""What late results change about the past: states worked out again, and how they differ from what was said. Pure.

The past of some probes is replayed from their runs through the same fold that judges the present, from an instant
before anything late happened, with the states that stood there. A run of passes is fed as one event, so the work is
in proportion to outages; failures are fed one by one, since retries and rechecks count differently.

Between `from_us` and now the policies of today hold, also where the configuration was another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from checks.core.result import Outcome
from prober.store.base import ChangeRow, Detail, RunRow
from prober.wire import Kind

from .fold import Fold
from .verdict import Change, Seen, State

_USABLE = (Outcome.PASS.value, Outcome.WARN.value, Outcome.FAIL.value)
_FAIL = Outcome.FAIL.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One probe in one region: its runs in order of time, without overlaps, and its failed results in full."""

    probe: str
    region: str
    silence_us: int
    runs: Sequence[RunRow]
    failures: Sequence[Detail] = ()


def begin_of(pasts: Iterable[Past], at_us: int) -> int:
    """Return the newest instant before `at_us` at which no region was failing, and no run's first was under way."""
    all_runs = [(past, list(past.runs)) for past in pasts]
    at_us, moved = at_us - 1, True
    while moved:
        moved = False
        for past, runs in all_runs:
            newest = next((run for run in reversed(runs) if run.first_us <= at_us), None)
            last = _last_usable(runs, at_us)
            if newest is not None and newest.first_end_us >= at_us:
                at_us, moved = newest.first_us - 1, True
            elif last is not None and last.outcome == _FAIL and last.last_end_us + past.silence_us >= at_us:
                at_us, moved = last.first_us - 1, True
    return at_us


def events(pasts: Iterable[Past], from_us: int) -> list[Seen]:
    """Return what was seen from an instant on, in the order of the runs' ends."""
    found: list[Seen] = []
    for past in pasts:
        for run in past.runs:
            if run.first_us > from_us:
                found += _told(past, run)
    return sorted(found, key=lambda seen: (seen.ended_us, seen.probe, seen.region, seen.started_us))


def replay(
    fold: Fold, pasts: Sequence[Past], stood: Mapping[str, ChangeRow], from_us: int, until_us: int
) -> list[Change]:
    """Feed a fresh fold the past since an instant, from the states that `stood` there; returns the changes since."""
    for subject, change in stood.items():
        fold.restore(subject, State(change.after), change.at_us, change.because)
    for past in pasts:
        _restore(fold, past, from_us)
    changes = [change for seen in events(pasts, from_us) for change in fold.take(seen)]
    changes += fold.advance(until_us)
    fold.revise_from.clear()
    return changes


def compare(
    recorded: Iterable[ChangeRow], replayed: Iterable[Change], revision: int, noted_us: int
) -> tuple[list[ChangeRow], list[ChangeRow]]:
    """Return the recorded changes that no longer hold, and those to be recorded instead; both in order of time."""
    old, new = list(recorded), list(replayed)
    counts, wanted = Counter(map(_key, old)), Counter(map(_key, new))
    # Of one instant only the order of writing tells what came first: then all of it is written anew.
    moved = {key[:2] for key in counts.keys() | wanted.keys() if counts[key] != wanted[key]}
    return (
        [replace(row, withdrawn=revision) for row in old if _key(row)[:2] in moved],
        [_row(one, revision, noted_us) for one in new if _key(one)[:2] in moved],
    )


def _restore(fold: Fold, past: Past, from_us: int) -> None:
    before = [run for run in past.runs if run.first_us <= from_us]
    heard_us = max((run.last_us for run in before), default=0)
    if heard_us + past.silence_us > from_us:  # else it is silent already
        usable_us = max((run.last_us for run in before if run.outcome in _USABLE), default=0)
        fold.restore_evidence(past.probe, past.region, usable_us, None, heard_us=heard_us)


def _key(change: ChangeRow | Change) -> tuple[str, int, str, str]:
    return change.subject, change.at_us, str(change.before), str(change.after)


def _row(change: Change, revision: int, noted_us: int) -> ChangeRow:
    return ChangeRow(
        at_us=change.at_us,
        noted_us=noted_us,
        subject=change.subject,
        before=change.before.value,
        after=change.after.value,
        because=change.because,
        revision=revision,
    )


def _last_usable(runs: Sequence[RunRow], at_us: int) -> RunRow | None:
    return next((run for run in reversed(runs) if run.first_us <= at_us and run.outcome in _USABLE), None)


def _told(past: Past, run: RunRow) -> list[Seen]:
    if run.outcome != _FAIL:
        return [_of_run(past, run, run.first_us, run.first_end_us, run.last_us)]
    seen = [
        _of_run(past, run, result.started_us, result.started_us + result.duration_us, 0, detail)
        for detail in past.failures
        for result in (detail.result,)
        if run.first_us <= result.started_us <= run.last_us
    ]
    # Failures are kept in full; should they be missing, their run still says when it began and ended.
    ends = [(run.first_us, run.first_end_us), (run.last_us, run.last_end_us)][: run.count]
    return seen or [_of_run(past, run, first_us, end_us, 0) for first_us, end_us in ends]


def _of_run(
    past: Past, run: RunRow, started_us: int, ended_us: int, through_us: int, detail: Detail | None = None
) -> Seen:
    return Seen(
        probe=past.probe,
        region=past.region,
        scheduled=detail is None or detail.kind == Kind.SCHEDULED,
        outcome=Outcome(run.outcome),
        code=run.code or "",
        started_us=started_us,
        ended_us=ended_us,
        through_us=through_us,
    )
