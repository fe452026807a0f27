"""One doubt is settled at once: a region's first failure asks the other regions of the probe to look now.

Pure: records in, series to recheck and regions that turned out alone out. What a doubt may cost is bounded: each other
region is asked once, none twice within an interval, and all of them together by a bucket; what finds no room waits
for its next scheduled run. States are not decided here (`fold.py`), nor is anything sent.

How to feed it: `configure` at the start and after each change of configuration; `note` after every commit with the
records it held (late ones and those of unknown series are passed over) and the hub's clock, and about once a second
without records, so that doubts end. Send `Recheck` for `recheck` by region, `Alone` for each of `alone`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from checks.core.result import Outcome
from prober.wire import Kind, Record

from .series import SeriesState
from .verdict import SET_BACK_US, ProbePolicy

LATE_US = 60_000_000  # what ended longer ago says nothing of the present
LIMIT_INTERVALS = 2  # after so many intervals a doubt is forgotten: every region has had a scheduled run
SERIES_PER_SECOND = 200  # asked in the long run, so that a storm costs others little
BURST_SERIES = 1000  # asked at once
SWEEP_US = 1_000_000  # how often doubts are looked through for those that are over
AGREED_WITHIN_US = (500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000)
_COST_US = 1_000_000 // SERIES_PER_SECOND


class End(StrEnum):
    """How a doubt ended."""

    AGREED = "agreed"  # enough regions see the failure; with a quorum of one: a second one
    ALONE = "alone"  # every region that could make a quorum passes
    SPLIT = "split"  # some see it, too few, and no more can
    OVER = "over"  # nobody sees it failing any more
    FORGOTTEN = "forgotten"  # not settled within its limit


class Questions(NamedTuple):
    """What is to be sent: series to recheck, and (region, series) that fail where the others pass."""

    recheck: list[int]
    alone: list[tuple[str, int]]


@dataclass(slots=True)
class Tally:
    """What came of it since the start; `agreed_within` counts by `AGREED_WITHIN_US`, the last holds the rest."""

    opened: int = 0
    asked: int = 0  # series
    suppressed: int = 0  # series that found no room in the bucket
    spared: int = 0  # series that had been asked within the interval: the probe flaps
    ended: dict[End, int] = field(default_factory=lambda: dict.fromkeys(End, 0))
    agreed_us: int = 0  # from the ends of first failures to agreement, added up
    agreed_within: list[int] = field(default_factory=lambda: [0] * (len(AGREED_WITHIN_US) + 1))


@dataclass(slots=True)
class _Sight:
    """What one region saw of the probe last; `failing_us` is the start of its first failure in a row, 0: it passes."""

    series: int
    region: str
    circle: _Circle
    seen_us: int = 0  # start of the newest usable run
    failing_us: int = 0
    vague: bool = False  # a run after that could not tell
    is_known: bool = False  # that a scheduled run of it failed has raised its doubt
    asked_us: int = 0


@dataclass(slots=True)
class _Doubt:
    began_us: int  # start of the first failed run
    failed_us: int  # its end
    opened_us: int


@dataclass(slots=True)
class _Circle:
    """A probe, and what its regions saw of it."""

    policy: ProbePolicy
    interval_us: int
    sights: list[_Sight] = field(default_factory=list)
    doubt: _Doubt | None = None
    is_agreed: bool = False  # enough regions fail, and none of those has passed since


class Doubts:
    """The doubts that are open, at most one a probe."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._sights: dict[int, _Sight] = {}
        self._circles: dict[str, _Circle] = {}
        self._open: dict[str, _Circle] = {}
        self._bucket = _Bucket()
        self._swept_us = 0

    @property
    def open(self) -> int:
        """How many doubts are open."""
        return len(self._open)

    def configure(self, policies: Iterable[ProbePolicy], series: Mapping[int, SeriesState]) -> None:
        """Take a configuration; what was seen of series that stay is kept, and doubts of probes that stay."""
        askable = {each.name: each for each in policies if len(each.regions) > 1 and not each.is_told}
        before, self._sights, self._circles = self._sights, {}, {}
        for number, state in series.items():
            policy = askable.get(state.row.probe)
            if policy is not None:
                circle = self._circles.setdefault(policy.name, _Circle(policy, state.row.interval_us))
                sight = before.get(number) or _restored(number, state, circle)
                sight.circle = circle
                circle.sights.append(sight)
                self._sights[number] = sight
        for name, old in list(self._open.items()):
            if name in self._circles:
                self._circles[name].doubt = old.doubt
                self._open[name] = self._circles[name]
            else:
                self._end(old, End.FORGOTTEN)

    def note(self, records: Iterable[Record], now_us: int) -> Questions:
        """Take in what was committed; return what is to be asked and who is alone."""
        found = Questions([], [])
        if not 0 <= now_us - self._swept_us < SWEEP_US:
            self._sweep(now_us)
        touched: dict[str, _Circle] = {}
        raised: dict[str, _Doubt] = {}
        for record in records:
            sight = self._sights.get(record.series)
            if sight is None or not _is_of_now(sight, record, now_us):
                continue
            circle = sight.circle
            if _take(sight, record) and not circle.is_agreed:
                _raise(raised, circle, record, now_us)
            if circle.doubt is not None or circle.policy.name in raised:
                touched[circle.policy.name] = circle
        for name, circle in touched.items():
            # All that came together is weighed together, in whatever order it lay there.
            self._weigh(circle, raised.get(name), now_us, found)
        return found

    def _weigh(self, circle: _Circle, raised: _Doubt | None, now_us: int, found: Questions) -> None:
        if _is_over(circle, now_us):
            self._end(circle, End.FORGOTTEN)
        is_new = circle.doubt is None and raised is not None
        if is_new:
            circle.doubt = raised
            self._open[circle.policy.name] = circle
            self.tally.opened += 1
        doubt = circle.doubt
        if doubt is None:
            return
        end, alone = _settle(circle, doubt, now_us)
        if end is not None:
            if end is End.AGREED:
                circle.is_agreed = True
                self._count_agreement(max(now_us - doubt.failed_us, 0))
            found.alone.extend((sight.region, sight.series) for sight in alone)
            self._end(circle, end)
        elif is_new:
            self._ask(circle, doubt, now_us, found)

    def _ask(self, circle: _Circle, doubt: _Doubt, now_us: int, found: Questions) -> None:
        wanted = [sight for sight in circle.sights if not _has_answered(sight, circle, doubt, now_us)]
        fresh = [sight for sight in wanted if not _was_asked(sight, circle, now_us)]
        room = self._bucket.take(len(fresh), now_us)
        for sight in fresh[:room]:
            sight.asked_us = now_us
            found.recheck.append(sight.series)
        self.tally.asked += room
        self.tally.suppressed += len(fresh) - room
        self.tally.spared += len(wanted) - len(fresh)

    def _sweep(self, now_us: int) -> None:
        self._swept_us = now_us
        for circle in list(self._open.values()):
            if _is_over(circle, now_us):
                self._end(circle, End.FORGOTTEN)

    def _end(self, circle: _Circle, end: End) -> None:
        circle.doubt = None
        self._open.pop(circle.policy.name, None)
        self.tally.ended[end] += 1

    def _count_agreement(self, took_us: int) -> None:
        self.tally.agreed_us += took_us
        place = sum(took_us > bound for bound in AGREED_WITHIN_US)
        self.tally.agreed_within[place] += 1


