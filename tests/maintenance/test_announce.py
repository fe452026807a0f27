"""What people announce by hand: what is taken, and what is said of what comes too late."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.maintenance import DAY_US, HOUR_US, config_of, us

from prober.maintenance.announce import FURTHEST_US, Announcement, NotTaken, check, warnings
from prober.maintenance.book import merge, row_of

NOW = us("2026-03-15T12:00:00Z")
GOOD = Announcement(title="Work", services=("shop",), start_us=NOW + DAY_US, end_us=NOW + DAY_US + HOUR_US)
CONTRACTS = """
contracts:
  - {name: gold, service: shop, claim: "99.9%", maintenance: {notice: 72h}}
  - {name: silver, service: shop, claim: "99.9%", maintenance: {notice: 24h, evidence: logged}}
  - {name: bronze, service: shop, claim: "99%", maintenance: {}}
  - {name: plain, service: shop, claim: "99%"}
  - {name: other, service: mail, claim: "99%", maintenance: {notice: 9000h}}
  - {name: old, service: shop, claim: "99%", maintenance: {notice: 9000h}, effective: {to: 2026-01-01}}
"""


@pytest.mark.parametrize(
    ("changed", "problem", "hint", "status"),
    [
        (replace(GOOD, title=" "), "the title is empty", "", 400),
        (replace(GOOD, title="a\x1b[31m"), "the title is at most 200 printable characters", "", 400),
        (replace(GOOD, title="x" * 201), "the title is at most 200 printable characters", "", 400),
        (replace(GOOD, services=("shp",)), "no service named 'shp'", "did you mean 'shop'?", 404),
        (replace(GOOD, services=()), "expected the services that it touches", "their names, ", 400),
        (replace(GOOD, end_us=GOOD.start_us), "the end is not after the start", "", 400),
        (replace(GOOD, end_us=GOOD.start_us + 366 * DAY_US + 1), "a window is at most 366 days", "", 400),
        (
            replace(GOOD, start_us=NOW + FURTHEST_US + 1, end_us=NOW + FURTHEST_US + 2),
            "the start is",
            "",
            400,
        ),
        (replace(GOOD, announced_us=NOW + 1), "announced lies in the future", "leave it out", 400),
    ],
)
def test_what_cannot_be_announced_is_said(
    changed: Announcement, problem: str, hint: str, status: int
) -> None:
    with pytest.raises(NotTaken) as told:
        check(changed, ("shop", "mail"), NOW)
    assert str(told.value).startswith(problem)
    assert (told.value.hint[: len(hint)], told.value.status) == (hint, status)


@pytest.mark.parametrize(
    "changed",
    [
        GOOD,
        replace(GOOD, announced_us=NOW),
        replace(GOOD, end_us=GOOD.start_us + 366 * DAY_US),
        replace(GOOD, start_us=NOW - DAY_US, end_us=NOW - DAY_US + 1),  # late, which is not ours to refuse
    ],
)
def test_what_can_be_announced_is_taken(changed: Announcement) -> None:
    check(changed, ("shop",), NOW)


def said(start_us: int, stated_us: int | None = None, logged_us: int = NOW) -> list[str]:
    """Return the contracts that are warned of, for a window on record."""
    announcement = replace(GOOD, start_us=start_us, end_us=start_us + HOUR_US, announced_us=stated_us)
    window = announcement.window()
    (found,) = merge([], {window.key: row_of(window, logged_us)}).entries
    return list(warnings(found, config_of(more=CONTRACTS).contracts, logged_us))


def test_each_contract_that_will_not_excuse_it_is_named() -> None:
    assert said(NOW + HOUR_US + 90_000_000) == [
        "contract gold asks for 3d of notice; this came 1h1m before the start and will not be excused",
        "contract silver asks for 1d of notice; this came 1h1m before the start and will not be excused",
    ]


@pytest.mark.parametrize(("notice_us", "late"), [(72 * HOUR_US, False), (72 * HOUR_US - 1, True)])
def test_the_notice_is_met_to_the_microsecond(notice_us: int, late: bool) -> None:
    assert [text.split()[1] for text in said(NOW + notice_us)] == (["gold"] if late else [])


def test_a_stated_instant_counts_where_the_contract_takes_it() -> None:
    told = said(NOW + HOUR_US, stated_us=NOW - 9 * DAY_US)
    assert [text.split()[1] for text in told if text.startswith("contract")] == ["silver"]


STATED = "the announcement is stated, it is on record here only from 2026-03-15 12:00:00 UTC on"
PROOF = "reports show both, so keep what proves that customers were told before"


@pytest.mark.parametrize(
    ("age_us", "told"), [(60_000_000, []), (60_000_001, [f"{STATED}; reports show both"])]
)
def test_an_announcement_from_over_a_minute_ago_is_told_to_be_stated(age_us: int, told: list[str]) -> None:
    said_of = said(NOW + 99 * DAY_US, stated_us=NOW - age_us)
    assert said_of == told


@pytest.mark.parametrize(
    ("start_us", "words"),
    [
        (NOW + 1, f"{STATED}; reports show both"),
        (NOW, f"{STATED}, when the window has begun already; {PROOF}"),
        (NOW - HOUR_US + 1, f"{STATED}, when the window has begun already; {PROOF}"),
        (NOW - HOUR_US, f"{STATED}, when the window is over already; {PROOF}"),
    ],
)
def test_it_is_told_more_strongly_once_the_window_has_begun_or_is_over(start_us: int, words: str) -> None:
    assert said(start_us, stated_us=NOW - 9 * DAY_US)[0] == words


def test_what_has_begun_is_excused_by_no_contract() -> None:
    warned = said(NOW - 1)
    assert [text.split()[1] for text in warned] == ["gold", "silver", "bronze"]
    assert warned[2] == (
        "contract bronze excuses only what was announced before it began; "
        "this came after the start and will not be excused"
    )


def test_the_same_announcement_has_the_same_key_and_each_way_its_own() -> None:
    assert GOOD.window().key == replace(GOOD, title="Other words").window().key
    assert GOOD.window().key != replace(GOOD, source="cli").window().key
    assert replace(GOOD, services=("shop", "shop")).window().services == ("shop",)
