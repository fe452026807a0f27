"""Where a scheduled result lies: one 47 bit key made of time and series. Pure arithmetic, no SQL.

Results of all series arrive interleaved. Kept by (series, slot), each would go to a page of its own: 10 kB written
and 15 us of CPU a row. Kept by time alone, one series would be strewn over every page. So time is cut into blocks,
and in each block every series owns a lane: enough neighbouring cells for its slots of one block. A batch then
touches the pages of one block, and the results of a series at 30 s lie by fours.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK_US = 120_000_000  # 2 min: 5 min and 1 h cost the same bytes a row, but 1.2 and 3 times the CPU
LANE_BITS = 26  # 67 million cells in a block; with 21 bits of blocks a key has 6 bytes for 8 years
LANE_CELLS = 1 << LANE_BITS


CELL = f"""((slot * interval_us / {BLOCK_US} - (SELECT value FROM meta WHERE name = 'origin') << {LANE_BITS}) + lane
    + slot - (slot * interval_us / {BLOCK_US} * {BLOCK_US} + interval_us - 1) / interval_us)"""
"""The key of a slot as SQLite reckons it, from columns of `series`; see `Lane.cell`. For slots after the epoch."""


def block_of(at_us: int) -> int:
    """Return the number of the block that an instant lies in."""
    return at_us // BLOCK_US


@dataclass(frozen=True, slots=True)
class Lane:
    """The cells of one series: from `first` in every block; `origin` is the store's first block."""

    series: int
    interval_us: int
    first: int
    origin: int

    def block(self, slot: int) -> int:
        """Return the block of a slot."""
        return slot * self.interval_us // BLOCK_US

    def first_slot(self, block: int) -> int:
        """Return the first slot that begins in a block, or after it."""
        return -(-(block * BLOCK_US) // self.interval_us)

    def cell(self, slot: int) -> int:
        """Return the key of a slot; negative for slots before the store was made."""
        block = slot * self.interval_us // BLOCK_US
        offset = slot + (-(block * BLOCK_US) // self.interval_us)  # slot - first_slot(block)
        return (block - self.origin << LANE_BITS) + self.first + offset

    def slot(self, cell: int) -> int:
        """Return the slot of a key made by `cell`."""
        block = (cell >> LANE_BITS) + self.origin
        return self.first_slot(block) + (cell & LANE_CELLS - 1) - self.first


def width(interval_us: int) -> int:
    """Return how many cells a series needs in a block."""
    return BLOCK_US // interval_us + 1
