"""The demo's past, from the beginning of last month to its start: scripted, and brought in as what it is, imported.

Without it every report of the demo would be of a few minutes. Pure but for `bring_in`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prober.store.base import ImportedRow
from prober.store.importing import BATCH, Importing

from .script import Service

SOURCE = "demo history"
MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
INTERVAL_US = 5 * MINUTE_US
REGIONS = (("fra", 38_000), ("iad", 94_000), ("sin", 178_000))
"""Each with the usual length of a run, in microseconds; their runs lie evenly over the interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A service is down, or not looked at, for `minutes` from a minute of a day of last month on."""

    service: Service
    day: int
    minute: int
    minutes: int
    code: str = ""
    """Empty: nobody looked."""
    only: str | None = None


PASTS = (
    Past(service=Service.SHOP_WEB, day=9, minute=845, minutes=20, code="http_status"),
    Past(service=Service.SHOP_WEB, day=16, minute=70, minutes=40, code="connect_refused"),
    Past(service=Service.SHOP_WEB, day=20, minute=600, minutes=60, code="timeout_headers", only="sin"),
    Past(service=Service.CHECKOUT, day=4, minute=560, minutes=55, code="tls_expired"),
    Past(service=Service.CHECKOUT, day=22, minute=1_190, minutes=15, code="connect_timeout"),
    Past(service=Service.API, day=12, minute=360, minutes=45),
    Past(service=Service.SHOP_WEB, day=34, minute=512, minutes=12, code="connect_timeout"),
    Past(service=Service.CHECKOUT, day=33, minute=1_000, minutes=18, code="http_status"),
)
"""Maintenance of the shop was announced around the second one; the one of the API is a gap."""

WATCHED = (Service.SHOP_WEB, Service.SHOP_CACHE, Service.CHECKOUT, Service.API)


def last_month(now_us: int) -> tuple[int, int]:
    """Return the first instant and the end of the month before, in UTC."""
    now = datetime.fromtimestamp(now_us // 1_000_000, UTC)
    end = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    start = end.replace(year=end.year - (end.month == 1), month=(end.month - 2) % 12 + 1)
    return int(start.timestamp()) * 1_000_000, int(end.timestamp()) * 1_000_000


def rows(start_us: int, end_us: int) -> Iterator[ImportedRow]:
    """Yield the results from an interval before a month's beginning up to an instant."""
    for service in WATCHED:
        pasts = [past for past in PASTS if past.service is service]
        for place, (region, usual_us) in enumerate(REGIONS):
            at_us = start_us - INTERVAL_US + place * INTERVAL_US // len(REGIONS)
            while at_us < end_us:
                row = _row(service, region, usual_us, at_us, _past(pasts, region, at_us - start_us))
                if row is not None:
                    yield row
                at_us += INTERVAL_US


def _past(pasts: Sequence[Past], region: str, into_us: int) -> Past | None:
    for past in pasts:
        begin_us = (past.day - 1) * DAY_US + past.minute * MINUTE_US
        if begin_us <= into_us < begin_us + past.minutes * MINUTE_US and past.only in (None, region):
            return past
    return None


def _row(service: Service, region: str, usual_us: int, at_us: int, past: Past | None) -> ImportedRow | None:
    if past is not None and not past.code:
        return None
    # Spread as real ones are, and the same in every demo of the same month.
    draw = hashlib.blake2b(f"{service.value}/{region}/{at_us}".encode(), digest_size=2).digest()
    spread_us = usual_us * (100 + draw[0] % 60 + (draw[1] % 8 == 0) * draw[0]) // 100
    return ImportedRow(
        probe=service.value,
        region=region,
        at_us=at_us,
        duration_us=spread_us,
        outcome="fail" if past is not None else "pass",
        code=past.code if past is not None else "",
        kind=0,
    )


def bring_in(store: Path, now_us: int) -> int:
    """Import what lies before `now_us` into a store's file; return how many results that were. Raises StoreError."""
    pending: list[ImportedRow] = []
    with Importing(store, SOURCE, now_us) as importing:
        for row in rows(last_month(now_us)[0], now_us):
            pending.append(row)
            if len(pending) == BATCH:
                importing.add(pending)
                pending.clear()
        importing.add(pending)
        return importing.finish(hashlib.sha256(SOURCE.encode()).hexdigest())
