"""Regions, their agents, and the probes on which regions disagree, in 80 columns.

Pure: the daemon's answer in, something to print out. Fetching is the business of `commands/regions.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from checks.core.quote import printable
from prober.hub.moments import ago

from .answers_regions import (
    ClockAnswer,
    RegionsAnswer,
    RemoteAnswer,
    SeenAnswer,
    ShareAnswer,
    SpoolAnswer,
    WatchAnswer,
)
from .screen import STATE_STYLES

MAX_PROBES = 20  # rows of the second table
MAX_TROUBLES = 12
MAX_REASONS = 8  # lines that say why a region sees what it sees
WORDS_FIT = 60  # columns for the states of regions as words; where they need more they are written as letters
WORD = 9  # columns of the longest state and the blanks beside it
LEAST_NAME = 6  # signs of a name that are always shown
_NUMBERS = frozenset({"void", "missed"})
_NAMES = frozenset({"region", "agent", "probe"})
_LETTERS = {"up": "U", "down": "D", "unknown": "?"}
_OUTCOMES = {"down": "fail", "unknown": "void"}
_STANDINGS = {
    "sound": ("sound", "green"),
    "alone": ("alone", "yellow"),
    "waiting": ("waiting", "yellow"),
    "no_agent": ("no agent", "yellow"),
    "silent": ("SILENT", "bold red"),
    "cut_off": ("CUT OFF", "bold red"),
}
_LINKS = {"up": "green", "away": "yellow", "down": "bold red", "refused": "bold red"}
Views = Mapping[str, Mapping[str, SeenAnswer]]
"""What each region sees of a probe, by probe and region."""


def is_bad(answer: RegionsAnswer) -> bool:
    """Say whether a region is silent or cut off, or an agent is refused."""
    return any(trouble.grave for trouble in answer.troubles)


def regions_board(answer: RegionsAnswer, rows: int | None = None, lost: str = "") -> RenderableType:
    """Return the whole screen, with at most so many probes.

    `lost` says why the daemon no longer answers, when it does not.
    """
    views = _views(answer)
    differing = [name for name, seen in views.items() if len({each.state for each in seen.values()}) > 1]
    parts: list[RenderableType] = list(_troubles(answer, lost))
    parts.append(_regions(answer))
    if not differing:
        parts.append(Text(f"no two regions disagree on any of {len(views):,} probes", "dim"))
        return Group(*parts)
    shown = differing[: min(rows or MAX_PROBES, MAX_PROBES)]
    parts += [Text(""), _matrix(answer, views, shown)]
    if len(differing) > len(shown):
        parts.append(Text(f"and {len(differing) - len(shown):,} more on which they disagree", "dim"))
    parts += _reasons(answer, views, shown)
    return Group(*parts, Text(_legend(answer, len(views) - len(differing)), "dim"))


def _views(answer: RegionsAnswer) -> Views:
    views: dict[str, dict[str, SeenAnswer]] = {}
    for region in answer.regions:
        for seen in region.probes:
            views.setdefault(seen.probe, {})[region.name] = seen
    return views


def _troubles(answer: RegionsAnswer, lost: str) -> Iterator[Text]:
    if lost:
        yield Text(f"! {lost}", "bold red")
    for trouble in answer.troubles[:MAX_TROUBLES]:
        yield Text(f"! {printable(trouble.words, 400)}", "bold red" if trouble.grave else "yellow")
    more = len(answer.troubles) - MAX_TROUBLES
    if more > 0:
        yield Text(f"and {more:,} more that are no worse", "dim")


def _table(*columns: str) -> Table:
    """Return a table whose names give way where 80 columns are not enough."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name in columns:
        is_name = name in _NAMES
        justify: Literal["left", "right"] = "right" if name in _NUMBERS else "left"
        table.add_column(
            name, no_wrap=not is_name, justify=justify, min_width=LEAST_NAME if is_name else None
        )
    return table


def _regions(answer: RegionsAnswer) -> Table:
    table = _table("region", "is", "agent", "link", "lag", "spool", "clock", "void", "missed")
    for region in answer.regions:
        word, style = _STANDINGS.get(region.standing, (region.standing, ""))
        first = (Text(region.name), Text(word, style))
        shares = (_share(region.void), _share(region.missed))
        agents = [_agent(agent, answer.now_us) for agent in region.agents] or [_nobody(region)]
        table.add_row(*first, *agents[0], *shares)
        for agent in agents[1:]:
            table.add_row("", "", *agent, "", "")
    return table


Cells = tuple[Text | str, ...]


