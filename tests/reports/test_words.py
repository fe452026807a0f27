"""Numbers, dates, lengths and money as each language writes them; nothing is rounded up."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report_making import number

from reports.document import Period
from reports.ratio import percent_text
from reports.words import load

EN, DE, ZH = load("en"), load("de"), load("zh")
BERLIN = "Europe/Berlin"


def test_percentages_keep_their_digits_and_change_their_sign() -> None:
    assert [words.percent("99.953") for words in (EN, DE, ZH)] == ["99.953 %", "99,953 %", "99.953%"]
    assert DE.percent("100") == "100 %"


@given(st.fractions(min_value=0, max_value=1))
def test_no_percentage_is_more_than_the_ratio(ratio: Fraction) -> None:
    shown = DE.percent(percent_text(ratio)).removesuffix(" %").replace(".", "").replace(",", ".")
    assert Fraction(shown) / 100 <= ratio


def test_99_9999_percent_is_not_printed_as_100() -> None:
    assert DE.percent(percent_text(Fraction(999_999_9, 10_000_000))) == "99,999 %"


def test_money_has_the_signs_of_its_language() -> None:
    assert [words.money("1200.00", "EUR") for words in (EN, DE, ZH)] == [
        "1,200.00 EUR",
        "1.200,00 EUR",
        "1,200.00 EUR",
    ]


def test_whole_numbers_are_grouped() -> None:
    assert [words.integer(2_674_800) for words in (EN, DE, ZH)] == ["2,674,800", "2.674.800", "2,674,800"]
    assert EN.integer(-1200) == "−1,200"


def test_dates_are_written_out() -> None:
    assert [words.date("2026-03-02") for words in (EN, DE, ZH)] == [
        "2 March 2026",
        "2. März 2026",
        "2026年3月2日",
    ]


def test_instants_name_their_zone() -> None:
    assert [words.instant("2026-03-02T14:03:10+01:00", BERLIN) for words in (EN, DE, ZH)] == [
        "2 March 2026 14:03:10 CET",
        "2. März 2026 14:03:10 MEZ",
        "2026年3月2日 14:03:10（中欧时间）",
    ]


def test_the_doubled_hour_of_october_is_told_apart() -> None:
    assert DE.instant("2026-10-25T02:30:00+02:00", BERLIN) == "25. Oktober 2026 02:30:00 MESZ"
    assert DE.instant("2026-10-25T02:30:00+01:00", BERLIN) == "25. Oktober 2026 02:30:00 MEZ"


@pytest.mark.parametrize(
    ("text", "zone", "shown"),
    [
        ("2026-03-02T14:03:10+08:00", "Asia/Shanghai", "UTC+08:00"),  # CST is also Chicago's
        ("2026-03-02T14:03:10-03:30", "America/St_Johns", "UTC-03:30"),
        ("2026-03-02T14:03:10+10:30", "Australia/Lord_Howe", "UTC+10:30"),
        ("2026-03-02T14:03:10+01:00", "No/Where", "UTC+01:00"),
        ("2026-03-02T14:03:10+02:00", BERLIN, "UTC+02:00"),  # the document's rules were others than ours
        ("2026-03-02T14:03:10+00:00", "UTC", "UTC"),
    ],
)
def test_a_zone_without_a_clear_name_is_an_offset(text: str, zone: str, shown: str) -> None:
    assert EN.instant(text, zone) == f"2 March 2026 14:03:10 {shown}"


def test_parts_of_a_second_are_shown_truncated() -> None:
    assert DE.instant("2026-03-02T14:03:10.250999+01:00", BERLIN) == "2. März 2026 14:03:10,250 MEZ"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_661, "1 h 1 min 1 s"),
        (86_400, "1 d"),
        (2_674_800, "30 d 23 h"),
        (Fraction(1, 4), "0.25 s"),
        (Fraction(-90), "−1 min 30 s"),
        (Fraction(1, 3), "0.333 s"),
    ],
)
def test_lengths_are_told_in_their_parts(seconds: Fraction | int, shown: str) -> None:
    assert EN.duration(seconds) == shown


def test_lengths_in_german_and_chinese() -> None:
    assert (DE.duration(Fraction(187, 2)), ZH.duration(Fraction(187, 2))) == ("1 min 33,5 s", "1分钟33.5秒")


def test_an_upper_bound_is_never_told_too_short() -> None:
    assert (EN.duration(Fraction(1, 3), up=True), EN.duration(number(Fraction(2)), up=True)) == (
        "0.334 s",
        "2 s",
    )


@given(st.fractions(min_value=0, max_value=10**7))
def test_lengths_lie_on_the_right_side(length: Fraction) -> None:
    parts = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}

    def back(text: str) -> Fraction:
        cells = text.replace(",", "").split()
        return sum(
            (Fraction(value) * parts[unit] for value, unit in zip(cells[::2], cells[1::2], strict=True)),
            Fraction(0),
        )

    assert back(EN.duration(length)) <= length <= back(EN.duration(length, up=True))


def test_plurals_agree() -> None:
    assert [EN.count("outages.count", count) for count in (1, 2)] == [
        "1 outage was measured.",
        "2 outages were measured.",
    ]
    assert DE.count("outages.count", 0) == "Es wurden 0 Ausfälle gemessen."


def period(label: str, from_: str, to: str, part: int = 1, parts: int = 1) -> Period:
    """Return a period in Berlin."""
    return Period(from_=from_, to=to, seconds=1, zone=BERLIN, label=label, part=part, parts=parts)


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("2026-03", ("for March 2026", "für März 2026", "2026年3月")),
        ("2026-Q1", ("for Q1 2026", "für das 1. Quartal 2026", "2026年第1季度")),
        ("2026", ("for 2026", "für das Jahr 2026", "2026年")),
    ],
)
def test_periods_stand_in_sentences(label: str, shown: tuple[str, ...]) -> None:
    found = period(label, "2026-03-01T00:00:00+01:00", "2026-04-01T00:00:00+02:00")
    assert tuple(words.when(found) for words in (EN, DE, ZH)) == shown


def test_a_period_of_days_ends_with_its_last_day() -> None:
    found = period("2026-03-05/2026-04-04", "2026-03-05T00:00:00+01:00", "2026-04-05T00:00:00+02:00")
    assert EN.when(found) == "for the time from 5 March 2026 to 4 April 2026"
    assert EN.period(found.label, found.from_, found.to) == "5 March 2026 to 4 April 2026"


def test_a_period_that_is_not_cut_at_midnight_shows_its_instants() -> None:
    found = period("x", "2026-03-05T12:00:00+01:00", "2026-03-06T00:00:00+01:00")
    assert EN.when(found) == "for the time from 5 March 2026 12:00:00 CET to 6 March 2026 00:00:00 CET"


def test_a_part_of_a_period_says_which() -> None:
    found = period("2026-03", "2026-03-16T00:00:00+01:00", "2026-04-01T00:00:00+02:00", 2, 2)
    assert EN.when(found) == "for March 2026 (part 2 of 2: 16 March 2026 to 31 March 2026)"


def test_a_code_without_words_is_shown_as_it_is() -> None:
    assert EN.code("cause", "brand_new") == "brand_new"
    assert EN.code("reason", "brand_new", cap="4 h") == "brand_new (cap: 4 h)"
    assert EN.code("assumption", "persistence") == "persistence"  # its value is missing
