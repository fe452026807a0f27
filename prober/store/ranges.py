"""The scheduled results of one series from one slot to another, by one statement however long that is."""

from __future__ import annotations

from .cells import BLOCK_US, LANE_BITS, Lane, width

# From block to block, in which the slots of a series lie side by side; see `Lane`, whose arithmetic this is.
_BLOCKS = f"""WITH RECURSIVE
    begins(slot) AS (
        SELECT :first UNION ALL
        SELECT ((slot * :interval / :block + 1) * :block + :interval - 1) / :interval AS next FROM begins
        WHERE next <= :last),
    blocks(slot, block) AS (SELECT slot, slot * :interval / :block FROM begins),
    cells(lowest, cell) AS (
        SELECT (block - :origin << {LANE_BITS}) + :lane,
            (block - :origin << {LANE_BITS}) + :lane + slot - (block * :block + :interval - 1) / :interval
        FROM blocks)
    SELECT {{columns}} FROM cells CROSS JOIN results {{more}}
    WHERE results.cell BETWEEN cells.cell AND min(cells.lowest + :width - 1, :highest)"""


def within(columns: str, more: str = "") -> str:
    """Return the statement that yields columns of `results` and of what is joined to it, in the order of slots."""
    return _BLOCKS.format(columns=columns, more=more)


def between(lane: Lane, first: int, last: int) -> dict[str, int]:
    """Return the statement's values: the slots of a series from one to another, both included."""
    return {
        "first": first, "last": last, "interval": lane.interval_us, "block": BLOCK_US, "origin": lane.origin,
        "lane": lane.first, "width": width(lane.interval_us), "highest": lane.cell(last),
    }  # fmt: skip
