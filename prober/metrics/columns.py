"""Where lines stand until a scrape: a column a family, a place a series, joined when asked for.

Columns of what changes with every result are joined anew at each scrape. Those of what rarely changes keep their
joined text block by block, and are told which block to forget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .text import Family, labels

BLOCK_BITS = 9
BLOCK = 1 << BLOCK_BITS
"""Series of a column that are joined at once: some tenths of a millisecond."""


class Column:
    """The lines of one family. Who writes into `lines` often need not say so, who writes rarely calls `write`."""

    __slots__ = ("_kept", "family", "is_often_written", "lines")

    def __init__(self, family: Family, size: int, is_often_written: bool = False) -> None:
        self.family = family
        self.lines = [""] * size
        self.is_often_written = is_often_written
        self._kept: list[bytes | None] = [None] * -(-size // BLOCK)

    def write(self, index: int, text: str) -> None:
        """Put a text in its place."""
        self.lines[index] = text
        self._kept[index >> BLOCK_BITS] = None

    def blocks(self) -> Iterator[bytes]:
        """Yield all lines, joined by blocks."""
        lines, kept = self.lines, self._kept
        for number, text in enumerate(kept):
            if text is None:
                text = "".join(lines[number * BLOCK : (number + 1) * BLOCK]).encode()
                if not self.is_often_written:
                    kept[number] = text
            yield text


class Placed:
    """Lines of one series, at one place of its columns; columns and place may change with the configuration."""

    __slots__ = ("_columns", "_index", "_rest")

    def __init__(self, columns: Sequence[Column], index: int, rest: str) -> None:
        """`rest` is what ends the labels of every line, see `rest_of`."""
        self._columns = columns
        self._index = index
        self._rest = rest

    def move(self, columns: Sequence[Column], index: int) -> None:
        """Take the lines along to a place in other columns."""
        for old, new in zip(self._columns, columns, strict=True):
            new.write(index, old.lines[self._index])
        self._columns, self._index = columns, index


def rest_of(probe: str, region: str) -> str:
    """Return the last labels of a series' lines, with the brace and the space before the value.

    Labels of a family's own come before these, so that this one text serves all lines of a series.
    """
    return labels({"probe": probe, "region": region}) + "} "
