"""`prober maintenance` against the internal listener itself: the table, announcing, making longer, taking back."""

from __future__ import annotations

import json

import pytest
from support.asking import internal
from support.commands import prober, prober_beside
from support.maintenance import HOUR_US, scene, utc
from support.ports import held_port
from support.served import NOW_US

WEEKLY = (
    "title: A weekly window with a title that is long enough to be cut, start: 2026-03-15T14:00:00Z, "
    "end: 2026-03-15T15:30:00Z, repeat: FREQ=WEEKLY;COUNT=3, announced: 2026-03-01T00:00:00Z"
)
CONTRACT = 'contracts:\n  - {name: gold, service: shop, claim: "99.9%", maintenance: {notice: 72h}}\n'
ADD = ("--title", "Patches", "--services", "shop,mail", "--start", "2026-03-16T02:00:00+01:00", "--end",
       "2026-03-16T04:00:00+01:00")  # fmt: skip


async def test_the_table_fits_80_columns_and_shows_what_stands_where() -> None:
    async with scene(WEEKLY) as (served, kept), internal(served) as api:
        said = await prober_beside("maintenance", "list", "--url", api.url)
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["key", "begins", "lasts", "notice", "is", "what"]
    first = next(line for line in lines if line.startswith(kept.written[0].key))
    assert first.split()[1:6] == ["2026-03-15", "14:00", "1h30m", "14d14h", "active"]
    assert sum(line.count("upcoming") for line in lines) == 2
    assert "shop" in said.out


async def test_an_empty_list_says_so() -> None:
    async with scene() as (served, _), internal(served) as api:
        said = await prober_beside("maintenance", "list", "--url", api.url)
    assert (said.code, said.out) == (0, "no maintenance is announced\n")


async def test_all_shows_what_is_over_and_json_is_the_daemons_own_answer() -> None:
    past = "title: Over, start: 2026-03-01T00:00:00Z, end: 2026-03-01T01:00:00Z"
    async with scene(past) as (served, _), internal(served) as api:
        shown = await prober_beside("maintenance", "list", "--all", "--json", "--url", api.url)
        own = (await api.ask("/api/v1/maintenance?from=0&limit=1000")).json
        fewer = await prober_beside("maintenance", "list", "--json", "--service", "shop", "--url", api.url)
    assert (shown.code, json.loads(shown.out)) == (0, own)
    assert [one["title"] for one in own["windows"]] == ["Over"]
    assert json.loads(fewer.out)["windows"] == []


async def test_add_announces_and_warns_of_contracts_that_will_not_excuse_it() -> None:
    async with scene(more=CONTRACT) as (served, kept), internal(served) as api:
        said = await prober_beside("maintenance", "add", *ADD, "--url", api.url)
        again = await prober_beside("maintenance", "add", *ADD, "--url", api.url)
    (row,) = kept.written
    assert (row.source, utc(row.start_us), utc(row.end_us)) == ("cli", "2026-03-16 01:00", "2026-03-16 03:00")
    assert (said.code, said.err) == (0, "")
    assert said.out == (
        f"{row.key} announced: Patches\n"
        "begins 2026-03-16 01:00 UTC, lasts 2h, notice 10h57m\n"
        "warning: contract gold asks for 3d of notice; this came 10h57m before the start and will not be excused\n"
    )
    assert again.out.startswith(f"{row.key} was on record already: Patches\n")


async def test_a_stated_announcement_counts_from_when_it_was_made() -> None:
    async with scene(more=CONTRACT) as (served, kept), internal(served) as api:
        said = await prober_beside(
            "maintenance", "add", *ADD, "--announced", "2026-03-12T00:00:00Z", "--json", "--url", api.url
        )
    got = json.loads(said.out)
    (warning,) = got["warnings"]
    assert warning.startswith(
        "the announcement is stated, it is on record here only from 2026-03-15 14:02:11"
    )
    assert (got["new"], kept.written[0].announced_us) == (
        True,
        got["window"]["announced_us"],
    )
    assert got["window"]["logged_us"] == NOW_US


