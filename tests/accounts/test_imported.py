"""Imported history beside measured results: marked, counted once, and without a statistical line."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

from support.configs import loaded
from support.questions import seconds
from support.scripted import DAY_US, HOUR_US, MINUTE_US, S, Script, Stay, write

from prober.accounts.accounts import Accounts
from prober.accounts.plans import Wanted
from prober.imports.results import Names, import_results
from prober.store import open_store
from reports.document import ContractReport

BEGIN = 1_772_323_200 * S  # 2026-03-01T00:00Z
CHANGE = BEGIN + 10 * DAY_US
END = BEGIN + 31 * DAY_US
CONFIG = """
regions: {fra: {local: true}}
probes:
  - {name: web, interval: 5m, tcp: {address: "127.0.0.1:9"}}
services:
  - {name: shop, probes: [web]}
contracts:
  - {name: time, service: shop, claim: "99%", customers: [acme]}
  - {name: attempts, service: shop, claim: "99%", method: requests}
customers: [{name: acme, title: Acme}]
"""


def line(at_us: int, outcome: str) -> str:
    at = datetime.fromtimestamp(at_us // S, UTC).isoformat()
    row = {"probe": "web", "region": "fra", "at": at, "outcome": outcome, "duration_us": 80_000}
    return json.dumps(row | ({"failure": "http_status"} if outcome == "fail" else {})) + "\n"


async def reports(folder: Path, until_us: int, period: str = "2026-03") -> dict[str, ContractReport]:
    """Return reports over ten days of imported results, one outage in them, and measured ones from then on.

    The import goes on into the measured time up to `until_us`.
    """
    down = (BEGIN + 3 * DAY_US, BEGIN + 3 * DAY_US + HOUR_US)
    times = range(BEGIN, until_us, 5 * MINUTE_US)
    text = "".join(line(at_us, "fail" if down[0] <= at_us < down[1] else "pass") for at_us in times)
    path = folder / "prober.db"
    names = Names(probes=["web"], regions=["fra"])
    import_results(io.BytesIO(text.encode()), path, source="old.jsonl", names=names, now_us=END, strict=True)
    store = open_store(f"sqlite:///{path}")
    await store.open()
    try:
        stay = Stay(
            probe="web", regions=("fra",), interval_us=5 * MINUTE_US, schedule="stratified",
            from_us=CHANGE, to_us=END + HOUR_US,
        )  # fmt: skip
        await write(store, [stay], Script())
        accounts = Accounts(loaded(CONFIG), store, lambda _from, _to: ())
        made = await accounts.reports(Wanted(period=period, past=0), END + DAY_US)
        return {report.contract: report for report in made}
    finally:
        await store.close()


async def test_what_was_imported_counts_and_is_marked(tmp_path: Path) -> None:
    made = await reports(tmp_path, CHANGE)
    report = made["time"]
    assert report.imported.used
    assert report.imported.results == 10 * 288
    assert report.imported.until == "2026-03-10T23:55:00+00:00"
    assert report.statistics.why_not == "imported"
    assert seconds(report.down_seconds.measured) == 3600
    assert [outage.codes for outage in report.outages] == [["http_status"]]
    assert seconds(report.coverage.unknown_seconds) < 600
    assert seconds(made["attempts"].attempts_total) == report.coverage.slots.total


async def test_nothing_is_counted_twice_where_both_are_at_hand(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    apart = await reports(tmp_path / "a", CHANGE)
    over = await reports(tmp_path / "b", CHANGE + 5 * DAY_US)
    # The first slot is due up to two intervals after the change: so long imported results still count.
    for name in ("time", "attempts"):
        assert over[name].coverage.slots.total - apart[name].coverage.slots.total in range(3)
        assert over[name].imported.results - apart[name].imported.results in range(3)
    assert seconds(over["time"].down_seconds.measured) == 3600


async def test_only_the_provider_is_told_which_files_were_imported(tmp_path: Path) -> None:
    made = await reports(tmp_path, CHANGE)
    assert made["time"].customer == "acme"
    assert made["time"].imported.sources == []
    assert made["attempts"].imported.sources == ["old.jsonl"]
