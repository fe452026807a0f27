"""Figures of a run, as JSON and as tables for people. What is counted and judged is in score.py and theory.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.detection import theory
from bench.detection.configuration import INTERVAL_US, TIMEOUT_US
from bench.detection.records import Change
from bench.detection.scenarios import POLICIES, Expect, Policy, Scenario
from bench.detection.score import Score
from rich.console import Console
from rich.table import Table

MEDIAN_MARGIN = 0.05  # of an interval: half of the waits lie above the middle of an interval, by nature

Json = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that a run gave."""

    seed: int
    repeats: int
    seconds: float
    scenarios: Sequence[Scenario]
    left_out: Sequence[str]
    scores: Sequence[Score]
    strays: dict[str, list[Change]]
    longest_stall_us: int

    def of(self, policy: str, scenario: str | None = None) -> list[Score]:
        """Return the scores of a policy, of one scenario if named."""
        return [
            score
            for score in self.scores
            if score.window.policy == policy and scenario in (None, score.window.scenario)
        ]

    def samples(self) -> list[theory.Sample]:
        """Return the alerts of one of one that the theory speaks of."""
        return [
            theory.Sample(
                start_us=score.window.start_us,
                due_us=score.decided_due_us,
                begun_us=score.decided_start_us,
                ended_us=score.window.start_us + score.latency_us,
            )
            for score in self.steady("one")
            if score.latency_us is not None
            and score.decided_due_us is not None
            and score.decided_start_us is not None
        ]

    def waits(self, policy: str) -> list[int]:
        """Return the latencies of a policy's alerts less what the deciding runs took themselves."""
        return [
            score.latency_us - (score.probe_us or 0)
            for score in self.steady(policy)
            if score.latency_us is not None
        ]

    def lost_share(self) -> float:
        """Return the share of the planned samples of one of one that are unknown: the rest may be less even by it."""
        planned = [score for score in self.of("one") if score.expect is Expect.ALERT]
        return sum(bool(score.unknown) for score in planned) / max(len(planned), 1)

    def steady(self, policy: str) -> list[Score]:
        """Return the known scores of alerts that were due from the first run on: the fault strikes all the time."""
        matches = {each.id: each.fault.match for each in self.scenarios if each.fault is not None}
        unsteady = {name for name, match in matches.items() if match.rate < 1.0 or match.turns_us}
        return [
            score
            for score in self.of(policy)
            if score.expect is Expect.ALERT and not score.unknown and score.window.scenario not in unsteady
        ]


def faults(outcome: Outcome) -> list[str]:
    """Return every way in which a run missed the goal, in words."""
    found = [_words(score) for score in outcome.scores if not score.good]
    found += [
        f"{probe}: an alert before anything was broken" for probe, each in outcome.strays.items() if each
    ]
    found += [words for policy in POLICIES for words in _too_late(outcome, policy)]
    samples = outcome.samples()
    for sample in samples:
        if broken := theory.broken_bounds(sample, INTERVAL_US):
            found.append(f"theory, failure at {sample.start_us}: {broken}")
    apart = theory.distance(theory.waits(samples, INTERVAL_US))
    allowed = theory.MAX_DISTANCE + outcome.lost_share()
    if samples and apart > allowed:
        found.append(f"the waits are {apart:.3f} from uniform, more than {allowed:.2f}")
    median = theory.percentile(outcome.waits("one"), 0.5)
    if median is not None and median > INTERVAL_US * (0.5 + MEDIAN_MARGIN):
        found.append(f"the median wait is {median / 1e6:.3f} s, more than half an interval")
    return found


def _too_late(outcome: Outcome, policy: Policy) -> list[str]:
    """Return the alerts that took longer than the policy can take, in words."""
    found = []
    for score in outcome.steady(policy.name):
        # No run took longer than the timeout; with several in a row only the last one's own time is known here.
        probe_us = TIMEOUT_US if policy.retries else score.probe_us or 0
        longest_us = theory.longest_us(
            INTERVAL_US, probe_us, policy=policy.name, retry_after_us=policy.retry_after_us
        )
        if (score.latency_us or 0) > longest_us + theory.SLACK_US:
            found.append(f"{_words(score)}: took {score.latency_us} us, longer than {longest_us} us")
    return found


def _words(score: Score) -> str:
    window = score.window
    said = f"{score.verdict}, codes {', '.join(score.codes) or 'none'}"
    said += "" if score.recovered else ", not recovered"
    said += ", wrongly classified" if score.classified is False else ""
    return f"{window.scenario} / {window.policy} / repeat {window.repeat}: {said}"


def as_json(outcome: Outcome) -> Json:
    """Return everything as JSON."""
    return {
        "seed": outcome.seed,
        "repeats": outcome.repeats,
        "seconds": round(outcome.seconds, 1),
        "interval_us": INTERVAL_US,
        "left_out": list(outcome.left_out),
        "longest_stall_us": outcome.longest_stall_us,
        "policies": {policy.name: _policy_json(outcome, policy) for policy in POLICIES},
        "theory": _theory_json(outcome),
        "faults": faults(outcome),
        "samples": [
            asdict(score) | {"verdict": score.verdict, "good": score.good} for score in outcome.scores
        ],
    }


