"""The tables of regions: 80 columns whatever comes, trouble first, and only the probes on which regions disagree."""

from __future__ import annotations

import msgspec
import pytest
from support.drawing import drawn

from prober.cli.answers import FailureAnswer, LastAnswer, RatioAnswer
from prober.cli.answers_regions import (
    ClockAnswer,
    RegionsAnswer,
    RemoteAnswer,
    SeenAnswer,
    ShareAnswer,
    SpoolAnswer,
    TroubleAnswer,
    WatchAnswer,
)
from prober.cli.regions_board import MAX_PROBES, MAX_REASONS, MAX_TROUBLES, is_bad, regions_board

NOW_US = 1_773_583_331_000_000
MINUTE_US = 60_000_000
NONE = ShareAnswer(count=0, ratio=RatioAnswer(text="0.000"))
SOME = ShareAnswer(count=10, ratio=RatioAnswer(text="0.012"))


def agent(name: str = "iad-1a2b3c4d", **more: object) -> RemoteAnswer:
    """Return a remote agent that is well."""
    well = RemoteAnswer(
        name=name,
        remote=True,
        standing="up",
        seen_us=NOW_US,
        lag_us=2_000_000,
        clock=ClockAnswer(offset_us=12_000, error_us=3_000),
        spool=SpoolAnswer(results=0, dropped_results=0),
    )
    return msgspec.structs.replace(well, **more)


def seen(probe: str, state: str, code: str = "") -> SeenAnswer:
    """Return a probe as a region sees it."""
    failure = FailureAnswer(code=code, detail=f"{code} in words") if code else None
    last = LastAnswer(outcome="fail" if code else "pass", started_us=NOW_US, duration_us=9, failure=failure)
    return SeenAnswer(
        probe=probe, state=state, since_us=NOW_US - 9 * MINUTE_US, because="no result for 90 s", last=last
    )


def region(name: str, *probes: SeenAnswer, standing: str = "sound", **more: object) -> WatchAnswer:
    """Return a region with one agent."""
    one = WatchAnswer(
        name=name,
        standing=standing,
        agents=[agent(f"{name}-1a2b3c4d")],
        lag_us=2_000_000,
        void=NONE,
        missed=SOME,
        probes=list(probes),
    )
    return msgspec.structs.replace(one, **more)


def answer(*regions: WatchAnswer, troubles: tuple[TroubleAnswer, ...] = ()) -> RegionsAnswer:
    """Return an answer."""
    return RegionsAnswer(now_us=NOW_US, troubles=list(troubles), regions=list(regions))


def trouble(words: str, grave: bool = True) -> TroubleAnswer:
    """Return a sentence."""
    return TroubleAnswer(words=words, grave=grave)


def rows(found: RegionsAnswer) -> list[list[str]]:
    """Return the words of each line."""
    return [line.split() for line in drawn(regions_board(found))]


def test_a_region_and_its_agent_stand_in_one_row() -> None:
    head, first, *_ = rows(answer(region("iad")))
    assert head == ["region", "is", "agent", "link", "lag", "spool", "clock", "void", "missed"]
    assert first == ["iad", "sound", "iad-1a2b3c4d", "up", "2s", "0", "+12±3ms", "0%", "0.012%"]


def test_more_agents_stand_below_without_the_region_again() -> None:
    away = agent("iad-5e6f7a8b", standing="away", seen_us=NOW_US - 12 * MINUTE_US, lag_us=12 * MINUTE_US,
                 spool=SpoolAnswer(results=12, dropped_results=1_200))  # fmt: skip
    _, first, second, *_ = rows(answer(region("iad", agents=[agent(), away])))
    assert first[:3] == ["iad", "sound", "iad-1a2b3c4d"]
    assert second == ["iad-5e6f7a8b", "away", "12m", "12m", "12?", "-1.2k", "-"]


def test_a_region_without_an_agent_has_a_row() -> None:
    _, first, *_ = rows(answer(region("iad", agents=[], standing="no_agent", lag_us=None)))
    assert first[:6] == ["iad", "no", "agent", "-", "-", "-"]


def test_what_is_not_known_of_an_agent_here_is_a_dash() -> None:
    local = agent("local-1", remote=False, lag_us=None, clock=None, spool=None)
    _, first, *_ = rows(answer(region("fra", agents=[local], void=ShareAnswer(count=0, ratio=None))))
    assert first == ["fra", "sound", "local-1", "up", "-", "-", "-", "-", "0.012%"]


@pytest.mark.parametrize(
    ("offset_us", "error_us", "shown"),
    [
        (-74, 290, "-0.1±0.3ms"),
        (9_949, 0, "+9.9±0.0ms"),
        (9_950, 0, "+10±0ms"),
        (12_000, 3_000, "+12±3ms"),
        (-999_499, 0, "-999±0ms"),
        (-999_500, 0, "-1.0±0.0s"),
        (0, 1_000_000, "+0.0±1.0s"),
        (-3_200_000, 140_000, "-3.2±0.1s"),
    ],
)
def test_a_clock_is_told_with_how_far_it_may_be_off(offset_us: int, error_us: int, shown: str) -> None:
    clock = ClockAnswer(offset_us=offset_us, error_us=error_us)
    assert rows(answer(region("iad", agents=[agent(clock=clock)])))[1][6] == shown


@pytest.mark.parametrize(
    ("waiting", "shown"),
    [(999, "999"), (1_000, "1.0k"), (99_999, "100.0k"), (100_000, "100k"), (25_900_000, "25.9M")],
)
def test_spools_are_told_shortly(waiting: int, shown: str) -> None:
    spool = SpoolAnswer(results=waiting, dropped_results=0)
    assert rows(answer(region("iad", agents=[agent(spool=spool)])))[1][5] == shown


