"""What must be so, whatever the machine: the latency of one of one, and bounds for the other policies. Pure.

With starts an interval apart, a failure that begins at a uniformly distributed instant is met by the next start after
a wait that is uniform in [0, interval); the alert comes when that run ends. A run that was under way when the failure
began may meet it, too: that is the only way to be sooner.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STAMP_US = 2_000  # how exactly the ground truth and the starts of runs are stamped
LATE_US = 50_000  # a start that lies further behind its due instant tells of a busy machine, and is counted
SLACK_US = 250_000  # for bounds that do not know how late each of several runs began
MAX_DISTANCE = (
    0.12  # between the waits seen and uniform ones; planned waits of 50 samples and more stay below 0.05
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One alert of one of one: when the failure began, and the run that found it."""

    start_us: int
    due_us: int
    begun_us: int
    ended_us: int


def broken_bounds(sample: Sample, interval_us: int) -> str:
    """Return what a sample contradicts in the theory, in words; empty for nothing.

    How late the run began, which the grid and the record say, is the machine's part and none of the theory's.
    """
    if sample.ended_us < sample.start_us:
        return "seen before it began"
    if sample.begun_us < sample.due_us - STAMP_US:
        return f"the run began {sample.due_us - sample.begun_us} us before it was due"
    if sample.due_us - sample.start_us >= interval_us + STAMP_US:
        return f"seen by the run that was due {sample.due_us - sample.start_us} us after it, not by the one before"
    return ""


def lateness_us(sample: Sample) -> int:
    """Return how long after its due instant the run began."""
    return max(sample.begun_us - sample.due_us, 0)


def waits(samples: Iterable[Sample], interval_us: int) -> list[float]:
    """Return from each failure to the due instant of the run that found it, as a share of the interval, sorted.

    Runs that were due before the failure and under way when it began are left out.
    """
    return sorted(
        (sample.due_us - sample.start_us) / interval_us
        for sample in samples
        if sample.due_us >= sample.start_us
    )


def distance(shares: Sequence[float]) -> float:
    """Return the greatest distance between the distribution of shares and the uniform one (Kolmogorov's)."""
    count = len(shares)
    return max(
        (
            max((place + 1) / count - share, share - place / count)
            for place, share in enumerate(sorted(shares))
        ),
        default=0.0,
    )


def longest_us(interval_us: int, probe_us: int, *, policy: str, retry_after_us: int = 0) -> int:
    """Return the longest that detection may take under a policy, for runs of `probe_us` each."""
    if policy == "one":
        return interval_us + probe_us
    if policy == "confirm":
        # The retry, or the next scheduled run that takes its place.
        return interval_us + max(2 * probe_us + retry_after_us, interval_us + probe_us)
    # Random instants in shares of the slot: two starts of one region lie up to two intervals apart.
    return 2 * interval_us + probe_us


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the value that a share of all lies at or below; None without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1))]
