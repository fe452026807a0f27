"""What adds up per probe and region: results, slots, reruns, failures, durations.

Counts begin at 0 with the daemon. Every value that a label can have is shown from the start, so that `increase` sees
the first of its kind; failure codes, being many, appear with their first failure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cache

from checks.core.failures import Code
from checks.core.result import Outcome, Result
from prober.wire import Kind, Missed

from .columns import Column, Placed
from .text import counter, histogram, seconds

_MS = 1_000
BOUNDS_US = tuple(ms * _MS for ms in (5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000))
"""Upper bounds of the duration histogram's buckets, in micro-seconds; a last one holds everything."""

RESULTS = counter(
    "prober_results_total", "Scheduled results by outcome; retries and rechecks are not among them."
)
SLOTS = counter(
    "prober_slots_total", "Slots of the schedule by fate: their result's outcome, or why there is none."
)
RERUNS = counter(
    "prober_reruns_total", "Runs made to confirm or to follow a failure; they count in no ratio."
)
FAILURES = counter(
    "prober_failures_total", "Scheduled results that were no plain pass, by their gravest failure's code."
)
DURATIONS = histogram(
    "prober_probe_duration_seconds", "Durations of scheduled runs that passed, warned of or not."
)

OTHER = "other"
"""Stands for what this version does not know, so that labels stay bounded whatever an agent sends."""

_PASSES, _RESULTS, _PASSED_SLOTS, _SLOTS, _RERUNS, _FAILURES, _DURATIONS = range(7)
_PASS, _WARN = Outcome.PASS, Outcome.WARN
_RARE = tuple(outcome.value for outcome in Outcome if outcome is not _PASS)
_RERUN_NAMES = {int(Kind.RETRY): "retry", int(Kind.RECHECK): "recheck"}
_CODES = frozenset(code.value for code in Code)

_REST = "\0"  # stands for the labels until the numbers are in: one template serves all series
_BOUNDS = (*map(seconds, BOUNDS_US), "+Inf")
_DURATION_LINES = (
    "".join(f'{DURATIONS.name}_bucket{{le="{bound}",{_REST}%d\n' for bound in _BOUNDS)
    + f"{DURATIONS.name}_count{{{_REST}%d\n{DURATIONS.name}_sum{{{_REST}%de-6\n"
)


def columns(size: int) -> tuple[Column, ...]:
    """Return the columns of tallies. Plain passes have some of their own, beside those of what is rare."""
    return (
        Column(RESULTS, size, is_often_written=True),
        Column(RESULTS, size),
        Column(SLOTS, size, is_often_written=True),
        Column(SLOTS, size),
        Column(RERUNS, size),
        Column(FAILURES, size),
        Column(DURATIONS, size, is_often_written=True),
    )


@cache
def _beginnings() -> tuple[str, ...]:
    """Return what each column shows of a tally that begins, with the mark for its labels."""
    shown = columns(1)
    Tally(shown, 0, _REST)
    return tuple(column.lines[0] for column in shown)


class Tally(Placed):
    """The counts of one probe in one region."""

    __slots__ = ("_buckets", "_failures", "_passed", "_reruns", "_results", "_slots", "_sum_us")

    def __init__(self, columns: Sequence[Column], index: int, rest: str) -> None:
        super().__init__(columns, index, rest)
        self._passed = 0
        self._results = dict.fromkeys(_RARE, 0)
        self._slots = dict.fromkeys((*_RARE, *(reason.value for reason in Missed)), 0)
        self._reruns = dict.fromkeys(_RERUN_NAMES.values(), 0)
        self._failures: dict[str, int] = {}
        self._buckets = [0] * len(_BOUNDS)  # cumulative, as they are shown
        self._sum_us = 0
        if rest == _REST:
            self._write_all()
        else:
            for column, text in zip(columns, _beginnings(), strict=True):
                column.write(index, text.replace(_REST, rest))

    def _write_all(self) -> None:
        self._write_passed()
        self._write_results()
        self._write(_RERUNS, "kind", self._reruns)
        self._write_durations()

    def add(self, result: Result) -> None:
        """Count a scheduled result."""
        outcome = result.outcome
        if outcome is _PASS:
            self._passed += 1
            self._write_passed()
        else:
            self._results[outcome.value] += 1
            self._slots[outcome.value] += 1
            self._write_results()
        if (outcome is _PASS or outcome is _WARN) and (result.duration_us or result.phases_us):
            self._add_duration(result.duration_us)
        if result.failures:
            named = result.failures[0].code
            _increase(self._failures, named if named in _CODES else OTHER, 1)
            self._write(_FAILURES, "code", self._failures)

    def add_rerun(self, kind: int) -> None:
        """Count a retry or a recheck."""
        _increase(self._reruns, _RERUN_NAMES.get(kind, OTHER), 1)
        self._write(_RERUNS, "kind", self._reruns)

    def add_missed(self, reason: str, slots: int) -> None:
        """Count slots without a result."""
        _increase(self._slots, reason if reason in self._slots else OTHER, slots)
        self._write(_SLOTS, "fate", self._slots)

    def _add_duration(self, duration_us: int) -> None:
        buckets = self._buckets
        for bucket in range(bisect_left(BOUNDS_US, duration_us), len(buckets)):
            buckets[bucket] += 1
        self._sum_us += duration_us
        self._write_durations()

    def _write_durations(self) -> None:
        text = _DURATION_LINES % (*self._buckets, self._buckets[-1], self._sum_us)
        self._columns[_DURATIONS].lines[self._index] = text.replace(_REST, self._rest)

    def _write_passed(self) -> None:
        columns, index = self._columns, self._index
        tail = f"{self._rest}{self._passed}\n"
        columns[_PASSES].lines[index] = f'prober_results_total{{outcome="pass",{tail}'
        columns[_PASSED_SLOTS].lines[index] = f'prober_slots_total{{fate="pass",{tail}'

    def _write_results(self) -> None:
        self._write(_RESULTS, "outcome", self._results)
        self._write(_SLOTS, "fate", self._slots)

    def _write(self, number: int, label: str, counts: dict[str, int]) -> None:
        column, rest = self._columns[number], self._rest
        start = f'{column.family.name}{{{label}="'
        column.write(
            self._index,
            "".join(f'{start}{value}",{rest}{count}\n' for value, count in sorted(counts.items())),
        )


def _increase(counts: dict[str, int], key: str, by: int) -> None:
    counts[key] = counts.get(key, 0) + by
