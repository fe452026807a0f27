"""What the detection benchmark calls right and wrong: both sides of every rule, on fixed instants."""

from __future__ import annotations

import pytest
from bench.detection.records import Change, Record, Run
from bench.detection.scenarios import Expect
from bench.detection.score import STALL_US, TIGHT_STALL_US, Asked, Score, score, stray_alarms
from bench.detection.truth import Stall, Window

START, END, NEXT, TIMEOUT = 100_000_000, 106_000_000, 111_000_000, 800_000
WINDOW = Window(scenario="s", policy="one", repeat=0, start_us=START, end_us=END)


def change(after: str, noted_us: int, at_us: int | None = None) -> Change:
    return Change(after=after, at_us=noted_us if at_us is None else at_us, noted_us=noted_us)


def failed(started_us: int, code: str = "http_status", outcome: str = "fail", took_us: int = 1_000) -> Run:
    return Run(
        region="fra",
        kind="scheduled",
        outcome=outcome,
        code=code,
        due_us=started_us,
        started_us=started_us,
        ended_us=started_us + took_us,
    )


def scored(
    *changes: Change,
    runs: tuple[Run, ...] = (),
    gaps: tuple[tuple[int, int], ...] = (),
    stalls: tuple[Stall, ...] = (),
    expect: Expect = Expect.ALERT,
    code: str = "http_status",
    tight: bool = False,
) -> Score:
    asked = Asked(expect=expect, codes=frozenset({code}), tight=tight, timeout_us=TIMEOUT)
    return score(asked, WINDOW, NEXT, Record(probe="p", changes=changes, runs=runs, gaps=gaps), stalls)


UP = change("up", END + 300_000)


def test_an_alert_inside_the_window_is_a_true_positive_with_its_times() -> None:
    found = scored(
        change("down", START + 401_000, START + 400_000),
        UP,
        runs=(failed(START + 400_000), failed(END - 1_000)),
    )
    assert (found.verdict, found.good) == ("TP", True)
    assert (found.latency_us, found.onset_us, found.recovery_us) == (401_000, 400_000, 300_000)
    assert (found.probe_us, found.decided_start_us, found.classified) == (1_000, START + 400_000, True)


def test_no_alert_is_a_false_negative() -> None:
    found = scored()
    assert (found.verdict, found.good, found.latency_us) == ("FN", False, None)


def test_the_window_ends_with_the_failure_and_an_alert_after_it_is_both_wrong() -> None:
    late = scored(change("down", END + 1), change("up", END + 2))
    assert scored(change("down", END), UP).verdict == "TP"
    assert (late.verdict, late.missed, late.false_alarms) == ("FN+FP", True, 1)


@pytest.mark.parametrize(("after_end_us", "verdict"), [(TIMEOUT, "TP"), (TIMEOUT + 1, "FN+FP")])
def test_the_window_of_a_delay_is_prolonged_by_it(after_end_us: int, verdict: str) -> None:
    found = scored(change("down", END + after_end_us), change("up", END + 2_000_000), code="timeout_headers")
    assert found.verdict == verdict


def test_an_alert_right_at_the_start_counts_and_one_before_it_does_not() -> None:
    assert scored(change("down", START), UP).verdict == "TP"
    assert scored(change("down", START - 1), UP).verdict == "FN"


def test_a_second_alert_after_the_end_is_a_false_positive() -> None:
    found = scored(change("down", START + 1), UP, change("down", END + 900_000), change("up", END + 950_000))
    assert (found.verdict, found.detected, found.alerts) == ("FP", True, 2)


def test_what_does_not_come_up_again_is_not_good() -> None:
    found = scored(change("down", START + 1))
    assert (found.verdict, found.recovered, found.good) == ("TP", False, False)


def test_a_code_that_was_not_expected_is_a_wrong_classification() -> None:
    runs = (failed(START + 10), failed(START + 1_000_000, "connect_refused"))
    found = scored(change("down", START + 1_010), UP, runs=runs)
    assert (found.classified, found.good, found.codes) == (False, False, ("connect_refused", "http_status"))


def test_runs_that_began_before_the_failure_or_ended_after_it_are_not_classified() -> None:
    runs = (failed(START - 1, "connect_refused"), failed(START + 10), failed(END - 10, "connect_refused"))
    assert scored(change("down", START + 1_010), UP, runs=runs).classified is True


