"""docs/examples/unix.yaml against a real peer."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.examples import run_example
from support.unix_peer import unix_peer

from checks.core.result import Outcome


async def pong(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"+PONG\r\n")
    await reader.read()


async def test_the_example_passes_when_the_cache_answers(tmp_path: Path) -> None:
    async with unix_peer(tmp_path, pong) as path:
        result = await run_example("unix", SOCKET=str(path))
    assert result.outcome in (Outcome.PASS, Outcome.WARN)  # slow it may be here


async def test_the_example_fails_without_a_cache(tmp_path: Path) -> None:
    result = await run_example("unix", SOCKET=str(tmp_path / "none.sock"))
    assert [failure.code for failure in result.failures] == ["connect_missing"]
