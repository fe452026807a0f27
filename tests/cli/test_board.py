"""The table of a running daemon: 80 columns whatever comes, own trouble first, bounds and coverage beside figures."""

from __future__ import annotations

import msgspec
import pytest
from support.drawing import drawn

from prober.cli.answers import (
    AgentAnswer,
    FailureAnswer,
    HealthAnswer,
    LastAnswer,
    NameAnswer,
    ProbeAnswer,
    RatioAnswer,
    RegionAnswer,
    ReloadAnswer,
    ServiceAnswer,
    StatusAnswer,
    StoreAnswer,
    WindowAnswer,
)
from prober.cli.board import LAG_US, MAX_BATCHES, SILENT_US, Snapshot, board, choose, own_trouble

NOW_US = 1_773_583_331_000_000
AGENT = AgentAnswer(
    name="local-1",
    regions=["fra", "iad"],
    up=True,
    last_batch_us=NOW_US - SILENT_US,
    restarts=0,
    health=HealthAnswer(worst_lag_us=LAG_US),
)
STATUS = StatusAnswer(
    version="0.1.0",
    now_us=NOW_US,
    uptime_us=3_600_000_000 * 5,
    config_digest="d1" * 32,
    regions=[NameAnswer(name=name) for name in ("fra", "iad", "sin")],
    history_ready=True,
    reload=ReloadAnswer(ok=True, faults=[]),
    store=StoreAnswer(writable=True, problem=None, waiting_batches=MAX_BATCHES),
    agents=[AGENT],
)


def probe(name: str, state: str = "up", regions: str = "up up up", code: str = "") -> ProbeAnswer:
    """Return a probe; regions by state in the order fra, iad, sin, with `-` where it does not run."""
    failure = FailureAnswer(code=code, detail=f"{code} in words") if code else None
    last = LastAnswer(
        outcome="fail" if code else "pass", started_us=NOW_US - 4_000_000, duration_us=25_926, failure=failure
    )
    pairs = zip(("fra", "iad", "sin"), regions.split(), strict=True)
    return ProbeAnswer(
        name=name,
        state=state,
        since_us=NOW_US - 17_000_000,
        because="2 of 3 regions",
        regions=[RegionAnswer(region=region, state=one, last=last) for region, one in pairs if one != "-"],
    )


def service(name: str, state: str = "up") -> ServiceAnswer:
    """Return a service of two probes."""
    return ServiceAnswer(
        name=name, state=state, since_us=NOW_US - 600_000_000, because="", probes=["a", "b"], up_when="all"
    )


def window(lowest: str, measured: str, highest: str, coverage: str) -> WindowAnswer:
    """Return figures."""
    low, mid, high, cover = (RatioAnswer(text=text) for text in (lowest, measured, highest, coverage))
    return WindowAnswer(lowest=low, measured=mid, highest=high, coverage=cover)


def snapshot(
    *probes: ProbeAnswer, services: tuple[ServiceAnswer, ...] = (), **windows: WindowAnswer
) -> Snapshot:
    """Return a snapshot; windows of probes by name."""
    figures = {f"probe:{name}": found for name, found in windows.items()}
    return Snapshot(status=STATUS, probes=probes, services=services, windows=figures)


def test_a_probe_shows_state_letters_last_result_duration_and_availability() -> None:
    lines = drawn(
        board(
            snapshot(probe("web", "degraded", "down unknown -"), web=window("99.9", "99.95", "100", "99.4"))
        )
    )
    assert lines[1].split() == ["probe", "state", "regions", "last", "took", "24h", "cov"]
    assert lines[2].split() == [
        "web",
        "DEGRADED",
        "D",
        "?",
        "-",
        "pass",
        "4s",
        "25.9",
        "ms",
        "99.95",
        "(99.9-100)",
        "99%",
    ]


def test_bounds_that_are_all_the_same_are_not_repeated_and_no_data_is_not_zero() -> None:
    lines = drawn(board(snapshot(probe("web"), probe("new"), web=window("100", "100", "100", "100"))))
    assert lines[2].split()[-3:] == ["100", "%", "100%"]
    assert lines[3].split()[-2:] == ["no", "data"]


def test_a_probe_without_a_result_says_so() -> None:
    fresh = msgspec.structs.replace(probe("web", "unknown", "- - -"), regions=[])
    assert "none yet" in drawn(board(snapshot(fresh)))[2]


def test_what_is_not_up_is_explained_in_the_words_of_a_failing_region() -> None:
    lines = drawn(board(snapshot(probe("web", "down", "down down up", "http_status"), probe("db"))))
    assert "web down for 17s: fra: http_status in words (http_status)" in lines
    assert not [line for line in lines if line.startswith("db up")]


def test_nothing_is_wider_than_80_columns_and_only_names_give_way() -> None:
    wide = window("99.900", "99.953", "99.999", "99.9")
    name = "a-probe-with-quite-a-long-name"
    shown = snapshot(
        probe(name, "degraded", "down unknown up", "x" * 300),
        services=(service("s" * 60, "degraded"),),
        **{name: wide},
    )
    lines = drawn(board(shown))
    assert max(map(len, lines)) <= 80
    assert lines[2].split()[1:] == [
        "DEGRADED",
        "D",
        "?",
        "U",
        "fail",
        "4s",
        "25.9",
        "ms",
        "99.953",
        "(99.900-99.999)",
        "99%",
    ]
    assert lines[2].split()[0].endswith("…")


