"""Contracts over the made-up quarter twice: as the configuration has them, and as somebody else reads them.

`same_fractions` and `same_coverage` hold what was reported against what somebody else gets.
"""

from __future__ import annotations

import asyncio
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from support.lawyer import MINUTE, SECOND, Known, Lawyer
from support.lawyer_calendar import Windows, berlin, days_from, instant, joined, length, without
from support.lawyer_rows import Grid, grids_of
from support.lawyer_time import agreed, time_of
from support.quarter import export, make, reports

H = 60 * MINUTE
WEB = {"name": "web", "regions": ["fra", "iad", "sin"], "needed": 2}
DB = {"name": "db", "regions": ["fra", "iad", "sin"], "needed": 2}
SHOP = [{"name": "shop", "probes": [WEB, DB], "needed": 1}]
FRONT = [{"name": "front", "probes": [WEB], "needed": 1}]
EUROPE = [{"name": "front", "probes": [WEB | {"regions": ["fra", "iad"]}], "needed": 1}]
EXCUSED = {"notice": 72 * H, "cap": 4 * H}

TERMS: dict[str, tuple[str, dict[str, Any]]] = {
    "time-all": ("service: shop", {"services": SHOP}),
    "time-excused": (
        "service: shop, maintenance: {rule: shrink, notice: 72h, max_per_month: 4h}",
        {"services": SHOP, "maintenance": EXCUSED},
    ),
    "time-kept": (
        "service: front, maintenance: {rule: keep, notice: 72h, max_per_month: 4h}",
        {"services": FRONT, "maintenance": EXCUSED, "keep": True},
    ),
    "time-hours": (
        'service: front, hours: "Mo-Fr 08:00-20:00", holidays: [2025-01-06], denominator: eligible',
        {"services": FRONT, "hours": (8 * 60, 20 * 60), "holidays": [date(2025, 1, 6)]},
    ),
    "time-fixed": ("service: front, denominator: 129600m", {"services": FRONT, "fixed": 129_600 * MINUTE}),
    "time-pooled": ("service: front, quorum: pooled", {"services": FRONT, "quorum": "pooled"}),
    "time-narrow": ("service: front, gap: 10m", {"services": FRONT, "gap": 10 * MINUTE}),
    "pooled-narrow": (
        "service: front, gap: 260s, quorum: pooled",
        {"services": FRONT, "gap": 260 * SECOND, "quorum": "pooled"},
    ),
    "time-part": ("service: front, regions: [fra, iad]", {"services": EUROPE}),
    "minutes": (
        'service: shop, quorum: pooled, method: {minutes: {threshold: "5%", min_attempts: 1}}',
        {"services": SHOP, "method": "minutes", "threshold": Fraction(5, 100), "quorum": "pooled"},
    ),
    "minutes-half": (
        'service: front, method: {minutes: {threshold: "50%", min_attempts: 1}}',
        {"services": FRONT, "method": "minutes", "threshold": Fraction(1, 2)},
    ),
    "periods": (
        "service: front, quorum: pooled, method: {periods: {minutes: 10, unknown: bridge, good_minutes: 5}}",
        {
            "services": FRONT, "method": "periods", "quorum": "pooled", "threshold": Fraction(1), "n": 10,
            "unknown_minutes": "bridge", "good_minutes": 5,
        },
    ),
    "requests": (
        "service: shop, method: {requests: {ignore: [http_status]}}",
        {"services": SHOP, "method": "requests", "ignored": ["http_status"]},
    ),
    "slices": (
        "service: front, method: {slices: {length: 5m, empty: skip, ignore: [http_status]}}",
        {
            "services": FRONT, "method": "slices", "length": 5 * MINUTE, "empty": "skip",
            "ignored": ["http_status"],
        },
    ),
    "slices-excused": (
        "service: front, method: {slices: {length: 7m, empty: unknown}}, "
        "maintenance: {rule: shrink, notice: 72h, max_per_month: 4h}",
        {"services": FRONT, "method": "slices", "length": 7 * MINUTE, "empty": "unknown", "maintenance": EXCUSED},
    ),
    "weighted": (
        "service: shop, method: {weighted: {by: regions, weights: {fra: 5, iad: 3, sin: 2}}}",
        {"services": SHOP, "method": "weighted", "weights": {"fra": 5, "iad": 3, "sin": 2}},
    ),
}  # fmt: skip
CLAIM = Fraction("0.995")
PERIODS = {
    "2025-Q1": (date(2025, 1, 1), date(2025, 4, 1)),
    "2025-03": (date(2025, 3, 1), date(2025, 4, 1)),
}
CASES = {
    "2025-Q1": (
        "time-all", "time-excused", "time-hours", "time-pooled", "pooled-narrow", "periods", "requests", "slices",
        "weighted",
    ),
    "2025-03": (
        "time-all", "time-kept", "time-fixed", "time-narrow", "time-part", "minutes", "minutes-half", "slices-excused",
    ),
}  # fmt: skip
"""Which contracts are held against which period."""
EVERY = [(name, period) for period, names in CASES.items() for name in names]
ANNOUNCED = [
    ("2025-01-12T02:00:00+01:00", "2025-01-12T04:30:00+01:00", "2025-01-02T09:00:00+01:00"),
    ("2025-01-19T01:00:00+01:00", "2025-01-19T04:00:00+01:00", "2025-01-10T09:00:00+01:00"),
    ("2025-02-09T01:00:00+01:00", "2025-02-09T03:00:00+01:00", "2025-02-08T09:00:00+01:00"),
    ("2025-03-30T01:00:00+01:00", "2025-03-30T05:00:00+02:00", "2025-03-20T09:00:00+01:00"),
]


