"""The table of scenarios as values, read strictly from scenarios.yaml, and the three policies that each runs under.

A scenario has: `id`; `layer` (how figures are grouped); `listed` (among the 39 that uptime-bench has); `probe` (a
template by name, or a kind's block) with `options` merged in; `own` (needs a port of its own that speaks web, secure
or mail) and `ipv6` (that port also on ::1); `fault` (an act, its settings, and which requests it strikes); `expect`
for all policies or by policy; `codes` (every failure must carry one of these); `tight` (judges time: a target that
stood still for a moment bends it).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from bench.detection import names, ports, web
from bench.detection.faults import Fault, Match

from checks.core.failures import Code

TABLE = Path(__file__).with_name("scenarios.yaml")
ACTS = frozenset({*web.ACTS, *ports.ACTS, *names.ACTS, "certificate", "old-tls", "refuse-ipv6"})
Tree = dict[str, Any]  # Any: YAML


class Expect(StrEnum):
    """What the daemon should say about a scenario under a policy."""

    ALERT = "alert"
    DEGRADED = "degraded"
    WARN = "warn"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How failures are believed. Durations in micro-seconds, `recheck_us` 0 for never."""

    name: str
    regions: tuple[str, ...]
    schedule: str
    needed: int
    retries: int
    retry_after_us: int
    recheck_us: int


REGIONS = {"fra": "127.0.0.2", "iad": "127.0.0.3", "sin": "127.0.0.4"}
POLICIES = (
    # `fixed`: starts an interval apart, which is what the theory of section "Theory" in the README speaks of.
    Policy(
        name="one", regions=("fra",), schedule="fixed", needed=1, retries=0, retry_after_us=0, recheck_us=0
    ),
    Policy(
        name="confirm", regions=("fra",), schedule="fixed", needed=1, retries=1, retry_after_us=200_000,
        recheck_us=500_000,
    ),
    Policy(
        name="two-of-three", regions=tuple(REGIONS), schedule="stratified", needed=2, retries=0, retry_after_us=0,
        recheck_us=500_000,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of the table."""

    id: str
    layer: str
    listed: bool
    probe: Tree
    own: str
    ipv6: bool
    fault: Fault | None
    expect: dict[str, Expect]
    codes: frozenset[str]
    tight: bool

    def seed(self, run_seed: int) -> int:
        """Return the seed of this scenario's draws within a run."""
        return run_seed ^ zlib.crc32(self.id.encode())

    def host(self, policy: str) -> str:
        """Return the host that a policy's probe watches: each has its own, so that no one disturbs another."""
        return f"{self.id}--{policy}.{names.ZONE}"

    def probe_name(self, policy: str) -> str:
        """Return the name of a policy's probe."""
        return f"{self.id}_{policy}"


def read_table(text: str | None = None) -> list[Scenario]:
    """Return all scenarios; ValueError names the first fault of the table."""
    tree: Tree = yaml.safe_load(TABLE.read_text() if text is None else text)
    found = [_scenario(dict(row), tree["probes"]) for row in tree["scenarios"]]
    if len({scenario.id for scenario in found}) < len(found):
        raise ValueError("two scenarios have one id")
    return found


def _scenario(row: Tree, templates: Tree) -> Scenario:
    name = row.get("id")
    wanted = row.pop("probe")
    probe = merged(templates[wanted] if isinstance(wanted, str) else wanted, row.pop("options", {}))
    fault = row.pop("fault", None)
    scenario = Scenario(
        id=row.pop("id"),
        layer=row.pop("layer"),
        listed=row.pop("listed", False),
        probe=probe,
        own=row.pop("own", ""),
        ipv6=row.pop("ipv6", False),
        fault=_fault(dict(fault)) if fault is not None else None,
        expect=_expect(row.pop("expect")),
        codes=frozenset(Code(code).value for code in row.pop("codes", [])),
        tight=row.pop("tight", False),
    )
    if row:
        raise ValueError(f"{name}: unknown key {next(iter(row))}")
    if set(scenario.expect.values()) != {Expect.SILENCE} and not scenario.codes:
        raise ValueError(f"{name}: a failure without codes")
    return scenario


def _expect(given: str | dict[str, str]) -> dict[str, Expect]:
    by_policy = given if isinstance(given, dict) else {policy.name: given for policy in POLICIES}
    if set(by_policy) != {policy.name for policy in POLICIES}:
        raise ValueError(f"expect names other policies: {sorted(by_policy)}")
    return {name: Expect(word) for name, word in by_policy.items()}


def _fault(row: Tree) -> Fault:
    act = row.pop("act")
    if act not in ACTS:
        raise ValueError(f"no act {act}")
    match = Match(
        methods=tuple(row.pop("methods", ())),
        path=row.pop("path", ""),
        header=row.pop("header", ""),
        sources=tuple(REGIONS[region] for region in row.pop("sources", ())),
        server=row.pop("server", ""),
        rate=row.pop("rate", 1.0),
        count=row.pop("count", 0),
        turns_us=row.pop("turns_ms", 0) * 1000,
    )
    return Fault(act=act, settings=row, match=match)


def merged(base: Tree, more: Tree) -> Tree:
    """Return `base` with `more` laid over it, key by key."""
    both = dict(base)
    for key, value in more.items():
        below = both.get(key)
        both[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return both
