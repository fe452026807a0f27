"""Maintenance over the own API: what is known, announcing, taking back; late announcements; who may ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import make_mocked_request
from support.asking import Asker, Heard, internal
from support.json_schema import faults
from support.maintenance import DAY_US, HOUR_US, scene
from support.served import NOW_US, sample

from prober.maintenance.book import HORIZON_US
from prober.web.errors import ApiError
from prober.web.maintenance import announce, cancel
from prober.web.params import Query
from prober.web.routes import Call

LATER = "title: Database upgrade, start: 2026-03-17T02:00:00Z, end: 2026-03-17T04:00:00Z"
OVER = "title: Long ago, start: 2026-03-01T02:00:00Z, end: 2026-03-01T04:00:00Z"
NOW = "title: Under way, description: A sentence, start: 2026-03-15T14:00:00Z, end: 2026-03-15T15:00:00Z"
CONTRACT = 'contracts:\n  - {name: gold, service: shop, claim: "99.9%", maintenance: {notice: 72h}}\n'


def path(**query: object) -> str:
    """Return the path of an announcement; what is None is left out."""
    start_us = NOW_US + 4 * DAY_US
    given = {
        "title": "Patches",
        "services": "shop,mail",
        "start": start_us,
        "end": start_us + HOUR_US,
    } | query
    pairs = (f"{name}={quote(str(value))}" for name, value in given.items() if value is not None)
    return f"/api/v1/maintenance?{'&'.join(pairs)}"


async def listed(api: Asker, query: str = "") -> dict[str, Any]:
    """Return the list."""
    got: dict[str, Any] = (await api.ask(f"/api/v1/maintenance{query}")).json
    return got


async def test_what_is_under_way_and_to_come_is_listed_by_start() -> None:
    async with scene(LATER, OVER, NOW) as (served, _), internal(served) as api:
        got = await listed(api)
        every = await listed(api, "?from=0")
    assert [(one["title"], one["standing"]) for one in got["windows"]] == [
        ("Under way", "active"),
        ("Database upgrade", "upcoming"),
    ]
    assert (got["total"], got["now_us"], got["calendars"], got["problems"]) == (2, NOW_US, [], [])
    assert [one["standing"] for one in every["windows"]] == ["over", "active", "upcoming"]
    first = got["windows"][0]
    assert (first["services"], first["description"], first["source"], first["calendar"]) == (
        ["shop"], "A sentence", "configuration", None,
    )  # fmt: skip
    assert (first["logged_us"], first["announced_us"], first["cancelled_us"]) == (NOW_US, NOW_US, None)


async def test_a_list_can_be_of_one_service_one_span_one_key_and_some_rows() -> None:
    async with scene(LATER, NOW) as (served, kept), internal(served) as api:
        key = kept.written[0].key
        assert (await listed(api, "?service=mail"))["total"] == 0
        assert (await listed(api, "?service=shop"))["total"] == 2
        assert (await listed(api, "?from=2026-03-17T04:00:00Z"))["total"] == 0
        assert (await listed(api, "?from=2026-03-17T03:59:59Z"))["total"] == 1
        assert [one["key"] for one in (await listed(api, f"?key={key}"))["windows"]] == [key]
        some = await listed(api, "?limit=1")
        assert (some["total"], len(some["windows"])) == (2, 1)
        assert (await api.ask("/api/v1/maintenance?service=shp")).json["hint"] == "did you mean 'shop'?"
        assert (await api.ask("/api/v1/maintenance?from=5&to=5")).status == 400


async def test_an_announcement_is_answered_once_it_is_on_record() -> None:
    async with scene() as (served, kept), internal(served) as api:
        got = await api.ask(path(description="Short"), "POST")
        again = await api.ask(path(), "POST")
        assert (got.status, got.json["new"], again.json["new"]) == (200, True, False)
        window = got.json["window"]
        assert (window["title"], window["services"], window["source"]) == ("Patches", ["shop", "mail"], "api")
        assert (window["announced_us"], window["logged_us"], window["standing"]) == (
            NOW_US,
            NOW_US,
            "upcoming",
        )
        assert [row.key for row in kept.written] == [window["key"]]
        assert (await listed(api))["windows"] == [window]


@pytest.mark.parametrize(("notice_us", "warned"), [(72 * HOUR_US, False), (72 * HOUR_US - 1, True)])
async def test_what_comes_late_is_taken_with_a_warning(notice_us: int, warned: bool) -> None:
    start_us = NOW_US + notice_us
    async with scene(more=CONTRACT) as (served, kept), internal(served) as api:
        got = await api.ask(path(start=start_us, end=start_us + 1), "POST")
        assert (got.status, len(kept.written)) == (200, 1)
    words = "contract gold asks for 3d of notice; this came 2d23h59m before the start and will not be excused"
    assert got.json["warnings"] == ([words] if warned else [])


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ({"title": None}, 400, "title: missing"),
        ({"title": " "}, 400, "the title is empty"),
        ({"services": "shop,shp"}, 404, "no service named 'shp'"),
        ({"services": "shop,,mail"}, 404, "no service named ''"),
        ({"start": "tomorrow"}, 400, "start: 'tomorrow' cannot be used"),
        ({"start": "2026-03-19T00:00:00"}, 400, "start: '2026-03-19T00:00:00' cannot be used"),
        ({"end": 5}, 400, "the end is not after the start"),
        ({"announced": NOW_US + 1}, 400, "announced lies in the future"),
        ({"by": "me"}, 400, "by: 'me' cannot be used"),
        ({"strat": 1}, 400, "no parameter 'strat' here"),
    ],
)
async def test_what_cannot_be_announced_is_said_and_nothing_is_written(
    query: dict[str, object], status: int, error: str
) -> None:
    async with scene() as (served, kept), internal(served) as api:
        got = await api.ask(path(**query), "POST")
        assert (got.status, got.json["error"]) == (status, error)
        assert kept.written == []


async def test_a_window_is_taken_back_and_stays_on_record() -> None:
    async with scene(LATER) as (served, kept), internal(served) as api:
        key = (await api.ask(path(), "POST")).json["window"]["key"]
        got = await api.ask(f"/api/v1/maintenance/cancel?key={key}", "POST")
        assert (got.status, got.json["window"]["cancelled_us"]) == (200, NOW_US)
        assert got.json["window"]["standing"] == "cancelled"
        own = next(row.key for row in kept.written if row.source == "configuration")
        refused = await api.ask(f"/api/v1/maintenance/cancel?key={own}", "POST")
        assert (refused.status, refused.json["error"]) == (409, "this window comes from the configuration")
        unknown = await api.ask("/api/v1/maintenance/cancel?key=nobody", "POST")
        assert (unknown.status, unknown.json["error"]) == (404, "no maintenance has the key 'nobody'")


async def test_a_calendar_that_cannot_be_read_is_a_visible_problem(tmp_path: Path) -> None:
    async with scene("calendar: ops.ics", folder=tmp_path) as (served, kept), internal(served) as api:
        await kept.keeper._sources[0].refresh()
        got = await listed(api)
    assert got["calendars"] == [
        {
            "calendar": "ops.ics",
            "services": ["shop"],
            "ok": False,
            "problem": "cannot be read: no such file or directory",
            "read_us": None,
            "tried_us": NOW_US,
            "windows": None,
        }
    ]


def refused(got: Heard) -> bool:
    """Say whether an answer is a refusal."""
    return got.status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "http://rebound.example", "Host": "rebound.example"},
    ],
)
async def test_a_page_of_another_site_cannot_announce_or_take_back(headers: dict[str, str]) -> None:
    async with scene() as (served, kept), internal(served) as api:
        assert refused(await api.ask(path(), "POST", **headers))
        assert refused(await api.ask("/api/v1/maintenance/cancel?key=x", "POST", **headers))
        assert kept.written == []


@pytest.mark.parametrize("act", [announce, cancel])
async def test_another_machine_cannot_announce_or_take_back(act: Any) -> None:
    async with scene() as (served, _):
        request = make_mocked_request("POST", path(), transport=_Far())
        with pytest.raises(ApiError) as told:
            await act(Call(served.served(), request, NOW_US, Query({}), ()))
    assert told.value.status == 403


class _Far:
    """A connection of another machine."""

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Return its address."""
        return ("192.0.2.9", 4_000) if name == "peername" else default


