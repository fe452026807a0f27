"""The desk over a real store and pipeline: calls are on record before they are answered, absence is never a failure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.configs import loaded
from support.hubs import NOW_US, Rig, S, Wall, hub

from prober.hub.heartbeats import MAX_OUTPUT, Caller
from prober.hub.plan import agents_needed, wire_series
from prober.hub.rhythm import Verb
from prober.hub.verdict import State
from prober.store.base import ResultQuery, ResultRow, SeriesSlots
from prober.wire import Kind

BACKUP, REPORT = "backup-token-0123456789", "report-token-0123456789"
TWO = f"""
probes:
  - {{name: backup, heartbeat: {{token: {BACKUP}, period: 10s, grace: 2s, max_runtime: 5s}}}}
  - {{name: report, heartbeat: {{token: {REPORT}, period: 1h}}}}
services:
  - {{name: nightly, probes: [backup]}}
"""
ONE = TWO.replace(f"  - {{name: report, heartbeat: {{token: {REPORT}, period: 1h}}}}\n", "")


async def ring(
    rig: Rig, verb: Verb = Verb.SUCCESS, token: str = BACKUP, exit_code: int | None = None, output: str = ""
) -> None:
    caller = rig.hub.heartbeats.find(token)
    assert caller is not None
    assert await rig.hub.heartbeats.take(caller, verb, exit_code, output)


async def pass_time(rig: Rig, seconds: int) -> None:
    """Let seconds pass one by one; the other job's starts are what the desk notices them by."""
    for _ in range(seconds):
        rig.wall.now_us += S
        await ring(rig, Verb.START, REPORT)


async def results(rig: Rig, probe: str = "backup") -> list[ResultRow]:
    number = next(number for number, state in rig.hub.series.items() if state.row.probe == probe)
    asked = SeriesSlots(series=number, from_slot=0, to_slot=2**60)
    return (await rig.hub.store.results(ResultQuery(series=[asked]))).rows


async def reasons(rig: Rig) -> list[tuple[str, int]]:
    found = await rig.hub.store.gaps(tuple(rig.hub.series), 10)
    return [(gap.reason, gap.last_slot - gap.first_slot + 1) for gap in found]


