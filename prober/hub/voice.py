"""What the daemon says in its log of what was committed: changes of state, and regions that cannot see or are alone.

A region is blind when the newest result of everything it runs is VOID because it has no way out (no route, no
resolver): one line says so, and one when it sees again, however many probes it has. What is told of silent agents,
and what that silence leaves to be told of probes, `quiet.py` decides; who is persistently alone `lone.py`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from checks.core.failures import NETWORK_CODES
from checks.core.result import Outcome
from prober.wire import Record

from .belated import Belated
from .lone import Warned
from .quiet import MAX_NAMED, Quiet
from .series import SeriesState
from .verdict import Change, State

log = logging.getLogger(__name__)


class Voice:
    """Keeps which series of each region are cut off; says each thing once.

    `say` after every commit, `hear` about once a second; `quiet` is to be configured by whoever knows the regions,
    until then every change is said as it comes.
    """

    def __init__(self) -> None:
        self.quiet = Quiet()
        self.clock: Callable[[], int] | None = (
            None  # the hub's, in micro-seconds; None: every change is of the present
        )
        self._belated = Belated()
        self._blind: defaultdict[str, set[int]] = defaultdict(set)
        self._seen: defaultdict[str, set[int]] = defaultdict(set)
        self._dark: set[str] = set()

    def say(
        self,
        records: Sequence[Record],
        changes: Sequence[Change],
        series: Mapping[int, SeriesState],
        now_us: int | None = None,
    ) -> None:
        """Write what is worth a line; without `now_us` it is now when the newest change was noted."""
        touched = {self._note(record, series) for record in records if record.series in series}
        for region in touched:
            self._say_sight(region, series)
        told = [change for change in changes if not change.subject.startswith("region:")]
        if told and self.clock is not None:
            now_us = self.clock()
            told = self._belated.news(told, now_us)
        if told:
            self._say_changes(told, now_us or max(change.noted_us for change in told))

    def hear(self, heard_us: Mapping[str, int], now_us: int) -> None:
        """Take in when each region was heard of last, and write what that is worth; see `Quiet.note`."""
        self.quiet.note(heard_us, now_us)
        self._say_changes(self._belated.news((), now_us), now_us)

    def warn(self, warnings: Iterable[Warned]) -> None:
        """Write of regions that are persistently alone in failing, or no longer."""
        for warned in warnings:
            lonely = warned.lonely
            words = (
                "this region is alone in failing"
                if warned.begun
                else "this region is no longer alone in failing"
            )
            log.warning(
                words,
                extra={
                    "region": lonely.region,
                    "probes": _listed(lonely.probes),
                    "since_us": lonely.since_us,
                    "episodes": lonely.episodes,
                },
            )

    def _say_changes(self, changes: Sequence[Change], now_us: int) -> None:
        lines, singly = self.quiet.tell(changes, now_us)
        for line in lines:
            log.warning(line.words, extra=line.facts)
        for change in singly:
            if not _is_first_sight(change):
                _say_change(change)

    def _note(self, record: Record, series: Mapping[int, SeriesState]) -> str:
        region = series[record.series].row.region
        result = record.result
        self._seen[region].add(record.series)
        failure = result.failure
        if result.outcome is Outcome.VOID and failure is not None and failure.code in NETWORK_CODES:
            self._blind[region].add(record.series)
        else:
            self._blind[region].discard(record.series)
        return region

    def _say_sight(self, region: str, series: Mapping[int, SeriesState]) -> None:
        blind = self._blind[region] & series.keys()
        is_dark = bool(blind) and blind == self._seen[region] & series.keys()
        if is_dark and region not in self._dark:
            self._dark.add(region)
            log.warning(
                "this region has no network: its results are void, its probes unknown",
                extra={"region": region},
            )
        elif not is_dark and region in self._dark:
            self._dark.discard(region)
            log.warning("this region has a network again", extra={"region": region})


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _is_first_sight(change: Change) -> bool:
    return change.before is State.UNKNOWN and change.after is State.UP


def _say_change(change: Change) -> None:
    level = logging.INFO if change.after is State.UP else logging.WARNING
    kind, _, name = change.subject.partition(":")
    log.log(
        level,
        "%s is %s",
        kind,
        change.after.value,
        extra={
            "subject": name,
            "before": change.before.value,
            "because": change.because,
            "at_us": change.at_us,
        },
    )
