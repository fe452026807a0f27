"""The log says what changed, and says once that a region has no network."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec
import pytest
from support.hubs import NOW_US, Rig, S, hub

from checks.core.result import Failure, Outcome
from prober.hub.lone import Lonely, Warned
from prober.hub.verdict import Change, State
from prober.hub.voice import Voice
from prober.wire import Record

LIMIT_US = 75 * S


def void(rig: Rig, region: str, slot: int, code: str) -> Record:
    record = rig.record(region, slot, Outcome.VOID)
    result = msgspec.structs.replace(record.result, failures=(Failure(code, "x"),))
    return msgspec.structs.replace(record, result=result)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "prober.hub.voice"]


async def test_a_region_without_network_is_said_once_and_so_is_its_return(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with hub(tmp_path) as rig:
        slot = rig.grid("fra").first_due(NOW_US)
        await rig.take(void(rig, "fra", slot, "agent_resolver"))
        await rig.take(void(rig, "fra", slot + 1, "agent_no_route"))
        assert said(caplog) == ["this region has no network: its results are void, its probes unknown"]
        await rig.take(rig.record("fra", slot + 2))
        assert said(caplog)[1:] == ["this region has a network again"]


async def test_other_trouble_of_ours_is_no_missing_network(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with hub(tmp_path) as rig:
        await rig.take(void(rig, "fra", rig.grid("fra").first_due(NOW_US), "agent_stalled"))
        assert said(caplog) == []


async def test_changes_of_probes_and_services_are_said_but_not_that_they_are_up_at_first(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with hub(tmp_path) as rig:
        slot = rig.grid("fra").first_due(NOW_US)
        for outcome in (Outcome.PASS, Outcome.FAIL):
            records = [rig.record("fra", slot, outcome), rig.record("iad", slot, outcome)]
            for record in sorted(records, key=lambda one: one.result.started_us):
                await rig.take(record)
            slot += 1
        assert "probe is down" in said(caplog)
        assert "service is down" in said(caplog)
        assert "probe is up" not in said(caplog)


def unknown(subject: str, at_us: int) -> Change:
    return Change(
        subject=subject, before=State.UP, after=State.UNKNOWN, at_us=at_us, noted_us=at_us, because="no usable result"
    )  # fmt: skip


def listening() -> Voice:
    """A voice that has heard of two regions for a while."""
    voice = Voice()
    voice.quiet.configure({"fra": LIMIT_US, "iad": LIMIT_US}, NOW_US - 2 * LIMIT_US)
    voice.hear({"fra": NOW_US, "iad": NOW_US}, NOW_US)
    return voice


def test_all_agents_silent_at_once_is_said_in_one_line_and_so_is_their_return(
    caplog: pytest.LogCaptureFixture,
) -> None:
    voice = listening()
    early = [unknown(f"probe:p{number}", NOW_US + 60 * S) for number in range(50)]
    voice.say((), early, {}, NOW_US + 60 * S)
    voice.hear({}, NOW_US + LIMIT_US)
    late_us = NOW_US + LIMIT_US + 10 * S
    voice.say((), [unknown(f"probe:p{number}", late_us) for number in range(50, 100)], {}, late_us)
    voice.hear({}, late_us + S)
    assert said(caplog) == ["no agent is heard of: nothing is known of what is watched"]
    voice.hear({"iad": late_us + 2 * S}, late_us + 2 * S)
    assert said(caplog)[1:] == ["agents are heard of again"]


def test_a_probe_that_becomes_unknown_while_others_deliver_is_said_singly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    voice = listening()
    now_us = NOW_US + 10 * S
    voice.say((), [unknown("probe:web", now_us), unknown("region:web@fra", now_us)], {}, now_us)
    voice.hear({"iad": now_us + S}, now_us + S)
    assert said(caplog) == ["probe is unknown"]


def test_without_an_instant_it_is_now_when_the_newest_change_was_noted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    voice = listening()
    voice.say((), [unknown("probe:web", NOW_US + S)], {})
    assert said(caplog) == []
    voice.hear({"iad": NOW_US + 2 * S}, NOW_US + 2 * S)
    assert said(caplog) == ["probe is unknown"]


def test_a_region_that_is_alone_in_failing_is_said_once_and_so_is_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lonely = Lonely(
        region="fra", probes=tuple(f"p{number}" for number in range(7)), since_us=NOW_US, episodes=1
    )  # fmt: skip
    Voice().warn([Warned(begun=begun, at_us=NOW_US, lonely=lonely) for begun in (True, False)])
    assert said(caplog) == [
        "this region is alone in failing",
        "this region is no longer alone in failing",
    ]
    fields = vars(caplog.records[0])
    assert fields["probes"] == "p0, p1, p2, p3, p4 and 2 more"
    assert (fields["region"], fields["since_us"], fields["episodes"]) == ("fra", NOW_US, 1)
