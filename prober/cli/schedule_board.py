"""The schedule of deliveries as a table of 80 columns, or as JSON. Pure: standings in, something to print out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from checks.core.quote import printable
from prober.accounts.schedule import Standing, Target
from prober.config.contract_terms import format_instant
from prober.config.delivery import ALL

SECOND_US = 1_000_000
MAX_TROUBLES = 12
MAX_NAMES = 3  # of contracts or customers that are named
_STYLES = {"failed": "bold red", "waiting": "yellow", "delivered": "green", "nothing": "dim"}


def schedule_board(found: list[Standing], now_us: int) -> RenderableType:
    """Return the table, with what is wrong above it."""
    if not found:
        return Text("no deliveries are configured (hint: reports.deliver in the configuration)")
    parts: list[RenderableType] = list(_troubles(found))
    parts.append(_table(found))
    parts.append(Text("times are UTC; next: the next attempt, or the end of the period that runs", "dim"))
    return Group(*parts)


def schedule_json(found: list[Standing]) -> str:
    """Return a list of objects, one a target."""
    return json.dumps([_plain(each) for each in found], ensure_ascii=False, indent=2)


def _troubles(found: list[Standing]) -> list[Text]:
    troubled = [each for each in found if each.error]
    lines = [
        Text(
            f"! {each.target.block.name} to {printable(each.target.place, 100)}: {each.error}",
            _STYLES[each.state],
        )
        for each in troubled[:MAX_TROUBLES]
    ]
    more = len(troubled) - len(lines)
    return lines + ([Text(f"and {more:,} more with trouble", "dim")] if more else [])


def _table(found: list[Standing]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    table.add_column("delivery", overflow="fold", max_width=38)
    for name in ("last", "is", "next"):
        table.add_column(name, no_wrap=True)
    for each in found:
        table.add_row(
            _what(each.target),
            _last(each),
            _state(each),
            _at(each.next_us) if each.next_us is not None else "-",
        )
    return table


def _what(target: Target) -> Text:
    block = target.block
    words = Text(block.name)
    words.append(f"\n{printable(target.place, 200)}")
    language = f", {block.language}" if block.language else ""
    words.append(f"\n{_chosen(target)}; {', '.join(block.formats)}{language}", "dim")
    return words


def _chosen(target: Target) -> str:
    block = target.block
    contracts = "all contracts" if block.contracts in (None, ALL) else _names(block.contracts or ())
    if block.customers is None:
        return contracts
    everybody = block.customers == ALL and (block.folder == target.place or target.place in block.to)
    customers = "all customers" if everybody else _names(sorted(target.customers))
    return f"{customers}: {contracts}"


def _names(names: Any) -> str:
    shown, more = ", ".join(list(names)[:MAX_NAMES]), len(names) - MAX_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _last(standing: Standing) -> Text:
    last = standing.last
    if last is None:
        return Text("-", "dim")
    revision = f" r{last.revision}" if last.revision > 1 else ""
    return Text(f"{last.period}{revision}").append(f"\n{_at(last.at_us)}", "dim")


def _state(standing: Standing) -> Text:
    counts = {"waiting": standing.waiting, "failed": standing.failed}
    words = Text(standing.state, _STYLES[standing.state])
    for name, count in counts.items():
        if count and (name != standing.state or count > 1):
            words.append(f"\n{count:,} {name}", "dim")
    return words


def _at(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // SECOND_US, UTC):%Y-%m-%d %H:%M}"


def _plain(standing: Standing) -> dict[str, Any]:  # Any: whatever JSON holds
    block, last = standing.target.block, standing.last
    return {
        "delivery": block.name,
        "kind": standing.target.kind,
        "target": standing.target.place,
        "contracts": block.contracts if block.contracts is not None else ALL,
        "customers": sorted(standing.target.customers),
        "formats": list(block.formats),
        "language": block.language,
        "audience": block.reader,
        "revisions": block.revisions,
        "state": standing.state,
        "delivered": standing.delivered,
        "waiting": standing.waiting,
        "failed": standing.failed,
        "error": standing.error or None,
        "last": None
        if last is None
        else {
            "contract": last.contract,
            "customer": last.customer or None,
            "period": last.period,
            "revision": last.revision,
            "at": format_instant(last.at_us),
        },
        "next": format_instant(standing.next_us) if standing.next_us is not None else None,
    }
