"""The keeper in a running hub: on record first, then shown; restarts keep instants; changes are logged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.fake_store import FakeStore
from support.maintenance import DAY_US, HOUR_US, Kept, Wall, config_of, ics, kept, us

from prober.config import Config
from prober.maintenance.announce import Announcement, NotTaken
from prober.maintenance.book import HORIZON_US
from prober.maintenance.present import current

NOW = us("2026-03-15T12:00:00Z")
ONE = "title: Work, start: 2026-03-22T02:30:00Z, end: 2026-03-22T04:30:00Z"
START, END = us("2026-03-22T02:30:00Z"), us("2026-03-22T04:30:00Z")
BY_HAND = Announcement(title="Now", services=("shop",), start_us=NOW + HOUR_US, end_us=NOW + 2 * HOUR_US)
EVENT = "UID:x\nSUMMARY:Patch\nDTSTART:20260322T013000Z\nDURATION:PT2H"


@asynccontextmanager
async def keeper(
    config: Config, wall: Wall | None = None, store: FakeStore | None = None
) -> AsyncIterator[Kept]:
    """Run a keeper that has looked once."""
    made = await kept(config, wall or Wall(NOW), store)
    running = asyncio.create_task(made.keeper.run())
    try:
        await made.keeper.settled()
        yield made
    finally:
        await made.keeper.stop()
        async with asyncio.timeout(5):
            await running


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110  # another task brings it about
            await asyncio.sleep(0.01)


async def test_a_window_of_the_configuration_goes_on_record_and_is_shown() -> None:
    async with keeper(config_of(ONE)) as made:
        (row,) = made.written
        (shown,) = made.view.maintenance
    assert (row.noted_us, row.source, row.start_us, row.cancelled_us) == (NOW, "configuration", START, None)
    assert (shown.key, shown.logged_us, shown.announced_us) == (row.key, NOW, NOW)


async def test_a_restart_keeps_the_instant_at_which_it_was_logged() -> None:
    store, wall = FakeStore(), Wall(NOW)
    async with keeper(config_of(ONE), wall, store):
        pass
    wall.now_us += 3 * DAY_US
    async with keeper(config_of(ONE), wall, store) as made:
        assert made.written == []
        assert [window.logged_us for window in made.view.maintenance] == [NOW]


async def test_a_change_of_a_future_window_logs_a_cancellation_and_a_new_one() -> None:
    wall = Wall(NOW)
    async with keeper(config_of(ONE), wall) as made:
        wall.now_us = NOW + DAY_US
        made.keeper.reload(config_of(ONE.replace("T04:30", "T05:30")))
        await until(lambda: len(made.written) == 3)
        rows = sorted(made.rows.values(), key=lambda row: row.end_us)
    assert [(row.noted_us, row.cancelled_us) for row in rows] == [(NOW, NOW + DAY_US), (NOW + DAY_US, None)]


@pytest.mark.parametrize(("at_us", "cancelled"), [(START - 1, True), (START, False), (END + DAY_US, False)])
async def test_a_window_that_has_begun_is_never_taken_out(at_us: int, cancelled: bool) -> None:
    store, wall = FakeStore(), Wall(NOW)
    async with keeper(config_of(ONE), wall, store):
        pass
    wall.now_us = at_us
    async with keeper(config_of(), wall, store) as made:
        (row,) = made.rows.values()
        assert (row.cancelled_us is not None) is cancelled
        assert [window.key for window in made.view.maintenance] == [row.key]


async def test_what_repeats_is_known_400_days_ahead_and_more_as_time_goes_by() -> None:
    wall = Wall(NOW)
    async with keeper(config_of(f"{ONE}, repeat: FREQ=WEEKLY"), wall) as made:
        first = {row.start_us for row in made.written}
        assert max(first) < NOW + HORIZON_US <= max(first) + 7 * DAY_US
        wall.now_us += 7 * DAY_US
        await made.keeper.settled()
        later = {row.start_us for row in made.written} - first
    assert later == {max(first) + 7 * DAY_US}
    assert made.rows[max(made.rows.values(), key=lambda row: row.start_us).key].noted_us == NOW + 7 * DAY_US


async def test_reports_can_ask_for_times_beyond_what_is_kept_at_hand() -> None:
    config = config_of(
        "title: x, start: 2020-01-05T00:00:00Z, end: 2020-01-05T01:00:00Z, repeat: FREQ=WEEKLY"
    )
    async with keeper(config) as made:
        found = made.keeper.windows(us("2020-01-01T00:00:00Z"), us("2020-02-01T00:00:00Z"), {"shop"})
        assert len(found) == 4
        assert {window.logged_us for window in found} == {None}
        assert made.keeper.windows(us("2020-01-01T00:00:00Z"), us("2020-02-01T00:00:00Z"), {"mail"}) == ()


async def test_an_announcement_is_on_record_before_it_is_answered_and_once() -> None:
    async with keeper(config_of()) as made:
        first = await made.keeper.declare(BY_HAND)
        again = await made.keeper.declare(replace(BY_HAND, title="Other words"))
        assert (first.is_new, again.is_new, first.window) == (True, False, again.window)
        assert [row.key for row in made.written] == [first.window.key]
        assert made.view.maintenance == (first.window,)
        assert (first.window.logged_us, first.window.announced_us) == (NOW, NOW)


async def test_a_window_by_hand_can_be_taken_back_before_it_begins_and_announced_anew() -> None:
    wall = Wall(NOW)
    async with keeper(config_of(), wall) as made:
        key = (await made.keeper.declare(BY_HAND)).window.key
        wall.now_us = BY_HAND.start_us - 1
        assert (await made.keeper.cancel(key)).cancelled_us == wall.now_us
        assert (await made.keeper.cancel(key)).cancelled_us == wall.now_us
        anew = await made.keeper.declare(BY_HAND)
        assert (anew.is_new, anew.window.key != key, anew.window.cancelled_us) == (True, True, None)
        wall.now_us = BY_HAND.start_us
        with pytest.raises(NotTaken, match="it has begun"):
            await made.keeper.cancel(anew.window.key)
        assert current(made.view.maintenance, wall.now_us) == (anew.window,)
        assert current(made.view.maintenance, BY_HAND.end_us) == ()


async def test_windows_of_the_configuration_are_taken_out_there() -> None:
    async with keeper(config_of(ONE)) as made:
        with pytest.raises(NotTaken, match="comes from the configuration"):
            await made.keeper.cancel(made.written[0].key)
        with pytest.raises(NotTaken, match="no maintenance has the key 'none'"):
            await made.keeper.cancel("none")


async def test_whoever_gives_up_waiting_loses_nothing() -> None:
    """The record is slow: the announcement is on it in the end, and shown only then."""
    gate = asyncio.Event()
    made = await kept(config_of(), Wall(NOW))
    put = made.keeper._record

    async def slow(rows: tuple[object, ...]) -> None:
        await gate.wait()
        await put(rows)  # type: ignore[arg-type]  # rows as they came

    made.keeper._record = slow  # type: ignore[assignment]  # the record of a disk that is full
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await made.keeper.declare(BY_HAND)
    assert made.view.maintenance == ()
    gate.set()
    await until(lambda: len(made.view.maintenance) == 1)
    await made.keeper.stop()


async def test_a_calendar_is_read_put_on_record_and_followed(tmp_path: Path) -> None:
    (tmp_path / "ops.ics").write_bytes(ics(EVENT))
    async with keeper(config_of("calendar: ops.ics", folder=tmp_path)) as made:
        await until(lambda: len(made.written) == 1)
        (row,) = made.written
        assert (row.title, row.source.partition(":")[0], row.noted_us) == ("Patch", "calendar", NOW)
        (state,) = made.keeper.calendars
        assert (state.label, state.problem, state.read_us) == ("ops.ics", "", NOW)
        (tmp_path / "ops.ics").write_bytes(ics(EVENT.replace("T0130", "T0230")))
        await made.keeper._sources[0].refresh()
        await made.keeper.settled()
        assert [each.cancelled_us for each in sorted(made.rows.values(), key=lambda row: row.start_us)] == [
            NOW,
            None,
        ]


async def test_a_calendar_that_cannot_be_read_any_more_changes_nothing(tmp_path: Path) -> None:
    store = FakeStore()
    (tmp_path / "ops.ics").write_bytes(ics(EVENT))
    config = config_of("calendar: ops.ics", folder=tmp_path)
    async with keeper(config, store=store) as made:
        await until(lambda: len(made.written) == 1)
    (tmp_path / "ops.ics").unlink()
    async with keeper(config, store=store) as made:
        await until(lambda: bool(made.keeper.calendars[0].problem))
        await made.keeper.settled()
        assert made.written == []
        assert [window.cancelled_us for window in made.view.maintenance] == [None]


async def test_a_calendar_that_is_taken_out_of_the_configuration_takes_its_windows_along(
    tmp_path: Path,
) -> None:
    (tmp_path / "ops.ics").write_bytes(ics(EVENT))
    async with keeper(config_of("calendar: ops.ics", folder=tmp_path)) as made:
        await until(lambda: len(made.written) == 1)
        made.keeper.reload(config_of())
        await until(lambda: len(made.written) == 2)
        assert made.written[1].cancelled_us == NOW
        assert made.keeper.calendars == ()


async def test_a_record_that_cannot_be_read_is_told_at_the_start() -> None:
    from prober.store.base import StoreError

    with pytest.raises(StoreError):
        await kept(config_of(ONE), Wall(NOW), FakeStore(problem="no disk"))
