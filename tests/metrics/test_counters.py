"""What adds up: each result and slot in its place, and nothing twice."""

from __future__ import annotations

import pytest
from support.exposing import config_of, record, result, view_of
from support.samples import samples_of, value

from checks.core.result import Outcome
from prober.metrics import Exposition
from prober.metrics.counters import BOUNDS_US
from prober.wire import Gap, Kind, Missed

HERE = {"probe": "web", "region": "fra"}


def exposition() -> Exposition:
    view = view_of(config_of({"web": "http"}, ["fra"]))
    made = Exposition(view, None)
    made.restructure(view)
    return made


def counts(made: Exposition, name: str, label: str) -> dict[str, float]:
    """Return what is not 0, by the value of a label."""
    found = {
        dict(labels).get(label): at for (sample, labels), at in samples_of(made).items() if sample == name
    }
    return {str(key): at for key, at in found.items() if at}


def test_scheduled_results_are_counted_by_outcome_and_are_fates_of_slots() -> None:
    made = exposition()
    for outcome, times in ((Outcome.PASS, 4), (Outcome.WARN, 3), (Outcome.FAIL, 2), (Outcome.VOID, 1)):
        for _ in range(times):
            made.take(1, record(1, result(outcome)))
    assert counts(made, "prober_results_total", "outcome") == {"pass": 4, "warn": 3, "fail": 2, "void": 1}
    assert counts(made, "prober_slots_total", "fate") == {"pass": 4, "warn": 3, "fail": 2, "void": 1}


def test_reruns_are_counted_apart_and_change_nothing_else() -> None:
    made = exposition()
    made.take(1, record(1))
    before = samples_of(made)
    made.take(1, record(1, result(Outcome.FAIL, failures=["connect_refused"]), Kind.RETRY))
    made.take(1, record(1, result(Outcome.FAIL, failures=["connect_refused"]), Kind.RECHECK))
    made.take(1, record(1, result(Outcome.FAIL, failures=["connect_refused"]), Kind.RECHECK))
    assert counts(made, "prober_reruns_total", "kind") == {"retry": 1, "recheck": 2}
    changed = {name for (name, labels), at in samples_of(made).items() if before.get((name, labels)) != at}
    assert changed <= {"prober_reruns_total", "prober_hub_cpu_seconds_total", "prober_hub_resident_bytes"}


@pytest.mark.parametrize("reason", list(Missed))
def test_missed_slots_are_counted_with_both_ends_of_the_gap(reason: Missed) -> None:
    made = exposition()
    made.gap(1, Gap(1, 7, 7, reason.value))
    made.gap(1, Gap(1, 10, 19, reason.value))
    assert counts(made, "prober_slots_total", "fate") == {reason.value: 11}


def test_every_outcome_and_fate_is_there_before_it_happens() -> None:
    """So that `increase` over the first one is not lost."""
    names = [(name, dict(labels)) for name, labels in samples_of(exposition())]
    assert {labels["outcome"] for name, labels in names if name == "prober_results_total"} == set(Outcome)
    fates = {labels["fate"] for name, labels in names if name == "prober_slots_total"}
    assert fates == {*Outcome, *Missed}
    assert {labels["kind"] for name, labels in names if name == "prober_reruns_total"} == {"retry", "recheck"}


def test_a_result_counts_under_its_gravest_failure_only() -> None:
    made = exposition()
    made.take(1, record(1, result(Outcome.FAIL, failures=["http_status", "slow"])))
    made.take(1, record(1, result(Outcome.WARN, failures=["slow"])))
    made.take(1, record(1, result(Outcome.VOID, failures=["agent_resolver"])))
    made.take(1, record(1))
    assert counts(made, "prober_failures_total", "code") == {"http_status": 1, "slow": 1, "agent_resolver": 1}


def test_what_this_version_does_not_know_is_counted_as_other_so_that_labels_stay_bounded() -> None:
    made = exposition()
    for number in range(3):
        made.take(1, record(1, result(Outcome.FAIL, failures=[f"code {number} of a newer agent"])))
        made.gap(1, Gap(1, number, number, f"reason {number}"))
    assert counts(made, "prober_failures_total", "code") == {"other": 3}
    assert counts(made, "prober_slots_total", "fate") == {"fail": 3, "other": 3}


@pytest.mark.parametrize("bound_us", BOUNDS_US)
def test_a_bucket_holds_its_upper_bound_and_not_a_micro_second_more(bound_us: int) -> None:
    made = exposition()
    made.take(1, record(1, result(phases_us={"wait": bound_us})))
    made.take(1, record(1, result(phases_us={"wait": bound_us + 1})))
    bucket = "prober_probe_duration_seconds_bucket"
    assert value(made, bucket, **HERE, le=repr(bound_us / 1e6)) == 1
    assert value(made, bucket, **HERE, le="+Inf") == 2
    assert value(made, "prober_probe_duration_seconds_count", **HERE) == 2
    assert value(made, "prober_probe_duration_seconds_sum", **HERE) == (2 * bound_us + 1) / 1e6


def test_durations_are_those_of_runs_that_passed() -> None:
    """A refused connection is no fast answer, and a timeout no slow one."""
    made = exposition()
    for outcome in Outcome:
        made.take(1, record(1, result(outcome, {"wait": 1_000})))
    assert value(made, "prober_probe_duration_seconds_count", **HERE) == 2


@pytest.mark.parametrize(
    ("late_us", "le", "held"), [(1_000, "0.001", 1), (1_001, "0.001", 0), (9_999_999, "+Inf", 1)]
)
def test_lateness_of_scheduled_starts_is_counted(late_us: int, le: str, held: int) -> None:
    made = exposition()
    made.take(1, record(1, late_us=late_us))
    made.take(1, record(1, kind=Kind.RETRY, late_us=late_us))
    assert value(made, "prober_start_lateness_seconds_bucket", le=le) == held
    assert value(made, "prober_start_lateness_seconds_count") == 1
    assert value(made, "prober_start_lateness_seconds_sum") == late_us / 1e6