async def test_where_nothing_is_kept_it_is_said() -> None:
    async with internal(sample()) as api:
        assert (await api.ask("/api/v1/maintenance")).status == 503


async def test_the_list_reaches_400_days_ahead_unless_asked_otherwise() -> None:
    async with scene() as (served, _), internal(served) as api:
        start_us = NOW_US + HORIZON_US - 1
        await api.ask(path(start=start_us, end=start_us + HOUR_US), "POST")
        assert (await listed(api))["total"] == 1
        assert (await listed(api, f"?to={start_us}"))["total"] == 0


async def test_answers_fit_their_schemas(tmp_path: Path) -> None:
    async with (
        scene(LATER, "calendar: ops.ics", folder=tmp_path, more=CONTRACT) as (served, _),
        internal(served) as api,
    ):
        document = (await api.ask("/api/v1/openapi.json")).json
        announced = await api.ask(path(), "POST")
        taken_back = await api.ask(
            f"/api/v1/maintenance/cancel?key={announced.json['window']['key']}", "POST"
        )
        answers = {
            ("/api/v1/maintenance", "get"): await api.ask("/api/v1/maintenance"),
            ("/api/v1/maintenance", "post"): announced,
            ("/api/v1/maintenance/cancel", "post"): taken_back,
        }
    for (at, method), heard in answers.items():
        content = document["paths"][at][method]["responses"]["200"]["content"]["application/json"]
        assert heard.status == 200
        assert list(faults(heard.json, content["schema"], document["components"]["schemas"])) == []
