"""What a sheet says with care: what is only stated, imported, still being measured, or possible at most."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from support.report_making import number
from support.report_samples import SAMPLES, broken_month, sample

from reports.document import Seconds
from reports.render.parts import Sheet
from reports.render.sheet import sheet
from reports.words import load

EN = load("en")


def table(page: Sheet, section: str, key: str) -> list[list[str]]:
    """Return the rows of a table as texts."""
    found = page.section(section)
    assert found is not None
    rows = next(each.rows for each in found.tables if each.key == key)
    return [[cell.text for cell in row] for row in rows]


STATED = {
    "en": "1 March 2026 01:00:00 CET (as stated; on record here since 9 March 2026 08:00:00 CET)",
    "de": "1. März 2026 01:00:00 MEZ (laut Angabe; hier festgehalten erst seit 9. März 2026 08:00:00 MEZ)",
}


def announced(told: str | None, logged: str | None, language: str = "en") -> str:
    """Return how the announcement of a window is told."""
    report = broken_month()
    window = msgspec.structs.replace(report.excluded.windows[0], announced=told, logged=logged)
    page = sheet(
        msgspec.structs.replace(report, excluded=msgspec.structs.replace(report.excluded, windows=[window])),
        load(language),
    )
    ((_, _, _, _, shown, *_),) = table(page, "maintenance", "windows")
    return shown


def test_an_announcement_that_came_on_record_only_later_is_told_as_stated() -> None:
    at, later = "2026-03-01T01:00:00+01:00", "2026-03-09T08:00:00+01:00"
    assert {language: announced(at, later, language) for language in STATED} == STATED
    assert "（据陈述；在此记录始于" in announced(at, later, "zh")
    assert announced(at, at) == announced(later, None).replace("9 March 2026 08", "1 March 2026 01")
    assert "stated" not in announced(later, at)
    assert announced(None, later) == "–"


@pytest.mark.parametrize(("language", "end"), [
    ("en", "imported from elsewhere; what rests on them"), ("de", "von anderswo übernommen; was darauf"),
    ("zh", "而是从别处导入；以其为依据"),
])  # fmt: skip
def test_imported_history_of_which_no_source_is_told_has_no_empty_brackets(language: str, end: str) -> None:
    report = SAMPLES["requests"]()
    unnamed = msgspec.structs.replace(report.imported, sources=[])
    told = sheet(msgspec.structs.replace(report, imported=unnamed), load(language)).opening[1]
    assert end in told
    assert not set("(（–") & set(told)


def test_where_nothing_was_imported_imports_are_no_reason_for_a_missing_statistical_line() -> None:
    statistics = msgspec.structs.replace(sample().statistics, applies=False, why_not="imported")
    for name, told in (("broken", "there are no trials"), ("requests", "imported history is no random")):
        report = msgspec.structs.replace(SAMPLES[name](), statistics=statistics)
        page = sheet(report, EN)
        assert f"No statistical line: {told}" in str(page.section("method"))


def test_an_outage_of_which_no_failed_run_is_known_yet_is_still_being_measured() -> None:
    report = broken_month()
    young = msgspec.structs.replace(
        report.outages[0],
        goes_on=True,
        codes=[],
        regions=[],
        seconds=Seconds(lowest=number(0), measured=number(1), highest=number(2)),
    )
    old = msgspec.structs.replace(young, goes_on=False)
    page = sheet(msgspec.structs.replace(report, outages=[young, old]), EN)
    causes = [row[8] for row in table(page, "outages", "outages")]
    assert causes == ["Still being measured.", "No cause is on record."]


def test_what_is_possible_at_most_is_the_same_length_everywhere() -> None:
    report = broken_month()
    assert report.budget is not None
    third = Seconds(
        lowest=number(Fraction(1, 3)), measured=number(Fraction(1, 2)), highest=number(Fraction(4, 3))
    )
    day = msgspec.structs.replace(
        report.days[1], state="down", down_seconds=third, unknown_seconds=number(Fraction(4, 3))
    )
    page = sheet(
        msgspec.structs.replace(
            report,
            days=[day],
            down_seconds=third,
            outages=[msgspec.structs.replace(report.outages[0], seconds=third)],
            budget=msgspec.structs.replace(report.budget, unit="us", spent=third),
        ),
        EN,
    )
    note = next(each.note for each in page.figures if each.key == "down")
    days, outages = table(page, "days", "days"), table(page, "outages", "outages")
    spent = table(page, "budget", "budget")[1]
    assert note.endswith("at most 1.334 s")
    assert (days[0][2], days[0][3], days[0][4]) == ("0.5 s", "1.334 s", "1.334 s")
    assert (outages[0][3], outages[0][5]) == ("0.333 s", "1.334 s")
    assert spent[1:] == ["0.333 s", "0.5 s", "1.334 s"]


def test_the_title_names_a_period_or_tells_its_two_ends() -> None:
    report = broken_month()
    days = msgspec.structs.replace(report.period, label="2026-03-01..2026-04-01")
    titles = [
        sheet(msgspec.structs.replace(report, period=period), load(language)).title
        for period in (report.period, days)
        for language in ("en", "de", "zh")
    ]
    assert titles == [
        "Shop Gold: availability in March 2026", "Shop Gold: Verfügbarkeit März 2026", "Shop Gold：2026年3月可用性",
        "Shop Gold: availability from 1 March 2026 to 31 March 2026",
        "Shop Gold: Verfügbarkeit vom 1. März 2026 bis 31. März 2026", "Shop Gold：2026年3月1日至2026年3月31日可用性",
    ]  # fmt: skip
