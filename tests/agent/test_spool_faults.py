"""The spool under kill -9, a full disk, and damage."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.spooling import (
    HUB,
    LATER,
    Clock,
    ModelHub,
    append_until_full,
    content,
    everything,
    fill_disk,
    free_disk,
    opened_spool,
    public,
    slot_content,
)

from prober.agent import spool_limits, spool_rows
from prober.agent.errors import AgentError
from prober.agent.keys import AgentKey
from prober.agent.spool import Spool
from prober.agent.spool_book import CHUNK
from prober.agent.spool_values import Epoch
from prober.hub.chains import Fate
from prober.wire import Gap, Position

TESTS = Path(__file__).resolve().parent.parent


@contextmanager
def child(folder: Path, first: int = 0, limit: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Run a process that appends and prints; kill -9 at the end."""
    paths = os.pathsep.join((str(TESTS.parent), str(TESTS)))
    process = subprocess.Popen(
        [sys.executable, "-m", "support.spool_child", str(folder), str(first), str(limit)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": paths},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def printed(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    return (line.strip() for line in process.stdout)


def assert_sound(folder: Path) -> None:
    db = sqlite3.connect(folder / "spool.db")
    assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    db.close()


async def test_what_was_appended_survives_kill_9_at_any_moment(tmp_path: Path) -> None:
    chance, last, hub = random.Random(5), -1, None
    for life in range(6):
        with child(tmp_path, first=last + 1) as process:
            lines = printed(process)
            told = int([next(lines) for _ in range(chance.randrange(1, 200))][-1])
        assert_sound(tmp_path)
        hub = hub or ModelHub(public(tmp_path))
        clock = Clock(LATER.now_us + life)
        async with opened_spool(tmp_path, clock=clock) as spool:
            last = spool.last_slots()[1]
            assert last >= told
            assert await spool.resume(hub.positions(), HUB) == []
            if life % 2:  # the others have to wait for a later life
                await hub.drain(spool)
    async with opened_spool(tmp_path, clock=LATER) as spool:
        await hub.drain(spool)
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in range(last + 1)}
    assert set(hub.records.values()) == {1}
    assert hub.refused == []


@pytest.mark.parametrize("limit", [60_000, 150_001, 400_000])
async def test_a_disk_that_fills_up_loses_nothing_and_goes_on_by_itself(limit: int, tmp_path: Path) -> None:
    """The kernel itself refuses to let the files grow, at some place in some statement."""
    with child(tmp_path, limit=limit) as process:
        lines = printed(process)
        before = next(line for line in lines if not line.isdigit())
        assert before.startswith("trouble: ")
        assert process.stdin is not None
        process.stdin.write("go on\n")
        process.stdin.flush()
        told = int([next(lines) for _ in range(20)][-1])
    assert_sound(tmp_path)
    async with opened_spool(tmp_path, clock=LATER) as spool:
        hub = ModelHub(public(tmp_path))
        last = spool.last_slots()[1]
        assert last >= told
        await hub.drain(spool)
    assert set(hub.records) == {(series, slot) for series in (1, 2, 3) for slot in range(last + 1)}
    assert (set(hub.records.values()), hub.gaps, hub.refused) == ({1}, {}, [])


async def test_what_the_disk_does_not_take_is_offered_from_memory_in_order(tmp_path: Path) -> None:
    async with opened_spool(tmp_path / "spool") as spool:
        hub = ModelHub(public(tmp_path / "spool"))
        slot = await append_until_full(spool, 0)
        assert "full" in spool.state().trouble
        for later in range(slot, slot + 10):
            await spool.append(slot_content(later))
        batches = spool.state().batches
        offered = await everything(spool, spool.epoch)
        assert [one.sequence for one in offered] == list(range(1, batches + 1))
        assert len(await spool.unsent(spool.epoch, batches - 5, 1)) == 1
        assert (
            await spool.begin_epoch() == offered[0].epoch
        )  # what is newer must not overtake what only memory has
        await spool.append(slot_content(slot + 10))
        await hub.drain(spool)
        assert spool.state().batches == 0
        await free_disk(spool)
        await spool.append(slot_content(slot + 11))
        assert spool.state().trouble == ""
        shutil.copytree(tmp_path / "spool", tmp_path / "copy")
        await hub.drain(spool)
    async with opened_spool(tmp_path / "copy", clock=LATER) as spool:  # the hole in it is known to be none
        assert [len(await everything(spool, epoch)) for epoch in spool.epochs()] == [1]
    async with opened_spool(tmp_path / "spool", clock=LATER) as spool:
        assert await spool.resume(hub.positions(), HUB) == []
        assert spool.epochs() == []
        assert spool.last_slots() == dict.fromkeys((1, 2, 3), slot + 11)
    assert set(hub.records) == {(series, one) for series in (1, 2, 3) for one in range(slot + 12)}


async def test_on_a_full_disk_what_the_hub_has_makes_room(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        hub = ModelHub(public(tmp_path))
        for slot in range(100):
            await spool.append(slot_content(slot))
        await hub.drain(spool)
        slot = await append_until_full(spool, 100)
        await spool.append(slot_content(slot))
        assert spool.state().trouble == ""
        assert await spool.resume(hub.positions(), HUB) == []
        await hub.drain(spool)
    assert set(hub.records) == {(series, one) for series in (1, 2, 3) for one in range(slot + 1)}


async def test_memory_has_a_limit_too_and_gives_up_its_oldest_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_limits, "MEMORY_BYTES", 20_000)
    async with opened_spool(tmp_path) as spool:
        hub = ModelHub(public(tmp_path))
        slot = await append_until_full(spool, 0)
        on_their_way = await everything(spool, spool.epoch)
        for later in range(slot, 300):
            await spool.append(slot_content(later))
        assert sum(row.bytes for row in spool._book.memory) <= 20_000
        state = spool.state()
        assert state.dropped_results > 0
        assert state.dropped_why == "disk"
        for sealed in on_their_way:
            assert hub.take(sealed) is Fate.NEXT
            await spool.acknowledged(sealed.epoch, sealed.sequence)
        await free_disk(spool)
        await spool.append(slot_content(300))
        await hub.drain(spool)
    assert len(hub.gaps) == state.dropped_results
    assert set(hub.records) | set(hub.gaps) == {(series, one) for series in (1, 2, 3) for one in range(301)}
    assert set(hub.records) & set(hub.gaps) == set()


async def test_what_memory_had_at_the_end_is_said_to_be_lost_and_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened_spool(tmp_path) as spool:
        slot = await append_until_full(spool, 0)
        await spool.append(slot_content(slot))
        first = spool.epoch
    assert "what waits in memory: it is lost" in caplog.text
    async with opened_spool(tmp_path, clock=LATER) as spool:
        hub = ModelHub(public(tmp_path))
        await spool.append(content(gaps=[Gap(1, slot - 1, slot, "agent_off")]))
        assert spool.epochs() == [first, spool.epoch]
        await hub.drain(spool)
        assert hub.refused == []


def test_the_end_of_an_epoch_that_went_with_the_process_is_not_named() -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    spool_rows.prepare(db)
    spool_rows.save_epoch(db, Epoch(7, "iad-1", HUB, last=9, hash=b"lost", taken=5))
    spool_rows.save_epoch(db, Epoch(8, "iad-1", HUB, last=9, hash=b"taken", taken=9))
    assert [(one.last, one.hash) for one in spool_rows.epochs(db)] == [(5, b""), (9, b"taken")]
    db.close()


@pytest.mark.parametrize("room_pages", [0, 40, 80])
async def test_what_only_memory_had_is_not_called_accounted_for_after_a_crash(
    room_pages: int, tmp_path: Path
) -> None:
    folder, copy = tmp_path / "a", tmp_path / "b"
    async with opened_spool(folder) as spool:
        slot = await append_until_full(spool, 0)
        for later in range(slot, slot + 300):
            await spool.append(slot_content(later, filling=os.urandom(500).hex()))
        await fill_disk(spool, room_pages)
        await spool.append(slot_content(slot + 300))
        assert spool.last_slots()[1] == slot + 300
        shutil.copytree(folder, copy)  # what a crash would leave
    async with opened_spool(copy, clock=LATER) as spool:
        hub = ModelHub(public(copy))
        await hub.drain(spool)
        assert spool.last_slots() == hub.last_slots()
        brought_in = spool.last_slots()[1] - (slot - 2)
    assert brought_in % CHUNK == 0
    assert (0 < brought_in < 300) == (room_pages > 0)


async def test_a_start_on_a_full_disk_reads_delivers_and_measures(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        for slot in range(30):
            await spool.append(slot_content(slot))
    async with opened_spool(tmp_path, clock=LATER) as spool:
        await fill_disk(spool)
        hub = ModelHub(public(tmp_path))
        slot = await append_until_full(spool, 30)
        await hub.drain(spool)
    assert set(hub.records) == {(series, one) for series in (1, 2, 3) for one in range(slot)}


# Damage


@pytest.mark.parametrize("what", ["noise", "half", "no database"])
async def test_a_damaged_spool_is_set_aside_said_and_begun_anew(
    what: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened_spool(tmp_path) as spool:
        first = spool.epoch
        for slot in range(200):
            await spool.append(slot_content(slot))
    path = tmp_path / "spool.db"
    whole = path.read_bytes()
    damaged = {
        "noise": whole[:4096] + os.urandom(len(whole) - 4096),
        "half": whole[: len(whole) // 2],
        "no database": b"something else" * 1000,
    }[what]
    path.write_bytes(damaged)
    async with opened_spool(tmp_path) as spool:
        assert spool.epochs() == []
        await spool.append(slot_content(1))
        assert spool.state().dropped_why == "disk"
        assert spool.epoch >= first
    assert (tmp_path / "spool.db.damaged").read_bytes() == damaged
    assert "is damaged" in caplog.text


async def test_a_disk_that_spoils_the_file_while_it_is_in_use_ends_nothing(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        for slot in range(1000):
            await spool.append(slot_content(slot, filling=os.urandom(1500).hex()))
        first = spool.epoch
        size = (tmp_path / "spool.db").stat().st_size
        assert size > 3 * 1024 * 1024  # more than is held in memory
        with open(tmp_path / "spool.db", "r+b") as file:  # noqa: ASYNC230
            file.seek(8192)
            file.write(os.urandom(size - 8192))
        await everything(spool, first)
        await spool.acknowledged(first, 5)
        await spool.resume([Position(first, 300, b"?" * 32)], HUB)
        await spool.begin_epoch()
        await spool.append(slot_content(1000))
        for epoch in spool.epochs():
            await everything(spool, epoch)
            await spool.put_aside(epoch, 900)
        await spool.append(slot_content(1001))
        assert "malformed" in spool.state().trouble


async def test_a_spool_of_a_later_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    async with opened_spool(tmp_path) as spool:
        await spool.append(slot_content(1))
    db = sqlite3.connect(tmp_path / "spool.db")
    db.execute("PRAGMA user_version=2")
    db.close()
    with pytest.raises(AgentError, match=r"by a later release$") as caught:
        async with opened_spool(tmp_path):
            pass
    assert caught.value.hint == "use that, or another --spool"
    assert not (tmp_path / "spool.db.damaged").exists()


async def test_a_folder_that_cannot_be_made_is_an_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    spool = Spool(tmp_path / "file" / "spool", AgentKey.make(), "iad-1")
    with pytest.raises(AgentError, match=r"cannot make the spool's folder .*: not a directory$") as caught:
        await spool.open()
    assert "--spool names another folder" in caught.value.hint


@pytest.mark.parametrize(("mode", "is_told"), [(0o700, False), (0o755, False), (0o770, True), (0o702, True)])
async def test_a_folder_that_others_may_write_to_is_warned_of(
    tmp_path: Path, mode: int, is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(mode)
    async with opened_spool(tmp_path / "spool"):
        pass
    told = [
        record.hint for record in caplog.records if record.message.startswith("others may write in the spool")
    ]
    assert told == [f"chmod go-w {tmp_path / 'spool'}"] * is_told
