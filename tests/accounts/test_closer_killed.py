"""A process that is killed while it closes periods leaves whole reports; the next one completes them, once each."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest
from support.commands import ROOT, environment
from support.measured import APRIL, HOUR_US, MARCH, MINUTE_US, S, desk, measured, names

from reports.render.json_format import is_intact

FINAL_US = APRIL + HOUR_US + 15 * S
ALL = [("gold", "", 1), ("gold", "acme", 1), ("gold", "beta", 1), ("silver", "", 1), ("silver", "beta", 1)]


@pytest.mark.parametrize("line", [1, 2, 3, 5])
async def test_a_kill_before_or_within_any_write_loses_nothing(tmp_path: Path, line: int) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "support.closing_child", str(tmp_path), str(FINAL_US),
        cwd=ROOT / "tests", env=environment({"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdout is not None
    async with asyncio.timeout(60):
        for _ in range(line):
            assert await child.stdout.readline() not in (b"", b"done\n")
        child.send_signal(signal.SIGKILL)
        await child.communicate()
    async with measured(tmp_path) as store:
        one, _ = desk(store.store)
        before = await one.rows()
        assert all(is_intact(row.body) for row in before)
        assert await one.at(FINAL_US + MINUTE_US) == 5 - len(before)
        rows = await one.rows()
        assert names(rows) == ALL
        assert [row for row in rows if row in before] == before
        assert await one.at(FINAL_US + 2 * HOUR_US) == 0
