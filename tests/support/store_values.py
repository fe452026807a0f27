"""Values for store tests: plain ones with every field settable, and generated sequences of writes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from checks.core.result import Failure, Outcome, Result
from prober.store.base import (
    CallRow,
    ChangeRow,
    Detail,
    GapRow,
    Receipt,
    ResultRow,
    RunRow,
    SeriesRow,
    WriteSet,
)

T0_US = 1_790_000_010_000_000
INTERVAL_US = 30_000_000
SLOT = T0_US // INTERVAL_US


def series_row(
    probe: str = "web", region: str = "fra", **fields: Any
) -> SeriesRow:  # Any: fields of many types
    values: dict[str, Any] = {
        "number": 0,
        "interval_us": INTERVAL_US,
        "schedule": "stratified",
        "regions": ("fra", "iad"),
        "created_us": T0_US,
    }
    return SeriesRow(probe=probe, region=region, **(values | fields))


def result_row(series: int, slot: int, outcome: str = "pass", **fields: Any) -> ResultRow:
    values: dict[str, Any] = {"kind": 0, "late_us": 0, "started_us": 0, "duration_us": 1234}
    return ResultRow(series=series, slot=slot, outcome=outcome, **(values | fields))


def run_row(series: int, number: int, **fields: Any) -> RunRow:
    values: dict[str, Any] = {
        "outcome": "pass",
        "code": None,
        "first_us": T0_US,
        "first_end_us": T0_US + 900,
        "last_us": T0_US + INTERVAL_US,
        "last_end_us": T0_US + INTERVAL_US + 1100,
        "count": 2,
        "longest_gap_us": INTERVAL_US,
    }
    return RunRow(series=series, number=number, **(values | fields))


def detail(
    series: int, slot: int, kind: int = 0, started_us: int = T0_US, code: str = "http_status"
) -> Detail:
    result = Result(
        outcome=Outcome.FAIL,
        started_us=started_us,
        duration_us=1234,
        phases_us={"connect": 234, "wait": 1000},
        failures=(Failure(code, "status 500, expected 200–299"),),
        facts={"status": 500, "address": "192.0.2.7", "sizes": [1, 2.5, None, True]},
    )
    return Detail(series=series, slot=slot, kind=kind, digest="d" * 64, agent="local", result=result)


def change(subject: str = "probe:web", at_us: int = T0_US, after: str = "down", **fields: Any) -> ChangeRow:
    values: dict[str, Any] = {"noted_us": at_us + 5, "before": "up", "because": "http_status in fra, iad"}
    return ChangeRow(subject=subject, at_us=at_us, after=after, **(values | fields))


def gap(series: int, first: int, last: int, reason: str = "agent_off") -> GapRow:
    return GapRow(series=series, first_slot=first, last_slot=last, reason=reason)


def call(probe: str = "backup", at_us: int = T0_US, verb: str = "success", **fields: Any) -> CallRow:
    values: dict[str, Any] = {"exit_code": None, "output": ""}
    return CallRow(probe=probe, at_us=at_us, verb=verb, **(values | fields))


def receipt(sequence: int, agent: str = "local", epoch: int = 7) -> Receipt:
    return Receipt(agent=agent, epoch=epoch, sequence=sequence, hash=sequence.to_bytes(32, "big"))


@st.composite
def writes(draw: st.DrawFn, series: int = 3) -> list[WriteSet]:
    """Draw what a hub writes over some rounds: slots in any order, runs that follow their outcomes, receipts."""
    open_runs: dict[int, RunRow] = {}
    written = []
    for sequence in range(draw(st.integers(1, 6))):
        batch = WriteSet(receipts=[receipt(sequence)])
        for _ in range(draw(st.integers(0, 8))):
            _add(draw, batch, draw(st.integers(1, series)), open_runs)
        written.append(batch)
    return written


def _add(draw: st.DrawFn, batch: WriteSet, series: int, open_runs: dict[int, RunRow]) -> None:
    slot = SLOT + draw(st.integers(-30, 30))
    outcome = draw(st.sampled_from(["pass", "warn", "fail", "void"]))
    kind = draw(st.sampled_from([0, 0, 0, 1, 2]))
    late_us = draw(st.sampled_from([0, 5000, 5001, -3]))
    started_us = slot * INTERVAL_US + late_us + kind
    batch.results.append(
        result_row(series, slot, outcome, kind=kind, late_us=late_us, started_us=started_us if kind else 0)
    )
    if outcome != "pass":
        batch.details.append(detail(series, slot, kind, started_us))
    if draw(st.booleans()):
        batch.gaps.append(gap(series, slot + 100, slot + 100 + draw(st.integers(0, 3))))
    run = open_runs.get(series)
    if run is None or run.outcome != outcome:
        run = run_row(series, run.number + 1 if run else 1, outcome=outcome, count=0)
    grown = run_row(series, run.number, outcome=outcome, count=run.count + 1, last_end_us=run.last_end_us + 7)
    open_runs[series] = grown
    batch.runs.append(grown)
    batch.changes.append(change(at_us=slot, after=outcome))