def test_many_regions_are_written_without_blanks() -> None:
    regions = [f"r{number}" for number in range(7)]
    many = msgspec.structs.replace(
        probe("web"), regions=[RegionAnswer(region=name, state="up", last=None) for name in regions]
    )
    status = msgspec.structs.replace(STATUS, regions=[NameAnswer(name=name) for name in regions])
    assert "UUUUUUU" in drawn(board(Snapshot(status=status, probes=[many], services=[])))[2]


def test_a_healthy_daemon_at_every_limit_has_no_trouble() -> None:
    assert own_trouble(STATUS) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"store": StoreAnswer(writable=False, problem="disk full", waiting_batches=0)},
            "cannot be stored: disk full",
        ),
        ({"store": StoreAnswer(writable=True, problem=None, waiting_batches=MAX_BATCHES + 1)}, "21 batches"),
        ({"reload": ReloadAnswer(ok=False, faults=["p.yaml:1:1: a", "b"])}, "p.yaml:1:1: a (and 1 more)"),
        ({"history_ready": False}, "availability follows"),
        ({"agents": [msgspec.structs.replace(AGENT, up=False)]}, "agent local-1 (fra, iad) is not running"),
        (
            {"agents": [msgspec.structs.replace(AGENT, last_batch_us=NOW_US - SILENT_US - 1)]},
            "silent for 10s",
        ),
        (
            {"agents": [msgspec.structs.replace(AGENT, health=HealthAnswer(worst_lag_us=LAG_US + 1))]},
            "kept waiting 50.0 ms",
        ),
    ],
)
def test_own_trouble_is_said_on_top(change: dict[str, object], words: str) -> None:
    status = msgspec.structs.replace(STATUS, **change)
    (trouble,) = own_trouble(status)
    assert words in trouble
    lines = drawn(board(Snapshot(status=status, probes=[probe("web")], services=[])))
    assert lines[1].startswith("! ")


def test_a_daemon_that_stopped_answering_is_said_on_top() -> None:
    assert drawn(board(snapshot(probe("web")), lost="no daemon answers"))[1] == "! no daemon answers"


def test_what_fits_keeps_the_order_of_the_file() -> None:
    shown = snapshot(probe("a"), probe("b", "down", "down down down"), services=(service("s"),))
    probes, services = choose(shown, 3)
    assert [each.name for each in (*probes, *services)] == ["a", "b", "s"]


def test_one_row_too_few_shows_the_worst_and_counts_the_rest() -> None:
    shown = snapshot(probe("a"), probe("b", "down", "down down down"), services=(service("s"),))
    probes, services = choose(shown, 2)
    assert [each.name for each in (*probes, *services)] == ["b", "s"]
    assert "and 1 more that fare no worse" in drawn(board(shown, 2))


def test_markup_and_control_signs_of_a_target_are_text() -> None:
    lines = drawn(board(snapshot(probe("web", "down", "down down up", "[red]\x1b[2J"))))
    assert any("[red]\\x1b[2J in words" in line for line in lines)


REMOTE = AgentAnswer(
    name="iad-1a2b3c4d",
    regions=["iad"],
    remote=True,
    up=True,
    seen_us=NOW_US,
    last_batch_us=NOW_US - 10 * SILENT_US,
    restarts=0,
    health=HealthAnswer(worst_lag_us=LAG_US + 1),
)


def remote_trouble(agent: AgentAnswer = REMOTE, **more: object) -> list[str]:
    """Return what is wrong with a daemon that has an agent elsewhere too."""
    return own_trouble(msgspec.structs.replace(STATUS, **{"agents": [AGENT, agent], **more}))


def test_a_remote_agent_may_be_quiet_while_its_link_is_open() -> None:
    assert remote_trouble() == []


def test_a_remote_agent_that_is_gone_or_refused_is_told_in_its_own_words() -> None:
    gone = msgspec.structs.replace(REMOTE, up=False, seen_us=NOW_US - 720_000_000)
    assert remote_trouble(gone) == ["agent iad-1a2b3c4d (iad) has not been connected for 12m"]
    assert remote_trouble(msgspec.structs.replace(gone, seen_us=None)) == [
        "agent iad-1a2b3c4d (iad) is not connected"
    ]
    refused = msgspec.structs.replace(REMOTE, refused="another key")
    assert remote_trouble(refused) == ["nothing of agent iad-1a2b3c4d (iad) is taken: another key"]


def test_a_silent_region_speaks_for_its_agents_and_a_cut_off_one_is_told() -> None:
    gone = msgspec.structs.replace(REMOTE, up=False)
    regions = [NameAnswer(name="iad", silent=True), NameAnswer(name="sin", cut_off=True)]
    assert remote_trouble(gone, regions=regions) == [
        "region iad is silent: see `prober regions`",
        "region sin is cut off: see `prober regions`",
    ]


def test_all_silent_is_one_trouble() -> None:
    gone = msgspec.structs.replace(REMOTE, up=False)
    regions = [NameAnswer(name="iad", silent=True)]
    assert remote_trouble(gone, regions=regions, all_silent_since_us=NOW_US - 61_000_000) == [
        "no agent has been heard of for 61s"
    ]
