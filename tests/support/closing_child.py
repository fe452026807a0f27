"""A process that closes what is due over a store and prints a line before each write, until it is killed or done.

`python -m support.closing_child FOLDER NOW_US`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from support.measured import Desk, desk, measured

from prober.store.base import ClosedRow, DeliveryRow


async def main(folder: Path, now_us: int) -> None:
    async with measured(folder) as store:
        one, _ = desk(store.store)
        real = Desk.write

        async def write(
            self: Desk, closed: tuple[ClosedRow, ...] = (), deliveries: tuple[DeliveryRow, ...] = ()
        ) -> None:
            print(*(f"{row.contract}/{row.customer}" for row in closed), flush=True)
            await real(self, closed, deliveries)

        Desk.write = write  # type: ignore[method-assign]
        one.restart()
        await one.at(now_us)
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
