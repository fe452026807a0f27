"""Exported rows as who works figures out again reads them: results that say something, and attempts. Of JSON alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

KNOWN_TO = 5_000
"""A start that was at most so long after its slot was due counts as on time, and the end as so much later."""


class Look(NamedTuple):
    """One result that says something."""

    start: int
    end: int
    bad: bool


class Attempt(NamedTuple):
    """A slot that was due: good, bad or unknown ("g", "b", "u")."""

    due: int
    fate: str
    code: str


@dataclass
class Grid:
    """What was exported of one series."""

    number: int
    probe: str
    region: str
    interval: int
    looks: list[Look] = field(default_factory=list)
    recorded: dict[int, tuple[int, str, str]] = field(default_factory=dict)  # slot -> due, fate, code
    missed: dict[int, int] = field(default_factory=dict)  # slot -> due
    beyond: list[int] = field(default_factory=list)  # dues of slots that nothing is on record of

    @property
    def begins(self) -> int:
        """When its first slot on record was due."""
        return min(due for due in (*(each[0] for each in self.recorded.values()), *self.missed.values()))


def grids_of(export: dict[str, Any]) -> list[Grid]:
    """Return the exported rows by series, each in order of time."""
    grids = {
        row["series"]: Grid(row["series"], row["probe"], row["region"], row["interval_us"])
        for row in export["series"]
    }
    for row in export["results"]:
        _add(grids[row["series"]], row)
    dues = {(each["series"], each["slot"]): each["due_us"] for each in export["slots"]}
    for gap in export["gaps"]:
        for slot in range(gap["first_slot"], gap["last_slot"] + 1):
            if (gap["series"], slot) in dues:
                grids[gap["series"]].missed[slot] = dues.pop((gap["series"], slot))
    for (series, slot), due in dues.items():
        if slot not in grids[series].recorded:
            grids[series].beyond.append(due)
    for grid in grids.values():
        grid.looks.sort()
    return [grid for grid in grids.values() if grid.recorded or grid.missed]


def _add(grid: Grid, row: dict[str, Any]) -> None:
    failures = row["detail"]["failures"] if row["detail"] else []
    code = failures[0]["code"] if failures else ""
    if row["kind"] == "scheduled":
        fate = {"pass": "g", "warn": "g", "fail": "b", "void": "u"}[row["outcome"]]
        grid.recorded[row["slot"]] = row["due_us"], fate, code
    if row["outcome"] != "void":
        start, end = row["started_us"], row["started_us"] + row["duration_us"]
        if 0 <= start - row["due_us"] <= KNOWN_TO:
            start, end = row["due_us"], row["due_us"] + row["duration_us"] + KNOWN_TO
        grid.looks.append(Look(start, end, row["outcome"] == "fail"))
