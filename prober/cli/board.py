"""A running daemon on one screen of 80 columns: its own trouble, probes, services, and what is wrong with them.

Pure: a snapshot in, something to print out. Fetching is the business of `commands/status.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from checks.core.failures import NETWORK_CODES
from checks.core.quote import printable
from prober.hub.moments import ago

from .answers import AgentAnswer, FailureAnswer, ProbeAnswer, ServiceAnswer, StatusAnswer, WindowAnswer
from .screen import OUTCOME_STYLES, STATE_STYLES, took

WINDOW = "24h"
SILENT_US = 10_000_000  # an agent says something every second; this long without is trouble
LAG_US = 50_000  # an agent kept waiting longer than this makes runs VOID, as configured by default
MAX_BATCHES = 20  # waiting for the store; more says that it does not keep up
MAX_REASONS = 8  # probes that are explained below the table
_LETTERS = {"up": "U", "degraded": "d", "down": "D", "unknown": "?"}
_GRAVEST = {"down": 0, "degraded": 1, "unknown": 2, "up": 3}
_NUMBERS = frozenset({"took", "cov"})
_SPACED_REGIONS = 6  # more regions than this are written without spaces between their letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the daemon said, all of about the same instant."""

    status: StatusAnswer
    probes: Sequence[ProbeAnswer]
    services: Sequence[ServiceAnswer]
    windows: Mapping[str, WindowAnswer | None] = field(default_factory=dict)
    """The last 24 hours by subject; None where there is nothing yet."""


