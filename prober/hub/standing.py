"""Where a subject stands: values that the fold keeps and changes in place. No decisions but what has a say."""

from __future__ import annotations

from dataclasses import dataclass

from checks.core.result import Outcome
from prober.store.base import ChangeRow

from .verdict import Change, Seen, State


@dataclass(slots=True)
class Standing:
    """Where a subject stands, and since when."""

    state: State = State.UNKNOWN
    since_us: int = 0
    because: str = "no result yet"


@dataclass(slots=True)
class RegionStanding(Standing):
    """A region's view of one probe; `attempts` counts failures in a row, `failing_us` is the first's start.

    `last_us` is the start of the newest evidence, `furthest_us` the latest of all: it lies ahead of the newest while
    a clock that was set back lives through the same time again. `heard_us` is the start of the newest run of any
    outcome; a region that is not heard of for its limit is `silent` and has no vote.
    """

    last_us: int = 0
    furthest_us: int = 0
    attempts: int = 0
    failing_us: int = 0
    code: str = ""
    deadline_us: int = 0
    heard_us: int = 0
    silent: bool = True


def has_a_say(standing: RegionStanding, seen: Seen) -> bool:
    """Say whether a run changes anything: a pass of a region that is UP does not."""
    if seen.outcome is Outcome.VOID:
        return standing.silent
    return seen.outcome is Outcome.FAIL or standing.state is not State.UP or standing.attempts > 0


def turn(
    subject: str,
    standing: Standing,
    after: State,
    at_us: int,
    noted_us: int,
    because: str,
    changes: list[Change],
) -> None:
    """Let a subject go over to another state, and note the change."""
    at_us = max(at_us, standing.since_us)  # history is never rewritten behind a change that is on record
    changes.append(
        Change(
            subject=subject,
            before=standing.state,
            after=after,
            at_us=at_us,
            noted_us=noted_us,
            because=because,
        )
    )
    standing.state, standing.since_us, standing.because = after, at_us, because


def row_of(change: Change, revision: int = 0) -> ChangeRow:
    """Return a change as it goes on record."""
    return ChangeRow(
        at_us=change.at_us,
        noted_us=change.noted_us,
        subject=change.subject,
        before=change.before.value,
        after=change.after.value,
        because=change.because,
        revision=revision,
    )
