"""Which characters the fonts beside this module can show, and what stands for one that they cannot.

`fonts/covered.txt` lists them, written together with the fonts by `requirements/make_fonts.py`.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

FONTS = Path(__file__).parent / "fonts"
REPLACEMENT = "\ufffd"
# Signs that mean the same to a reader, for those that no font here has.
ALIKE = str.maketrans({"✗": "×", "✘": "×", "✕": "×", "✖": "×", "✔": "✓", "⚠": "△", "\u2011": "-"})
# Marks of no width and line ends need no glyph.
_NONE_NEEDED = {"\n", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u200e", "\u200f", "\u00ad"}


@cache
def _covered() -> tuple[list[int], list[int]]:
    pairs = (FONTS / "covered.txt").read_text(encoding="ascii").split()
    ends = [tuple(int(end, 16) for end in pair.split("-")) for pair in pairs]
    return [end[0] for end in ends], [end[1] for end in ends]


def is_covered(character: str) -> bool:
    """Whether the fonts can show one character."""
    starts, ends = _covered()
    place = bisect_right(starts, ord(character)) - 1
    return character in _NONE_NEEDED or (place >= 0 and ord(character) <= ends[place])


def composed(text: str) -> str:
    """Return a text with composed letters, signs that the fonts have, and no control characters."""
    text = unicodedata.normalize("NFC", text).translate(ALIKE)
    return "".join(one if one == "\n" or unicodedata.category(one) != "Cc" else " " for one in text)


def missing(texts: Iterable[str]) -> list[str]:
    """Return the characters that no font here has, sorted."""
    return sorted({one for text in texts for one in set(text) if not is_covered(one)})


def shown(text: str) -> str:
    """Return a text with a replacement mark for what no font here has."""
    return "".join(one if is_covered(one) else REPLACEMENT for one in text)


def mapped(value: Any, change: Any) -> Any:
    """Return plain data with every text in it changed, keys excepted."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: mapped(one, change) for name, one in value.items()}
    return [mapped(one, change) for one in value] if isinstance(value, list | tuple) else value


def texts(value: Any) -> Iterable[str]:
    """Yield every text of plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from texts(one)
