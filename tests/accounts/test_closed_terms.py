"""What was closed keeps its terms: late results never bring edited ones into it. What is no term is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.measured import APRIL, CONFIG, HOUR_US, MARCH, S, desk, down, measured, names, us

from prober.accounts.closer import OTHER_EVIDENCE, OTHER_TERMS

FINAL_US = APRIL + HOUR_US + 15 * S
OUTAGE = down((us("2026-03-10T06:00"), us("2026-03-10T16:00")))


def _said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Return what was warned of: contract and problem."""
    return [
        (vars(record)["contract"], vars(record)["problem"])
        for record in caplog.records
        if record.levelname == "WARNING" and "no revision" in record.message
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('claim: "99%"', 'claim: "50%"'), OTHER_TERMS),
        (('claim: "99%"', 'claim: "99%", method: requests'), OTHER_TERMS),
        (("customers: [acme, beta], ", "customers: [acme, beta], gap: 90m, "), OTHER_EVIDENCE),
        (
            ("iad: {token: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}}", "iad: {local: true}, syd: {local: true}}"),
            OTHER_EVIDENCE,
        ),
    ],
)
async def test_late_results_never_put_edited_terms_into_what_was_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: tuple[str, str], problem: str
) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, regions=["fra"])
        closed_us = APRIL + config.agents.settle_after_us
        await one.at(closed_us, marks_us=MARCH)
        before = await one.rows("gold")
        assert CONFIG.count(change[0]) == 1
        one.take(CONFIG.replace(*change))
        await store.measure(config, MARCH, FINAL_US, OUTAGE, regions=["iad"])
        for hours in (25, 26, 49, 73):
            await one.at(closed_us + hours * HOUR_US)
            assert one.closer.problems.get("gold") == problem
        assert await one.rows("gold") == before
        assert [each for each in _said(caplog) if each[0] == "gold"] == [("gold", problem)]
        # The terms are as they were: now it can be told.
        one.take(CONFIG)
        assert await one.at(closed_us + 74 * HOUR_US) >= 3
        assert one.closer.problems == {}
        assert names(await one.rows("gold"))[1::2] == [("gold", name, 2) for name in ("", "acme", "beta")]


@pytest.mark.parametrize(
    "change",
    [
        ("title: Gold, ", "title: Golden, public: true, "),
        ("[acme, beta]", "[acme, beta, gamma]"),
        ('claim: "99%"', 'claim: "99%", effective: {to: 2026-04-03}'),
    ],
)
async def test_what_is_no_term_keeps_no_late_results_from_being_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: tuple[str, str]
) -> None:
    """A version that ends for another one to begin least of all: terms are to be changed that way."""
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, regions=["fra"])
        closed_us = APRIL + config.agents.settle_after_us
        await one.at(closed_us, marks_us=MARCH)
        assert CONFIG.count(change[0]) == 1
        one.take(CONFIG.replace(*change) + "  - {name: gamma}\n")
        await store.measure(config, MARCH, FINAL_US, OUTAGE, regions=["iad"])
        assert await one.at(closed_us + 25 * HOUR_US) == 5
        assert (_said(caplog), one.closer.problems) == ([], {})


async def test_edited_terms_without_late_results_are_nothing_to_warn_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with measured(tmp_path) as store:
        one, config = desk(store.store)
        await store.measure(config, MARCH, FINAL_US, OUTAGE)
        await one.at(FINAL_US)
        one.take(CONFIG.replace('claim: "99%"', 'claim: "50%"'))
        assert await one.at(FINAL_US + HOUR_US) == 0
        assert (_said(caplog), one.closer.problems) == ([], {})
