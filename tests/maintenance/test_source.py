"""A calendar's file or address: read anew, last good kept, told when it cannot be read, its address never shown."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from support.calendar_peer import CalendarPeer, calendar_peer
from support.maintenance import DAY_US, Wall, config_of, ics, us
from support.ports import held_port

from prober.maintenance.fetch import Fetched, FetchError, fetch
from prober.maintenance.source import EXPAND_AGAIN_US, MAX_CALENDAR_BYTES, Source

NOW = us("2026-03-15T12:00:00Z")
EVENT = "UID:x\nSUMMARY:Work\nDTSTART:20260322T013000Z\nDURATION:PT2H"


def source(place: str, folder: Path, wall: Wall | None = None) -> Source:
    """Return the source of a block."""
    block = config_of(f"calendar: '{place}'").maintenance[0]
    return Source(block, folder, (wall or Wall(NOW)).read)


async def test_a_file_is_read_and_read_anew(tmp_path: Path) -> None:
    (tmp_path / "ops.ics").write_bytes(ics(EVENT))
    found = source("ops.ics", tmp_path)
    assert (found.state.windows, found.is_sure, found.state.label) == (None, False, "ops.ics")
    await found.refresh()
    assert found.state.windows is not None
    assert [window.title for window in found.state.windows] == ["Work"]
    assert (found.state.problem, found.state.read_us, found.is_sure) == ("", NOW, True)
    (tmp_path / "ops.ics").write_bytes(ics())
    await found.refresh()
    assert (found.state.windows, found.is_sure) == ((), True)


async def test_what_cannot_be_read_is_told_once_and_the_windows_stay(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = source("ops.ics", tmp_path)
    with caplog.at_level(logging.INFO):
        await found.refresh()
        await found.refresh()
    assert found.state.problem == "cannot be read: no such file or directory"
    assert (found.state.read_us, found.state.tried_us, found.is_sure) == (0, NOW, False)
    assert len(caplog.records) == 1
    (tmp_path / "ops.ics").write_bytes(ics(EVENT))
    await found.refresh()
    (tmp_path / "ops.ics").write_bytes(b"<html>")
    await found.refresh()
    assert found.state.problem == "cannot be read: cannot be read as iCalendar"
    assert found.state.windows is not None and len(found.state.windows) == 1  # noqa: PT018  # for the checker
    assert found.is_sure


async def test_an_event_that_cannot_be_used_makes_the_calendar_unsure(tmp_path: Path) -> None:
    (tmp_path / "ops.ics").write_bytes(
        ics(EVENT, "UID:y\nSUMMARY:Bad\nDTSTART:20260322T013000Z\nRRULE:FREQ=HOURLY")
    )
    found = source("ops.ics", tmp_path)
    await found.refresh()
    assert found.state.problem.startswith("the event 'Bad': FREQ=HOURLY")
    assert (found.is_sure, len(found.state.windows or ())) == (False, 1)


@pytest.mark.parametrize(("size", "taken"), [(MAX_CALENDAR_BYTES, True), (MAX_CALENDAR_BYTES + 1, False)])
async def test_a_file_is_taken_up_to_its_limit(tmp_path: Path, size: int, taken: bool) -> None:
    data = ics(EVENT)
    (tmp_path / "ops.ics").write_bytes(
        data + b"\r\n" * ((size - len(data)) // 2) + b"\n" * ((size - len(data)) % 2)
    )
    found = source("ops.ics", tmp_path)
    await found.refresh()
    assert found.state.problem == ("" if taken else "cannot be read: the file is over 4 MiB")


async def test_what_lies_ahead_is_worked_out_anew_after_a_while(tmp_path: Path) -> None:
    (tmp_path / "ops.ics").write_bytes(ics(EVENT + "\nRRULE:FREQ=WEEKLY"))
    wall = Wall(NOW)
    found = source("ops.ics", tmp_path, wall)
    await found.refresh()
    first = found.state.windows
    wall.now_us = NOW + EXPAND_AGAIN_US - 1
    await found.refresh()
    assert found.state.windows is first
    wall.now_us = NOW + 7 * DAY_US
    await found.refresh()
    assert found.state.windows is not None and first is not None  # noqa: PT018  # for the checker
    assert max(window.start_us for window in found.state.windows) > max(window.start_us for window in first)


async def test_an_address_is_asked_for_what_changed_only(tmp_path: Path) -> None:
    async with calendar_peer(ics(EVENT)) as peer:
        peer.tag = '"v1"'
        found = source(peer.url, tmp_path)
        await found.refresh()
        await found.refresh()
        assert (len(found.state.windows or ()), found.state.problem) == (1, "")
        assert [asked.get("If-None-Match") for asked in peer.asked] == [None, '"v1"']
        assert peer.asked[0]["User-Agent"].startswith("prober/")
        peer.body, peer.tag = ics(), '"v2"'
        await found.refresh()
    assert found.state.windows == ()


async def test_an_address_is_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with held_port() as held:
        url = f"http://127.0.0.1:{held.getsockname()[1]}/private-0123456789/ops.ics?token=hush"
        found = source(url, tmp_path)
        with caplog.at_level(logging.DEBUG):
            await found.refresh()
    assert (found.state.label, found.state.problem) == ("127.0.0.1", "cannot be read: connection refused")
    shown = caplog.text + repr(found.state) + repr(found.block) + repr(config_of(f"calendar: '{url}'"))
    assert "hush" not in shown
    assert "private" not in shown


async def told(peer: CalendarPeer, limit: int = 1 << 20) -> str:
    """Return why nothing was fetched."""
    with pytest.raises(FetchError) as error:
        await fetch(peer.url, Fetched(), limit)
    return str(error.value)


async def test_each_way_to_fail_is_said_in_words() -> None:
    async with calendar_peer(b"x" * 100) as peer:
        assert (await fetch(peer.url, Fetched(), 100)).data == b"x" * 100
        peer.status = 404
        assert await told(peer) == "the server answers 404"
        peer.status = 304
        assert await told(peer) == "the server answers 304"
        peer.status = 302
        assert await told(peer) == "it redirects to where it should not"
        peer.location = "http://192.0.2.1/ops.ics"
        assert await told(peer) == "it redirects to where it should not"
        peer.location = "file:///etc/passwd"
        assert await told(peer) == "it redirects to where it should not"
        peer.location = "/again"
        assert await told(peer) == "it redirects more than 3 times"
        assert len(peer.asked) == 10
    async with calendar_peer(b"x" * ((1 << 20) + 1)) as peer:
        assert await told(peer) == "it is over 1 MiB"


async def test_a_redirect_is_followed() -> None:
    async with calendar_peer(b"there") as there, calendar_peer() as here:
        here.status, here.location = 301, there.url
        assert (await fetch(here.url, Fetched(), 100)).data == b"there"
