"""The demo's script: what it promises to whoever watches it, checked for every second of its cycle."""

from __future__ import annotations

import itertools

import pytest

from prober.demo.configuration import REGIONS
from prober.demo.script import ACTS, CYCLE_SECONDS, SINGAPORE, VIRGINIA, Act, Mode, Service, mode_at

SECOND_US = 1_000_000
SOURCES = [address for _, _, address in REGIONS]


def _in_trouble(second: int) -> set[Service]:
    return {
        service
        for service in Service
        if any(mode_at(service, second * SECOND_US, source) is not Mode.GOOD for source in SOURCES)
    }


def test_never_more_than_a_third_is_in_trouble() -> None:
    for second in range(CYCLE_SECONDS):
        assert len(_in_trouble(second)) * 3 <= len(Service), f"second {second}"


def test_something_breaks_early_and_everything_recovers() -> None:
    broken_for_all = {
        second
        for second in range(15)
        if any(mode_at(service, second * SECOND_US) not in (Mode.GOOD, Mode.SLOW) for service in Service)
    }
    assert min(broken_for_all) <= 6  # leaves an interval, a retry and a commit until second 15
    for service in Service:
        assert mode_at(service, (CYCLE_SECONDS - 1) * SECOND_US) is Mode.GOOD


def test_one_service_at_least_is_always_good() -> None:
    troubled = set().union(*(_in_trouble(second) for second in range(CYCLE_SECONDS)))
    assert Service.API not in troubled
    assert len(troubled) >= 6


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.service}-{act.mode}")
def test_an_act_lasts_from_its_first_to_before_its_last_microsecond(act: Act) -> None:
    start_us, end_us = act.start_s * SECOND_US, act.end_s * SECOND_US
    assert mode_at(act.service, start_us - 1, act.only) is not act.mode
    assert mode_at(act.service, start_us, act.only) is act.mode
    assert mode_at(act.service, end_us - 1, act.only) is act.mode
    assert mode_at(act.service, end_us, act.only) is not act.mode


def test_acts_of_a_service_do_not_overlap_and_fit_the_cycle() -> None:
    for service in Service:
        acts = sorted((act for act in ACTS if act.service is service), key=lambda act: act.start_s)
        assert all(0 <= act.start_s < act.end_s <= CYCLE_SECONDS for act in acts)
        assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(acts))


def test_the_script_repeats() -> None:
    for second in range(CYCLE_SECONDS):
        for service in Service:
            later = (second + 7 * CYCLE_SECONDS) * SECOND_US
            assert mode_at(service, second * SECOND_US) is mode_at(service, later)


def test_one_region_alone_sees_its_own_failure() -> None:
    (act,) = (act for act in ACTS if act.only is not None)
    during_us = act.start_s * SECOND_US
    assert act.only == SINGAPORE
    assert mode_at(act.service, during_us, SINGAPORE) is act.mode
    assert mode_at(act.service, during_us, VIRGINIA) is Mode.GOOD
    assert mode_at(act.service, during_us) is Mode.GOOD
