"""The book: declared and on record, each once; what changes before it begins is cancelled, what has begun stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.maintenance import DAY_US, HOUR_US, config_of, us

from prober.maintenance.book import HORIZON_US, Book, book_for, merge, reconcile, row_of, standing_key
from prober.maintenance.expand import key_again, key_of
from prober.store.base import MaintenanceRow
from reports.contract import MaintenanceWindow

NOW = us("2026-03-15T12:00:00Z")


def window(
    start_us: int, source: str = "configuration", announced_us: int | None = None
) -> MaintenanceWindow:
    """Return a window of an hour."""
    return MaintenanceWindow(
        key=key_of(source, "", start_us, start_us + HOUR_US, ["shop"]),
        title="Work",
        services=("shop",),
        start_us=start_us,
        end_us=start_us + HOUR_US,
        announced_us=announced_us,
        source=source,
    )


def recorded(*windows: MaintenanceWindow, at_us: int = NOW - DAY_US) -> dict[str, MaintenanceRow]:
    """Return windows as they stand on record since an instant."""
    return {each.key: row_of(each, at_us) for each in windows}


def changes(
    declared: list[MaintenanceWindow], rows: dict[str, MaintenanceRow], now_us: int = NOW, sure: bool = True
) -> list[MaintenanceRow]:
    """Return what has to go on record."""
    return reconcile(declared, rows, lambda _source: sure, now_us)


def test_what_is_new_goes_on_record_with_this_instant() -> None:
    one = window(NOW + DAY_US, announced_us=NOW - DAY_US)
    assert changes([one], {}) == [row_of(one, NOW)]
    assert row_of(one, NOW).noted_us == NOW
    assert changes([one], recorded(one)) == []


@pytest.mark.parametrize(("ahead_us", "gone"), [(1, True), (0, False), (-HOUR_US, False), (-DAY_US, False)])
def test_what_is_declared_no_more_is_cancelled_unless_it_has_begun(ahead_us: int, gone: bool) -> None:
    one = window(NOW + ahead_us)
    found = changes([], recorded(one))
    assert found == ([replace(row_of(one, NOW - DAY_US), cancelled_us=NOW)] if gone else [])


def test_another_time_is_another_window_and_the_old_one_is_cancelled() -> None:
    old, new = window(NOW + DAY_US), window(NOW + DAY_US + 1)
    found = changes([new], recorded(old))
    assert [(row.start_us, row.noted_us, row.cancelled_us) for row in found] == [
        (new.start_us, NOW, None),
        (old.start_us, NOW - DAY_US, NOW),
    ]


def test_what_merely_could_not_be_read_stands() -> None:
    assert changes([], recorded(window(NOW + DAY_US)), sure=False) == []


def test_what_was_announced_by_hand_is_not_taken_out_by_a_configuration() -> None:
    rows = recorded(window(NOW + DAY_US, "cli"), window(NOW + DAY_US, "api"))
    assert changes([], rows) == []


def test_what_lies_beyond_the_horizon_is_left_alone() -> None:
    assert changes([], recorded(window(NOW + HORIZON_US))) == []
    assert len(changes([], recorded(window(NOW + HORIZON_US - 1)))) == 1


def test_a_window_that_comes_back_after_it_was_cancelled_is_announced_anew() -> None:
    one = window(NOW + DAY_US)
    rows = {one.key: replace(row_of(one, NOW - DAY_US), cancelled_us=NOW - HOUR_US)}
    (row,) = changes([one], rows)
    assert (row.key, row.noted_us, row.cancelled_us) == (key_again(one.key, 1), NOW, None)
    assert standing_key(one.key, rows) == row.key
    rows[row.key] = row
    assert changes([one], rows) == []
    both = merge([one], rows).windows(one.start_us, one.end_us)
    assert sorted(each.cancelled_us or 0 for each in both) == [0, NOW - HOUR_US]


def test_announced_is_as_stated_or_else_when_it_was_noted() -> None:
    stated, unsaid = window(NOW + DAY_US, announced_us=NOW - 9 * DAY_US), window(NOW + 2 * DAY_US)
    book = merge([stated, unsaid], recorded(stated, unsaid))
    assert [(each.announced_us, each.logged_us) for each in book.entries] == [
        (NOW - 9 * DAY_US, NOW - DAY_US),
        (NOW - DAY_US, NOW - DAY_US),
    ]


def test_of_a_calendar_the_earlier_of_stamp_and_record_counts() -> None:
    early = window(NOW + DAY_US, "calendar:0a1b2c3d", announced_us=NOW - 9 * DAY_US)
    late = window(NOW + 2 * DAY_US, "calendar:0a1b2c3d", announced_us=NOW)
    book = merge([early, late], recorded(early, late))
    assert [each.announced_us for each in book.entries] == [NOW - 9 * DAY_US, NOW - DAY_US]


def test_what_is_not_on_record_yet_was_told_to_nobody() -> None:
    (one,) = merge([window(NOW)], {}).entries
    assert (one.announced_us, one.logged_us) == (None, None)


def test_words_are_as_they_are_now_and_instants_as_they_were_noted() -> None:
    one = window(NOW + DAY_US)
    (found,) = merge([replace(one, title="Better words")], recorded(one)).entries
    assert (found.title, found.logged_us) == ("Better words", NOW - DAY_US)


def test_windows_are_asked_by_time_and_service() -> None:
    one = window(NOW)
    other = replace(window(NOW + DAY_US), services=("mail", "news"))
    book = Book((one, other))
    assert book.windows(one.end_us - 1, one.end_us) == (one,)
    assert book.windows(one.end_us, one.end_us + 1) == book.windows(one.start_us - 1, one.start_us) == ()
    assert book.windows(NOW, NOW + 9 * DAY_US, {"news"}) == (other,)
    assert book.windows(NOW, NOW + 9 * DAY_US, {"nobody"}) == ()
    assert (book.find(other.key), book.find("none")) == (other, None)


def test_without_a_daemon_the_configuration_and_the_record_make_the_book() -> None:
    config = config_of("title: x, start: 2026-03-22T02:30:00Z, end: 2026-03-22T04:30:00Z")
    by_hand = window(us("2026-03-20T00:00:00Z"), "cli")
    book = book_for(
        config, recorded(by_hand).values(), us("2026-03-01T00:00:00Z"), us("2026-04-01T00:00:00Z")
    )
    assert [(each.source, each.logged_us) for each in book.entries] == [
        ("cli", NOW - DAY_US),
        ("configuration", None),
    ]


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 40), st.sets(st.integers(0, 30), max_size=6)), max_size=12))
def test_whatever_is_declared_the_record_only_grows_and_settles(steps: list[tuple[int, set[int]]]) -> None:
    """Instants on record never change, what has begun is never cancelled, and the same look twice writes nothing."""
    rows: dict[str, MaintenanceRow] = {}
    now_us = NOW
    for pause, starts in steps:
        now_us += pause * HOUR_US
        declared = [window(NOW + start * 7 * HOUR_US) for start in sorted(starts)]
        written = changes(declared, rows, now_us)
        for row in written:
            before = rows.get(row.key)
            assert before is None or (before == replace(row, cancelled_us=None) and row.start_us > now_us)
            rows[row.key] = row
        assert changes(declared, rows, now_us) == []
        standing = {each.start_us for each in merge(declared, rows).entries if each.cancelled_us is None}
        assert standing >= {each.start_us for each in declared}
        assert all(
            start < now_us or start in {each.start_us for each in declared}
            for start in standing
            if start != now_us
        )
