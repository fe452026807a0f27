"""Ending processes, within a deadline."""

from __future__ import annotations

import asyncio
import signal

STOP_SECONDS = 10.0


async def end(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """Send a signal and wait for the end; what does not end in time is killed."""
    if process.returncode is not None:
        return
    process.send_signal(number)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
