"""Batches are committed, counted once, published after the commit; a restart and a replay tell the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.configs import loaded
from support.hubs import NOW_US, THREE, Rig, S, hub

from checks.core.result import Outcome
from prober import wire
from prober.hub.fold import Fold
from prober.hub.pipeline import Refused
from prober.hub.verdict import Seen, ServicePolicy, State
from prober.store.base import ResultQuery, SeriesSlots
from prober.wire import Gap, Kind

REGIONS = ("fra", "iad", "sin")


def first(rig: Rig) -> int:
    return rig.grid("fra").first_due(NOW_US)


async def all_pass(rig: Rig, slots: range) -> None:
    for slot in slots:
        await rig.take(*in_order(rig, slot))


def in_order(rig: Rig, slot: int, **outcomes: Outcome) -> list[wire.Record]:
    records = [rig.record(region, slot, outcomes.get(region, Outcome.PASS)) for region in REGIONS]
    return sorted(records, key=lambda record: record.result.started_us)


async def test_states_follow_what_was_committed(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        assert rig.view.probes["web"].state is State.UNKNOWN
        slot = first(rig)
        await all_pass(rig, range(slot, slot + 2))
        assert rig.view.probes["web"].state is State.UP
        await rig.take(*in_order(rig, slot + 2, fra=Outcome.FAIL, iad=Outcome.FAIL))
        assert rig.view.probes["web"].state is State.DOWN
        assert rig.view.services["shop"].state is State.DOWN
        changes = await rig.hub.store.changes("probe:web", 10)
        assert changes[0].after == "down"


async def test_a_batch_that_comes_twice_counts_once(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        batch = rig.batch([rig.record("fra", first(rig))])
        data = wire.encode(batch)
        acks = [await rig.hub.pipeline.take(batch, data) for _ in range(2)]
        assert acks[0] == acks[1] == wire.Ack(1, 1)
        assert rig.view.probes["web"].regions["fra"].outcomes == {"pass": 1}


async def test_a_batch_that_comes_again_after_a_restart_counts_once(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        batch = rig.batch([rig.record("fra", first(rig))])
        await rig.hub.pipeline.take(batch, wire.encode(batch))
    async with hub(tmp_path) as rig:
        await rig.hub.pipeline.take(batch, wire.encode(batch))
        assert rig.view.probes["web"].regions["fra"].outcomes == {}
        assert (await rig.hub.store.open_runs())[0].count == 1


@pytest.mark.parametrize("change", [{"sequence": 3}, {"previous": b"other"}])
async def test_a_hole_or_a_broken_chain_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    import msgspec

    async with hub(tmp_path) as rig:
        await rig.take(rig.record("fra", first(rig)))
        bad = msgspec.structs.replace(rig.batch([rig.record("fra", first(rig) + 1)]), **change)
        with pytest.raises(Refused, match="does not follow batch 1"):
            await rig.hub.pipeline.take(bad, wire.encode(bad))


async def test_a_restart_knows_states_and_goes_on(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        slot = first(rig)
        await all_pass(rig, range(slot, slot + 2))
        await rig.take(*in_order(rig, slot + 2, fra=Outcome.FAIL, iad=Outcome.FAIL))
        since, wall = rig.view.probes["web"].since_us, rig.wall
    async with hub(tmp_path, wall=wall) as again:
        assert again.view.probes["web"].state is State.DOWN
        assert again.view.probes["web"].since_us == since
        again.chains[("a", 1)] = rig.chains["a", 1]
        await again.take(*in_order(again, slot + 3))
        assert again.view.probes["web"].state is State.UP
        assert [change.after for change in await again.hub.store.changes("probe:web", 2)] == [
            "up",
            "degraded",
        ]


async def test_a_state_that_nothing_confirms_after_a_restart_ends(tmp_path: Path) -> None:
    """The newest run may be VOID (our own trouble): the state before it is not kept for ever."""
    async with hub(tmp_path) as rig:
        slot = first(rig)
        await all_pass(rig, range(slot, slot + 2))
        await rig.take(*in_order(rig, slot + 2, fra=Outcome.VOID, iad=Outcome.VOID, sin=Outcome.VOID))
        wall, chains = rig.wall, rig.chains
    async with hub(tmp_path, wall=wall) as again:
        assert again.view.probes["web"].state is State.UP
        again.chains.update(chains)
        for later in range(slot + 3, slot + 8):
            await again.take(*in_order(again, later, fra=Outcome.VOID, iad=Outcome.VOID, sin=Outcome.VOID))
        assert again.view.probes["web"].state is State.UNKNOWN


async def test_results_of_a_probe_that_was_just_taken_out_are_kept(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        slot, number = first(rig), rig.number("fra")
        late = rig.record("fra", slot)
        await rig.hub.reload(loaded(THREE.replace("web", "other")))
        batch = rig.batch([late], [Gap(number, slot + 1, slot + 1, "paused")])
        await rig.hub.pipeline.take(batch, wire.encode(batch))
        query = ResultQuery(series=[SeriesSlots(series=number, from_slot=slot, to_slot=slot)])
        assert len((await rig.hub.store.results(query)).rows) == 1
        assert [gap.reason for gap in await rig.hub.store.gaps([number], 10)] == ["paused"]


async def test_a_gap_of_the_hub_is_unknown_and_not_up(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        slot = first(rig)
        await all_pass(rig, range(slot, slot + 3))
        wall, chains = rig.wall, rig.chains
    wall.now_us += 3600 * S
    async with hub(tmp_path, wall=wall) as again:
        again.chains.update(chains)
        later = again.grid("fra").first_due(wall.now_us)
        gaps = [Gap(again.number(region), slot + 3, later - 1, "agent_off") for region in REGIONS]
        batch = again.batch(in_order(again, later), gaps)
        wall.now_us += 40 * S
        await again.hub.pipeline.take(batch, wire.encode(batch))
        await all_pass(again, range(later + 1, later + 4))
        await again.hub.loaded.wait()
        hour = again.history.rolling("service:shop", wall.now_us)["1h"]
        assert hour.down_us == 0
        assert hour.unknown_us > 3300 * S
        subjects = [change.after for change in await again.hub.store.changes("probe:web", 2)]
        assert subjects == ["up", "unknown"]


async def test_runs_break_where_starts_lie_further_apart_than_two_intervals(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        slot = first(rig)
        for each in (slot, slot + 1, slot + 4):
            await rig.take(rig.record("fra", each))
        runs = [run async for page in rig.hub.store.runs(0) for run in page]
        assert [run.count for run in runs] == [2, 1]


async def test_reruns_sharpen_edges_and_stay_out_of_counts(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        slot = first(rig)
        await rig.take(
            rig.record("fra", slot, Outcome.FAIL), rig.record("fra", slot + 1, Outcome.FAIL, Kind.RECHECK)
        )
        region = rig.view.probes["web"].regions["fra"]
        assert region.outcomes == {"fail": 1}
        assert region.last_kind == Kind.RECHECK
        assert (await rig.hub.store.open_runs())[0].count == 2


async def test_results_are_found_again_with_their_details(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        slot = first(rig)
        await rig.take(
            rig.record("fra", slot), rig.record("fra", slot + 1), rig.record("fra", slot + 2, Outcome.FAIL)
        )
        query = ResultQuery(series=[SeriesSlots(series=rig.number("fra"), from_slot=slot, to_slot=slot + 9)])
        page = await rig.hub.store.results(query)
        assert [(row.slot, row.outcome) for row in page.rows] == [
            (slot + 2, "fail"), (slot + 1, "pass"), (slot, "pass"),
        ]  # fmt: skip
        assert page.details[0] is not None
        assert page.details[0].result.failures[0].code == "connect_refused"
        assert page.details[0].digest == rig.hub.config.digest


async def test_a_page_that_fails_to_show_does_not_stop_the_commits(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        slot = first(rig)
        rig.view.probes.clear()  # whatever is shown of the next change will fail
        await rig.take(rig.record("fra", slot))
        await rig.take(rig.record("fra", slot + 1))
        assert (await rig.hub.store.open_runs())[0].count == 2


async def test_half_a_daemon_ends_itself(tmp_path: Path) -> None:
    async with hub(tmp_path) as rig:
        told = asyncio.Event()
        rig.hub.on_failure = told.set
        rig.hub.pipeline.judge.series[rig.number("fra")] = None  # type: ignore[assignment]  # what must not be
        rig.hub.pipeline.judge.fold = None  # type: ignore[assignment]
        async with asyncio.timeout(5):
            await told.wait()


OUTCOMES = st.sampled_from(list(Outcome))
# Per slot and region: the scheduled run's outcome and, a millisecond after its end, that of a retry (or none).
HISTORY = st.lists(
    st.dictionaries(st.sampled_from(REGIONS), st.tuples(OUTCOMES, st.none() | OUTCOMES)), max_size=12
)


def rerun(of: wire.Record, outcome: Outcome) -> wire.Record:
    """Return a retry of a run, just after it."""
    later = of.result.started_us + of.result.duration_us + 1000
    result = msgspec.structs.replace(of.result, outcome=outcome, started_us=later)
    return wire.Record(of.series, of.slot, int(Kind.RETRY), 0, result)


@given(history=HISTORY, retries=st.integers(0, 2))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_replaying_stored_results_gives_the_stored_changes(
    tmp_path_factory: pytest.TempPathFactory,
    history: list[dict[str, tuple[Outcome, Outcome | None]]],
    retries: int,
) -> None:
    async def check() -> None:
        text = THREE.replace("retries: 0", f"retries: {retries}")
        async with hub(tmp_path_factory.mktemp("replay"), text) as rig:
            slot = first(rig)
            for index, outcomes in enumerate(history):
                records = [rig.record(region, slot + index, run) for region, (run, _) in outcomes.items()]
                again = [
                    rerun(record, retry)
                    for record, (_, retry) in zip(records, outcomes.values(), strict=True)
                    if retry is not None
                ]
                await rig.take(*sorted(records + again, key=lambda record: record.result.started_us))
            stored = list(reversed(await rig.hub.store.changes(None, 1000)))
            replayed = await replay(rig, slot, slot + len(history))
            assert [(c.subject, c.before, c.after, c.at_us, c.noted_us) for c in stored] == replayed

    asyncio.run(check())


async def replay(rig: Rig, from_slot: int, to_slot: int) -> list[tuple[str, str, str, int, int]]:
    """Read results from the store and feed a fresh fold."""
    series = [
        SeriesSlots(series=rig.number(region), from_slot=from_slot, to_slot=to_slot) for region in REGIONS
    ]
    rows = (await rig.hub.store.results(ResultQuery(series=series, limit=1000))).rows
    names = {number: state.row.region for number, state in rig.hub.series.items()}
    (policy,) = rig.hub.pipeline.judge.fold.probes
    fold = Fold([policy], [ServicePolicy(name="shop", probes=("web",), needed=1)])
    events = [
        Seen(
            probe="web",
            region=names[row.series],
            scheduled=row.kind == Kind.SCHEDULED,
            outcome=Outcome(row.outcome),
            code="",
            started_us=started_us,
            ended_us=started_us + row.duration_us,
        )
        for row in rows
        for started_us in [row.started_us or rig.hub.start_of(row.series, row.slot) + row.late_us]
    ]
    changes = [
        change for event in sorted(events, key=lambda event: event.ended_us) for change in fold.take(event)
    ]
    changes += fold.advance(rig.wall.now_us)
    return [(c.subject, c.before.value, c.after.value, c.at_us, c.noted_us) for c in changes]
