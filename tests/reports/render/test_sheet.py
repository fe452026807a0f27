"""What a reader finds on the first page and in which order, and what a customer is never told."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from support.report_making import ratio
from support.report_samples import SAMPLES, broken_month, no_data_month, running_month, sample

from reports.document import Bounds, Credit, Statistics
from reports.render.parts import Sheet
from reports.render.sheet import sheet
from reports.words import load

EN = load("en")
ORDER = [
    "measured",
    "days",
    "outages",
    "maintenance",
    "coverage",
    "latency",
    "history",
    "credit",
    "promise",
    "budget",
    "method",
    "assumptions",
    "provenance",
]


def texts(page: Sheet) -> str:
    """Return everything that a sheet shows, as one text."""
    return msgspec.json.encode(msgspec.to_builtins(page, enc_hook=str)).decode()


def fact(page: Sheet, key: str) -> str:
    """Return a key figure as shown."""
    return next(each.value.text for each in page.figures if each.key == key)


def table(page: Sheet, section: str, key: str) -> list[list[str]]:
    """Return the rows of a table as texts."""
    found = page.section(section)
    assert found is not None
    rows = next(each.rows for each in found.tables if each.key == key)
    return [[cell.text for cell in row] for row in rows]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("language", ["en", "de", "zh"])
@pytest.mark.parametrize("audience", ["customer", "provider"])
def test_every_sample_makes_a_sheet_in_order_with_whole_rows(name: str, language: str, audience: str) -> None:
    page = sheet(SAMPLES[name](), load(language), audience)  # type: ignore[arg-type]
    keys = [section.key for section in page.sections]
    assert keys == [key for key in ORDER if key in keys]
    assert set(ORDER) - set(keys) <= {"budget"}
    for section in page.sections:
        assert section.paragraphs or section.facts or section.tables
        assert all(len(row) == len(each.columns) for each in section.tables for row in each.rows)


def test_the_first_sentence_has_the_finding_the_claim_and_the_bounds() -> None:
    assert sheet(sample(), EN).opening == (
        "The claim of 99.95 % for March 2026 is backed by what was measured: "
        "availability was at least 99.983 % and at most 99.987 %.",
    )
    assert sheet(sample(), load("de")).opening[0] == (
        "Die Zusage von 99,95 % für März 2026 ist durch die Messungen belegt: "
        "Die Verfügbarkeit betrug mindestens 99,983 % und höchstens 99,987 %."
    )
    assert sheet(sample(), load("zh")).opening[0] == (
        "测量结果证实2026年3月达到了99.95%的承诺：可用性不低于99.983%，不高于99.987%。"
    )


def test_a_figure_without_doubt_is_said_once() -> None:
    bounds = Bounds(lowest=ratio("99.99"), measured=ratio("99.99"), highest=ratio("99.99"))
    assert sheet(sample(availability=bounds), EN).opening[0].endswith("availability was 99.99 %.")


def test_a_claim_of_more_than_is_worded_so() -> None:
    assert "The claim of more than 99.95 % for March 2026" in sheet(sample(more_than=True), EN).opening[0]


def test_a_gap_is_told_on_the_first_page() -> None:
    opening = sheet(SAMPLES["not_proven"](), EN).opening
    assert opening[0].startswith("Whether the claim of 99.95 % for March 2026 was kept is not proven")
    assert "for 40 min it is not known whether the service was up" in opening[1]


def test_imported_history_is_told_on_the_first_page() -> None:
    assert "40,000 results were not measured here but imported" in sheet(SAMPLES["requests"](), EN).opening[1]


def test_a_part_says_that_it_is_one() -> None:
    page = sheet(SAMPLES["split"](), EN)
    assert "(part 1 of 2: 1 March 2026 to 15 March 2026)" in page.opening[0]
    assert "never averaged" in page.opening[1]


def test_a_running_period_says_up_to_when_and_is_no_last_finding() -> None:
    page = sheet(running_month(), EN)
    assert page.finding_word == "Backed so far"
    assert page.opening[0].startswith(
        "So far, up to 20 March 2026 12:00:00 CET, availability for March 2026 was"
    )
    assert "still running" in page.opening[0]


def test_a_claim_that_is_lost_says_since_when() -> None:
    made = running_month()
    assert made.budget is not None
    budget = msgspec.structs.replace(made.budget, lost_since="2026-03-18T14:09:40+01:00")
    opening = sheet(msgspec.structs.replace(made, budget=budget), EN).opening
    assert opening[1] == (
        "Since 18 March 2026 14:09:40 CET nothing that happens later can save the claim in this period."
    )


def test_without_data_nothing_is_told_as_0_or_100_percent() -> None:
    page = sheet(no_data_month(), EN)
    assert page.opening[0].startswith("No data for March 2026: Web shop was not measured.")
    assert (page.finding, page.finding_word, page.tone) == ("no_data", "No data", "muted")
    for key in ("measured", "lowest", "highest", "down", "outages", "coverage"):
        assert fact(page, key) == "no data"
    shown = texts(page)
    assert '"0 %"' not in shown
    assert '"0.000 %"' not in shown
    assert "100 %" not in shown


def test_no_credit_is_denied_without_data() -> None:
    page = sheet(msgspec.structs.replace(no_data_month(), credit=Credit(kind="none", notes=["no_data"])), EN)
    credit = page.section("credit")
    assert credit is not None
    assert credit.paragraphs[0] == "Without data nothing can be said about a service credit."
    assert fact(page, "credit") == "no data"


def test_a_measured_100_is_not_printed_while_down_time_is_possible() -> None:
    one, less = ratio(Fraction(1)), ratio("99.99")
    page = sheet(sample(availability=Bounds(lowest=less, measured=one, highest=one)), EN)
    assert fact(page, "measured") == "no down time seen"
    whole = sheet(sample(availability=Bounds(lowest=one, measured=one, highest=one)), EN)
    assert fact(whole, "measured") == "100 %"


def test_the_statistical_line_that_weakens_a_finding_is_named() -> None:
    line = Statistics(
        applies=True, trials=10, bad=1, lower="0.1", upper="0.2", finding="not_proven", weakens=True
    )
    opening = sheet(sample(finding="not_proven", statistics=line), EN).opening
    assert "but the statistical bound at 95 % confidence" in opening[0]


def test_an_outage_has_its_lengths_regions_and_cause() -> None:
    rows = table(sheet(broken_month(), EN), "outages", "outages")
    assert rows[1] == [
        "2",
        "17 March 2026 22:40:30 CET",
        "17 March 2026 22:42:30 CET",
        "1 min",
        "2 min",
        "3 min",
        "2 min",
        "Frankfurt, Virginia, Singapore",
        "The server answered with an unexpected status.",
        "http_status",
        "–",
    ]


def test_an_outage_over_an_edge_of_the_period_says_so() -> None:
    made = sample()
    outages = [msgspec.structs.replace(each, began_before=True, goes_on=True) for each in made.outages]
    row = table(sheet(msgspec.structs.replace(made, outages=outages), EN), "outages", "outages")[0]
    assert row[1:3] == ["before 18 March 2026 14:03:10 CET", "goes on after 18 March 2026 14:09:40 CET"]


def test_an_incident_is_a_link_only_with_a_whole_address() -> None:
    made = sample()

    def cell(incident: str):  # type: ignore[no-untyped-def]
        outages = [msgspec.structs.replace(each, incident=incident) for each in made.outages]
        section = sheet(msgspec.structs.replace(made, outages=outages), EN).section("outages")
        assert section is not None
        return section.tables[0].rows[0][10]

    assert (
        cell("https://status.example/incidents/7").text,
        cell("https://status.example/incidents/7").link,
    ) == (
        "7",
        "https://status.example/incidents/7",
    )
    assert cell("7").link is None
    assert cell("javascript:alert(1)").link is None


def test_the_longest_of_very_many_outages_are_said_to_be_that() -> None:
    section = sheet(msgspec.structs.replace(SAMPLES["many"](), outages_total=700), EN).section("outages")
    assert section is not None
    assert section.paragraphs[:2] == ("700 outages were measured.", "The 40 longest are listed.")


def test_maintenance_says_what_counts_and_why_not() -> None:
    page = sheet(broken_month(), EN)
    rows = table(page, "maintenance", "windows")
    assert [(row[0], row[5], row[8]) for row in rows] == [
        (
            "Database upgrade",
            "yes",
            "Taken into account in full. The time is left out of the period as well.",
        ),
        ("Disk swap", "no", "Not taken into account: it was announced, or put on record, later than agreed."),
        ("Router work", "no", "Not taken into account: it was not announced."),
    ]
    assert [each.key for each in page.section("measured").tables] == ["bounds", "with_and_without"]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("language", "heading"), [("en", "Approved on"), ("de", "Gebilligt am"), ("zh", "批准时间")]
)
def test_an_exclusion_says_who_approved_it_and_when(language: str, heading: str) -> None:
    report, words = broken_month(), load(language)
    agreed, unsaid, *_ = (
        msgspec.structs.replace(each, kind="force_majeure", approved_by="A. Smith")
        for each in report.excluded.windows
    )
    agreed = msgspec.structs.replace(agreed, approved="2026-03-04T10:00:00+01:00")
    excluded = msgspec.structs.replace(report.excluded, windows=[agreed, unsaid])
    page = sheet(msgspec.structs.replace(report, excluded=excluded), words)
    instant = words.instant("2026-03-04T10:00:00+01:00", report.period.zone)
    rows = table(page, "maintenance", "windows")
    assert [row[-2] for row in rows] == ["A. Smith", "A. Smith"]
    assert rows[0][-1] == instant != rows[1][-1]
    assert heading in texts(page)


def test_what_the_prober_missed_is_told_with_the_reason() -> None:
    rows = table(sheet(SAMPLES["not_proven"](), EN), "coverage", "slots")
    assert ["Missed: no prober was running in the region", "240"] in rows


def test_a_credit_that_is_not_certain_is_a_range_with_its_deadline() -> None:
    page = sheet(SAMPLES["not_proven"](), EN)
    section = page.section("credit")
    assert section is not None
    assert fact(page, "credit") == "0.00 EUR to 120.00 EUR"
    assert section.facts[0].note == "0 % to 10 % of the fee"
    assert "It is to be claimed by 30 April 2026." in section.paragraphs


@pytest.mark.parametrize(
    ("credit", "shown"),
    [
        (Credit(kind="exact", lowest_days=3, highest_days=3), "3 days of service"),
        (
            Credit(kind="range", lowest="0.00", highest="0.00", currency="EUR", lowest_days=0, highest_days=7,
                   lowest_share=ratio("0"), highest_share=ratio("0")),
            "0 days of service to 7 days of service",
        ),
        (Credit(kind="range", lowest_share=ratio("0"), highest_share=ratio("25")), "0 % of the fee to 25 % of the fee"),
        (Credit(kind="range"), "cannot be told"),
        (Credit(kind="none"), "none"),
        (Credit(kind="no_terms"), "none agreed"),
    ],
)  # fmt: skip
def test_credits_of_every_kind_are_told(credit: Credit, shown: str) -> None:
    assert fact(sheet(sample(credit=credit), EN), "credit") == shown


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("minutes", {"threshold": "5", "min_attempts": "2"}, "more than 5 % of its scheduled attempts failed"),
        ("minutes", {"threshold": "100", "min_attempts": "1"}, "if all of its scheduled attempts failed"),
        ("periods", {"threshold": "100", "minutes": "10", "unknown": "worst", "good_minutes": "3"},
         "at least 10 down minutes in a row"),
        ("slices", {"length_us": "300000000", "empty": "skip"}, "slices of 5 min"),
        ("requests", {"ignored": "http_status"}, "Failures of these codes are no attempts: http_status."),
        ("weighted", {"by": "regions", "weights": "fra 5, iad 3"}, "for each region and weighted (fra 5, iad 3)"),
    ],
)  # fmt: skip
def test_methods_are_told_with_their_options(name: str, options: dict[str, str], said: str) -> None:
    made = sample()
    method = msgspec.structs.replace(made.method, name=name, options=options)
    section = sheet(msgspec.structs.replace(made, method=method), EN).section("method")
    assert section is not None
    assert said in section.paragraphs[0]


def test_advice_is_told_in_words_with_its_values() -> None:
    section = sheet(SAMPLES["not_proven"](), EN).section("method")
    assert section is not None
    told = " ".join(section.paragraphs)
    assert "This set-up cannot back the claim, even in a perfect period." in told
    assert "Runs of the probe Web shop, front page may lie 1 min 30 s apart" in told
    assert (
        "What would: a gap limit of at least 1 min 30 s for the probe Web shop, front page, a lower claim."
        in told
    )


def test_the_exact_fractions_are_there_to_recompute() -> None:
    assert table(sheet(sample(), EN), "method", "fractions") == [
        ["Lowest possible", "5943", "5944"],
        ["As measured", "89147", "89160"],
        ["Highest possible", "89149", "89160"],
    ]


def test_a_customer_is_told_nothing_internal() -> None:
    shown = texts(sheet(broken_month(), EN, "customer"))
    assert "/api/v1/results" not in shown
    assert "status 503" not in shown
    inside = texts(sheet(broken_month(), EN, "provider"))
    assert "/api/v1/results" in inside
    assert "status 503" in inside


def test_signs_that_hide_or_turn_text_are_taken_out() -> None:
    page = sheet(sample(title="Shop\x1b[31m \u202eGold\x00", service_title="a\tb"), EN)
    assert page.title.startswith("Shop[31m Gold:")
    assert "a b" in page.subtitle


def test_the_strip_has_a_day_of_each_kind_in_words() -> None:
    strip = sheet(SAMPLES["not_proven"](), EN).section("days").strip  # type: ignore[union-attr]
    assert len(strip) == 31
    assert strip[17].text == "18 Mar: down for 6 min 30 s"
    assert strip[20].text == "21 Mar: unknown for 40 min"