async def test_cancel_takes_a_window_back() -> None:
    async with scene() as (served, kept), internal(served) as api:
        await prober_beside("maintenance", "add", *ADD, "--url", api.url)
        key = kept.written[0].key
        said = await prober_beside("maintenance", "cancel", key, "--url", api.url)
        unknown = await prober_beside("maintenance", "cancel", "nobody", "--url", api.url)
    assert (said.code, said.out) == (0, f"{key} is cancelled: Patches\n")
    assert kept.written[1].cancelled_us == NOW_US
    assert (unknown.code, unknown.err) == (
        2, "error: no maintenance has the key 'nobody'\nhint: `prober maintenance list`\n",
    )  # fmt: skip


async def test_more_time_is_a_window_of_its_own_with_its_own_notice() -> None:
    async with scene(more=CONTRACT) as (served, kept), internal(served) as api:
        await prober_beside(
            "maintenance", "add", *ADD, "--announced", "2026-03-12T00:00:00Z", "--url", api.url
        )
        first = kept.written[0]
        said = await prober_beside(
            "maintenance", "extend", first.key, "--end", "2026-03-16T04:00:00Z", "--url", api.url
        )
        not_later = await prober_beside(
            "maintenance", "extend", first.key, "--end", "2026-03-16T03:00:00Z", "--url", api.url
        )
    second = kept.written[1]
    assert (second.start_us, second.end_us) == (first.end_us, first.end_us + HOUR_US)
    assert (second.title, second.services, second.noted_us) == (first.title, first.services, NOW_US)
    lines = said.out.splitlines()
    assert lines[0] == f"{first.key} stays as it was announced; the time after it is a window of its own:"
    assert lines[3].startswith("warning: contract gold asks for 3d of notice; this came 12h57m")
    assert (not_later.code, len(kept.written)) == (2, 2)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("lst",), "no command named 'lst'"),
        (("add", "--title", "x"), "the following arguments are required: --services, --start, --end"),
        (("cancel",), "the following arguments are required: KEY"),
        (("add", *ADD[:5], "tomorrow", *ADD[6:]), "--start: 'tomorrow' is no instant"),
        (("add", *ADD[:5], "2026-03-16T02:00:00", *ADD[6:]), "--start: the offset is missing"),
    ],
)
def test_wrong_use_gives_2(arguments: tuple[str, ...], error: str) -> None:
    said = prober("maintenance", *arguments)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {error}")


@pytest.mark.parametrize("arguments", [("list",), ("add", *ADD), ("cancel", "x")])
def test_no_daemon_gives_2_and_words(arguments: tuple[str, ...]) -> None:
    with held_port() as held:
        said = prober("maintenance", *arguments, "--url", f"http://127.0.0.1:{held.getsockname()[1]}")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: no daemon answers")


async def test_a_problem_of_a_calendar_stands_above_the_table(tmp_path) -> None:
    async with scene("calendar: ops.ics", folder=tmp_path) as (served, kept), internal(served) as api:
        await kept.keeper._sources[0].refresh()
        said = await prober_beside("maintenance", "list", "--url", api.url)
    assert said.out.splitlines()[0] == "! calendar ops.ics: cannot be read: no such file or directory"


@pytest.mark.parametrize(
    ("announced", "is_told"), [("2026-03-15T14:01:11Z", False), ("2026-03-15T14:01:10Z", True)]
)
async def test_the_list_tells_an_announcement_that_is_older_than_its_record(
    announced: str, is_told: bool
) -> None:
    async with scene() as (served, _kept), internal(served) as api:
        await prober_beside("maintenance", "add", *ADD, "--announced", announced, "--url", api.url)
        said = await prober_beside("maintenance", "list", "--url", api.url)
    told = "as stated; on record since 2026-03-15 14:02" in " ".join(said.out.split())
    assert told is is_told
