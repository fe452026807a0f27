"""Pieces of our own internal pages: tables whose cells keep their column's name, words with a sign, figures in words.

What comes from elsewhere is escaped by the way it is put in (`Markup %`); nothing here is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fractions import Fraction

from markupsafe import Markup

from reports.ratio import percent_text

NOTHING = "–"
Shown = Markup | str


def join(parts: Iterable[Markup]) -> Markup:
    """Return pieces one after the other."""
    return Markup("").join(parts)


def head(columns: Iterable[Shown]) -> Markup:
    """Return the row above a table."""
    return Markup("<tr>%s</tr>") % join(Markup('<th scope="col">%s</th>') % each for each in columns)


def row(columns: Sequence[str], cells: Sequence[Shown]) -> Markup:
    """Return a row; its first cell names it, and each other one carries its column's name for narrow screens."""
    first = Markup('<th scope="row">%s</th>') % cells[0]
    named = zip(columns[1:], cells[1:], strict=True)
    rest = join(_cell(column, cell) for column, cell in named)
    return Markup("<tr>%s%s</tr>") % (first, rest)


def _cell(column: str, cell: Shown) -> Markup:
    nil = Markup(' class="nil"') if cell == NOTHING else ""
    return Markup('<td data-label="%s"%s>%s</td>') % (column, nil, cell)


def word(tone: str, sign: str, text: str) -> Markup:
    """Return a word with its sign; a tone is good, mild, bad or none."""
    return Markup('<span class="word %s"><i aria-hidden="true">%s</i>%s</span>') % (tone, sign, text)


def breakable(code: str) -> Markup:
    """Return a code that a narrow column may break after its underscores."""
    return Markup("_<wbr>").join(code.split("_"))


def with_small(shown: Shown, *parts: Shown) -> Markup:
    """Return something with small print below, a line for each part that is not empty."""
    said = join(Markup("<small>%s</small>") % part for part in parts if part)
    return Markup("<div>%s%s</div>") % (shown, said)


def share(count: int, total: int, ratio: Fraction | None) -> Shown:
    """Return so many of so many; nothing at all where there were none."""
    if ratio is None:
        return NOTHING
    return with_small(f"{percent_text(ratio)} %" if count else "0 %", f"{count:,} of {total:,}")


def size(count: int) -> str:
    """Write bytes: `12 B`, `4.1 kB`."""
    for unit, limit in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= limit:
            return f"{count / limit:.1f} {unit}"
    return f"{count} B"


def length(length_us: int) -> str:
    """Write micro-seconds: `12.0 ms`, `3.20 s`."""
    return f"{length_us / 1e6:.2f} s" if length_us >= 999_950 else f"{length_us / 1e3:.1f} ms"


def signed(length_us: int) -> str:
    """Write micro-seconds with their sign."""
    return ("+" if length_us >= 0 else "−") + length(abs(length_us))


def clock_text(at_us: int) -> str:
    """Write an instant: `2026-03-15 14:02:11 UTC`."""
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
