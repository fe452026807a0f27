"""A process that writes to a store and prints the number of every write that was committed, until it is killed.

`python -m support.store_child PATH FIRST LIMIT_BYTES`: no file may grow over the limit (0: none); a write that the
store could not take is printed as `busy: WORDS`, the limit lifted, and the same write done again.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from support.store_values import SLOT, detail, receipt, result_row, run_row, series_row

from prober.store.base import StoreBusy, WriteSet
from prober.store.sqlite import SqliteStore

SERIES = 40
RUN_LENGTH = 7  # writes after which each series begins a new run


def write_set(number: int) -> WriteSet:
    """Return the write of a number: one slot of every series, its runs, a detail, a receipt."""
    run = number // RUN_LENGTH
    outcome = "fail" if run % 2 else "pass"
    series = range(1, SERIES + 1)
    return WriteSet(
        results=[result_row(one, SLOT + number, outcome) for one in series],
        runs=[run_row(one, run, outcome=outcome, count=number % RUN_LENGTH + 1) for one in series],
        details=[detail(number % SERIES + 1, SLOT + number)],
        receipts=[receipt(number)],
    )


async def main(path: Path, first: int, limit: int) -> None:
    store = SqliteStore(path)
    await store.open()
    await store.series([series_row(f"probe-{number}") for number in range(SERIES)])
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    number = first
    while True:
        try:
            await store.write(write_set(number))
        except StoreBusy as error:
            print(f"busy: {error}", flush=True)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            continue
        print(number, flush=True)
        number += 1


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
