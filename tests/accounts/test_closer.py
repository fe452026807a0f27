"""Closing over a real store: what is closed, stays; late evidence makes the next revision, nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.measured import (
    APRIL,
    CONFIG,
    DAY_US,
    HOUR_US,
    MARCH,
    MAY,
    MINUTE_US,
    Killed,
    Outcome,
    S,
    always,
    desk,
    down,
    measured,
    names,
    us,
)

from prober.accounts.plans import Wanted
from prober.store.base import ImportedRow, WriteSet
from reports.render.json_format import is_intact, read

FINAL_US = APRIL + HOUR_US + 15 * S
"""Two intervals, a timeout and a moment after the end of March: when it can be closed."""
ALL = [("gold", "", 1), ("gold", "acme", 1), ("gold", "beta", 1), ("silver", "", 1), ("silver", "beta", 1)]
OUTAGE = down((us("2026-03-10T06:00"), us("2026-03-10T16:00")))
OVER = down((APRIL - 3 * HOUR_US, APRIL + 9 * HOUR_US))


def unseen(region: str, due_us: int) -> str | None:
    """Return nothing of one region around the end of March."""
    is_away = region == "iad" and APRIL - 5 * HOUR_US <= due_us < APRIL + 50 * HOUR_US
    return None if is_away else "pass"


ONE = """\
defaults: {interval: 30m, timeout: 10s, schedule: fixed}
probes: [{name: web, tcp: {address: "web.example:443"}}]
services: [{name: shop, probes: [web]}]
"""


async def test_a_month_is_closed_once_for_everybody_and_the_same_round_again_writes_nothing(
    tmp_path: Path,
) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, OUTAGE)
        assert await one.at(FINAL_US - 1) == 0
        assert await one.at(FINAL_US) == 5
        rows = await one.rows()
        assert names(rows) == ALL
        for row in rows:
            report = read(row.body)
            assert is_intact(row.body)
            assert (report.provenance.revision, report.provenance.supersedes) == (1, None)
            assert (report.provenance.digest, report.provenance.late) == (row.digest, "watermark")
            assert (row.made_us, row.supersedes, row.reason) == (FINAL_US, "", "watermark")
            assert (row.from_us, row.to_us, report.period.label) == (MARCH, APRIL, "2026-03")
            assert report.period.as_of is None
            assert report.finding == ("broken" if row.contract == "gold" else "backed")
            assert (report.customer or "") == row.customer
        for now_us in (FINAL_US, FINAL_US + MINUTE_US, FINAL_US + DAY_US):
            assert await one.at(now_us) == 0
        one.restart()
        assert await one.at(FINAL_US + 2 * DAY_US) == 0
        assert await one.rows() == rows


async def test_who_asks_for_a_closed_month_gets_it_as_it_was_closed(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, OUTAGE)
        await one.at(FINAL_US)
        wanted = Wanted(contracts=("gold",), customer="acme", period="2026-03")
        (report,) = await one.accounts.reports(wanted, MAY)
        assert report == (await one.reports("gold"))[1]
        assert report.credit.kind == "no_terms"
        (fresh,) = await one.accounts.reports(replace(wanted, fresh=True), MAY)
        assert fresh.provenance.revision == 0
        assert fresh.availability == report.availability


@pytest.mark.parametrize("outcome", [always, OVER, unseen])
async def test_what_is_measured_after_a_month_changes_nothing_about_it(
    tmp_path: Path, outcome: Outcome
) -> None:
    """Runs go on, an outage over the end ends, gaps grow: the evidence of the month is the same."""
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, us("2026-02-20T00:00"), FINAL_US, outcome)
        assert await one.at(FINAL_US) == 10
        at_us = FINAL_US
        for hours in (1, 3, 20, 30, 60):
            await store.measure(config, at_us, at_us + hours * HOUR_US, outcome)
            at_us += hours * HOUR_US
            assert await one.at(at_us) == 0


async def test_what_other_contracts_ask_of_the_same_probe_is_no_evidence(tmp_path: Path) -> None:
    """One contract knows no gap of 35 minutes, where others bridge an hour: read together or apart, it is the same."""
    bronze = '  - {name: bronze, service: shop, claim: "99%", gap: 35m}\n'
    with_bronze = CONFIG.replace("customers:\n", bronze + "customers:\n", 1)

    def holed(_region: str, due_us: int) -> str | None:
        return None if due_us // (30 * MINUTE_US) % 97 == 0 else "pass"

    async with measured(tmp_path) as store:
        one, config = desk(store.store, with_bronze)
        await store.measure(config, MARCH - DAY_US, FINAL_US, holed, created_us=MARCH)
        assert await one.at(FINAL_US) == 6
        unknown = {report.contract: report.coverage.unknown_seconds.num > 0 for report in await one.reports()}
        assert unknown == {"bronze": True, "gold": False, "silver": False}
        one.take(CONFIG)
        assert await one.at(FINAL_US + HOUR_US) == 0
        one.take(with_bronze)
        assert await one.at(FINAL_US + 2 * HOUR_US) == 0


async def test_results_that_are_still_to_come_are_waited_for_up_to_the_deadline(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, regions=["fra"])
        deadline_us = APRIL + config.agents.settle_after_us
        assert await one.at(FINAL_US, marks_us=FINAL_US - 1) == 0
        assert await one.at(deadline_us - 1, marks_us=FINAL_US - 1) == 0
        assert await one.at(deadline_us, marks_us=FINAL_US - 1) == 5
        assert {row.reason for row in await one.rows()} == {"deadline"}
        assert {report.coverage.slots.good for report in await one.reports()} == {1488}


async def test_late_results_make_one_revision_that_cites_the_one_before(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, regions=["fra"])
        closed_us = APRIL + config.agents.settle_after_us
        await one.at(closed_us, marks_us=MARCH)
        first = await one.rows("gold")
        # They come in bit by bit: no revision until all are here.
        await store.measure(config, MARCH, MARCH + 9 * DAY_US, regions=["iad"])
        assert await one.at(closed_us + HOUR_US, marks_us=MARCH + 9 * DAY_US) == 0
        await store.measure(config, MARCH + 9 * DAY_US, FINAL_US, OUTAGE, regions=["iad"])
        assert await one.at(closed_us + 2 * HOUR_US) == 5
        rows = await one.rows("gold")
        assert names(rows) == [
            ("gold", name, revision) for name in ("", "acme", "beta") for revision in (1, 2)
        ]
        assert rows[::2] == first
        for before, after in zip(rows[::2], rows[1::2], strict=True):
            report = read(after.body)
            assert is_intact(after.body)
            assert (after.supersedes, after.reason) == (before.digest, "late_results")
            assert (report.provenance.supersedes, report.provenance.late) == (before.digest, "late_results")
            assert report.provenance.results != read(before.body).provenance.results
        assert await one.at(closed_us + 9 * HOUR_US) == 0


async def test_where_a_region_stays_away_what_came_late_is_told_once_a_day(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, regions=["fra"])
        closed_us = APRIL + config.agents.settle_after_us
        await one.at(closed_us, marks_us=MARCH)
        await store.measure(config, MARCH, MARCH + DAY_US, regions=["iad"])
        assert await one.at(closed_us + DAY_US - 1, marks_us=MARCH + DAY_US) == 0
        assert await one.at(closed_us + DAY_US + HOUR_US, marks_us=MARCH + DAY_US) == 5


async def test_closed_months_are_compared_once_an_hour_and_after_a_clock_that_was_set_back(
    tmp_path: Path,
) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US)
        await one.at(FINAL_US)
        await store.measure(config, MARCH, MARCH + HOUR_US, lambda *_: "void", probes=["api"])
        await store.measure(config, MARCH - HOUR_US, MARCH, probes=["api"])
        assert await one.at(FINAL_US + HOUR_US - 1) == 0
        assert await one.at(FINAL_US + HOUR_US) == 2
        await store.measure(config, MARCH, MARCH + 4 * HOUR_US, lambda *_: "void", probes=["api"])
        assert await one.at(FINAL_US + HOUR_US - 1) == 2
        assert names(await one.rows("silver")) == [
            ("silver", name, revision) for name in ("", "beta") for revision in (1, 2, 3)
        ]


@pytest.mark.parametrize(
    "change",
    [
        ('claim: "99%"', 'claim: "99.9%"'),
        ("title: Gold, ", "title: Golden, "),
        ("interval: 30m", "interval: 20m"),
        ("[acme, beta]", "[acme, beta, gamma]"),
        ("[acme, beta]", "[acme]"),
        ('claim: "99%"', 'claim: "99%", gap: 90m'),
        ('claim: "99%"', 'claim: "99%", regions: [fra]'),
        ('claim: "99%"', 'claim: "99%", effective: {from: 2026-03-05}'),
        ("iad: {token: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}", "iad: {local: true}, syd: {local: true}}"),
    ],
)
async def test_another_configuration_alone_closes_nothing_anew(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, OUTAGE)
        await one.at(FINAL_US)
        before = await one.rows()
        assert change[0] in CONFIG
        changed = one.take(CONFIG.replace(*change) + "  - {name: gamma}\n")
        await store.store.series([])
        await store.measure(changed, FINAL_US, FINAL_US + DAY_US, created_us=FINAL_US)
        for hours in (1, 25, 49):
            assert await one.at(FINAL_US + hours * HOUR_US) == 0
        assert await one.rows() == before


async def test_a_contract_that_is_dropped_keeps_its_closed_reports(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US)
        await one.at(FINAL_US)
        one.take("\n".join(line for line in CONFIG.splitlines() if "silver" not in line))
        assert await one.at(FINAL_US + DAY_US) == 0
        assert names(await one.rows("silver")) == ALL[3:]
        one.take(CONFIG)
        assert await one.at(FINAL_US + 2 * DAY_US) == 0


async def test_wherever_a_closing_breaks_off_the_next_round_completes_it(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US)
        for step in range(5):
            one.restart()
            one.fail_after = 1
            if step == 4:
                one.fail_after = None
                assert await one.at(FINAL_US + step * S) == 1
                break
            with pytest.raises(Killed):
                await one.at(FINAL_US + step * S)
        rows = await one.rows()
        assert names(rows) == ALL
        assert len({row.made_us for row in rows}) == 5
        one.restart()
        assert await one.at(FINAL_US + DAY_US) == 0


async def test_wherever_a_revision_breaks_off_the_next_look_completes_it(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US)
        await one.at(FINAL_US)
        await store.measure(config, us("2026-02-28T20:00"), MARCH + HOUR_US, lambda *_: "void")
        one.fail_after = 2
        with pytest.raises(Killed):
            await one.at(FINAL_US + HOUR_US)
        one.restart()
        one.fail_after = None
        assert await one.at(FINAL_US + HOUR_US + MINUTE_US) == 3
        assert sorted(names(await one.rows())) == sorted(
            [*ALL, *((contract, name, 2) for contract, name, _ in ALL)]
        )


async def test_an_import_into_a_closed_month_makes_a_revision_that_says_so(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH + 10 * DAY_US, FINAL_US, created_us=MARCH + 10 * DAY_US)
        await one.at(FINAL_US)
        now_us = FINAL_US + 5 * HOUR_US
        rows = [
            ImportedRow(
                probe="web", region=region, at_us=MARCH + k * 30 * MINUTE_US, duration_us=1000,
                outcome="pass", code="", kind=0,
            )
            for region in ("fra", "iad")
            for k in range(480)
        ]  # fmt: skip
        store.bring("old.jsonl", rows, now_us)
        assert await one.at(now_us + 10 * MINUTE_US - 1) == 0  # others may follow at once
        assert await one.at(now_us + 10 * MINUTE_US) == 3
        report = (await one.reports("gold"))[1]
        assert (report.provenance.revision, report.imported.used, report.imported.results) == (2, True, 960)


async def test_months_before_anything_was_measured_are_not_closed_and_a_silent_one_since_is(
    tmp_path: Path,
) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, us("2026-02-27T00:00"), us("2026-02-28T00:00"))
        assert await one.at(FINAL_US) == 10
        reports = await one.reports("silver")
        assert [(each.period.label, each.customer, each.no_data) for each in reports] == [
            ("2026-02", None, False), ("2026-03", None, True), ("2026-02", "beta", False), ("2026-03", "beta", True),
        ]  # fmt: skip


async def test_a_store_in_which_nothing_was_ever_scheduled_closes_nothing(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, _ = desk(store.store)
        assert await one.at(FINAL_US) == 0


async def test_a_closed_report_lists_the_periods_before_it_from_their_closed_reports(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, us("2025-11-15T00:00"), FINAL_US, OUTAGE)
        assert await one.at(FINAL_US) == 20  # November ended over a hundred days ago: it stays open
        await store.measure(config, APRIL, MAY + 2 * HOUR_US)
        assert await one.at(MAY + 2 * HOUR_US) == 5
        report = next(
            each
            for each in await one.reports("gold")
            if (each.period.label, each.customer) == ("2026-04", "acme")
        )
        assert [(line.label, line.closed, line.revision, line.finding) for line in report.past] == [
            ("2025-11", False, 0, "not_proven"),
            ("2025-12", True, 1, "backed"),
            ("2026-01", True, 1, "backed"),
            ("2026-02", True, 1, "backed"),
            ("2026-03", True, 1, "broken"),
        ]


async def test_a_contract_that_changes_within_a_month_is_closed_in_its_parts(tmp_path: Path) -> None:
    text = ONE + (
        "contracts:\n"
        '  - {name: gold, service: shop, claim: "99%", customers: [acme], effective: {to: 2026-03-11}}\n'
        '  - {name: gold, service: shop, claim: "98%", customers: [beta], effective: {from: 2026-03-11}}\n'
        "customers: [{name: acme}, {name: beta}]\n"
    )
    async with measured(tmp_path) as store:
        one, config = desk(store.store, text)
        await store.measure(config, MARCH, FINAL_US, OUTAGE)
        one.now_us, one.marks = FINAL_US, {"local": FINAL_US}
        assert await one.closer.round() == 4
        change_us = us("2026-03-11T00:00")
        assert [(row.customer, row.from_us, row.to_us) for row in await one.rows()] == [
            ("", MARCH, change_us), ("", change_us, APRIL), ("acme", MARCH, change_us), ("beta", change_us, APRIL),
        ]  # fmt: skip
        reports = await one.reports()
        assert [(each.period.part, each.period.parts) for each in reports] == [(1, 2), (2, 2), (1, 1), (1, 1)]
        # A month later: who came with the second version is told nothing of the time before.
        await store.measure(config, FINAL_US, MAY + 2 * HOUR_US)
        one.now_us, one.marks = MAY + 2 * HOUR_US, {"local": MAY + 2 * HOUR_US}
        assert await one.closer.round() == 2
        pasts = {each.customer: each.past for each in await one.reports() if each.period.label == "2026-04"}
        assert [line.from_[:10] for line in pasts["beta"]] == ["2026-03-11"]
        assert [line.from_[:10] for line in pasts[None]] == ["2026-03-01", "2026-03-11"]
        # The day of the change is moved later on: what was closed stays as it is.
        one.take(text.replace("2026-03-11", "2026-03-21"))
        one.now_us += 2 * HOUR_US
        assert await one.closer.round() == 0


async def test_a_report_that_cannot_be_made_keeps_no_other_from_being_closed(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US)
        good = one.accounts.contracts
        service = replace(good[0].services[0], probes=())  # no configuration can say so
        one.accounts.contracts = (replace(good[0], services=(service,)), good[1])
        assert await one.at(FINAL_US) == 2
        one.accounts.contracts = good
        one.restart()
        assert await one.at(FINAL_US + MINUTE_US) == 3


async def test_digests_hold_over_a_restart_of_the_store(tmp_path: Path) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, OUTAGE)
        await one.at(FINAL_US)
        rows = await one.rows()
    async with measured(tmp_path) as store:
        one, _ = desk(store.store)
        assert await one.rows() == rows
        assert await one.at(FINAL_US + DAY_US) == 0
        await store.store.write(WriteSet(closed=[replace(rows[0], digest="other")]))
        assert await one.rows() == rows