def test_where_regions_agree_that_is_all_that_is_said() -> None:
    lines = drawn(
        regions_board(answer(region("fra", seen("web", "down")), region("iad", seen("web", "down"))))
    )
    assert lines[-1] == "no two regions disagree on any of 1 probes"
    assert not [line for line in lines if line.startswith("web")]


def test_where_regions_disagree_each_tells_what_it_sees_and_why() -> None:
    found = answer(
        region("fra", seen("web", "down", "http_status"), seen("db", "up")),
        region("iad", seen("web", "up"), seen("db", "up")),
        region("sin", seen("web", "unknown")),
    )
    lines = drawn(regions_board(found))
    matrix = lines.index("probe   fra   iad  sin")
    assert lines[matrix + 1 :] == [
        "web     DOWN  UP   UNKNOWN",
        "web@fra down for 9m: http_status in words (http_status)",
        "web@sin unknown for 9m: no result for 90 s",
        "regions agree on 1 other probes",
    ]


@pytest.mark.parametrize(
    ("state", "outcome", "words"),
    [
        ("down", "fail", "http_status in words (http_status)"),
        ("unknown", "void", "http_status in words (http_status)"),
        ("unknown", "fail", "no result for 90 s"),
    ],
)
def test_the_newest_result_is_the_reason_only_of_a_state_that_comes_of_it(
    state: str, outcome: str, words: str
) -> None:
    one = seen("web", state, "http_status")
    assert one.last is not None
    one = msgspec.structs.replace(one, last=msgspec.structs.replace(one.last, outcome=outcome))
    lines = drawn(regions_board(answer(region("fra", one), region("iad", seen("web", "up")))))
    assert f"web@fra {state} for 9m: {words}" in lines


def test_a_probe_that_is_not_run_in_a_region_has_a_dash_and_is_no_disagreement() -> None:
    found = answer(
        region("fra", seen("web", "down"), seen("db", "up")), region("iad", seen("web", "up")), region("sin")
    )
    assert ["web", "DOWN", "UP", "-"] in rows(found)
    assert not [row for row in rows(found) if row[:1] == ["db"]]


def test_many_regions_are_written_as_letters_with_a_key() -> None:
    states = ("up", "down", "unknown", "up", "up", "up", "up")
    regions = [region(f"r{number}", seen("web", state)) for number, state in enumerate(states)]
    lines = drawn(regions_board(answer(*regions)))
    assert "web     UD?UUUU" in lines
    assert any(line.startswith("regions: r0 r1 r2 r3 r4 r5 r6  (U up, D down,") for line in lines)


def test_nothing_is_wider_than_80_columns_and_only_names_give_way() -> None:
    name = "a-region-with-a-very-long-name-indeed"
    wide = agent(
        "an-agent-with-a-very-long-name", standing="away", seen_us=NOW_US - 40 * 1_440 * MINUTE_US,
        clock=ClockAnswer(offset_us=-999_000, error_us=999_000), spool=SpoolAnswer(results=12_300, dropped_results=1),
    )  # fmt: skip
    found = answer(
        region(name, seen("p" * 70, "down", "x" * 300), standing="cut_off", agents=[wide], void=SOME),
        region("iad", seen("p" * 70, "unknown")),
        troubles=(trouble("w" * 1_000),),
    )
    lines = drawn(regions_board(found))
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if "CUT OFF" in line]
    assert row.split()[-8:] == ["away", "40d", "2s", "12.3k?", "-1", "-", "0.012%", "0.012%"]


@pytest.mark.parametrize(("count", "more"), [(MAX_PROBES, False), (MAX_PROBES + 1, True)])
def test_only_so_many_probes_and_reasons_are_shown(count: int, more: bool) -> None:
    names = [f"p{number}" for number in range(count)]
    found = answer(
        region("fra", *(seen(name, "down") for name in names)),
        region("iad", *(seen(name, "up") for name in names)),
    )
    lines = drawn(regions_board(found))
    assert ("and 1 more on which they disagree" in lines) is more
    assert f"and {MAX_PROBES - MAX_REASONS} more" in lines
    assert len([line for line in lines if "@fra" in line]) == MAX_REASONS
    assert len([line for line in drawn(regions_board(found, rows=3)) if line.endswith("DOWN  UP")]) == 3


@pytest.mark.parametrize(("count", "more"), [(MAX_TROUBLES, False), (MAX_TROUBLES + 1, True)])
def test_trouble_is_on_top_and_its_rest_is_counted(count: int, more: bool) -> None:
    found = answer(region("iad"), troubles=tuple(trouble(f"trouble {number}") for number in range(count)))
    lines = drawn(regions_board(found))
    assert lines[0] == "! trouble 0"
    assert ("and 1 more that are no worse" in lines) is more


def test_a_daemon_that_stopped_answering_is_said_on_top() -> None:
    assert drawn(regions_board(answer(region("iad")), lost="no daemon answers"))[0] == "! no daemon answers"


def test_control_signs_of_an_agent_are_text() -> None:
    found = answer(region("iad", agents=[agent("\x1b[2Jx")]), troubles=(trouble("[red]\x1b[2J"),))
    text = "\n".join(drawn(regions_board(found)))
    assert "! [red]\\x1b[2J" in text
    assert "\\x1b[2Jx" in text


@pytest.mark.parametrize(
    ("troubles", "expected"), [((), False), ((False,), False), ((False, True), True), ((True,), True)]
)
def test_only_what_is_grave_is_bad(troubles: tuple[bool, ...], expected: bool) -> None:
    assert (
        is_bad(answer(region("iad"), troubles=tuple(trouble("x", grave) for grave in troubles))) is expected
    )
