"""The last scheduled result of one probe in one region, as lines that are rewritten when the next one arrives.

Not here: which fact appears under which name (`exporter`), what adds up (`counters`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from checks.core.result import Fact, Outcome, Result

from . import exporter
from .columns import Column, Placed
from .exporter import FAMILIES, Reader

_SUCCESS = FAMILIES.index(exporter.SUCCESS)
_DURATION = FAMILIES.index(exporter.DURATION)
_LOOKUP = FAMILIES.index(exporter.LOOKUP)
_OFTEN_WRITTEN = {
    exporter.DURATION,
    exporter.LOOKUP,
    *(kind.phases.family for kind in exporter.KINDS.values() if kind.phases is not None),
}
_VOID, _FAIL = Outcome.VOID, Outcome.FAIL


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a kind shows: where its phases stand, its facts, and column, name and line of each fact."""

    phases: int | None
    stages: tuple[tuple[str, str, tuple[str, ...]], ...]  # start of the line, stage, stages that are added
    facts: tuple[str, ...]
    lines: tuple[tuple[int, str, Reader], ...]


@cache
def _plan(kind: str) -> _Plan:
    shown = exporter.KINDS.get(kind, exporter.OTHER)
    facts = tuple(each.fact for each in shown.facts)
    lines = tuple((FAMILIES.index(each.family), each.family.name, each.line) for each in shown.facts)
    if shown.phases is None:
        return _Plan(None, (), facts, lines)
    name, column = shown.phases.family.name, FAMILIES.index(shown.phases.family)
    stages = ((f'{name}{{phase="{label}",', stage, added) for label, stage, added in shown.phases.stages)
    return _Plan(column, tuple(stages), facts, lines)


def _phases(plan: _Plan, phases_us: dict[str, int], rest: str) -> str:
    text = ""
    for start, stage, added in plan.stages:
        us = phases_us.get(stage)
        if us is not None:
            for each in added:
                us += phases_us.get(each, 0)
            text += f"{start}{rest}{us}e-6\n"
    return text


def columns(size: int) -> tuple[Column, ...]:
    """Return the columns of last results."""
    return tuple(Column(family, size, family in _OFTEN_WRITTEN) for family in FAMILIES)


class LastResult(Placed):
    """The lines about the last result; none before the first."""

    __slots__ = ("_kind", "_newest_us", "_plan", "_seen", "_success")

    def __init__(self, columns: Sequence[Column], index: int, rest: str, kind: str) -> None:
        super().__init__(columns, index, rest)
        self._kind = kind
        self._newest_us = 0
        self._plan = _plan(kind)
        self._seen: list[Fact] = [None] * len(self._plan.facts)
        self._success = -1  # as it is shown; -1: nothing is

    def become(self, kind: str) -> None:
        """Be of another kind of check from now on: what the one before saw goes."""
        if kind != self._kind:
            self._clear()
            self._kind, self._plan = kind, _plan(kind)
            self._seen = [None] * len(self._plan.facts)

    def show(self, result: Result) -> None:
        """Show a scheduled result; a void one measured nothing, so then nothing is shown.

        Micro-seconds are written as such with an exponent: exact, and several times cheaper than a float.
        """
        if result.started_us < self._newest_us:
            return  # delivered late
        self._newest_us = result.started_us
        outcome = result.outcome
        if outcome is _VOID:
            self._clear()
            return
        columns, index, rest, plan = self._columns, self._index, self._rest, self._plan
        success = 0 if outcome is _FAIL else 1
        if success != self._success:
            self._success = success
            columns[_SUCCESS].write(index, f"probe_success{{{rest}{success}\n")
        columns[_DURATION].lines[index] = f"probe_duration_seconds{{{rest}{result.duration_us}e-6\n"
        phases_us = result.phases_us
        lookup_us = phases_us.get("resolve")
        columns[_LOOKUP].lines[index] = (
            "" if lookup_us is None else f"probe_dns_lookup_time_seconds{{{rest}{lookup_us}e-6\n"
        )
        if plan.phases is not None:
            columns[plan.phases].lines[index] = _phases(plan, phases_us, rest)
        values = list(map(result.facts.get, plan.facts))
        if values != self._seen:
            self._write_facts(values)

    def _write_facts(self, values: list[Fact]) -> None:
        seen, self._seen = self._seen, values
        for place, (column, name, line) in enumerate(self._plan.lines):
            if values[place] != seen[place]:
                self._columns[column].write(self._index, line(name, self._rest, values[place]))

    def _clear(self) -> None:
        if self._success != -1:
            self._success = -1
            self._seen = [None] * len(self._plan.facts)
            for column in self._columns:
                column.write(self._index, "")