async def test_a_new_job_is_unknown_until_it_calls_and_up_at_once(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        shown = rig.view.probes["backup"]
        assert (shown.state, shown.because, shown.target) == (
            State.UNKNOWN, "no result yet", "called every 10s, 2s grace",
        )  # fmt: skip
        await ring(rig)
        assert (shown.state, rig.view.services["nightly"].state) == (State.UP, State.UP)
        assert [row.kind for row in await results(rig)] == [2]


async def test_a_call_is_on_record_when_it_is_answered_and_only_once(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig, Verb.START)
        await ring(rig, Verb.FAIL, exit_code=3, output=f"disk\x00 full {BACKUP}")
        calls = await rig.hub.store.calls("backup")
        assert [(call.verb, call.exit_code, call.output) for call in calls] == [
            ("start", None, ""),
            ("fail", 3, "disk\ufffd full ***"),
        ]
        assert rig.view.probes["backup"].state is State.DOWN


async def test_what_a_job_sends_is_bounded(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig, Verb.FAIL, output="x" * (MAX_OUTPUT + 1))
        assert len((await rig.hub.store.calls("backup"))[0].output) == MAX_OUTPUT
        failure = rig.view.probes["backup"].regions["hub"].last
        assert failure is not None
        assert len(failure.failures[0].detail) <= 500


async def test_many_calls_at_once_are_all_counted(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await asyncio.gather(*(ring(rig) for _ in range(50)))
        calls = await rig.hub.store.calls("backup")
        assert len({call.at_us for call in calls}) == 50


async def test_a_missing_call_is_a_failure_from_the_instant_it_was_due(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig)
        called_us = (await rig.hub.store.calls("backup"))[0].at_us
        await pass_time(rig, 12)
        assert rig.view.probes["backup"].state is State.UP
        await pass_time(rig, 1)
        shown = rig.view.probes["backup"]
        assert (shown.state, shown.since_us) == (State.DOWN, called_us + 12 * S + 1)
        await ring(rig)
        assert shown.state is State.UP


async def test_a_run_that_takes_too_long_is_a_failure_and_its_success_ends_it(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig)
        await ring(rig, Verb.START)
        await pass_time(rig, 6)
        assert rig.view.probes["backup"].because == "hub heartbeat_overrun"
        await ring(rig)
        last = rig.view.probes["backup"].regions["hub"].last
        assert last is not None
        calls = await rig.hub.store.calls("backup")
        assert last.phases_us["run"] == calls[-1].at_us - calls[-2].at_us > 5 * S
        # Its length lies before the call: nothing is seen of the time to come.
        newest = max(await rig.hub.store.open_runs(), key=lambda run: run.last_us)
        assert newest.last_end_us == newest.last_us == calls[-1].at_us


async def test_a_job_that_fails_again_in_the_same_slot_is_down_again(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        for verb, state in ((Verb.FAIL, State.DOWN), (Verb.SUCCESS, State.UP), (Verb.FAIL, State.DOWN)):
            await ring(rig, verb)
            assert rig.view.probes["backup"].state is state


async def test_time_without_a_daemon_is_missed_and_never_a_failure(tmp_path: Path) -> None:
    wall = Wall()
    async with hub(tmp_path, TWO, wall) as rig:
        await ring(rig)
    wall.now_us += 100 * S
    async with hub(tmp_path, TWO, wall) as rig:
        await ring(rig, Verb.START, REPORT)
        assert await reasons(rig) == [("agent_off", 10)]
        await pass_time(rig, 12)
        assert {row.outcome for row in await results(rig)} == {"pass", "void"}
        assert rig.view.probes["backup"].state is State.UNKNOWN
        await pass_time(rig, 1)
        assert rig.view.probes["backup"].state is State.DOWN


async def test_a_short_restart_changes_nothing(tmp_path: Path) -> None:
    wall = Wall()
    async with hub(tmp_path, TWO, wall) as rig:
        grid = rig.grid("hub")
        wall.now_us = grid.start_us(grid.slot_at(wall.now_us) + 1)  # all of it within one slot
        await ring(rig)
        await pass_time(rig, 2)
        await ring(rig, Verb.FAIL)
    wall.now_us += S
    async with hub(tmp_path, TWO, wall) as rig:
        assert rig.view.probes["backup"].state is State.DOWN
        await ring(rig, Verb.FAIL)
        assert rig.view.probes["backup"].regions["hub"].last_kind == Kind.RECHECK  # its slot has its result
        await ring(rig)
        assert rig.view.probes["backup"].state is State.UP
        rows = await results(rig)
        assert len({(row.slot, row.started_us) for row in rows}) == len(rows)


async def test_a_clock_that_is_stepped_forward_is_no_failure(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig)
        rig.wall.now_us += 3600 * S
        await ring(rig, Verb.START, REPORT)
        assert rig.view.probes["backup"].state in (State.UP, State.UNKNOWN)
        assert [reason for reason, _ in await reasons(rig)] == ["clock"]


async def test_a_clock_that_is_set_back_loses_no_call(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig)
        rig.wall.now_us -= 3600 * S
        await ring(rig, Verb.FAIL)
        assert len(await rig.hub.store.calls("backup")) == 2
        assert rig.view.probes["backup"].state is State.DOWN


async def test_a_clock_that_is_set_back_hides_no_outage(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig)
        await pass_time(rig, 5)
        rig.wall.now_us -= 3600 * S
        back_us = rig.wall.now_us
        await ring(rig, Verb.START, REPORT)  # makes the desk look at the clock
        await pass_time(rig, 7)
        assert rig.view.probes["backup"].state is State.UP
        await pass_time(rig, 1)
        assert rig.view.probes["backup"].state is State.DOWN
        await ring(rig)
        assert rig.view.probes["backup"].state is State.UP
        assert (await rig.hub.store.calls("backup"))[0].at_us > back_us
        scheduled = [row.slot for row in await results(rig) if row.kind == Kind.SCHEDULED]
        assert len(scheduled) == len(set(scheduled))


async def test_what_a_wrong_clock_dated_into_the_future_is_not_believed_after_a_start(tmp_path: Path) -> None:
    for began_us in (NOW_US, NOW_US + 365 * 86_400 * S):
        async with hub(tmp_path, TWO, Wall(began_us)) as rig:
            await ring(rig)
    async with hub(tmp_path, TWO, Wall(NOW_US + 20 * S)) as rig:
        await pass_time(rig, 12)
        assert rig.view.probes["backup"].state is not State.DOWN
        await pass_time(rig, 1)
        assert rig.view.probes["backup"].state is State.DOWN
        await ring(rig)
        assert rig.view.probes["backup"].state is State.UP


async def test_a_job_that_could_not_call_while_it_was_not_configured_is_not_blamed(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig, token=REPORT)
        await rig.hub.reload(loaded(ONE))
        assert rig.hub.heartbeats.find(REPORT) is None
        rig.wall.now_us += 2 * S
        await ring(rig)
        await rig.hub.reload(loaded(TWO))
        await ring(rig)
        rows = [row for row in await rig.hub.store.listening() if "report" in row.probes]
        assert len(rows) == 2
        assert rows[1].from_us - rows[0].until_us >= 2 * S - 1


async def test_a_reload_leaves_no_hole_for_those_that_stay(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig)
        rig.wall.now_us += S
        await rig.hub.reload(loaded(ONE))
        await ring(rig)
        rows = [row for row in await rig.hub.store.listening() if "backup" in row.probes]
        assert [row.from_us for row in rows[1:]] == [row.until_us for row in rows[:-1]]


async def test_another_period_keeps_what_was_called(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        await ring(rig)
        await rig.hub.reload(loaded(TWO.replace("10s", "4s")))
        await pass_time(rig, 7)
        assert rig.view.probes["backup"].because == "hub heartbeat_missing"


async def test_a_token_is_known_by_the_whole_of_it_and_shown_nowhere(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        desk = rig.hub.heartbeats
        assert desk.find(BACKUP[:-1]) is None
        assert desk.find(BACKUP + "0") is None
        assert BACKUP not in repr(desk.find(BACKUP))
        assert BACKUP not in repr(rig.view.config)


async def test_nobody_can_call_a_desk_that_is_closing(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        caller = rig.hub.heartbeats.find(BACKUP)
        assert isinstance(caller, Caller)
        await rig.hub.heartbeats.stop()
        assert not await rig.hub.heartbeats.take(caller, Verb.SUCCESS, None, "")


async def test_the_desk_shows_as_an_agent_only_where_jobs_call(tmp_path: Path) -> None:
    async with hub(tmp_path, TWO) as rig:
        assert rig.view.agents["hub"].up
        assert list(rig.view.agents) == ["hub"]


def test_no_agent_runs_a_heartbeat() -> None:
    config = loaded(TWO)
    assert wire_series(config, [], {}) == []
    assert agents_needed(config, wire_series(config, [], {})) == 0


@pytest.mark.parametrize("probe", ["backup", "report"])
def test_a_heartbeat_has_a_region_of_its_own_and_slots_of_its_period(probe: str) -> None:
    found = next(each for each in loaded(TWO).probes if each.name == probe)
    assert found.regions == ("hub",)
    assert found.interval_us == found.options.period_us  # type: ignore[attr-defined]  # a heartbeat has one
