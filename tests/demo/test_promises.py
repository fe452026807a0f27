"""The demo's last month: one claim that is backed, one that is broken, one that is not proven."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from prober.accounts.accounts import Accounts
from prober.accounts.plans import Wanted
from prober.config import load_text
from prober.demo import bygone
from prober.demo.configuration import configuration
from prober.demo.promises import promises
from prober.demo.script import Service
from prober.maintenance.book import book_for
from prober.store import open_store

NOW_US = int(datetime(2026, 11, 29, 12, tzinfo=UTC).timestamp()) * 1_000_000
DAY_US = 86_400_000_000


def _config(folder: Path):  # type: ignore[no-untyped-def]
    addresses = {service: ("127.0.0.1", 1000 + place) for place, service in enumerate(Service)}
    text = configuration(folder, folder / "ca.pem", addresses, with_sources=True) + promises(NOW_US)
    (folder / "ca.pem").write_text("")
    return load_text(text, "probes.yaml", {})


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ((2026, 1, 1), (2025, 12, 1), (2026, 1, 1)),
        ((2026, 3, 31), (2026, 2, 1), (2026, 3, 1)),
        ((2026, 12, 31), (2026, 11, 1), (2026, 12, 1)),
    ],
)
def test_the_last_month_is_the_one_before_this_one(
    now: tuple[int, ...], start: tuple[int, ...], end: tuple[int, ...]
) -> None:
    def instant(day: tuple[int, ...]) -> int:
        return int(datetime(*day, tzinfo=UTC).timestamp()) * 1_000_000  # type: ignore[arg-type]

    assert bygone.last_month(instant(now)) == (instant(start), instant(end))


async def test_the_demo_shows_each_of_the_three_findings_and_marks_the_month_as_imported(
    tmp_path: Path,
) -> None:
    config = _config(tmp_path)
    store = open_store(f"sqlite:///{tmp_path / 'prober.db'}")
    await store.open()
    try:
        await store.seed()
        bygone.bring_in(tmp_path / "prober.db", NOW_US)
        book = book_for(config, await store.maintenance(), NOW_US - 100 * DAY_US, NOW_US)
        wanted = Wanted(period="2026-10", past=0)
        reports = await Accounts(config, store, book.windows).reports(wanted, NOW_US)
    finally:
        await store.close()
    assert {report.contract: report.finding for report in reports} == {
        "shop-gold": "backed",
        "checkout-platinum": "broken",
        "api-silver": "not_proven",
    }
    assert all(report.imported.used and not report.statistics.applies for report in reports)
    shop = next(report for report in reports if report.contract == "shop-gold")
    assert [(window.reason, window.counted) for window in shop.excluded.windows] == [("counted", True)]
