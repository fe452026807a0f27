"""Reports as an account manager would meet them, for the tests of every format.

`SAMPLES` names them all; each is made anew, so a test may change what it got. The figures hang together
(`report_making`), except where a test changes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from support.report_making import Story, Trouble, number, ratio, stamp

from reports.document import (
    Advice,
    Assumption,
    Bounds,
    Brand,
    Burn,
    ContractReport,
    Credit,
    Done,
    Excluded,
    ExcludedWindow,
    Imported,
    Latency,
    Method,
    Objective,
    Past,
    Period,
    Provenance,
    Seconds,
    Statistics,
)

BERLIN = "Europe/Berlin"
LOGO = (
    "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSIxMjAiIGhlaWdodD0i"
    "MzIiPjxyZWN0IHdpZHRoPSIxMjAiIGhlaWdodD0iMzIiIHJ4PSI2IiBmaWxsPSIjMGY3NjZlIi8+PC9zdmc+"
)
MARCH = Story(zone=BERLIN, start="2026-03-01", end="2026-04-01", claim="99.95")
QUIET = MARCH.but(
    troubles=[Trouble("2026-03-18T14:03:10", 390, codes=["timeout_headers"], detail="no answer in 10 s")]
)
PAST_MONTHS = (
    ("2025-03", None),
    ("2025-04", "backed"),
    ("2025-05", "backed"),
    ("2025-06", "backed"),
    ("2025-07", "broken"),
    ("2025-08", "backed"),
    ("2025-09", "backed"),
    ("2025-10", "not_proven"),
    ("2025-11", "backed"),
    ("2025-12", "backed"),
    ("2026-01", "backed"),
    ("2026-02", "backed"),
)


def sample(**changes: Any) -> ContractReport:
    """Return the report of a month whose claim is backed, with other values."""
    return msgspec.structs.replace(of_story(QUIET), **changes)


def of_story(story: Story, **changes: Any) -> ContractReport:
    """Return the report of what happened in a period, with other values."""
    bounds = story.bounds()
    outages = story.outages()
    report = ContractReport(
        contract="shop-gold",
        title="Shop Gold",
        customer="acme",
        customer_title="Acme GmbH",
        brand=Brand(name="Example Hosting", logo=LOGO, colour="#0f766e", footer="Example Hosting AG, Basel"),
        service="shop",
        service_title="Web shop",
        services=["shop"],
        period=_period(story),
        effective_from="2026-01-01",
        method=Method(name="time"),
        denominator="period",
        eligible_seconds=number(story.reach.seconds),
        claim=ratio(story.claim),
        finding=story.finding(),
        no_data=bounds.lowest is None,
        availability=bounds,
        without_exclusions=bounds,
        down_seconds=story.down(story.reach),
        coverage=story.coverage(),
        smallest_sure_outage_seconds=number(60),
        statistics=Statistics(applies=False, why_not="fixed_schedule", schedule="fixed"),
        advice=Advice(possible=True, best=ratio("100")),
        budget=story.budget(),
        excluded=Excluded(seconds=number(0), outside_hours_seconds=number(0)),
        credit=Credit(kind="none", lowest="0.00", highest="0.00", currency="EUR"),
        latency=_latency(story),
        days=story.days(),
        outages=outages,
        outages_total=len(outages),
        past=_past(),
        promise="Availability of at least 99.95 % in each calendar month.",
        titles={
            "probe:shop-web": "Web shop, front page",
            "region:fra": "Frankfurt",
            "region:iad": "Virginia",
            "region:sin": "Singapore",
        },
        assumptions=[
            Assumption(code="persistence", values={"gap_us": "60000000"}),
            Assumption(code="no_hidden_outage", values={"gap_us": "60000000"}),
        ],
        provenance=_provenance(),
    )
    return msgspec.structs.replace(report, **changes)


def _period(story: Story) -> Period:
    return Period(
        from_=stamp(story.period.start, story.zone),
        to=stamp(story.period.end, story.zone),
        seconds=story.period.seconds,
        zone=story.zone,
        label=story.start[:7],
        as_of=stamp(story.reach.end, story.zone) if story.as_of else None,
    )


def _provenance() -> Provenance:
    return Provenance(
        software="uptime-prober 0.1.0",
        configuration="0c" * 32,
        contract="1d" * 32,
        results="2e" * 32,
        tzdata="2026a",
        made="2026-04-02T02:00:00+02:00",
        revision=1,
        digest="3f" * 32,
        late="watermark",
    )


def _latency(story: Story) -> list[Latency]:
    found = [
        Latency(probe=probe, region=region, count=89_000, median_us=84_210, p95_us=312_004, p99_us=1_204_870)
        for probe in story.probes
        for region in (None, *story.regions)
    ]
    return found if story.bounds().lowest is not None else []


def _past() -> list[Past]:
    shown = {"backed": "99.981", "broken": "99.912", "not_proven": "99.962"}
    found = []
    for label, finding in PAST_MONTHS:
        figure = ratio(shown[finding]) if finding else None
        low = ratio("99.903") if finding == "not_proven" else figure
        found.append(
            Past(
                label=label,
                from_=f"{label}-01T00:00:00+01:00",
                to=f"{label}-28T00:00:00+01:00",
                finding=finding,
                availability=Bounds(lowest=low, measured=figure, highest=figure),
                claim=ratio("99.95"),
                closed=bool(finding),
                revision=1 if finding else 0,
            )
        )
    return found


def backed_month() -> ContractReport:
    """Return March 2026 in Berlin, 743 hours, one outage, claim backed."""
    return sample()


def broken_month() -> ContractReport:
    """Return a month with three outages, maintenance counted and not, and a credit that is due."""
    story = MARCH.but(
        troubles=[
            Trouble(
                "2026-03-03T09:15:00",
                1800,
                codes=["connect_refused", "connect_timeout"],
                incident="20260303-1",
            ),
            Trouble("2026-03-17T22:40:30", 120, codes=["http_status"], detail="status 503, expected 2xx"),
            Trouble("2026-03-28T23:50:00", 900, codes=["tls_expired"], incident="20260328-1"),
        ]
    )
    return of_story(
        story,
        excluded=Excluded(
            seconds=number(7200),
            outside_hours_seconds=number(0),
            windows=windows(),
            overrun_seconds=number(540),
        ),
        credit=Credit(
            kind="exact",
            lowest="120.00",
            highest="120.00",
            currency="EUR",
            lowest_share=ratio("10"),
            highest_share=ratio("10"),
            claim_by="2026-04-30",
            must_be_claimed=True,
        ),
        actions=[
            Done(on="2026-03-05", text="A second load balancer was put beside the first."),
            Done(on="2026-03-29", text="Certificates are renewed 30 days ahead."),
        ],
        objectives=[
            Objective(
                share=ratio("95"),
                within_us=800_000,
                good=260_100,
                total=266_580,
                unknown=0,
                availability=Bounds(
                    lowest=ratio("97.569"), measured=ratio("97.569"), highest=ratio("97.569")
                ),
                finding="backed",
            )
        ],
    )


def windows() -> list[ExcludedWindow]:
    """Return one window that counts, and two that do not."""

    def window(title: str, day: str, reason: str, **changes: Any) -> ExcludedWindow:
        return ExcludedWindow(
            title=title,
            kind="maintenance",
            from_=f"2026-03-{day}T02:00:00+01:00",
            to=f"2026-03-{day}T04:00:00+01:00",
            counted=reason == "counted",
            counted_seconds=number(7200 if reason == "counted" else 0),
            reason=reason,
            **changes,
        )

    return [
        window(
            "Database upgrade",
            "08",
            "counted",
            announced="2026-03-02T09:00:00+01:00",
            logged="2026-03-02T09:00:04+01:00",
            down_seconds=number(300),
        ),
        window("Disk swap", "12", "late_notice", announced="2026-03-11T17:00:00+01:00"),
        window("Router work", "19", "no_notice"),
    ]


def not_proven_month() -> ContractReport:
    """Return a month in which nobody measured for 40 minutes: the credit is a range."""
    story = QUIET.but(gaps=[("2026-03-21T03:10:00", 2400)])
    return of_story(
        story,
        credit=Credit(
            kind="range",
            lowest="0.00",
            highest="120.00",
            currency="EUR",
            lowest_share=ratio("0"),
            highest_share=ratio("10"),
            claim_by="2026-04-30",
            must_be_claimed=True,
            notes=["depends_on_unproven"],
        ),
        statistics=Statistics(
            applies=True,
            schedule="stratified",
            trials=266_400,
            bad=39,
            lower="0.000110",
            upper="0.000191",
            finding="backed",
        ),
        advice=Advice(
            possible=False,
            best=ratio("99.942"),
            reasons=["gap_below_spacing probe=shop-web gap_us=60000000 spacing_us=90000000 unknown=0.058%"],
            needs=["gap_at_least probe=shop-web gap_us=90000000", "lower_claim"],
        ),
    )


def no_data_month() -> ContractReport:
    """Return a month of which nothing was measured."""
    story = MARCH.but(gaps=[("2026-03-01T00:00:00", MARCH.period.seconds)])
    return of_story(
        story,
        credit=Credit(kind="range", notes=["depends_on_unproven", "no_fee"]),
        budget=None,
        smallest_sure_outage_seconds=None,
        statistics=Statistics(applies=False, why_not="no_trials"),
    )


def split_period() -> ContractReport:
    """Return the first of two parts of a month: the contract changed on the 16th."""
    story = QUIET.but(end="2026-03-16", troubles=[Trouble("2026-03-05T14:03:10", 390)])
    made = of_story(story, effective_to="2026-03-16")
    return msgspec.structs.replace(made, period=msgspec.structs.replace(made.period, part=1, parts=2))


def running_month() -> ContractReport:
    """Return a month that still runs: budget, burn rates and a forecast."""
    story = QUIET.but(as_of="2026-03-20T12:00:00")
    made = of_story(story, credit=Credit(kind="range", currency="EUR", notes=["running"]))
    assert made.budget is not None
    budget = msgspec.structs.replace(
        made.budget,
        burns=[
            Burn(long="1h", short="5m", factor="14.4", long_rate="0.00", short_rate="0.00", firing=False),
            Burn(long="6h", short="30m", factor="6", long_rate="6.21", short_rate="7.02", firing=True),
            Burn(long="3d", short="6h", factor="1", long_rate=None, short_rate="0.40", firing=False),
        ],
        forecast=story.but(gaps=[("2026-03-20T12:00:00", 1_033_200)], as_of=None).bounds(),
    )
    provenance = msgspec.structs.replace(made.provenance, revision=0, digest=None, late=None)
    return msgspec.structs.replace(made, budget=budget, provenance=provenance)


def foreign_names() -> ContractReport:
    """Return names in Chinese, Japanese and Cyrillic script."""
    return sample(
        title="金牌合同",
        customer_title="東京商事株式会社",
        brand=Brand(name="Пример Хостинг", logo=LOGO, colour="#7c2d12", footer="Пример Хостинг, Москва"),
        service_title="网上商店",
        promise="每个日历月的可用性不低于 99.95 %。",
        titles={
            "probe:shop-web": "首页",
            "region:fra": "Франкфурт",
            "region:iad": "バージニア",
            "region:sin": "新加坡",
        },
        actions=[Done(on="2026-03-19", text="Добавлен второй балансировщик. 二台目を追加した。")],
    )


def by_requests() -> ContractReport:
    """Return a contract that counts attempts."""
    return sample(
        method=Method(name="requests", options={"ignored": "http_status"}, preset="some-provider"),
        denominator="eligible",
        unit="attempts",
        attempts=Seconds(lowest=number(38), measured=number(39), highest=number(41)),
        attempts_total=number(267_480),
        quorum="pooled",
        unknown_rule="skip",
        by_rule=ratio("99.985"),
        imported=Imported(used=True, results=40_000, sources=["kuma.db"], until="2026-03-05T00:00:00+01:00"),
    )


def many_outages() -> ContractReport:
    """Return a month with 40 outages over two probes."""
    codes = ["http_status", "connect_timeout", "body_mismatch", "dns_timeout"] * 10
    starts = [f"2026-03-{1 + place // 2:02}T{3 + 9 * (place % 2):02}:{place:02}:00" for place in range(40)]
    troubles = [
        Trouble(start, 60 + 30 * (place % 7), codes=[codes[place]]) for place, start in enumerate(starts)
    ]
    return of_story(MARCH.but(troubles=troubles), credit=Credit(kind="no_terms"))


SAMPLES: dict[str, Callable[[], ContractReport]] = {
    "backed": backed_month,
    "broken": broken_month,
    "not_proven": not_proven_month,
    "no_data": no_data_month,
    "split": split_period,
    "running": running_month,
    "foreign": foreign_names,
    "requests": by_requests,
    "many": many_outages,
}
"""Every sample by name."""