@pytest.mark.parametrize("state", ["down", "degraded"])
def test_where_silence_is_right_any_alarm_is_a_false_positive(state: str) -> None:
    assert scored(expect=Expect.SILENCE).verdict == "TN"
    found = scored(change(state, START + 5), change("up", START + 9), expect=Expect.SILENCE)
    assert (found.verdict, found.good) == ("FP", False)


def test_one_region_failing_is_degraded_and_down_is_a_false_positive() -> None:
    degraded, down = change("degraded", START + 5), change("down", START + 9)
    assert scored(degraded, UP, expect=Expect.DEGRADED).verdict == "TP"
    assert scored(degraded, down, UP, expect=Expect.DEGRADED).verdict == "FP"
    assert scored(expect=Expect.DEGRADED).verdict == "FN"
    assert scored(degraded, UP).verdict == "FN"


def test_an_advisory_is_detected_missed_or_a_false_outage() -> None:
    warned = failed(START + 5, "tls_expiring", "warn")
    told = scored(runs=(warned,), expect=Expect.WARN, code="tls_expiring")
    assert (told.verdict, told.latency_us, told.classified) == ("detected", 1_005, True)
    assert scored(expect=Expect.WARN).verdict == "missed"
    outage = scored(change("down", START + 9), UP, runs=(warned,), expect=Expect.WARN, code="tls_expiring")
    assert (outage.verdict, outage.good) == ("FP", False)


def test_a_void_run_before_detection_makes_it_unknown_and_one_after_does_not() -> None:
    alert = change("down", START + 1_401_000)
    seen = failed(START + 1_400_000)
    before = scored(alert, UP, runs=(failed(START + 400_000, "agent_stalled", "void"), seen))
    after = scored(alert, UP, runs=(seen, failed(START + 2_400_000, "agent_stalled", "void")))
    assert (before.verdict, before.good) == ("unknown", True)
    assert after.verdict == "TP"
    assert scored(runs=(failed(END - 5_000, "agent_stalled", "void"),)).verdict == "unknown"
    assert scored(runs=(failed(END, "agent_stalled", "void"),)).verdict == "FN"


def test_a_void_run_excuses_no_false_alarm() -> None:
    void = failed(START + 1, "agent_stalled", "void")
    assert scored(change("down", START + 5), UP, runs=(void,), expect=Expect.SILENCE).verdict == "FP"


def test_a_missed_slot_before_detection_makes_it_unknown() -> None:
    alert = change("down", START + 1_000)
    assert scored(alert, UP, gaps=((START - 500, START + 1),)).verdict == "unknown"
    assert scored(alert, UP, gaps=((START - 500, START),)).verdict == "TP"
    assert scored(alert, UP, gaps=((START + 1_000, START + 9_000),)).verdict == "TP"


@pytest.mark.parametrize(("tight", "limit_us"), [(False, STALL_US), (True, TIGHT_STALL_US)])
def test_a_target_that_stood_still_says_nothing(tight: bool, limit_us: int) -> None:
    def with_stall(from_us: int, length_us: int) -> str:
        stall = Stall(from_us, from_us + length_us)
        return scored(change("down", START + 1), UP, stalls=(stall,), tight=tight).verdict

    assert with_stall(START, limit_us + 1) == "unknown"
    assert with_stall(START, limit_us) == "TP"
    assert with_stall(NEXT, limit_us + 1) == "TP"
    assert with_stall(START - TIMEOUT - limit_us - 1, limit_us + 1) == "TP"


def test_short_stalls_add_up() -> None:
    stalls = tuple(
        Stall(START + each, START + each + STALL_US // 4 + 1) for each in (0, 10**6, 2 * 10**6, 3 * 10**6)
    )
    assert scored(change("down", START + 1), UP, stalls=stalls).verdict == "unknown"
    assert scored(change("down", START + 1), UP, stalls=stalls[:3]).verdict == "TP"


def test_alerts_before_the_first_failure_are_strays() -> None:
    record = Record(probe="p", changes=(change("down", START - 1), UP, change("down", START)), runs=())
    assert stray_alarms(record, [WINDOW], []) == [change("down", START - 1)]
    assert stray_alarms(record, [WINDOW], [Stall(0, STALL_US)]) == [change("down", START - 1)]
    assert stray_alarms(record, [WINDOW], [Stall(0, STALL_US + 1)]) == []
