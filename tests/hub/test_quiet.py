"""All agents silent at once is told as one thing; what of it becomes unknown is not told a hundred times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.circles import NOW_US, SILENCE, S, policy

from prober.hub.quiet import LONGEST_SETTLING_US, Hearing, Quiet, heard_of, limits_of
from prober.hub.verdict import Change, State
from prober.hub.view import AgentView

UP, DOWN, UNKNOWN = State.UP, State.DOWN, State.UNKNOWN
LIMITS = {"fra": SILENCE, "iad": SILENCE}
SILENCE_S = SILENCE // S
GONE = "no agent is heard of: nothing is known of what is watched"
BACK = "agents are heard of again"
STILL = "agents are heard of, but some of what is watched is unknown still"


def quiet(limits: dict[str, int] = LIMITS) -> Quiet:
    made = Quiet()
    made.configure(limits, NOW_US)
    return made


def us(at_s: float) -> int:
    return NOW_US + int(at_s * S)


def change(subject: str = "probe:web", after: State = UNKNOWN, before: State = UP) -> Change:
    return Change(subject=subject, before=before, after=after, at_us=NOW_US, noted_us=NOW_US, because="")


def hear(to: Quiet, now_s: float, **heard_s: float) -> list[str]:
    """Note when regions were heard of; return the words of the lines that are due. Nothing may be told singly."""
    to.note({region: us(at_s) for region, at_s in heard_s.items()}, us(now_s))
    lines, singly = to.tell((), us(now_s))
    assert singly == []
    return [line.words for line in lines]


def settled(limits: dict[str, int] = LIMITS) -> Quiet:
    """One whose agents have been heard of for a while; it is 100 s after the start."""
    made = quiet(limits)
    assert hear(made, 100, **dict.fromkeys(limits, 100.0)) == []
    assert made.hearing is Hearing.WELL
    return made


def tell(to: Quiet, at_s: float, *changes: Change) -> list[Change]:
    """Return what is to be said singly; no line may be due."""
    lines, singly = to.tell(changes, us(at_s))
    assert lines == []
    return singly


def test_a_region_is_silent_from_its_limit_on_and_is_told_of_once() -> None:
    one = settled()
    assert hear(one, 100 + SILENCE_S - 0.000001, iad=170) == []
    assert hear(one, 100 + SILENCE_S, iad=170) == ["nothing is heard of this region"]
    assert one.silent == {"fra"}
    assert one.all_silent_since_us == 0
    assert hear(one, 180, iad=180) == []
    assert hear(one, 190, fra=189, iad=189) == ["this region is heard of again"]


def test_when_all_are_silent_one_line_says_so_and_since_when() -> None:
    one = settled()
    assert hear(one, 110, fra=105) == []
    assert hear(one, 105 + SILENCE_S, fra=105) == [GONE]
    assert (one.all_silent_since_us, one.silent) == (us(105), {"fra", "iad"})
    assert hear(one, 300) == []
    assert hear(one, 301, iad=301) == [BACK]
    assert one.all_silent_since_us == 0


def test_what_becomes_unknown_while_all_are_silent_is_not_told_singly() -> None:
    one = settled()
    assert hear(one, 100 + SILENCE_S) == [GONE]
    hundred = [change(f"probe:p{number}") for number in range(100)]
    assert tell(one, 200, *hundred, change("service:shop")) == []
    assert tell(one, 201, change("probe:db", DOWN, UNKNOWN)) == [change("probe:db", DOWN, UNKNOWN)]


def test_what_becomes_unknown_before_it_shows_that_all_are_silent_is_not_told_either() -> None:
    """Probes are seen last at different instants: the first is unknown an interval before the last agent is missed."""
    one = settled()
    assert tell(one, 140, change()) == []
    assert hear(one, 100 + SILENCE_S) == [GONE]
    assert tell(one, 400) == []


def test_what_becomes_unknown_while_agents_deliver_is_told_as_soon_as_one_has() -> None:
    one = settled()
    assert tell(one, 140, change()) == []
    one.note({"iad": us(140)}, us(140))
    assert tell(one, 140) == []
    one.note({"iad": us(141)}, us(141))
    assert tell(one, 141) == [change()]
    assert tell(one, 142) == []


def test_a_change_is_not_held_for_longer_than_agents_are_waited_for() -> None:
    one = quiet({"fra": SILENCE, "hourly": 7300 * S})
    assert hear(one, 300, fra=300, hourly=300) == []
    assert tell(one, 301, change()) == []
    assert tell(one, 301 + SILENCE_S - 0.000001) == []
    assert tell(one, 301 + SILENCE_S) == [change()]


def test_what_was_held_and_is_known_again_needs_no_words() -> None:
    one = settled()
    tell(one, 140, change())
    again = change(after=UP, before=UNKNOWN)
    assert tell(one, 140.5, again) == [again]
    one.note({"iad": us(150)}, us(150))
    assert tell(one, 150) == []


def test_after_the_start_one_line_names_what_is_unknown_still() -> None:
    one = quiet()
    names = [f"p{number}" for number in range(8)]
    assert tell(one, 1, *(change(f"probe:{name}") for name in names), change("service:shop")) == []
    assert tell(one, 2, change("probe:p0", UP, UNKNOWN)) == [change("probe:p0", UP, UNKNOWN)]
    one.note({"fra": us(70), "iad": us(70)}, us(SILENCE_S - 0.000001))
    assert tell(one, SILENCE_S - 0.000001) == []
    lines, singly = one.tell((), us(SILENCE_S))
    assert [(line.words, line.facts) for line in lines] == [
        (STILL, {"probes": 7, "services": 1, "subjects": "p1, p2, p3, p4, p5"})
    ]
    assert singly == []
    assert tell(one, 200) == []


def test_after_the_start_nothing_is_said_when_all_is_known() -> None:
    one = quiet()
    tell(one, 1, change())
    tell(one, 2, change(after=UP, before=UNKNOWN))
    assert hear(one, 100, fra=100, iad=100) == []
    assert one.hearing is Hearing.WELL


def test_agents_that_never_come_are_silent_since_the_start() -> None:
    one = quiet()
    assert hear(one, SILENCE_S - 0.000001) == []
    assert hear(one, SILENCE_S) == [GONE]
    assert one.all_silent_since_us == NOW_US


def test_agents_that_are_back_have_their_time_to_tell_before_what_is_unknown_is_told() -> None:
    one = settled()
    assert hear(one, 200) == [GONE]
    tell(one, 201, change("probe:web"), change("probe:db"))
    assert hear(one, 300, iad=300) == [BACK]
    tell(one, 310, change("probe:web", UP, UNKNOWN))
    assert hear(one, 300 + SILENCE_S - 0.000001, iad=374) == []
    assert hear(one, 300 + SILENCE_S, iad=374) == [STILL, "nothing is heard of this region"]


def test_while_the_store_cannot_be_written_no_silence_is_theirs() -> None:
    one = settled()
    one.store(False, us(110))
    tell(one, 120, change())
    assert hear(one, 400) == []
    assert (one.silent, one.all_silent_since_us) == (frozenset(), 0)
    one.store(True, us(410))
    assert hear(one, 410 + SILENCE_S - 0.000001, fra=484, iad=484) == []
    assert hear(one, 410 + SILENCE_S, fra=484, iad=484) == [STILL]


def test_a_store_that_cannot_be_written_brings_no_agent_back() -> None:
    one = settled()
    assert hear(one, 200) == [GONE]
    one.store(False, us(210))
    assert hear(one, 220) == []
    one.store(True, us(230))
    assert hear(one, 240) == []
    assert one.all_silent_since_us == us(100)


def test_a_wall_clock_that_is_set_back_makes_nobody_heard_for_longer() -> None:
    one = settled()
    assert hear(one, -3600) == []
    assert hear(one, -3600 + SILENCE_S) == [GONE]


def test_a_new_region_has_its_limit_from_when_it_was_configured() -> None:
    one = settled()
    one.configure({**LIMITS, "sin": SILENCE}, us(150))
    assert hear(one, 200, fra=200, iad=200) == []
    assert hear(one, 150 + SILENCE_S, fra=200, iad=200) == ["nothing is heard of this region"]
    one.configure(LIMITS, us(230))
    assert hear(one, 231, fra=231, iad=231) == []


def test_until_regions_are_known_every_change_is_told_as_it_comes() -> None:
    one = Quiet()
    one.note({}, us(1000))
    assert tell(one, 1000, change()) == [change()]
    assert one.all_silent_since_us == 0


def test_settling_leaves_agents_a_minute_and_is_not_begun_anew_by_a_reload() -> None:
    one = quiet({"fra": 10 * S})
    tell(one, 1, change())
    one.configure({"fra": 10 * S}, us(50))
    assert hear(one, 60 - 0.000001, fra=59) == []
    assert hear(one, 60, fra=59) == [STILL]


def test_settling_is_bounded_however_slow_probes_are() -> None:
    one = quiet({"fra": 7300 * S})
    tell(one, 1, change())
    assert hear(one, LONGEST_SETTLING_US / S) == [STILL]


def test_limits_are_those_of_the_quickest_probe_of_each_region() -> None:
    slow = policy("slow", ("fra", "iad"))
    quick = policy("quick", ("fra",))
    object.__setattr__(slow, "silence_us", 500 * S)
    told = policy("job", ("hub",), is_told=True)
    assert limits_of([slow, quick, told]) == {"fra": SILENCE, "iad": 500 * S}


def test_a_region_is_heard_of_by_any_of_its_agents() -> None:
    agents = [
        AgentView(name="local-1", regions=("fra", "iad"), last_batch_us=5),
        AgentView(name="iad-1", regions=("iad",), last_batch_us=7),
        AgentView(name="sin-1", regions=("sin",)),
    ]
    assert heard_of(agents) == {"fra": 5, "iad": 7, "sin": 0}


STEPS = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.sampled_from(
            ["hear fra", "hear iad", "unknown", "unknown", "up", "down", "lock", "unlock", "time"]
        ),
        st.integers(0, 20),
    ),
    max_size=80,
)


@given(STEPS)
def test_nothing_is_told_twice_and_what_is_held_is_bounded(steps: list[tuple[int, str, int]]) -> None:
    """Every change that is not to UNKNOWN is told at once; every one to UNKNOWN at most once, singly or in a line."""
    one = quiet()
    heard = {"fra": 0.0, "iad": 0.0}
    now_s, lines_told, held, told = 0.0, [], 0, 0
    for later_s, what, number in steps:
        now_s += later_s
        changes = []
        if what.startswith("hear"):
            heard[what[5:]] = now_s
        elif what in ("unknown", "up", "down"):
            after = State(what)
            changes = [change(f"probe:p{number}", after, UP if after is UNKNOWN else UNKNOWN)]
            held += after is UNKNOWN
        elif what != "time":
            one.store(what == "unlock", us(now_s))
        one.note({region: us(at_s) for region, at_s in heard.items()}, us(now_s))
        lines, singly = one.tell(changes, us(now_s))
        lines_told += [line.words for line in lines if line.words in (GONE, BACK)]
        assert [each for each in singly if each.after is not UNKNOWN] == [
            each for each in changes if each.after is not UNKNOWN
        ]
        told += sum(each.after is UNKNOWN for each in singly)
        told += sum(int(str(line.facts["probes"])) for line in lines if line.words == STILL)
        assert told <= held
        if one.hearing is not Hearing.WELL:
            assert all(each.after is not UNKNOWN for each in singly)
    assert lines_told == [GONE, BACK] * (len(lines_told) // 2) + [GONE] * (len(lines_told) % 2)
