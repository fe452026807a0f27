"""What the daemon said, held against the ground truth. Pure.

The rules: an alert inside a failure's window is a true positive, none a false negative, any outside a false positive;
one that comes after the failure was over is both of the latter. What the rig or the agent could not see makes a sample
unknown, which cancels every other word about it. Advisories are detected, missed, or a false outage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.detection.records import Change, Record, Run
from bench.detection.scenarios import Expect
from bench.detection.truth import Stall, Window, stalled_us

STALL_US = 250_000  # a target that stood still for so long in all may have failed a healthy probe
TIGHT_STALL_US = 80_000  # the same where the probe judges time
DELAYED = ("timeout", "too_slow", "connect_timeout", "resolve_timeout", "tls_timeout", "dialogue_timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of a sample: what should be said, with which codes, and until when it still counts."""

    expect: Expect
    codes: frozenset[str]
    tight: bool
    timeout_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The words about one sample; times in micro-seconds, None where there is nothing to measure.

    `onset_us` is how far the recorded begin of the outage lies after the true one; `probe_us` is what the run that
    brought the alert took itself, `decided_due_us` and `decided_start_us` when that run was due and began.
    """

    window: Window
    expect: Expect
    detected: bool = False
    missed: bool = False
    false_alarms: int = 0
    unknown: str = ""
    latency_us: int | None = None
    onset_us: int | None = None
    recovery_us: int | None = None
    recovered: bool = True
    alerts: int = 0
    codes: tuple[str, ...] = ()
    classified: bool | None = None
    probe_us: int | None = None
    decided_due_us: int | None = None
    decided_start_us: int | None = None

    @property
    def good(self) -> bool:
        """Whether it was right in every respect (unknown ones are not wrong)."""
        if self.unknown:
            return True
        right = not self.missed and not self.false_alarms and self.recovered
        return right and self.classified is not False

    @property
    def verdict(self) -> str:
        """The sample in a word."""
        if self.unknown:
            return "unknown"
        if self.false_alarms:
            return "FN+FP" if self.missed else "FP"
        if self.expect is Expect.SILENCE:
            return "TN"
        if self.expect is Expect.WARN:
            return "detected" if self.detected else "missed"
        return "TP" if self.detected else "FN"


def score(asked: Asked, window: Window, until_us: int, record: Record, stalls: Sequence[Stall]) -> Score:
    """Score one sample; `until_us` is when the next one of the same probe begins, or the run ends."""
    delayed = any(code.startswith(DELAYED) for code in asked.codes)
    last_us = window.end_us + (asked.timeout_us if delayed else 0)
    changes = [change for change in record.changes if window.start_us <= change.noted_us < until_us]
    alarms = [change for change in changes if change.after in _loud(asked.expect)]
    wanted = _wanted(asked.expect, changes, record, window, last_us)
    first = next((each for each in wanted if each.noted_us <= last_us), None)
    false = _false_alarms(asked.expect, alarms, last_us)
    unknown = _unknown(asked, window, until_us, record, stalls, first)
    speaks = asked.expect is not Expect.SILENCE
    runs = [run for run in record.runs if window.start_us <= run.started_us and run.ended_us <= last_us]
    codes = tuple(sorted({run.code for run in runs if run.outcome == _outcome(asked.expect)}))
    decided = _decided(record.runs, first)
    recovery_us = _recovery_us(changes, first, window)
    return Score(
        window=window,
        expect=asked.expect,
        detected=first is not None,
        missed=speaks and first is None,
        false_alarms=len(false),
        unknown=unknown,
        latency_us=first.noted_us - window.start_us if first else None,
        onset_us=first.at_us - window.start_us if first else None,
        recovery_us=recovery_us,
        recovered=not changes or changes[-1].after == "up",
        alerts=len(alarms),
        codes=codes,
        classified=set(codes) <= asked.codes if speaks and first else None,
        probe_us=decided.ended_us - decided.started_us if decided else None,
        decided_due_us=decided.due_us if decided else None,
        decided_start_us=decided.started_us if decided else None,
    )


def stray_alarms(
    record: Record, windows: Sequence[Window], stalls: Sequence[Stall], tight: bool = False
) -> list[Change]:
    """Return the alerts before the first window: nothing was broken yet. None where the target stood still then."""
    first_us = min((window.start_us for window in windows), default=2**62)
    if stalled_us(stalls, 0, first_us) > (TIGHT_STALL_US if tight else STALL_US):
        return []
    return [change for change in record.changes if change.after == "down" and change.noted_us < first_us]


def _outcome(expect: Expect) -> str:
    return "warn" if expect is Expect.WARN else "fail"


def _wanted(
    expect: Expect, changes: Sequence[Change], record: Record, window: Window, last_us: int
) -> list[Change]:
    """Return what counts as having said it; for an advisory the runs that warned."""
    if expect is Expect.WARN:
        return [
            Change(after="warn", at_us=run.started_us, noted_us=run.ended_us)
            for run in record.runs
            if run.outcome == "warn" and window.start_us <= run.ended_us <= last_us
        ]
    word = {Expect.ALERT: "down", Expect.DEGRADED: "degraded"}.get(expect)
    return [change for change in changes if change.after == word]


def _false_alarms(expect: Expect, alarms: Sequence[Change], last_us: int) -> list[Change]:
    return [alarm for alarm in alarms if expect is not Expect.ALERT or alarm.noted_us > last_us]


def _loud(expect: Expect) -> tuple[str, ...]:
    """Return the states that are an alarm; where silence is right, one region's failure is one as well."""
    return ("down", "degraded") if expect is Expect.SILENCE else ("down",)


def _unknown(
    asked: Asked, window: Window, until_us: int, record: Record, stalls: Sequence[Stall], first: Change | None
) -> str:
    """Return why a sample says nothing, if so. That does not depend on whether what was said was right."""
    limit_us = TIGHT_STALL_US if asked.tight else STALL_US
    if stalled_us(stalls, window.start_us - asked.timeout_us, until_us) > limit_us:
        return "the target stood still"
    if asked.expect is Expect.SILENCE:
        return ""
    seen_us = first.noted_us if first else window.end_us
    if any(run.outcome == "void" and window.start_us <= run.ended_us <= seen_us for run in record.runs):
        return "a run was void before the failure was seen"
    if any(_overlap(gap, window.start_us, seen_us) for gap in record.gaps):
        return "a slot was missed before the failure was seen"
    return ""


def _overlap(gap: tuple[int, int], from_us: int, to_us: int) -> bool:
    return gap[0] < to_us and gap[1] > from_us


def _decided(runs: Iterable[Run], first: Change | None) -> Run | None:
    """Return the run whose end brought the alert."""
    if first is None:
        return None
    return next((run for run in runs if run.ended_us == first.noted_us), None)


def _recovery_us(changes: Sequence[Change], first: Change | None, window: Window) -> int | None:
    """Return how long after its end a failure was known to be over; None if it was so before, or never was."""
    if first is None:
        return None
    up = next(
        (change for change in changes if change.after == "up" and change.noted_us > window.end_us), None
    )
    return up.noted_us - window.end_us if up else None
