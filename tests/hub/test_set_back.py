"""A wall clock that was set back: states follow what is seen, although all of it seems to be past."""

from __future__ import annotations

import pytest

from checks.core.result import Outcome
from prober.hub.fold import Fold
from prober.hub.verdict import SET_BACK_US, Change, ProbePolicy, Seen, State

SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
T0_US = 10 * HOUR_US
SILENCE_US = 75 * SECOND_US


def fold() -> Fold:
    """Return the fold of one probe in one region, up since T0."""
    made = Fold([ProbePolicy(name="web", regions=("fra",), quorum=1, retries=0, silence_us=SILENCE_US)], [])
    look(made, T0_US)
    return made


def look(to: Fold, at_us: int, outcome: Outcome = Outcome.PASS, *, scheduled: bool = True) -> list[Change]:
    """Feed one run."""
    code = "connect_refused" if outcome is Outcome.FAIL else ""
    return to.take(
        Seen(
            probe="web",
            region="fra",
            scheduled=scheduled,
            outcome=outcome,
            code=code,
            started_us=at_us,
            ended_us=at_us + 1000,
        )
    )


def test_an_outage_in_time_that_is_lived_again_is_noticed_and_so_is_its_end() -> None:
    made = fold()
    back_us = T0_US - HOUR_US
    look(made, back_us, scheduled=False)
    look(made, back_us + SECOND_US, Outcome.FAIL, scheduled=False)
    assert made.probe("web").state is State.DOWN
    look(made, back_us + 2 * SECOND_US, scheduled=False)
    assert made.probe("web").state is State.UP


@pytest.mark.parametrize(("behind_us", "after"), [(SET_BACK_US, State.UP), (SET_BACK_US + 1, State.DOWN)])
def test_what_is_only_a_little_late_does_not_turn_time_back(behind_us: int, after: State) -> None:
    made = fold()
    look(made, T0_US - behind_us, Outcome.FAIL)
    assert made.probe("web").state is after


def test_silence_counts_from_the_time_that_was_set_back() -> None:
    made = fold()
    look(made, T0_US - HOUR_US, scheduled=False)
    assert made.advance(T0_US - HOUR_US + SILENCE_US - 1) == []
    assert [change.after for change in made.advance(T0_US - HOUR_US + SILENCE_US)] == [State.UNKNOWN] * 2


def test_no_change_is_dated_before_one_on_record() -> None:
    made = fold()
    changes = look(made, T0_US - HOUR_US, Outcome.FAIL, scheduled=False)
    assert {change.at_us for change in changes} == {T0_US}


def test_once_the_time_is_new_again_a_recheck_opens_no_outage() -> None:
    made = fold()
    look(made, T0_US - HOUR_US, scheduled=False)
    look(made, T0_US + SECOND_US)
    look(made, T0_US + 2 * SECOND_US, Outcome.FAIL, scheduled=False)
    assert made.probe("web").state is State.UP


def test_after_a_restart_the_newest_run_on_record_may_lie_ahead() -> None:
    made = Fold([ProbePolicy(name="web", regions=("fra",), quorum=1, retries=0, silence_us=SILENCE_US)], [])
    made.restore("region:web@fra", State.UP, T0_US, "answers as expected")
    made.restore("probe:web", State.UP, T0_US, "all regions up")
    made.restore_evidence("web", "fra", T0_US, None)
    look(made, T0_US - HOUR_US, Outcome.FAIL, scheduled=False)
    assert made.probe("web").state is State.DOWN
