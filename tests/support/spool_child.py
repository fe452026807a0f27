"""A process that appends to a spool and prints the slot of every batch that was committed, until it is killed.

`python -m support.spool_child FOLDER FIRST LIMIT_BYTES`: no file may grow over the limit (0: none); when the first
batch has to wait in memory, it prints `trouble: WORDS`. On a line of its input it lifts the limit.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from support.spooling import Clock, slot_content

from prober.agent.keys import AgentKey
from prober.agent.spool import Spool

FILLING = "x" * 40
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


async def main(folder: Path, first: int, limit: int) -> None:
    clock = Clock()
    clock.now_us += first  # epochs of later lives have later numbers
    spool = Spool(folder, AgentKey.load_or_make(folder), "iad-1", now_us=clock)
    await spool.open()
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    slot, troubled = first, False
    while True:
        await spool.append(slot_content(slot, filling=FILLING))
        if spool.state().trouble and not troubled:
            troubled = True
            print(f"trouble: {spool.state().trouble}", flush=True)
            sys.stdin.readline()
            resource.setrlimit(resource.RLIMIT_FSIZE, UNLIMITED)
        print(slot, flush=True)
        slot += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