def _policy_json(outcome: Outcome, policy: Policy) -> Json:
    scores = outcome.of(policy.name)
    known = [score for score in scores if not score.unknown]
    alerts = [score for score in known if score.expect is Expect.ALERT]
    return {
        "samples": len(scores),
        "verdicts": dict(Counter(score.verdict for score in scores)),
        "classified": _ratio(score.classified for score in known if score.classified is not None),
        "latency_us": _quantiles([score.latency_us for score in alerts]),
        "wait_us": _quantiles(outcome.waits(policy.name)),
        "onset_us": _quantiles([score.onset_us for score in alerts]),
        "recovery_us": _quantiles([score.recovery_us for score in alerts]),
        "flaps": sum(max(score.alerts - 1, 0) for score in known),
    }


def _theory_json(outcome: Outcome) -> Json:
    samples = outcome.samples()
    return {
        "samples": len(samples),
        "distance_from_uniform": round(theory.distance(theory.waits(samples, INTERVAL_US)), 4),
        "most_allowed": theory.MAX_DISTANCE,
        "late_starts": sum(theory.lateness_us(sample) > theory.LATE_US for sample in samples),
        "contradictions": sum(bool(theory.broken_bounds(sample, INTERVAL_US)) for sample in samples),
    }


def _quantiles(values: Sequence[int | None]) -> Json:
    known = [value for value in values if value is not None]
    return {
        "n": len(known),
        "p50": theory.percentile(known, 0.5),
        "p95": theory.percentile(known, 0.95),
        "max": max(known, default=None),
    }


def _ratio(truths: Any) -> str:  # Any: an iterable of bools
    every = list(truths)
    return f"{sum(every)}/{len(every)}"


def show(outcome: Outcome, console: Console) -> None:
    """Print the tables."""
    console.print(_scenario_table(outcome))
    console.print(_policy_table(outcome))
    shown = _theory_json(outcome)
    console.print(
        f"theory, one of one: {shown['samples']} alerts, {shown['contradictions']} outside [0, interval) + the run's "
        f"own time; waits {shown['distance_from_uniform']:.3f} from uniform (at most {theory.MAX_DISTANCE}), "
        f"{shown['late_starts']} late starts"
    )
    console.print(
        f"seed {outcome.seed}, {outcome.repeats} repeats, {outcome.seconds:.0f} s; the target's longest stall: "
        f"{outcome.longest_stall_us / 1000:.0f} ms"
        + (f"; left out: {', '.join(outcome.left_out)}" if outcome.left_out else "")
    )
    for fault in (found := faults(outcome)):
        console.print(f"[red]MISS[/red] {fault}", soft_wrap=True)
    console.print("[green]goal met[/green]" if not found else f"[red]goal missed {len(found)} times[/red]")


def _scenario_table(outcome: Outcome) -> Table:
    table = Table(
        title="verdicts, median latency and recovery in seconds, failure codes seen", pad_edge=False
    )
    table.add_column("scenario")
    for policy in POLICIES:
        table.add_column(policy.name)
    for scenario in outcome.scenarios:
        star = "" if scenario.listed else " +"
        cells = [_cell(outcome.of(policy.name, scenario.id)) for policy in POLICIES]
        table.add_row(f"{scenario.id}{star}", *cells)
    return table


def _cell(scores: Sequence[Score]) -> str:
    counts = Counter(score.verdict for score in scores)
    known = [score for score in scores if not score.unknown]
    parts = [" ".join(f"{verdict} {count}" for verdict, count in sorted(counts.items()))]
    for values in ([score.latency_us for score in known], [score.recovery_us for score in known]):
        median = theory.percentile([value for value in values if value is not None], 0.5)
        parts += [f"{median / 1e6:.2f}"] if median is not None else []
    codes = sorted({code for score in known for code in score.codes})
    text = " · ".join([*parts, *([",".join(codes)] if codes else [])])
    return text if all(score.good for score in scores) else f"[red]{text}[/red]"


def _policy_table(outcome: Outcome) -> Table:
    table = Table(
        title="by policy: seconds, p50 / p95 / max; `wait` is latency less the deciding run's own time"
    )
    for column in (
        "policy",
        "verdicts",
        "latency",
        "wait",
        "recovery",
        "begin on record",
        "flaps",
        "classified",
    ):
        table.add_column(column)
    for policy in POLICIES:
        shown = _policy_json(outcome, policy)
        verdicts = " ".join(f"{name} {count}" for name, count in sorted(shown["verdicts"].items()))
        times = [_times(shown[key]) for key in ("latency_us", "wait_us", "recovery_us", "onset_us")]
        table.add_row(policy.name, verdicts, *times, str(shown["flaps"]), shown["classified"])
    return table


def _times(shown: Json) -> str:
    if not shown["n"]:
        return "-"
    return " / ".join(f"{shown[key] / 1e6:.2f}" for key in ("p50", "p95", "max"))
