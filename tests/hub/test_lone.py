"""A region that is persistently alone in failing is warned of once; an outage that all see warns of nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.circles import NOW_US, S
from support.configs import loaded

from prober.hub.lone import EPISODES, LONG_US, WITHIN_US, Lone, Warned
from prober.hub.standing import Standing
from prober.hub.verdict import Change, State, region_subject

UP, DOWN, UNKNOWN = State.UP, State.DOWN, State.UNKNOWN
REGIONS = ("fra", "iad", "sin")
PROBES = loaded("""
regions:
  fra: {token: 0123456789abcdef-1}
  iad: {token: 0123456789abcdef-2}
  sin: {token: 0123456789abcdef-3}
probes:
  - {name: web, tcp: {address: "127.0.0.1:9"}}
  - {name: db, tcp: {address: "127.0.0.1:9"}}
  - {name: slow, interval: 10m, tcp: {address: "127.0.0.1:9"}}
  - {name: one, regions: [fra], tcp: {address: "127.0.0.1:9"}}
""").probes


def all_up(_probe: str, _region: str) -> Standing:
    return Standing(UP, NOW_US - 3600 * S)


def lone() -> Lone:
    made = Lone()
    assert made.configure(PROBES, all_up, NOW_US) == []
    return made


def turn(at_s: float, region: str, after: State, probe: str = "web") -> Change:
    at_us = NOW_US + int(at_s * S)
    return Change(
        subject=region_subject(probe, region), before=UNKNOWN, after=after, at_us=at_us, noted_us=at_us,
        because="",
    )  # fmt: skip


def note(to: Lone, *changes: Change) -> list[Warned]:
    return to.note(changes, max(change.noted_us for change in changes))


def at(to: Lone, at_s: float) -> list[Warned]:
    return to.note([], NOW_US + int(at_s * S))


def blip(to: Lone, at_s: float, region: str = "fra", probe: str = "web") -> list[Warned]:
    """A region fails alone for twenty seconds."""
    return note(to, turn(at_s, region, DOWN, probe)) + note(to, turn(at_s + 20, region, UP, probe))


def told(warnings: list[Warned]) -> list[tuple[str, bool, tuple[str, ...]]]:
    return [(warned.lonely.region, warned.begun, warned.lonely.probes) for warned in warnings]


@pytest.mark.parametrize(("probe", "long_s"), [("web", LONG_US // S), ("slow", 5 * 600)])
def test_a_long_stretch_alone_begins_a_warning_and_its_end_ends_it(probe: str, long_s: int) -> None:
    one = lone()
    assert note(one, turn(0, "fra", DOWN, probe)) == []
    assert at(one, long_s - 0.000001) == []
    assert one.alone("fra") is None
    assert told(at(one, long_s)) == [("fra", True, (probe,))]
    assert at(one, long_s + 60) == []
    lonely = one.alone("fra")
    assert lonely is not None
    assert (lonely.probes, lonely.since_us, lonely.episodes) == ((probe,), NOW_US, 1)
    assert told(note(one, turn(long_s + 90, "fra", UP, probe))) == [("fra", False, (probe,))]
    assert one.alone("fra") is None


def test_three_short_stretches_within_an_hour_begin_a_warning_until_one_is_too_old() -> None:
    one = lone()
    assert blip(one, 0) == []
    assert blip(one, 600, probe="db") == []
    assert told(blip(one, 1200)) == [("fra", True, ("db", "web"))]
    lonely = one.alone("fra")
    assert lonely is not None
    assert (lonely.since_us, lonely.episodes) == (NOW_US, EPISODES)
    hour_s = WITHIN_US // S
    assert at(one, 20 + hour_s) == []
    assert told(at(one, 20 + hour_s + 0.000001)) == [("fra", False, ("db", "web"))]


def test_stretches_of_different_regions_are_not_added_up() -> None:
    one = lone()
    assert [blip(one, 100 * number, region) for number, region in enumerate(REGIONS)] == [[], [], []]


def test_probes_that_fail_together_are_one_stretch() -> None:
    one = lone()
    for number in range(2):
        down = [turn(600 * number, "fra", DOWN, probe) for probe in ("web", "db", "slow")]
        up = [turn(600 * number + 30, "fra", UP, probe) for probe in ("web", "db", "slow")]
        assert note(one, *down) + note(one, *up) == []
    assert told(blip(one, 1200)) == [("fra", True, ("db", "slow", "web"))]


def test_short_failures_of_one_probe_after_another_make_a_long_stretch() -> None:
    one = lone()
    note(one, turn(0, "fra", DOWN, "web"))
    for number, (next_probe, before) in enumerate([("db", "web"), ("web", "db")] * 3, 1):
        note(one, turn(45 * number, "fra", DOWN, next_probe), turn(45 * number + 5, "fra", UP, before))
    assert told(at(one, 300)) == [("fra", True, ("db", "web"))]


def test_the_first_and_the_last_region_of_a_common_outage_are_not_alone() -> None:
    one = lone()
    for number in range(4):
        begin_s = 600 * number
        outage = [
            turn(begin_s, "fra", DOWN), turn(begin_s + 1, "iad", DOWN), turn(begin_s + 60, "iad", UP),
            turn(begin_s + 65, "fra", UP),
        ]  # fmt: skip
        assert [note(one, change) for change in outage] == [[], [], [], []]


def test_who_stays_down_long_after_the_others_recovered_is_alone() -> None:
    one = lone()
    note(one, turn(0, "fra", DOWN), turn(1, "iad", DOWN))
    note(one, turn(60, "iad", UP))
    assert told(at(one, 359)) == []
    assert told(at(one, 360)) == [("fra", True, ("web",))]


def test_a_region_that_is_unknown_is_no_witness() -> None:
    one = lone()
    note(one, turn(0, "sin", UNKNOWN), turn(0, "fra", DOWN))
    assert told(at(one, 300)) == [("fra", True, ("web",))]
    two = lone()
    note(two, turn(0, "sin", UNKNOWN), turn(0, "iad", UNKNOWN), turn(0, "fra", DOWN))
    assert at(two, 300) == []


def test_a_lone_failure_that_turns_unknown_counts_as_one() -> None:
    one = lone()
    for number in range(3):
        warned = note(one, turn(300 * number, "fra", DOWN))
        warned += note(one, turn(300 * number + 20, "fra", UNKNOWN))  # its canaries were out of reach too
        warned += note(one, turn(300 * number + 40, "fra", UP))
        assert told(warned) == ([("fra", True, ("web",))] if number == 2 else [])


def test_what_was_alone_before_the_start_is_taken_from_the_standings() -> None:
    def standing(probe: str, region: str) -> Standing:
        is_down = (probe, region) == ("web", "fra")
        return Standing(DOWN, NOW_US - 400 * S) if is_down else all_up(probe, region)

    one = Lone()
    assert told(one.configure(PROBES, standing, NOW_US)) == [("fra", True, ("web",))]
    assert one.configure(PROBES, standing, NOW_US + S) == []  # a reload changes nothing
    assert told(one.configure([], standing, NOW_US + 2 * S)) == [("fra", False, ("web",))]


def test_a_probe_that_is_taken_out_ends_its_stretch_and_counts_for_nothing() -> None:
    one = lone()
    blip(one, 0)
    blip(one, 100)
    note(one, turn(200, "fra", DOWN))
    assert one.configure(PROBES[1:], all_up, NOW_US + 210 * S) == []
    assert at(one, 1000) == []


def test_a_short_stretch_that_lives_through_a_reload_counts() -> None:
    def standing(probe: str, region: str) -> Standing:
        is_down = (probe, region) == ("web", "fra")
        return Standing(DOWN, NOW_US + 200 * S) if is_down else all_up(probe, region)

    one = lone()
    blip(one, 0)
    blip(one, 100)
    note(one, turn(200, "fra", DOWN))
    one.configure(PROBES, standing, NOW_US + 210 * S)
    assert told(note(one, turn(220, "fra", UP))) == [("fra", True, ("web",))]


def test_a_stretch_is_long_by_the_quickest_of_its_probes() -> None:
    one = lone()
    note(one, turn(0, "fra", DOWN, "web"), turn(10, "fra", DOWN, "slow"), turn(290, "fra", UP, "web"))
    assert told(at(one, 300)) == [("fra", True, ("slow", "web"))]


def test_while_a_region_is_warned_of_what_it_is_alone_at_now_is_shown_too() -> None:
    one = lone()
    for number in range(3):
        blip(one, 100 * number)
    assert note(one, turn(400, "fra", DOWN, "slow")) == []
    lonely = one.alone("fra")
    assert lonely is not None
    assert (lonely.probes, lonely.episodes) == (("slow", "web"), 4)


STEPS = st.lists(
    st.tuples(
        st.integers(1, 120),
        st.sampled_from(["web", "db"]),
        st.sampled_from(REGIONS),
        st.sampled_from([UP, DOWN, DOWN, UNKNOWN]),
    ),
    max_size=60,
)


@given(STEPS)
def test_stretches_are_counted_once_and_warnings_begin_and_end_in_turn(
    steps: list[tuple[int, str, str, State]],
) -> None:
    """Against a plain model: maximal times in which a region is alone somewhere, told of each step anew."""
    one = lone()
    states = {(probe, region): UP for probe in ("web", "db") for region in REGIONS}
    since: dict[str, float] = {}
    finished: dict[str, list[float]] = {region: [] for region in REGIONS}
    warned: set[str] = set()
    now_s = 0
    for later_s, probe, region, after in steps:
        now_s += later_s
        states[probe, region] = after
        found = note(one, turn(now_s, region, after, probe))
        found += note(one, turn(now_s, region, after, probe))  # told twice
        for name in REGIONS:
            is_alone = any(_is_alone(states, each, name) for each in ("web", "db"))
            if not is_alone and name in since:
                del since[name]
                finished[name].append(now_s)
            elif is_alone:
                since.setdefault(name, now_s)
        for warning in found:
            assert warning.begun == (warning.lonely.region not in warned)
            warned ^= {warning.lonely.region}
        for name in REGIONS:
            recent = [end for end in finished[name] if now_s - end <= 3600]
            is_long = name in since and now_s - since[name] >= 300
            assert (one.alone(name) is not None) == (name in warned)
            assert not is_long or name in warned
            assert name not in warned or is_long or len(recent) >= EPISODES


def _is_alone(states: dict[tuple[str, str], State], probe: str, region: str) -> bool:
    others = [states[probe, other] for other in REGIONS if other != region]
    return states[probe, region] is DOWN and DOWN not in others and UP in others