class _Bucket:
    """Fills by `SERIES_PER_SECOND` up to `BURST_SERIES`; counted in the micro-seconds that a series takes to fill."""

    def __init__(self) -> None:
        self._level_us = BURST_SERIES * _COST_US
        self._filled_us = 0

    def take(self, wanted: int, now_us: int) -> int:
        """Return how many of them may be asked."""
        gained_us = max(now_us - self._filled_us, 0)
        self._filled_us = now_us
        self._level_us = min(self._level_us + gained_us, BURST_SERIES * _COST_US)
        given = min(wanted, self._level_us // _COST_US)
        self._level_us -= given * _COST_US
        return given


def _restored(number: int, state: SeriesState, circle: _Circle) -> _Sight:
    sight = _Sight(number, state.row.region, circle)
    run = state.run
    if run is not None and run.outcome != Outcome.VOID.value:
        sight.seen_us = run.last_us
        if run.outcome == Outcome.FAIL.value:
            sight.failing_us, sight.is_known = run.first_us, True
    return sight


def _is_of_now(sight: _Sight, record: Record, now_us: int) -> bool:
    result = record.result
    if not -LATE_US <= now_us - result.started_us - result.duration_us <= LATE_US:
        return False
    return not 0 < sight.seen_us - result.started_us <= SET_BACK_US  # newer evidence is known


def _take(sight: _Sight, record: Record) -> bool:
    """Note what was seen; True for the first failure on schedule of a region that was not failing."""
    result = record.result
    if result.outcome is Outcome.VOID:
        sight.vague = True
        return False
    was_silent = result.started_us - sight.seen_us > sight.circle.policy.silence_us
    if sight.failing_us and (was_silent or result.outcome is not Outcome.FAIL):
        sight.failing_us, sight.is_known = (
            0,
            False,
        )  # after a silence nobody knows what it was like in between
        sight.circle.is_agreed = False
    sight.seen_us, sight.vague = result.started_us, False
    if result.outcome is not Outcome.FAIL:
        return False
    sight.failing_us = sight.failing_us or result.started_us
    is_first = record.kind == Kind.SCHEDULED and not sight.is_known
    sight.is_known = sight.is_known or is_first
    return is_first


def _raise(raised: dict[str, _Doubt], circle: _Circle, record: Record, now_us: int) -> None:
    result, name = record.result, circle.policy.name
    doubt = _Doubt(result.started_us, result.started_us + result.duration_us, now_us)
    if name not in raised or doubt.began_us < raised[name].began_us:
        raised[name] = doubt


def _is_over(circle: _Circle, now_us: int) -> bool:
    """Say whether a doubt has reached its limit; a clock that was set back ends it too."""
    limit_us = LIMIT_INTERVALS * circle.interval_us
    return circle.doubt is not None and not 0 <= now_us - circle.doubt.opened_us < limit_us


def _settle(circle: _Circle, doubt: _Doubt, now_us: int) -> tuple[End | None, list[_Sight]]:
    """Return how the doubt ended, if it did, and the region that turned out alone."""
    policy = circle.policy
    voting = [sight for sight in circle.sights if _has_vote(sight, circle, now_us)]
    failing = [sight for sight in voting if sight.failing_us and not sight.vague]
    if not failing:
        return End.OVER, []
    # Where one failing region is enough for DOWN, a second one still says that the first is not the cause.
    needed = max(policy.needed(len(policy.regions) - len(voting)), 2)
    if len(failing) >= needed and len(voting) >= policy.fewest:
        return End.AGREED, []
    is_single = len(failing) == 1
    began_us = max(doubt.began_us, failing[0].failing_us) if is_single else doubt.began_us
    passing = sum(not sight.failing_us and sight.seen_us >= began_us for sight in voting)
    undecided = len(voting) - len(failing) - passing
    if not passing or len(failing) + undecided >= needed:
        return None, []
    return (End.ALONE, failing) if is_single else (End.SPLIT, [])


def _has_vote(sight: _Sight, circle: _Circle, now_us: int) -> bool:
    """Say whether it is heard of. What lies far ahead was seen before the clock was set back."""
    return -LATE_US <= now_us - sight.seen_us <= circle.policy.silence_us


def _has_answered(sight: _Sight, circle: _Circle, doubt: _Doubt, now_us: int) -> bool:
    """Say whether a region need not be asked: it is failing already, or has looked since the doubt began."""
    is_failing = bool(sight.failing_us) and not sight.vague
    return (is_failing or sight.seen_us >= doubt.began_us) and _has_vote(sight, circle, now_us)


def _was_asked(sight: _Sight, circle: _Circle, now_us: int) -> bool:
    return 0 <= now_us - sight.asked_us < circle.interval_us