def choose(snapshot: Snapshot, rows: int | None) -> tuple[list[ProbeAnswer], list[ServiceAnswer]]:
    """Return what fits into so many rows: all in the order of the file, or else what is worst."""
    if rows is None or len(snapshot.probes) + len(snapshot.services) <= rows:
        return list(snapshot.probes), list(snapshot.services)
    services = sorted(snapshot.services, key=_gravity)[: max(rows // 3, 1)]
    return sorted(snapshot.probes, key=_gravity)[: max(rows - len(services), 1)], services


def board(snapshot: Snapshot, rows: int | None = None, lost: str = "") -> RenderableType:
    """Return the whole screen, with at most so many rows of probes and services.

    `lost` says why the daemon no longer answers, when it does not.
    """
    probes, services = choose(snapshot, rows)
    hidden = len(snapshot.probes) + len(snapshot.services) - len(probes) - len(services)
    parts: list[RenderableType] = [_head(snapshot.status)]
    parts += [
        Text(f"! {trouble}", "bold red")
        for trouble in ([lost] if lost else own_trouble(snapshot.status) + without_network(snapshot.probes))
    ]
    parts.append(_probes(probes, snapshot))
    if services:
        parts.append(_services(services, snapshot))
    parts += [Text(f"and {hidden:,} more that fare no worse", "dim")] if hidden else []
    parts += _reasons(probes, snapshot.status.now_us)
    return Group(*parts, _legend(snapshot.status))


def own_trouble(status: StatusAnswer) -> list[str]:
    """Say what is wrong with the daemon itself, in words; nothing when all is well."""
    found = list(_agents_trouble(status))
    if not status.store.writable:
        found.append(f"results cannot be stored: {status.store.problem or 'reason unknown'}")
    if status.store.waiting_batches > MAX_BATCHES:
        found.append(f"{status.store.waiting_batches:,} batches of results wait for the store")
    if not status.reload.ok:
        more = f" (and {len(status.reload.faults) - 1:,} more)" if len(status.reload.faults) > 1 else ""
        fault = status.reload.faults[0] if status.reload.faults else "no reason given"
        found.append(f"the last reload was refused and changed nothing: {fault}{more}")
    if not status.history_ready:
        found.append("the past is still being read; availability follows")
    return [printable(trouble, 400) for trouble in found]


def without_network(probes: Sequence[ProbeAnswer]) -> list[str]:
    """Name the regions without a network: every probe that ran there says so last."""
    newest: dict[str, list[FailureAnswer | None]] = {}
    for region in (region for probe in probes for region in probe.regions):
        if region.last is not None:
            newest.setdefault(region.region, []).append(region.last.failure)
    return [
        printable(f"region {name} has no network and says nothing of its targets: {failures[0].detail}", 400)
        for name, failures in newest.items()
        if failures[0] is not None and all(each and each.code in NETWORK_CODES for each in failures)
    ]


def _agents_trouble(status: StatusAnswer) -> Iterator[str]:
    """Say what is wrong with regions and agents; that all are silent is one thing, not many."""
    if status.all_silent_since_us:
        yield f"no agent has been heard of for {ago(status.now_us - status.all_silent_since_us)}"
        return
    for region in status.regions:
        if region.silent or region.cut_off:
            yield f"region {region.name} is {'cut off' if region.cut_off else 'silent'}: see `prober regions`"
    silent = {region.name for region in status.regions if region.silent}
    for agent in status.agents:
        if agent.remote:
            yield from _remote_trouble(agent, silent, status.now_us)
        else:
            yield from _agent_trouble(agent, status.now_us)


def _remote_trouble(agent: AgentAnswer, silent: Set[str], now_us: int) -> Iterator[str]:
    name = f"agent {agent.name} ({', '.join(agent.regions)})"
    if agent.refused:
        yield f"nothing of {name} is taken: {agent.refused}"
    elif not agent.up and not silent & set(agent.regions):
        yield f"{name} {_not_connected(agent.seen_us, now_us)}"


def _not_connected(seen_us: int | None, now_us: int) -> str:
    return f"has not been connected for {ago(now_us - seen_us)}" if seen_us else "is not connected"


def _agent_trouble(agent: AgentAnswer, now_us: int) -> Iterator[str]:
    name = f"agent {agent.name} ({', '.join(agent.regions)})"
    if not agent.up:
        yield f"{name} is not running; restarted {agent.restarts:,} times"
    elif agent.last_batch_us is not None and now_us - agent.last_batch_us > SILENT_US:
        yield f"{name} has been silent for {ago(now_us - agent.last_batch_us)}"
    if agent.health is not None and agent.health.worst_lag_us > LAG_US:
        yield f"{name} was kept waiting {took(agent.health.worst_lag_us)}"


def _head(status: StatusAnswer) -> Text:
    words = f"  up {ago(status.uptime_us)}  configuration {status.config_digest[:12]}"
    return Text.assemble((f"prober {status.version}", "bold"), (words, "dim"))


def _table(first: str, *columns: str) -> Table:
    """Return a table whose first column gives way where 80 columns are not enough."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    table.add_column(first)
    for name in columns:
        table.add_column(name, no_wrap=True, justify="right" if name in _NUMBERS else "left")
    return table


def _probes(probes: Sequence[ProbeAnswer], snapshot: Snapshot) -> Table:
    table = _table("probe", "state", "regions", "last", "took", WINDOW, "cov")
    regions = [region.name for region in snapshot.status.regions]
    for probe in probes:
        newest = probe.newest
        table.add_row(
            Text(probe.name),
            _state(probe.state),
            _letters(probe, regions),
            _last(probe, snapshot.status.now_us),
            took(newest.duration_us) if newest else "",
            *_figures(snapshot.windows.get(f"probe:{probe.name}")),
        )
    return table


def _services(services: Sequence[ServiceAnswer], snapshot: Snapshot) -> Table:
    table = _table("service", "state", "since", "up when", WINDOW, "cov")
    for service in services:
        table.add_row(
            Text(service.name),
            _state(service.state),
            ago(snapshot.status.now_us - service.since_us) if service.since_us else "",
            f"{service.up_when} of {len(service.probes)}" if service.up_when.isalpha() else service.up_when,
            *_figures(snapshot.windows.get(f"service:{service.name}")),
        )
    return table


def _state(state: str) -> Text:
    return Text(state.upper(), STATE_STYLES.get(state, ""))


def _letters(probe: ProbeAnswer, regions: Sequence[str]) -> Text:
    states = {region.region: region.state for region in probe.regions}
    gap = " " if len(regions) <= _SPACED_REGIONS else ""
    letters = [
        Text(_LETTERS.get(states.get(name, ""), "-"), STATE_STYLES.get(states.get(name, ""), "dim"))
        for name in regions
    ]
    return Text(gap).join(letters)


def _last(probe: ProbeAnswer, now_us: int) -> Text:
    newest = probe.newest
    if newest is None:
        return Text("none yet", "dim")
    age = ago(now_us - newest.started_us)
    return Text.assemble(
        (newest.outcome, OUTCOME_STYLES.get(newest.outcome, "").removeprefix("bold ")), f" {age}"
    )


def _figures(window: WindowAnswer | None) -> tuple[Text, str]:
    """Return availability as `as measured (lowest-highest)`, without bounds where all are the same, and coverage.

    A figure that is words (no down time seen) gives way to what it surely is at least.
    """
    if window is None or window.measured is None or window.lowest is None or window.highest is None:
        return Text("no data", "dim"), ""
    lowest, measured, highest = window.lowest.text, window.measured.text, window.highest.text
    share = f"{window.coverage.text.partition('.')[0]}%"
    if not measured[0].isdigit():
        return Text.assemble("none seen", (f" (>={lowest})", "dim")), share
    bounds = f" ({lowest}-{highest})" if lowest != highest else " %"
    return Text.assemble(measured, (bounds, "dim")), share


def _reasons(probes: Sequence[ProbeAnswer], now_us: int) -> list[Text]:
    """Say of every shown probe that is not up why, the worst first, one line each."""
    troubled = sorted((probe for probe in probes if probe.state != "up"), key=_gravity)
    lines = [_reason(probe, now_us) for probe in troubled[:MAX_REASONS]]
    left_out = len(troubled) - len(lines)
    return lines + ([Text(f"and {left_out:,} more that are not up", "dim")] if left_out else [])


def _reason(probe: ProbeAnswer, now_us: int) -> Text:
    since = f" for {ago(now_us - probe.since_us)}" if probe.since_us else ""
    words = f" {probe.state}{since}: {_why(probe)}"
    line = Text.assemble((probe.name, STATE_STYLES.get(probe.state, "")), printable(words, 300))
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _why(probe: ProbeAnswer) -> str:
    """Return what a failing region last saw, which says more than the rule that made the state."""
    for region in probe.regions:
        if region.state != "up" and region.last is not None and region.last.failure is not None:
            return f"{region.region}: {region.last.failure.detail} ({region.last.failure.code})"
    return probe.because


def _legend(status: StatusAnswer) -> Text:
    names = " ".join(region.name for region in status.regions)
    return Text(f"regions: {names}  (U up, D down, ? unknown, - not run there); cov: coverage", "dim")


def _gravity(shown: ProbeAnswer | ServiceAnswer) -> int:
    return _GRAVEST.get(shown.state, 0)