def configured() -> str:
    """Return the contracts as the configuration has them."""
    lines = [
        f'  - {{name: {name}, claim: "99.5%", timezone: Europe/Berlin, window: quarter, {text}}}'
        for name, (text, _) in TERMS.items()
    ]
    return "\n".join(["contracts:", *lines])


def excused(terms: dict[str, Any]) -> Windows:
    """Return the maintenance that counts: announced in time, the earliest first until the month's cap is used up."""
    rule = terms.get("maintenance")
    used: dict[str, int] = {}
    found: Windows = []
    for start_text, end_text, told in ANNOUNCED if rule else ():
        start, end = instant(start_text), instant(end_text)
        if instant(told) > start - rule["notice"]:
            continue
        month = start_text[:7]
        took = min(end - start, rule["cap"] - used.get(month, 0))
        used[month] = used.get(month, 0) + took
        found.append((start, start + took))
    return joined(found)


def lawyer(grids: list[Grid], name: str, period: str, known: Known | None = None) -> Lawyer:
    """Return the contract with its period cut by hand; what was worked out of the same grids before is `known`."""
    terms = TERMS[name][1]
    first, end = PERIODS[period]
    whole = berlin(first), berlin(end)
    served: Windows = [whole]
    if "hours" in terms:
        opens, closes = terms["hours"]
        served = [
            (berlin(day, opens), berlin(day, closes))
            for day in days_from(first, end)
            if day.weekday() < 5 and day not in terms["holidays"]
        ]
    out = excused(terms)
    windows = without(served, out)
    total = length(served) if terms.get("keep") else length(windows)
    return Lawyer(terms, grids, whole, windows, terms.get("fixed", total), known if known is not None else {})


Told = dict[str, Any]
Reports = dict[str, dict[str, Told]]


@cache
def world(intervals: tuple[int, int, int]) -> tuple[list[Grid], Reports, Known]:
    """Return the export of a made-up quarter, what was reported of each period, and room for what is worked out."""

    async def run() -> tuple[list[Grid], Reports, Known]:
        with TemporaryDirectory() as folder:
            path = await make(Path(folder), configured(), intervals)
            told = {period: await reports(path, period, CASES[period]) for period in PERIODS}
            return grids_of(await export(path)), told, {}

    return asyncio.run(run())


ENDS = ("lowest", "measured", "highest")


def ratio(part: Told | None) -> Fraction | None:
    """Return a rational of the document."""
    return None if part is None else Fraction(part["num"], part["den"])


def same_fractions(own: Lawyer, told: Told) -> None:
    """Fail unless a report tells the figures that somebody else gets, to the fraction."""
    found = own.figures()
    lost = [ratio(told["availability"][end]) for end in ENDS]
    assert lost == [
        max(1 - found.possible / found.total, Fraction(0)),
        max(1 - found.down / (found.total - found.unknown), Fraction(0)),
        max(1 - found.sure / found.total, Fraction(0)),
    ]
    meets = [each is not None and each >= CLAIM for each in (lost[0], lost[2])]
    assert told["finding"] == ("backed" if meets[0] else "not_proven" if meets[1] else "broken")
    if told["unit"] != "us":
        assert [ratio(told["attempts"][end]) for end in ENDS] == [found.sure, found.down, found.possible]
        assert ratio(told["attempts_total"]) == found.total
    time = found
    if "weights" in own.terms:  # beside the weighted figure, time in which any region saw it down
        together = agreed([own.steps(region) for region in own.terms["weights"]], 1)
        time = time_of(together, own.windows, own.total)
    elif told["unit"] != "us":
        time = time_of(own.steps(), own.windows, own.total)
    assert [ratio(told["down_seconds"][end]) for end in ENDS] == [
        each / SECOND for each in (time.sure, time.down, time.possible)
    ]


def same_coverage(own: Lawyer, told: Told) -> None:
    """Fail unless a report tells what was not measured, and what became of every slot, as somebody else finds it."""
    coverage = told["coverage"]
    if own.terms.get("method", "time") in ("time", "requests", "slices"):
        time = time_of(own.steps(), own.windows, own.total)
        assert ratio(coverage["ratio"]) == 1 - time.unknown / length(own.windows)
        assert ratio(coverage["unknown_seconds"]) == time.unknown / SECOND
        assert ratio(coverage["measured_seconds"]) == (length(own.windows) - time.unknown) / SECOND
    fates = [each.fate for each in own.due()]
    slots = coverage["slots"]
    assert [slots["total"], slots["good"], slots["bad"]] == [len(fates), fates.count("g"), fates.count("b")]
    assert slots["void"] + sum(slots["missed"].values()) == fates.count("u")
    assert ratio(told["eligible_seconds"]) == Fraction(length(own.windows), SECOND)
