"""The Statuspage v2 API in its exact shape: keys, types, words, times; nothing more at the top."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from support.asking import public
from support.served import NOW_US, SECOND_US, Scene, sample

from prober.hub.verdict import State
from prober.site.ids import public_id
from prober.site.statuspage import PATHS, Overview, instant

TOP = {
    "summary": {"page", "components", "incidents", "scheduled_maintenances", "status"},
    "status": {"page", "status"},
    "components": {"page", "components"},
    "incidents": {"page", "incidents"},
    "incidents/unresolved": {"page", "incidents"},
    "scheduled-maintenances": {"page", "scheduled_maintenances"},
    "scheduled-maintenances/upcoming": {"page", "scheduled_maintenances"},
    "scheduled-maintenances/active": {"page", "scheduled_maintenances"},
}
COMPONENT = {
    "id": str,
    "name": str,
    "status": str,
    "created_at": str,
    "updated_at": str,
    "position": int,
    "description": (str, type(None)),
    "showcase": bool,
    "start_date": (str, type(None)),
    "group_id": (str, type(None)),
    "page_id": str,
    "group": bool,
    "only_show_if_degraded": bool,
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def summary(scene: Scene, now_us: int = NOW_US) -> dict[str, Any]:
    """Return the summary of a scene."""
    got: dict[str, Any] = json.loads(Overview(scene.view, {}, now_us).body("/api/v2/summary.json"))
    return got


def word(scene: Scene, title: str, now_us: int = NOW_US) -> str:
    """Return the status of a component of a scene."""
    return next(str(one["status"]) for one in summary(scene, now_us)["components"] if one["name"] == title)


async def test_every_file_has_its_keys_and_no_other() -> None:
    async with public(sample()) as site:
        got = {path: (await site.ask(f"/api/v2/{path}.json")).json for path in TOP}
    assert {path: set(body) for path, body in got.items()} == TOP
    assert {f"/api/v2/{path}.json" for path in TOP} == set(PATHS)
    assert got["incidents"]["incidents"] == got["summary"]["scheduled_maintenances"] == []


def test_the_page_comes_first_and_is_complete() -> None:
    body = summary(sample())
    assert next(iter(body)) == "page"
    page = body["page"]
    assert list(page) == ["id", "name", "url", "time_zone", "updated_at"]
    assert (page["name"], page["url"], page["time_zone"]) == (
        "Example Shop status",
        "https://status.shop.example",
        "Etc/UTC",
    )
    assert TIME.fullmatch(page["updated_at"])


def test_components_have_every_field_in_its_type() -> None:
    for component in summary(sample())["components"]:
        assert set(component) == set(COMPONENT) | ({"components"} if component["group"] else set())
        assert all(isinstance(component[name], kind) for name, kind in COMPONENT.items())
        assert re.fullmatch("[a-z0-9]{12}", component["id"])
        assert TIME.fullmatch(component["created_at"])
        assert TIME.fullmatch(component["updated_at"])
        assert component["page_id"] == summary(sample())["page"]["id"]


def test_groups_stand_before_their_children_and_name_them() -> None:
    listed = summary(sample())["components"]
    groups = [one for one in listed if one["group"]]
    assert [(one["name"], one["position"]) for one in groups] == [
        ("Commerce", 1),
        ("Platform", 2),
        ("Communication", 3),
    ]
    for group in groups:
        children = [one for one in listed if one["group_id"] == group["id"]]
        assert group["components"] == [one["id"] for one in children]
        assert [one["position"] for one in children] == list(range(1, len(children) + 1))


def test_a_group_is_as_bad_as_its_worst_member() -> None:
    words = {one["name"]: one["status"] for one in summary(sample())["components"] if one["group"]}
    assert words == {
        "Commerce": "major_outage",
        "Platform": "degraded_performance",
        "Communication": "operational",
    }


def test_up_is_operational_and_down_is_a_major_outage() -> None:
    assert word(sample(), "Web shop") == "operational"
    assert word(sample(), "Checkout") == "major_outage"


def test_degraded_is_a_partial_outage_when_a_probe_of_it_is_down() -> None:
    scene = sample()
    assert word(scene, "Downloads") == "degraded_performance"
    scene.set_state("probe:mirror-asia", State.DOWN)
    assert word(scene, "Downloads") == "partial_outage"


def test_unknown_is_never_operational_and_says_that_it_is_not_known() -> None:
    scene = sample()
    scene.set_state("service:shop", State.UNKNOWN)
    found = next(one for one in summary(scene)["components"] if one["name"] == "Web shop")
    assert found["status"] == "degraded_performance"
    assert found["description"] == "Not known at the moment. Pages, search and the basket"


def test_when_nothing_is_measured_any_more_nothing_is_claimed() -> None:
    body = summary(sample(), NOW_US + 3_600 * SECOND_US)
    assert {one["status"] for one in body["components"]} == {"degraded_performance"}
    assert body["status"] == {"indicator": "minor", "description": "Status Not Fully Known"}


@pytest.mark.parametrize(
    ("states", "indicator", "description"),
    [
        ([State.UP], "none", "All Systems Operational"),
        ([State.UP, State.DEGRADED], "minor", "Partially Degraded Service"),
        ([State.UP, State.DOWN], "major", "Partial System Outage"),
        ([State.DOWN], "critical", "Major Service Outage"),
        ([State.UP, State.UNKNOWN], "minor", "Status Not Fully Known"),
        ([State.DOWN, State.UNKNOWN], "major", "Partial System Outage"),
    ],
)
def test_the_rollup_has_the_usual_pairs(states: list[State], indicator: str, description: str) -> None:
    scene = sample()
    scene.set_state("probe:checkout", State.UP)
    for place, name in enumerate(scene.view.services):
        scene.set_state(f"service:{name}", states[place % len(states)])
    assert summary(scene)["status"] == {"indicator": indicator, "description": description}


def test_ids_do_not_hang_on_titles_or_order() -> None:
    assert public_id("service:shop") == public_id("service:shop") != public_id("service:mail")
    assert public_id("service:shop") == "bp8gbgtrqdho"


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOW_US + 999, "2026-03-15T14:02:11.000Z"),
        (NOW_US + 1_999, "2026-03-15T14:02:11.001Z"),
    ],
)
def test_times_have_milliseconds_and_z(at_us: int, text: str) -> None:
    assert instant(at_us) == text


async def test_components_are_as_old_as_their_first_series() -> None:
    async with public(sample()) as site:
        components = (await site.ask("/api/v2/components.json")).json["components"]
    assert {one["created_at"] for one in components} == {"2025-08-27T14:02:11.000Z"}
    assert {one["start_date"] for one in components if not one["group"]} == {"2025-08-27"}


async def test_a_store_that_cannot_be_read_costs_only_the_dates() -> None:
    scene = sample()
    scene.store.problem = "gone"
    async with public(scene) as site:
        heard = await site.ask("/api/v2/components.json")
    assert heard.status == 200
    assert heard.json["components"][0]["created_at"] == instant(scene.view.started_us)


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_other_sites_may_read_it(path: str) -> None:
    async with public(sample()) as site:
        got = await site.ask(path, Origin="https://dashboard.example")
        head = await site.ask(path, "HEAD")
        options = await site.ask(path, "OPTIONS", Access_Control_Request_Method="GET")
    assert got.headers["Access-Control-Allow-Origin"] == "*"
    assert got.headers["Content-Type"] == "application/json; charset=utf-8"
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(got.body)))
    assert (options.status, options.headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "path", ["/api/v2/", "/api/v2/nothing.json", "/api/v2/summary", "/api/v1/status", "/metrics"]
)
async def test_unknown_paths_are_404(path: str) -> None:
    async with public(sample()) as site:
        assert (await site.ask(path)).status == 404
