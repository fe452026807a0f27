"""What the daemon says in its log of what was committed: changes of state, and regions that cannot see.

A region is blind when the newest result of everything it runs is VOID because it has no way out (no route, no
resolver): one line says so, and one when it sees again, however many probes it has.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from checks.core.failures import NETWORK_CODES
from checks.core.result import Outcome
from prober.wire import Record

from .judge import SeriesState
from .verdict import Change, State

log = logging.getLogger(__name__)


class Voice:
    """Keeps which series of each region are cut off; says each thing once."""

    def __init__(self) -> None:
        self._blind: defaultdict[str, set[int]] = defaultdict(set)
        self._seen: defaultdict[str, set[int]] = defaultdict(set)
        self._dark: set[str] = set()

    def say(
        self, records: Sequence[Record], changes: Sequence[Change], series: Mapping[int, SeriesState]
    ) -> None:
        """Write what is worth a line."""
        touched = {self._note(record, series) for record in records if record.series in series}
        for region in touched:
            self._say_sight(region, series)
        for change in changes:
            if not change.subject.startswith("region:") and not _is_first_sight(change):
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
