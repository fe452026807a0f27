"""What late results change about the past: states worked out again, and how they differ from what was said. Pure.

The past of some probes is replayed from their runs through the same fold that judges the present, from an instant
before anything late happened, with the states that stood there. A run of passes is fed as one event, so the work is
in proportion to outages; failures are fed one by one, since retries and rechecks count differently.

Between `from_us` and now the policies of today hold, also where the configuration was another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from checks.core.result import Outcome
from prober.store.base import ChangeRow, Detail, RunRow
from prober.wire import Kind

from .fold import Fold
from .standing import row_of
from .verdict import Change, Seen, State

_USABLE = (Outcome.PASS.value, Outcome.WARN.value, Outcome.FAIL.value)
_FAIL = Outcome.FAIL.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One probe in one region: its runs in order of time, without overlaps, and its failed results in full."""

    probe: str
    region: str
    silence_us: int
    confirmed_us: int  # so long after it began a failure that was believed surely had been
    runs: Sequence[RunRow]
    failures: Sequence[Detail] = ()

    def place(self, at_us: int) -> int:
        """Return how many runs had begun at an instant."""
        return bisect_right(self.runs, at_us, key=lambda run: run.first_us)

    def last_usable(self, at_us: int) -> RunRow | None:
        """Return the newest run that had begun at an instant and says something of the target."""
        for index in range(self.place(at_us) - 1, -1, -1):
            if self.runs[index].outcome in _USABLE:
                return self.runs[index]
        return None


def begin_of(pasts: Iterable[Past], at_us: int, down: Mapping[tuple[str, str], int]) -> int:
    """Return the newest instant before `at_us` from which the past can be replayed.

    There no run's first result is under way, and no region is failing without being DOWN on record: `down` says
    since when those are that were at `at_us`. Costs one pass over the runs, sorted by where they stand in the way.
    """
    blocks = [block for past in pasts for block in _blocks(past, at_us, down.get((past.probe, past.region)))]
    begin_us = at_us - 1
    for last_us, first_us in sorted(blocks, reverse=True):
        if last_us < begin_us:
            break  # so do all that follow
        if first_us <= begin_us:
            begin_us = first_us - 1
    return begin_us


def _blocks(past: Past, at_us: int, down_since_us: int | None) -> Iterator[tuple[int, int]]:
    """Yield (last, first) instant of each time from which nothing can be replayed."""
    runs = past.runs[: past.place(at_us)]
    next_us = at_us
    for run in reversed(runs):
        yield run.first_end_us, run.first_us
        if run.outcome not in _USABLE:
            continue
        if run.outcome == _FAIL:
            last_us = min(next_us - 1, run.last_end_us + past.silence_us)
            if down_since_us is not None:
                # A failure is confirmed some runs after it began; what happened meanwhile was judged without it.
                last_us = min(last_us, max(down_since_us + past.confirmed_us, run.first_us) - 1)
            yield last_us, run.first_us
        next_us = run.first_us


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
    changes: list[Change] = []
    for past in pasts:
        if not _restore(fold, past, from_us):
            # Nothing was heard of it for its limit: whatever stood last of it no longer does.
            changes += fold.silence(past.probe, past.region, from_us)
    changes += [change for seen in events(pasts, from_us) for change in fold.take(seen)]
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
    come = [one for one in new if _key(one)[:2] in moved]
    return (
        [replace(row, withdrawn=revision) for row in old if _key(row)[:2] in moved],
        # One micro-second apart: what is equal in all else is two changes all the same.
        [row_of(replace(one, noted_us=noted_us + number), revision) for number, one in enumerate(come)],
    )


def _restore(fold: Fold, past: Past, from_us: int) -> bool:
    """Set the evidence of a region at an instant from the runs before; False if it was silent then."""
    before = past.runs[: past.place(from_us)]
    if not before:
        return False
    newest, last = before[-1], past.last_usable(from_us)
    heard_us = max(newest.last_us, last.last_us if last is not None else 0)
    if heard_us + past.silence_us <= from_us:
        return False
    failing = (
        (last.count, last.first_us, last.code or "") if last is not None and last.outcome == _FAIL else None
    )
    fold.restore_evidence(
        past.probe, past.region, last.last_us if last is not None else 0, failing, heard_us=heard_us
    )
    return True


def _key(change: ChangeRow | Change) -> tuple[str, int, str, str]:
    return change.subject, change.at_us, str(change.before), str(change.after)


def _told(past: Past, run: RunRow) -> list[Seen]:
    """Return what a run is fed as: failures one by one until they surely decide, all others at once."""
    if run.outcome != _FAIL:
        return [_of_run(past, run, run.first_us, run.first_end_us, run.last_us)]
    seen = [
        _of_run(past, run, result.started_us, result.started_us + result.duration_us, 0, detail)
        for detail in past.failures
        for result in (detail.result,)
        if run.first_us <= result.started_us <= run.last_us
    ]
    # Failures are kept in full; should they be missing, their run still says when it began and ended.
    seen = seen or [_of_run(past, run, run.first_us, run.first_end_us, 0)]
    seen[-1] = replace(seen[-1], through_us=run.last_us)
    return seen


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
