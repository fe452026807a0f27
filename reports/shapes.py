"""The smallest parts of the report document: exact numbers, ratios, and the three figures that stand together."""

from __future__ import annotations

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the document."""


class Number(Shape, frozen=True, kw_only=True, gc=False):
    """An exact rational; in seconds where the field's name says so."""

    num: int
    den: int


class Ratio(Shape, frozen=True, kw_only=True, gc=False):
    """An exact ratio of 0 to 1, and as a percentage without its sign, truncated."""

    num: int
    den: int
    text: str


class Bounds(Shape, frozen=True, kw_only=True, gc=False):
    """Lowest possible, as measured, highest possible availability; null without data."""

    lowest: Ratio | None
    measured: Ratio | None
    highest: Ratio | None


class Seconds(Shape, frozen=True, kw_only=True, gc=False):
    """Down time: surely, as measured, possibly. `lowest` is the smallest of the three."""

    lowest: Number
    measured: Number
    highest: Number