def _agent(agent: RemoteAnswer, now_us: int) -> Cells:
    return (
        Text(printable(agent.name, 60)),
        _link(agent, now_us),
        ago(agent.lag_us) if agent.lag_us is not None else "-",
        _spool(agent.spool, agent.standing == "up") if agent.spool is not None else "-",
        _clock(agent.clock) if agent.clock is not None and agent.standing == "up" else "-",
    )


def _nobody(region: WatchAnswer) -> Cells:
    return "-", "-", ago(region.lag_us) if region.lag_us is not None else "-", "-", "-"


def _link(agent: RemoteAnswer, now_us: int) -> Text:
    since = f" {ago(now_us - agent.seen_us)}" if agent.standing in ("away", "down") and agent.seen_us else ""
    return Text(agent.standing + since, _LINKS.get(agent.standing, ""))


def _spool(spool: SpoolAnswer, is_up: bool) -> str:
    """Write what waits, and what was given up as a loss: `12`, `12 -1.2k`; `12?` of one that is not there."""
    waiting = _short(spool.results) + ("" if is_up else "?")
    return waiting + (f" -{_short(spool.dropped_results)}" if spool.dropped_results else "")


def _short(number: int) -> str:
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number / size:.1f}{unit}" if number < 100 * size else f"{number // size}{unit}"
    return str(number)


def _clock(clock: ClockAnswer) -> str:
    """Write an offset and how far it may be off: `+0.4±0.1ms`, `+12±3ms`, `-3.2±0.1s`."""
    largest_us = max(abs(clock.offset_us), clock.error_us)
    if largest_us < 9_950:
        return f"{clock.offset_us / 1e3:+.1f}±{clock.error_us / 1e3:.1f}ms"
    if largest_us < 999_500:
        return f"{clock.offset_us / 1e3:+.0f}±{clock.error_us / 1e3:.0f}ms"
    return f"{clock.offset_us / 1e6:+.1f}±{clock.error_us / 1e6:.1f}s"


def _share(share: ShareAnswer) -> str:
    if share.ratio is None:
        return "-"
    return f"{share.ratio.text}%" if share.count else "0%"


def _matrix(answer: RegionsAnswer, views: Views, shown: Sequence[str]) -> Table:
    names = [region.name for region in answer.regions]
    as_words = _fit_as_words(names)
    table = _table("probe", *(names if as_words else ["regions"]))
    for probe in shown:
        seen = [views[probe].get(name) for name in names]
        cells = [_word(each) for each in seen] if as_words else [Text("").join(map(_letter, seen))]
        table.add_row(Text(probe), *cells)
    return table


def _fit_as_words(names: Sequence[str]) -> bool:
    return sum(max(len(name) + 2, WORD) for name in names) <= WORDS_FIT


def _word(seen: SeenAnswer | None) -> Text:
    return Text("-", "dim") if seen is None else Text(seen.state.upper(), STATE_STYLES.get(seen.state, ""))


def _letter(seen: SeenAnswer | None) -> Text:
    if seen is None:
        return Text("-", "dim")
    return Text(_LETTERS.get(seen.state, "?"), STATE_STYLES.get(seen.state, ""))


def _legend(answer: RegionsAnswer, agreeing: int) -> str:
    words = f"regions agree on {agreeing:,} other probes"
    names = [region.name for region in answer.regions]
    if _fit_as_words(names):
        return words
    return f"regions: {' '.join(names)}  (U up, D down, ? unknown, - not run there); {words}"


def _reasons(answer: RegionsAnswer, views: Views, shown: Sequence[str]) -> list[Text]:
    """Say of every region that sees trouble what it sees, one line each."""
    troubled = [
        (probe, region, seen)
        for probe in shown
        for region, seen in views[probe].items()
        if seen.state != "up"
    ]
    lines = [_reason(*each, answer.now_us) for each in troubled[:MAX_REASONS]]
    left_out = len(troubled) - len(lines)
    return lines + ([Text(f"and {left_out:,} more", "dim")] if left_out else [])


def _reason(probe: str, region: str, seen: SeenAnswer, now_us: int) -> Text:
    since = f" for {ago(now_us - seen.since_us)}" if seen.since_us else ""
    words = printable(f" {seen.state}{since}: {_why(seen)}", 300)
    line = Text.assemble((f"{probe}@{region}", STATE_STYLES.get(seen.state, "")), words)
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _why(seen: SeenAnswer) -> str:
    """Return what the newest result says, where that is what the state comes of."""
    last = seen.last
    if last is None or last.failure is None or last.outcome != _OUTCOMES.get(seen.state):
        return seen.because
    return f"{last.failure.detail} ({last.failure.code})"
