"""When targets really failed, from the log that their process keeps, and what of the stated down time was true."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """From one instant to another, in microseconds since the epoch."""

    from_us: int
    to_us: int

    @property
    def length_us(self) -> int:
        """Return how long it is."""
        return self.to_us - self.from_us


def failures(log: Path, target: str, now_us: int) -> list[Span]:
    """Return when a target failed at the longest: from being told to fail to having recovered."""
    spans: list[Span] = []
    begun_us: int | None = None
    for line in log.read_text().splitlines() if log.exists() else ():
        order = json.loads(line)
        if order["target"] != target:
            continue
        if order["mode"] != "ok" and begun_us is None:
            begun_us = order["told_us"]
        elif order["mode"] == "ok" and begun_us is not None:
            spans.append(Span(begun_us, order["done_us"]))
            begun_us = None
    return spans if begun_us is None else [*spans, Span(begun_us, now_us)]


def down_spans(changes: Iterable[dict[str, Any]], now_us: int, from_us: int = 0) -> list[Span]:
    """Return when a subject was DOWN since an instant, by the changes that stand; the last may reach up to now."""
    standing = sorted(
        (change for change in changes if not change.get("withdrawn")), key=lambda change: change["at_us"]
    )
    ends = [change["at_us"] for change in standing[1:]] + [now_us]
    pairs = zip(standing, ends, strict=True) if standing else ()
    spans = [Span(max(change["at_us"], from_us), end) for change, end in pairs if change["after"] == "down"]
    return [span for span in spans if span.to_us > span.from_us]


def false_us(down: Iterable[Span], true: list[Span], early_us: int, late_us: int) -> int:
    """Return how much stated down time lies outside the true failures (each a little longer at its ends)."""
    total = 0
    for span in down:
        covered = sum(
            max(0, min(span.to_us, one.to_us + late_us) - max(span.from_us, one.from_us - early_us))
            for one in true
        )
        total += max(span.length_us - covered, 0)
    return total
